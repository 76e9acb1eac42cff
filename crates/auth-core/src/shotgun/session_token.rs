//! A login and a password, or a script's key, for a session (spec: Shotgun, sections 2.12 and 5).

use super::rpc::{self, Credentials, Envelope, FaultKind, GET_SESSION_TOKEN, RpcReply};
use super::{PROVIDER, ShotgunSite, redirected, strict_json};
use crate::error::{Error, Peer, Policy, SignsIn, Trouble};
use crate::foreign::Foreign;
use crate::oauth::is_token;
use crate::secret::Secret;
use crate::session::{Facts, Identity, Session, Tokens};
use crate::time::Now;
use crate::wire::json::Json;
use crate::wire::{Request, Response};

/// Asks for a session. Sent once: whether a code can be used twice is not known.
pub fn request(site: &ShotgunSite, credentials: Credentials) -> Request {
    rpc::request(site, GET_SESSION_TOKEN, &Envelope::from(credentials), None)
}

/// What the server made of a login and a password.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SessionTokenAnswer {
    /// They are right.
    Granted(Box<Session>),
    /// Something of it is wrong, the code included; another may be right.
    Refused(Foreign),
    /// They are right, and the code of a second factor is needed too.
    NeedsCode(Foreign),
    /// It will not go on, or cannot now.
    Failed(Error),
}

/// Reads the answer to [`request`], which was made for `login`.
pub fn read(now: Now, login: &Foreign, response: &Response) -> SessionTokenAnswer {
    use SessionTokenAnswer::{Failed, Granted, NeedsCode, Refused};
    let fault = match rpc::read(response) {
        RpcReply::Results(results) => {
            return match token(&results).filter(|_| strict_json(response).is_some()) {
                Some(token) => Granted(Box::new(session(now, login, token))),
                None => Failed(Trouble::Unreadable.into()),
            };
        }
        RpcReply::Fault(fault) => fault,
        RpcReply::ClaimsExpired => {
            let to = redirected(response).unwrap_or_default();
            return Failed(Trouble::Redirected { to }.into());
        }
        RpcReply::Failed(error) => return Failed(error),
    };
    match fault.kind() {
        FaultKind::Authentication => Refused(fault.message),
        FaultKind::MissingTwoFactor => NeedsCode(fault.message),
        FaultKind::NoPasswordsSso => Failed(Policy::NoPasswords { by: SignsIn::SingleSignOn }.into()),
        FaultKind::NoPasswordsIdentity => {
            Failed(Policy::NoPasswords { by: SignsIn::AutodeskIdentity }.into())
        }
        FaultKind::Other => Failed(Peer::Fault { message: fault.message }.into()),
    }
}

/// The token, if it is one that a cookie and a header can carry: programs use it as both.
fn token(results: &Secret) -> Option<Secret> {
    Json::read(results).ok()?.secret("session_id").filter(is_token)
}

/// A session of one token, whose end nobody knows.
pub fn session(now: Now, login: &Foreign, token: Secret) -> Session {
    let identity = Identity { id: login.clone(), provider: Foreign::from(PROVIDER) };
    Session {
        tokens: Tokens { access: Some(token), ..Tokens::default() },
        facts: Facts { received: Some(now.wall), identity: Some(identity), ..Facts::default() },
        ..Session::default()
    }
}

#[cfg(test)]
#[path = "../tests/shotgun_session_token.rs"]
mod tests;
