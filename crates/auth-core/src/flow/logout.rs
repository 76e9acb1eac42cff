use super::contract::{Machine, Pending};
use super::{Event, Held, Outcome, Resource, Step};
use crate::error::{Error, Misuse, StoreFault, StoreFaultKind, TransportFault, Trouble};
use crate::foreign::Foreign;
use crate::ports::{Change, Loaded, LockKind, Stored};
use crate::question::{Holder, Notice};
use crate::session::Generation;
use crate::tiled::{RevokeAnswer, TiledUri, read_revoke, revoke};
use crate::time::Now;

/// How often a session that changes under our hands is removed again.
const CLEARS: u8 = 3;

/// Ends a session on the server and removes it here (spec: Tiled, section 12).
///
/// It is removed here whatever the server says; what the server said is the outcome. A cancel before the server was
/// asked leaves everything as it was, one after that does not wait for the answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Logout {
    uri: TiledUri,
    held: Option<Held>,
    clears: u8,
    principal: Option<Foreign>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    Locking,
    Telling(Holder),
    Waiting(Holder),
    Looking,
    Revoking(Generation),
    Clearing(Revocation),
    Closing(Result<LoggedOut, Error>),
}

/// What became of the session on the server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Revocation {
    /// It is over.
    Revoked,
    /// It lives on until its end: this happened.
    Failed(Error),
    /// There was no refresh token, so there was nothing to revoke it with.
    Impossible,
}

/// Nobody is signed in here any more.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LoggedOut {
    /// What became of the session on the server.
    pub revocation: Revocation,
}

impl Logout {
    /// For the session stored for a server.
    pub fn new(uri: TiledUri) -> Self {
        Self {
            uri,
            held: None,
            clears: 0,
            principal: None,
            state: State::Locking,
            pending: Pending::default(),
        }
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<LoggedOut> {
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: self.uri.key() }, wait }
    }

    fn end(&mut self, result: Result<LoggedOut, Error>) -> Step<LoggedOut> {
        if let Some(held) = self.held.take() {
            self.state = State::Closing(result);
            return Step::Close(held);
        }
        Step::Done(result.map(Outcome::clean))
    }

    fn revoke(&mut self, stored: &Stored) -> Step<LoggedOut> {
        let generation = stored.session.tokens.generation();
        self.principal.clone_from(&stored.session.facts.principal);
        match &stored.session.tokens.refresh {
            Some(token) => {
                self.state = State::Revoking(generation);
                Step::Send(revoke(&self.uri, token))
            }
            None => self.clear(generation, Revocation::Impossible),
        }
    }

    fn clear(&mut self, generation: Generation, revocation: Revocation) -> Step<LoggedOut> {
        self.clears += 1;
        self.state = State::Clearing(revocation);
        Step::Apply(Change::ClearIf { key: self.uri.key(), generation })
    }
}

impl Machine for Logout {
    type Output = LoggedOut;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, _now: Now, event: Event) -> Result<Step<LoggedOut>, Misuse> {
        let fault = |kind| Error::Store(StoreFault { kind, path: Foreign::default() });
        let failed = |fault| Revocation::Failed(Trouble::Unreachable(fault).into());
        Ok(match (self.state.clone(), event) {
            (State::Revoking(generation), Event::Cancel) => {
                self.clear(generation, Revocation::Failed(Error::Cancelled))
            }
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),
            (State::Locking, Event::Start) => self.lock(State::Locking, false),
            (State::Locking | State::Waiting(_), Event::Opened(held)) => {
                self.held = Some(held);
                self.state = State::Looking;
                Step::Load(self.uri.key())
            }
            (State::Locking, Event::Busy(holder)) => {
                self.state = State::Telling(holder.clone());
                Step::Tell(Notice::Waiting(holder))
            }
            (State::Telling(holder), _) => self.lock(State::Waiting(holder), true),
            (State::Locking | State::Waiting(_) | State::Looking, Event::StoreFailed(fault)) => {
                self.end(Err(fault.into()))
            }
            (State::Waiting(_), Event::Busy(holder)) | (State::Waiting(holder), _) => {
                self.end(Err(fault(StoreFaultKind::Locked(holder))))
            }
            (State::Locking, _) => self.end(Err(fault(StoreFaultKind::Locked(Holder::default())))),
            (State::Looking, Event::Loaded(Loaded::Found(stored))) => self.revoke(&stored),
            (State::Looking, Event::Loaded(Loaded::None)) => self.end(Err(Error::NotSignedIn)),
            (State::Looking, _) => self.end(Err(fault(StoreFaultKind::Timeout))),
            (State::Revoking(generation), Event::Response(response)) => {
                let revocation = match read_revoke(&response) {
                    RevokeAnswer::Over => Revocation::Revoked,
                    RevokeAnswer::Failed(error) => Revocation::Failed(error),
                };
                self.clear(generation, revocation)
            }
            (State::Revoking(generation), Event::Unreachable { fault, .. }) => {
                self.clear(generation, failed(fault))
            }
            (State::Revoking(generation), _) => self.clear(generation, failed(TransportFault::Timeout)),
            // Somebody else signed in meanwhile: that is not ours to remove.
            (State::Clearing(revocation), Event::Conflict(stored))
                if stored.session.facts.principal != self.principal =>
            {
                self.end(Ok(LoggedOut { revocation }))
            }
            // Renewed by somebody who knows nothing of our locks: that is the same session, and it goes too.
            (State::Clearing(revocation), Event::Conflict(stored)) if self.clears < CLEARS => {
                self.clear(stored.session.tokens.generation(), revocation)
            }
            (State::Clearing(_), Event::StoreFailed(fault)) => self.end(Err(fault.into())),
            (State::Clearing(_), Event::Conflict(_) | Event::TimedOut) => {
                self.end(Err(fault(StoreFaultKind::Timeout)))
            }
            (State::Clearing(revocation), _) => self.end(Ok(LoggedOut { revocation })),
            (State::Closing(result), _) => self.end(result),
        })
    }
}

#[cfg(test)]
#[path = "../tests/logout.rs"]
mod tests;
