//! Which sessions are open.

use auth_core::Secret;
use auth_core::time::Timestamp;

use super::config::{SessionLife, ShotgunConfig};

/// Whose a session is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// By login.
    Person(String),
    /// By name.
    Script(String),
}

#[derive(Clone)]
pub(super) struct Session {
    token: Secret,
    pub(super) who: Who,
    began: Timestamp,
    used: Timestamp,
    /// When the identity provider was asked last.
    claimed: Timestamp,
}

impl Session {
    fn is_over(&self, life: SessionLife, now: Timestamp) -> bool {
        now >= match life {
            SessionLife::Idle(life) => self.used.after(life),
            SessionLife::Absolute(life) => self.began.after(life),
        }
    }

    /// True if what the identity provider said is too old.
    pub(super) fn is_unclaimed(&self, config: &ShotgunConfig, now: Timestamp) -> bool {
        let life = config.claims_life.filter(|_| matches!(self.who, Who::Person(_)));
        life.is_some_and(|life| now >= self.claimed.after(life))
    }
}

#[derive(Clone, Default)]
pub(super) struct Sessions(Vec<Session>);

impl Sessions {
    pub(super) fn open(&mut self, token: Secret, who: Who, now: Timestamp) {
        self.0.push(Session { token, who, began: now, used: now, claimed: now });
    }

    /// The session of this token, used now. One that is over is found, and begins again, only where the client does
    /// not mind.
    pub(super) fn used(
        &mut self,
        token: &str,
        strictly: bool,
        life: SessionLife,
        now: Timestamp,
    ) -> Option<&Session> {
        let session = self.0.iter_mut().find(|session| session.token.expose() == token)?;
        if session.is_over(life, now) {
            if strictly {
                return None;
            }
            session.began = now;
        }
        session.used = now;
        Some(session)
    }

    /// Ends this one; false if there is none.
    pub(super) fn end(&mut self, token: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|session| session.token.expose() != token);
        self.0.len() < before
    }

    /// Ends all of a person's or program's.
    pub(super) fn end_of(&mut self, name: &str) {
        self.0.retain(|session| match &session.who {
            Who::Person(who) | Who::Script(who) => who != name,
        });
    }

    /// The identity provider vouches for a person again.
    pub(super) fn claim(&mut self, login: &str, now: Timestamp) {
        let theirs = |session: &&mut Session| session.who == Who::Person(login.to_owned());
        self.0.iter_mut().filter(theirs).for_each(|session| session.claimed = now);
    }
}
