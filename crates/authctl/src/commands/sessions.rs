//! The account's sessions, by the server's own word.

use auth_native::error::AuthError;
use auth_native::{Error, LoginOptions, Secret, SessionEntry};
use serde::Serialize;

use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::output;
use crate::plan::Target;
use crate::report::{Doing, Failure};

pub(crate) fn run(
    client: &Client,
    site: Target,
    revoke: Option<String>,
    json: bool,
) -> Result<Exit, Failure> {
    let site = client.site(site)?;
    if client.shotgun(&site)?.is_some() {
        return Err(Failure::usage(
            "a Shotgun site does not list the sessions of an account",
            "`authctl status --check` says whether the one that is kept is still accepted.",
        ));
    }
    let failed = |error| client.failure(&error, &site, Doing::Using);
    let options = LoginOptions { reuse: true, never_ask: true, ..LoginOptions::default() };
    let connection = client.auth.connect_with(&site, options).map_err(failed)?;
    if let Some(name) = revoke {
        connection.revoke_session(&name).map_err(|error| match error {
            Error::Auth(AuthError::Rejected(_)) => client.failure(&error, &site, Doing::Revoking),
            error => failed(error),
        })?;
        let words = || format!("Ended the session {name} at {}.\n", shown(&site));
        output::answer(json, &Revoked { revoked: &name }, words)?;
    } else {
        let sessions = connection.sessions().map_err(failed)?;
        let refresh = connection.session().tokens.refresh.unwrap_or_default();
        output::answer(json, &Sessions::new(&sessions, &refresh), || lines(&sessions, &refresh))?;
    }
    connection.warnings().iter().for_each(|warning| output::warning(warning));
    Ok(Exit::OK)
}

fn lines(sessions: &[SessionEntry], refresh: &Secret) -> String {
    let line = |session: &SessionEntry| {
        let ours = if session.is_of(refresh) { "  (this one)" } else { "" };
        let state = match (session.revoked, session.expires) {
            (true, _) => "ended".to_owned(),
            (false, Some(end)) => format!("until {end} at the latest"),
            (false, None) => "no end is known".to_owned(),
        };
        format!("{}  {state}{ours}\n", session.uuid)
    };
    if sessions.is_empty() {
        return "The server names no sessions.\n".to_owned();
    }
    sessions.iter().map(line).collect()
}

/// The answer as JSON.
#[derive(Serialize)]
struct Sessions<'a> {
    sessions: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    uuid: &'a str,
    expires_at: Option<String>,
    revoked: bool,
    /// True for the session that asks.
    current: bool,
}

impl<'a> Sessions<'a> {
    fn new(sessions: &'a [SessionEntry], refresh: &Secret) -> Self {
        let entry = |session: &'a SessionEntry| Entry {
            uuid: session.uuid.raw(),
            expires_at: session.expires.map(|end| end.to_string()),
            revoked: session.revoked,
            current: session.is_of(refresh),
        };
        Self { sessions: sessions.iter().map(entry).collect() }
    }
}

#[derive(Serialize)]
struct Revoked<'a> {
    revoked: &'a str,
}

#[cfg(test)]
mod tests {
    use auth_native::Timestamp;

    use super::*;
    use crate::json::to_string;

    #[test]
    fn sessions_are_printed_a_line_each() {
        let entry = |uuid: &str, expires: Option<i64>, revoked| SessionEntry {
            uuid: uuid.into(),
            expires: expires.map(Timestamp),
            revoked,
        };
        let sessions = [
            entry("a1", Some(1_800_000_000), false),
            entry("b\u{7}", Some(0), true),
            entry("c", None, false),
        ];
        // {"sid":"a1"}
        let refresh = Secret::from("e30.eyJzaWQiOiJhMSJ9.x");
        assert_eq!(
            lines(&sessions, &refresh),
            "a1  until 2027-01-15T08:00:00Z at the latest  (this one)\nb\\u{7}  ended\nc  no end is known\n"
        );
        assert_eq!(lines(&[], &refresh), "The server names no sessions.\n");
        assert_eq!(
            to_string(&Sessions::new(&sessions[..1], &refresh)),
            r#"{"sessions":[{"uuid":"a1","expires_at":"2027-01-15T08:00:00Z","revoked":false,"current":true}]}"#
        );
    }
}
