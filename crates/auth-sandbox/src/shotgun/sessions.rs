//! Which sessions are open.

use core::time::Duration;

use auth_core::Secret;
use auth_core::time::Timestamp;

use super::config::{SessionLife, ShotgunConfig};

/// How many sessions are kept at one time.
pub(super) const MOST: usize = 4_096;

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
        let (since, life) = self.counted(life);
        now >= since.after(life)
    }

    /// True once it has been over for as long as it could be used.
    fn is_forgotten(&self, life: SessionLife, now: Timestamp) -> bool {
        let (since, life) = self.counted(life);
        now >= since.after(life).after(life)
    }

    /// Since when a life counts, and how long it is.
    fn counted(&self, life: SessionLife) -> (Timestamp, Duration) {
        match life {
            SessionLife::Idle(life) => (self.used, life),
            SessionLife::Absolute(life) => (self.began, life),
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
    /// Adds a session. Sessions that ended long ago go, and the one least recently used if there are too many.
    pub(super) fn open(&mut self, token: Secret, who: Who, life: SessionLife, now: Timestamp) {
        self.0.retain(|session| !session.is_forgotten(life, now));
        if self.0.len() >= MOST
            && let Some(idle) =
                self.0.iter().enumerate().min_by_key(|(_, session)| session.used).map(|(at, _)| at)
        {
            self.0.remove(idle);
        }
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

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
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
