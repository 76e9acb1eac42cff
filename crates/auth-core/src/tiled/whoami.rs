use super::TiledUri;
use crate::foreign::Foreign;
use crate::session::{Identity, Session};
use crate::wire::json::Json;
use crate::wire::{Request, Response};

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
    })
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
        for (status, body) in [(200, "null"), (200, "{}"), (200, ""), (200, "[]"), (401, body)] {
            assert_eq!(read_whoami(&Response::new(status, [], body)), None, "{status} {body}");
        }
    }
}
