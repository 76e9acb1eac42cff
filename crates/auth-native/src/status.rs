use core::time::Duration;

use auth_core::Foreign;
use auth_core::ports::Loaded;
use auth_core::session::{Identity, Session};
use auth_core::tiled::TiledUri;
use auth_core::time::{Now, Timestamp};

/// What is stored for a site, without asking the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The site.
    pub uri: TiledUri,
    /// What there is.
    pub state: State,
    /// Who is signed in; who was, if nobody is; `None` if nothing says so.
    pub user: Option<Foreign>,
    /// Who vouches for the user.
    pub provider: Option<Foreign>,
    /// When the access token ends, if that is known.
    pub expires: Option<Timestamp>,
    /// How long that is from now; zero if it has passed.
    pub expires_in: Option<Duration>,
    /// True if there is a refresh token that is not known to have ended: then a new access token can be had without a
    /// question.
    pub renewable: bool,
    /// When the refresh token ends, if that is known.
    pub refresh_expires: Option<Timestamp>,
    /// True if credentials may go there in clear.
    pub allow_http: bool,
}

/// What is stored for a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// A session whose access token can be used now, as far as is known here.
    Good,
    /// A session whose access token has ended.
    Expired,
    /// Nothing: nobody is signed in.
    None,
    /// Something that another program is in the middle of writing.
    Torn,
}

impl Status {
    pub(crate) fn new(
        uri: TiledUri,
        user: Option<Foreign>,
        allow_http: bool,
        loaded: Loaded,
        now: Now,
    ) -> Self {
        let (state, session) = match loaded {
            Loaded::Found(stored) => {
                let good = stored.session.lasts(now, Duration::ZERO);
                (if good { State::Good } else { State::Expired }, stored.session)
            }
            Loaded::None => (State::None, Session::default()),
            Loaded::Torn => (State::Torn, Session::default()),
        };
        let facts = session.facts;
        let ended = |end: Timestamp| now.wall.until(end).is_zero();
        let (id, provider) = match facts.identity {
            Some(Identity { id, provider }) => (Some(id), Some(provider).filter(|name| !name.is_empty())),
            None => (None, None),
        };
        Self {
            uri,
            state,
            user: id.or(user),
            provider,
            expires: facts.expires,
            expires_in: facts.expires.map(|end| now.wall.until(end)),
            renewable: session.tokens.refresh.is_some() && !facts.refresh_expires.is_some_and(ended),
            refresh_expires: facts.refresh_expires,
            allow_http,
        }
    }

    /// True if a token can be had without a question, as far as is known here.
    pub fn is_signed_in(&self) -> bool {
        self.state == State::Good || self.renewable
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Secret;
    use auth_core::ports::Stored;
    use auth_core::session::{Facts, Tokens};

    use super::*;

    const NOW: i64 = 1_000;

    fn of(loaded: Loaded) -> Status {
        let now = Now { wall: Timestamp(NOW), ..Now::default() };
        Status::new("http://127.0.0.1:8000".parse().unwrap(), Some("alice".into()), false, loaded, now)
    }

    fn found(access: Option<i64>, refresh: Option<i64>, identity: Option<Identity>) -> Loaded {
        let session = Session {
            tokens: Tokens {
                access: access.map(|_| Secret::from("a")),
                refresh: refresh.map(|_| Secret::from("r")),
                ..Tokens::default()
            },
            facts: Facts {
                expires: access.map(Timestamp),
                refresh_expires: refresh.map(Timestamp),
                identity,
                ..Facts::default()
            },
            ..Session::default()
        };
        Loaded::Found(Box::new(Stored { session, intent: None }))
    }

    #[test]
    fn what_is_stored_says_whether_a_token_can_be_had() {
        let cases = [
            (found(Some(NOW + 9), Some(NOW + 99), None), State::Good, true, true),
            (found(Some(NOW + 9), None, None), State::Good, false, true),
            (found(Some(NOW), Some(NOW + 99), None), State::Expired, true, true),
            (found(Some(NOW), Some(NOW), None), State::Expired, false, false),
            (found(None, Some(NOW + 99), None), State::Expired, true, true),
            (Loaded::None, State::None, false, false),
            (Loaded::Torn, State::Torn, false, false),
        ];
        for (loaded, state, renewable, signed_in) in cases {
            let status = of(loaded.clone());
            assert_eq!(
                (status.state, status.renewable, status.is_signed_in()),
                (state, renewable, signed_in)
            );
        }
    }

    #[test]
    fn the_session_knows_its_user_better_than_the_list_of_sites() {
        let bob = Identity { id: "bob".into(), provider: Foreign::default() };
        let status = of(found(Some(NOW + 60), None, Some(bob)));
        assert_eq!((status.user, status.provider), (Some("bob".into()), None));
        assert_eq!(
            (status.expires, status.expires_in),
            (Some(Timestamp(NOW + 60)), Some(Duration::from_mins(1)))
        );
        assert_eq!(of(Loaded::None).user, Some("alice".into()));
    }
}
