//! Printing an access token.

use std::time::Duration;

use auth_native::blocking::SystemClock;
use auth_native::ports::Clock as _;
use auth_native::{Foreign, Now, Outcome, Renewed, Secret, Session, Warning};
use serde::Serialize;

use super::shotgun;
use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::output;
use crate::plan::Target;
use crate::report::{Doing, Failure};

pub(crate) fn run(
    client: &Client,
    site: Target,
    min_validity: Option<Duration>,
    json: bool,
) -> Result<Exit, Failure> {
    let site = client.site(site)?;
    if let Some(site) = client.shotgun(&site)? {
        return shotgun::token(client, &site, min_validity.is_some(), json);
    }
    let failed = |error| client.failure(&error, &site, Doing::Using);
    let Outcome { value, warnings } = client.auth.token(&site, min_validity).map_err(failed)?;
    let Renewed { session, .. } = value;
    let mut unsaved = None;
    for warning in warnings {
        match warning {
            Warning::NotSaved(fault) => unsaved = Some(fault),
            warning => output::warning(&warning),
        }
    }
    let Some(token) = &session.tokens.access else {
        return Err(Failure::internal("a session without an access token was taken for a good one"));
    };
    if json {
        // Who it is, where only the list of sites knows.
        let status = client.auth.status(&site).map_err(failed)?;
        let user = status.user.as_ref().map(Foreign::raw);
        output::object(&Answer::new(token, &session, SystemClock.now(), &status.uri.key().site, user))?;
    } else {
        output::secret_line(token)?;
    }
    // The token is good, and with it the session ends: what it would be renewed with is gone.
    Ok(match unsaved {
        Some(fault) => {
            let failure = Failure::not_saved(&shown(&site), &fault);
            output::failure(&failure);
            failure.exit
        }
        None => Exit::OK,
    })
}

/// The answer as JSON.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_at: Option<String>,
    expires_in: Option<u64>,
    site: &'a str,
    user: Option<&'a str>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        token: &'a Secret,
        session: &'a Session,
        now: Now,
        site: &'a str,
        user: Option<&'a str>,
    ) -> Self {
        let facts = &session.facts;
        Self {
            access_token: token.expose(),
            token_type: "bearer",
            expires_at: facts.expires.map(|end| end.to_string()),
            expires_in: session.remaining(now).map(|left| left.as_secs()),
            site,
            user: facts.identity.as_ref().map(|identity| identity.id.raw()).or(user),
        }
    }

    pub(super) fn of_kind(self, token_type: &'static str) -> Self {
        Self { token_type, ..self }
    }
}

#[cfg(test)]
mod tests {
    use auth_native::{Facts, Identity, Timestamp, Tokens};

    use super::*;
    use crate::json::to_string;

    const SITE: &str = "http://127.0.0.1:8000/api/v1/";

    #[test]
    fn a_token_is_printed_with_all_that_is_known_of_it() {
        let token = Secret::from("a.b.c");
        let now = Now { wall: Timestamp(1_800_000_000), ..Now::default() };
        let mut session = Session {
            tokens: Tokens { access: Some(token.clone()), ..Tokens::default() },
            facts: Facts {
                expires: Some(Timestamp(1_800_000_900)),
                identity: Some(Identity { id: "alice".into(), provider: "toy".into() }),
                ..Facts::default()
            },
            ..Session::default()
        };
        assert_eq!(
            to_string(&Answer::new(&token, &session, now, SITE, Some("bob"))),
            r#"{"access_token":"a.b.c","token_type":"bearer","expires_at":"2027-01-15T08:15:00Z","expires_in":900,"#
                .to_owned()
                + r#""site":"http://127.0.0.1:8000/api/v1/","user":"alice"}"#
        );
        session.facts = Facts::default();
        assert_eq!(
            to_string(&Answer::new(&token, &session, now, SITE, None)),
            r#"{"access_token":"a.b.c","token_type":"bearer","expires_at":null,"expires_in":null,"#
                .to_owned()
                + r#""site":"http://127.0.0.1:8000/api/v1/","user":null}"#
        );
    }
}
