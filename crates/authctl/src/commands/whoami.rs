//! Asking the server who is signed in.

use auth_native::blocking::User;
use auth_native::{Foreign, Outcome};
use serde::Serialize;

use super::shotgun;
use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::plan::Target;
use crate::report::{Doing, Failure};
use crate::{output, text};

pub(crate) fn run(client: &Client, site: Target, json: bool) -> Result<Exit, Failure> {
    let (site, key) = client.site_and_key(site)?;
    if let Some(site) = client.shotgun(&site)? {
        return shotgun::whoami(client, &site, json);
    }
    let doing = if key.is_some() { Doing::ShowingKey } else { Doing::Using };
    let failed = |error| client.failure(&error, &site, doing);
    let with_key = |key| Ok(Outcome::clean(client.auth.connect_with_key(&site, key)?.whoami()?));
    let asked = key.map_or_else(|| client.auth.whoami(&site), with_key);
    let Outcome { value: user, warnings } = asked.map_err(failed)?;
    for warning in warnings {
        output::warning(&warning);
    }
    let uri = client.auth.status(&site).map_err(failed)?.uri.key().site;
    output::answer(json, &Whoami::new(&user, &uri), || {
        let name = user.name().to_string();
        let provider = user.provider().map(Foreign::to_string);
        format!("{} at {}\n", text::user(Some(&name), provider.as_deref()), shown(&uri))
    })?;
    Ok(Exit::OK)
}

/// The answer as JSON.
#[derive(Serialize)]
struct Whoami<'a> {
    site: &'a str,
    user: &'a str,
    provider: Option<&'a str>,
    uuid: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    identities: Vec<Identity<'a>>,
    roles: Vec<&'a str>,
}

#[derive(Serialize)]
struct Identity<'a> {
    id: &'a str,
    provider: &'a str,
}

impl<'a> Whoami<'a> {
    fn new(user: &'a User, site: &'a str) -> Self {
        let principal = user.principal();
        let identity = |identity: &'a auth_native::Identity| Identity {
            id: identity.id.raw(),
            provider: identity.provider.raw(),
        };
        Self {
            site,
            user: user.name().raw(),
            provider: user.provider().map(Foreign::raw),
            uuid: principal.uuid.raw(),
            kind: principal.kind.raw(),
            identities: principal.identities.iter().map(identity).collect(),
            roles: principal.roles.iter().map(Foreign::raw).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_native::Principal;

    use super::*;
    use crate::json::to_string;

    const SITE: &str = "http://127.0.0.1:8000/api/v1/";

    #[test]
    fn a_person_and_a_service_are_printed() {
        let alice = auth_native::Identity { id: "alice".into(), provider: "toy".into() };
        let person = Principal {
            uuid: "9f0a".into(),
            kind: "user".into(),
            identities: vec![alice],
            roles: vec!["user".into(), "admin".into()],
            sessions: Vec::new(),
        };
        let service =
            Principal { identities: Vec::new(), roles: Vec::new(), kind: "service".into(), ..person.clone() };
        let cases = [
            (
                person,
                r#"{"site":"http://127.0.0.1:8000/api/v1/","user":"alice","provider":"toy","uuid":"9f0a","type":"user","identities":[{"id":"alice","provider":"toy"}],"roles":["user","admin"]}"#,
            ),
            (
                service,
                r#"{"site":"http://127.0.0.1:8000/api/v1/","user":"9f0a","provider":null,"uuid":"9f0a","type":"service","identities":[],"roles":[]}"#,
            ),
        ];
        for (principal, printed) in cases {
            assert_eq!(to_string(&Whoami::new(&User::from(principal), SITE)), printed);
        }
    }
}
