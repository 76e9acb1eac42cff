//! Sessions to keep, for the tests of this crate.

use auth_core::ports::{Change, Key, Loaded, Replaces, Store, Stored};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Foreign, Secret};

pub(crate) fn key() -> Key {
    Key { site: "http://127.0.0.1:18701/api/v1/".to_owned(), slot: String::new() }
}

fn token(text: &str) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::from(text))
}

/// Somebody's session, with all there can be in one.
pub(crate) fn session_of(user: &str, access: &str, refresh: &str) -> Session {
    Session {
        tokens: Tokens { access: token(access), refresh: token(refresh), ..Tokens::default() },
        facts: Facts {
            received: (!access.is_empty()).then_some(Timestamp(1_000)),
            expires: (!access.is_empty()).then_some(Timestamp(1_900)),
            refresh_expires: (!refresh.is_empty()).then_some(Timestamp(9_000)),
            identity: Some(Identity { id: Foreign::from(user), provider: Foreign::from("toy") }),
            principal: Some(Foreign::new(format!("principal of {user}"))),
        },
        links: Links {
            whoami: Some("/api/v1/auth/whoami".to_owned()),
            refresh: Some("/api/v1/auth/session/refresh".to_owned()),
        },
    }
}

pub(crate) fn session(access: &str, refresh: &str) -> Session {
    session_of("alice", access, refresh)
}

pub(crate) fn save(session: Session) -> Change {
    Change::Save { key: key(), session: Box::new(session), replaces: Replaces::Anything }
}

#[cfg(all(unix, feature = "file"))]
pub(crate) fn clear(session: &Session) -> Change {
    Change::ClearIf { key: key(), generation: session.tokens.generation() }
}

pub(crate) fn found(store: &dyn Store) -> Stored {
    match store.load(&key()).unwrap() {
        Loaded::Found(stored) => *stored,
        nothing => panic!("{nothing:?}"),
    }
}
