use super::hints::session_name;
use super::{TiledUri, detail, failure};
use crate::error::Error;
use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::session::{Identity, Session};
use crate::time::Timestamp;
use crate::wire::json::Json;
use crate::wire::{Method, Request, Response};

/// Who a server says is asking (spec: Tiled, section 12).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Principal {
    /// The account's name in the server's database.
    pub uuid: Foreign,
    /// `user` or `service`.
    pub kind: Foreign,
    /// Who it is known as; empty for services.
    pub identities: Vec<Identity>,
    /// What it may do, by the names of its roles.
    pub roles: Vec<Foreign>,
    /// Where it is signed in, and was until lately.
    pub sessions: Vec<SessionEntry>,
}

/// One sign-in of an account, as the server remembers it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct SessionEntry {
    /// Names it to [`revoke_session`].
    pub uuid: Foreign,
    /// When it ends at the latest, by the server's clock.
    pub expires: Option<Timestamp>,
    /// True if it was ended by its owner.
    pub revoked: bool,
}

impl SessionEntry {
    /// True if a refresh token is of this session, by its own word, which is not verified: for showing which one it is.
    pub fn is_of(&self, refresh: &Secret) -> bool {
        let plain = |name: &Foreign| name.raw().replace('-', "").to_ascii_lowercase();
        session_name(refresh).is_some_and(|name| plain(&name) == plain(&self.uuid))
    }
}

/// Asks who is signed in; the credential is still to be added.
pub fn whoami(uri: &TiledUri, session: &Session) -> Request {
    let url = match &session.links.whoami {
        Some(path) => uri.api().at(path),
        None => uri.below("auth/whoami"),
    };
    Request::get(url)
}

/// Reads the answer to [`whoami`]: `None` if it is not a principal.
pub fn read_whoami(response: &Response) -> Option<Principal> {
    let json = Json::read(response.body()).ok().filter(|_| response.status() == 200)?;
    let value = json.value();
    let text = |value: &serde_json::Value, name: &str| value.get(name)?.as_str().map(Foreign::new);
    let list = |name: &str| value.get(name).and_then(serde_json::Value::as_array).into_iter().flatten();
    Some(Principal {
        uuid: text(value, "uuid")?,
        kind: text(value, "type").unwrap_or_default(),
        identities: list("identities")
            .filter_map(|item| {
                Some(Identity { id: text(item, "id")?, provider: text(item, "provider").unwrap_or_default() })
            })
            .collect(),
        roles: list("roles").filter_map(|item| text(item, "name")).collect(),
        sessions: list("sessions").filter_map(read_session).collect(),
    })
}

fn read_session(value: &serde_json::Value) -> Option<SessionEntry> {
    let expires = value.get("expiration_time").and_then(serde_json::Value::as_str);
    Some(SessionEntry {
        uuid: value.get("uuid")?.as_str().map(Foreign::new)?,
        expires: expires.and_then(Timestamp::parse),
        revoked: value.get("revoked").and_then(serde_json::Value::as_bool).unwrap_or(false),
    })
}

/// Ends one of the account's sessions; the credential is still to be added (spec: Tiled, section 12). `None` if this
/// is no session's name: a server would answer it with a fault of its own.
pub fn revoke_session(uri: &TiledUri, session: &str) -> Option<Request> {
    let digits = session.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_uuid = digits == 32 && session.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let url = uri.below(&format!("auth/session/revoke/{session}"));
    is_uuid.then(|| Request { method: Method::Delete, ..Request::get(url) })
}

/// Reads the answer to [`revoke_session`].
pub fn read_revoke_session(response: &Response) -> Result<(), Error> {
    match response.status() {
        200..=299 => Ok(()),
        400 | 401 | 403 | 404 => Err(Error::Rejected(detail(response))),
        _ => Err(failure(response)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_with_strangers_in_them_are_read() {
        let body = r#"{"uuid":"9f0a-1","type":"user","identities":[{"id":"alice","provider":"toy","latest_login":null},
            {"id":7}],"roles":[{"name":"user","scopes":["read:metadata"]},{}],"api_keys":[],"sessions":[{"uuid":"s"}],
            "latest_activity":null,"strange":[{}]}"#;
        let principal = read_whoami(&Response::new(200, [], body)).unwrap();
        assert_eq!(principal.identities, [Identity { id: "alice".into(), provider: "toy".into() }]);
        assert_eq!(principal.roles, ["user".into()]);
        assert_eq!(principal.sessions, [SessionEntry { uuid: "s".into(), ..SessionEntry::default() }]);
        for (status, body) in [(200, "null"), (200, "{}"), (200, ""), (200, "[]"), (401, body)] {
            assert_eq!(read_whoami(&Response::new(status, [], body)), None, "{status} {body}");
        }
    }

    #[test]
    fn a_refresh_token_says_which_session_it_is_of() {
        let entry = SessionEntry { uuid: "0123ABCD-ef".into(), ..SessionEntry::default() };
        // {"type":"refresh","sid":"0123abcdef"}
        let ours = Secret::from("e30.eyJ0eXBlIjoicmVmcmVzaCIsInNpZCI6IjAxMjNhYmNkZWYifQ.x");
        assert!(entry.is_of(&ours));
        for other in ["opaque", "e30.e30.x", "e30.eyJzaWQiOiIwMTIzIn0.x"] {
            assert!(!entry.is_of(&Secret::from(other)), "{other}");
        }
    }

    #[test]
    fn a_session_is_named_to_be_ended_only_by_what_can_be_its_name() {
        let uri: TiledUri = "http://127.0.0.1:8000/sub".parse().unwrap();
        let cases = [
            ("0123456789abcdef0123456789ABCDEF", true),
            ("01234567-89ab-cdef-0123-456789abcdef", true),
            ("0123456789abcdef0123456789abcde", false),
            ("0123456789abcdef0123456789abcdef/../..", false),
            ("", false),
        ];
        for (name, good) in cases {
            let request = revoke_session(&uri, name);
            let url = format!("http://127.0.0.1:8000/sub/api/v1/auth/session/revoke/{name}");
            assert_eq!(request.map(|request| request.url.to_string()), good.then_some(url), "{name}");
        }
        for (status, good) in [(204, true), (401, false), (404, false), (500, false)] {
            assert_eq!(read_revoke_session(&Response::new(status, [], "")).is_ok(), good, "{status}");
        }
    }
}
