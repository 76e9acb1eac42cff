use super::contract::{Machine, Pending};
use super::{Event, Outcome, Step};
use crate::error::{Error, Misuse, TransportFault, Trouble};
use crate::secret::Secret;
use crate::tiled::{RevokeAnswer, TiledUri, read_revoke, revoke};
use crate::time::Now;

/// What became of a session on the server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Revocation {
    /// It is over.
    Revoked,
    /// It lives on until its end: this happened.
    Failed(Error),
    /// There was no refresh token, so there was nothing to revoke it with.
    Impossible,
}

/// Ends a session on the server (spec: Tiled, section 12). Takes 10 s at most, and always ends well: a failure is its
/// output. Nested in the flows that give a session up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Revoke {
    uri: TiledUri,
    refresh: Option<Secret>,
    pending: Pending,
}

impl Revoke {
    /// With the session's refresh token, if it has one.
    pub(super) fn new(uri: TiledUri, refresh: Option<Secret>) -> Self {
        Self { uri, refresh, pending: Pending::default() }
    }
}

impl Machine for Revoke {
    type Output = Revocation;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, _now: Now, event: Event) -> Result<Step<Revocation>, Misuse> {
        let end = |revocation| Step::Done(Ok(Outcome::clean(revocation)));
        let unreachable = |fault| end(Revocation::Failed(Trouble::Unreachable(fault).into()));
        Ok(match event {
            Event::Start => match &self.refresh {
                Some(refresh) => Step::Send(revoke(&self.uri, refresh)),
                None => end(Revocation::Impossible),
            },
            Event::Response(response) => end(match read_revoke(&response) {
                RevokeAnswer::Over => Revocation::Revoked,
                RevokeAnswer::Failed(error) => Revocation::Failed(error),
            }),
            Event::Cancel => end(Revocation::Failed(Error::Cancelled)),
            Event::Unreachable { fault, .. } => unreachable(fault),
            _ => unreachable(TransportFault::Timeout),
        })
    }
}
