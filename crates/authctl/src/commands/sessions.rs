//! The account's sessions, by the server's own word.

use auth_native::SessionEntry;
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
    let failed = |error| client.failure(&error, &site, Doing::Using);
    let connection = client.connect_unasked(&site).map_err(failed)?;
    if let Some(name) = revoke {
        connection.revoke_session(&name).map_err(failed)?;
        let words = || format!("Ended the session {name} at {}.\n", shown(&site));
        output::answer(json, &Revoked { revoked: &name }, words)?;
    } else {
        let sessions = connection.sessions().map_err(failed)?;
        output::answer(json, &Sessions::new(&sessions), || lines(&sessions))?;
    }
    connection.warnings().iter().for_each(|warning| output::warning(warning));
    Ok(Exit::OK)
}

fn lines(sessions: &[SessionEntry]) -> String {
    let line = |session: &SessionEntry| {
        let state = match (session.revoked, session.expires) {
            (true, _) => "ended".to_owned(),
            (false, Some(end)) => format!("until {end} at the latest"),
            (false, None) => "no end is known".to_owned(),
        };
        format!("{}  {state}\n", session.uuid)
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
}

impl<'a> Sessions<'a> {
    fn new(sessions: &'a [SessionEntry]) -> Self {
        let entry = |session: &'a SessionEntry| Entry {
            uuid: session.uuid.raw(),
            expires_at: session.expires.map(|end| end.to_string()),
            revoked: session.revoked,
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
        assert_eq!(
            lines(&sessions),
            "a1  until 2027-01-15T08:00:00Z at the latest\nb\\u{7}  ended\nc  no end is known\n"
        );
        assert_eq!(lines(&[]), "The server names no sessions.\n");
        assert_eq!(
            to_string(&Sessions::new(&sessions[..1])),
            r#"{"sessions":[{"uuid":"a1","expires_at":"2027-01-15T08:00:00Z","revoked":false}]}"#
        );
    }
}
