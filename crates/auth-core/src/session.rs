//! What is known of somebody who is signed in.

use core::time::Duration;

use crate::digest::Digest;
use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::time::{Now, Timestamp};

/// What a server gave to be shown to it again. Any of them may be missing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tokens {
    /// Shown with every request; lives minutes.
    pub access: Option<Secret>,
    /// Redeemed for new tokens; lives days.
    pub refresh: Option<Secret>,
    /// Says who somebody is (OpenID Connect); kept for the servers that want it back.
    pub id: Option<Secret>,
    /// What a browser was given together with the access token (Shotgun's `session_metadata`: cookies in base64).
    pub metadata: Option<Secret>,
}

impl Tokens {
    /// True if there is nothing to be signed in with.
    pub fn is_empty(&self) -> bool {
        self.access.is_none() && self.refresh.is_none()
    }

    /// The name of just these tokens.
    pub fn generation(&self) -> Generation {
        Generation(Digest::of_parts(&[
            self.access.as_ref().map(Secret::expose),
            self.refresh.as_ref().map(Secret::expose),
            self.id.as_ref().map(Secret::expose),
            self.metadata.as_ref().map(Secret::expose),
        ]))
    }
}

/// Names one state of a stored session: a digest of its tokens, so that whoever changed them last, in whatever
/// program, is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Generation(pub Digest);

/// A person as a server names them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Identity {
    /// The name signed in with.
    pub id: Foreign,
    /// Who vouched for it.
    pub provider: Foreign,
}

/// What a token does not say of itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Facts {
    /// When the access token was received, by this machine's clock.
    pub received: Option<Timestamp>,
    /// When the access token ends, by this machine's clock.
    pub expires: Option<Timestamp>,
    /// When the refresh token ends, by this machine's clock.
    pub refresh_expires: Option<Timestamp>,
    /// Who is signed in.
    pub identity: Option<Identity>,
    /// The server's own name of the account, the same through all renewals.
    pub principal: Option<Foreign>,
}

/// Where on the site's own origin a session is looked after: paths, percent-encoded.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Links {
    /// Says who is signed in.
    pub whoami: Option<String>,
    /// Redeems a refresh token.
    pub refresh: Option<String>,
}

/// Somebody signed in to a site.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Session {
    /// The tokens.
    pub tokens: Tokens,
    /// What is known of them; hints, where no better is known (see the hints of [`crate::tiled`]).
    pub facts: Facts,
    /// Where it is looked after, if that was learnt.
    pub links: Links,
}

impl Session {
    /// How long before its end a token is renewed: a tenth of its life, a minute at most, nothing if the life is
    /// unknown.
    pub fn margin(&self) -> Duration {
        match (self.facts.received, self.facts.expires) {
            (Some(received), Some(expires)) => (received.until(expires) / 10).min(Duration::from_mins(1)),
            _ => Duration::ZERO,
        }
    }

    /// How long the access token lasts from now: `None` if unknown, zero if it is over or missing.
    pub fn remaining(&self, now: Now) -> Option<Duration> {
        if self.tokens.access.is_none() {
            return Some(Duration::ZERO);
        }
        self.facts.expires.map(|expires| now.wall.until(expires))
    }

    /// True if the access token can be used for at least `need` longer; one of unknown life can be until it is
    /// refused.
    pub fn lasts(&self, now: Now, need: Duration) -> bool {
        self.tokens.access.is_some() && self.remaining(now).is_none_or(|left| left > need)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(received: Option<i64>, expires: Option<i64>) -> Session {
        Session {
            tokens: Tokens { access: Some(Secret::from("a")), ..Tokens::default() },
            facts: Facts {
                received: received.map(Timestamp),
                expires: expires.map(Timestamp),
                ..Facts::default()
            },
            ..Session::default()
        }
    }

    #[test]
    fn the_margin_is_a_tenth_of_the_life_and_a_minute_at_most_n9() {
        let cases = [
            (Some(0), Some(900), 60_000),
            (Some(0), Some(100), 10_000),
            (Some(0), Some(3), 300),
            (Some(10), Some(5), 0),
            (None, Some(900), 0),
            (Some(0), None, 0),
        ];
        for (received, expires, millis) in cases {
            assert_eq!(session(received, expires).margin(), Duration::from_millis(millis));
        }
    }

    #[test]
    fn a_token_of_unknown_life_is_used_until_refused() {
        let now = Now { wall: Timestamp(50), ..Now::default() };
        assert!(session(None, None).lasts(now, Duration::from_hours(1)));
        assert!(session(None, Some(61)).lasts(now, Duration::from_secs(10)));
        assert!(!session(None, Some(60)).lasts(now, Duration::from_secs(10)));
        assert!(!Session::default().lasts(now, Duration::ZERO));
    }

    #[test]
    fn a_generation_is_of_all_tokens() {
        let tokens = |access: &str, refresh: &str| Tokens {
            access: Some(Secret::from(access)),
            refresh: Some(Secret::from(refresh)),
            ..Tokens::default()
        };
        assert_eq!(tokens("a", "b").generation(), tokens("a", "b").generation());
        assert_ne!(tokens("a", "b").generation(), tokens("a", "c").generation());
        assert_ne!(tokens("a", "b").generation(), tokens("c", "b").generation());
        assert_ne!(tokens("a", "b").generation(), Tokens::default().generation());
    }
}
