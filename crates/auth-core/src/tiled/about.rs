use super::TiledUri;
use crate::error::Peer;
use crate::foreign::Foreign;
use crate::session::Links;
use crate::site::Url;
use crate::wire::Response;
use crate::wire::json::Json;

/// What a server says of itself before anybody is signed in (spec: Tiled, section 2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct About {
    /// The server's version, for showing.
    pub version: Foreign,
    /// True if nothing can be read without signing in.
    pub required: bool,
    /// The ways to sign in, in the server's order.
    pub providers: Vec<Provider>,
    /// Where sessions are looked after.
    pub links: Links,
}

/// One way to sign in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Provider {
    /// What the server calls it.
    pub name: Foreign,
    /// How it works.
    pub mode: Mode,
    /// What the server says to somebody who has signed in with it; see [`confirmation`].
    pub confirmation: Foreign,
}

/// How a provider works.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Mode {
    /// A name and a password, sent to this address. The server says `internal`, or `password` if it is old.
    Password(Url),
    /// At another site, in a browser.
    External,
    /// Something else.
    Unknown(Foreign),
}

impl About {
    /// Reads the answer to a GET of the API root, which was asked for at `url`. Members that signing in does not need
    /// may be missing or strange.
    pub fn read(uri: &TiledUri, url: &Url, response: &Response) -> Result<Self, Peer> {
        let not_tiled = |why: &str| Peer::NotTiled {
            url: Foreign::new(url.to_string()),
            status: response.status(),
            why: Foreign::from(why),
        };
        if response.status() != 200 {
            return Err(not_tiled(""));
        }
        let json = Json::read(response.body()).map_err(|_| not_tiled("what came is not JSON"))?;
        let authentication = json
            .value()
            .get("authentication")
            .filter(|value| value.is_object())
            .ok_or_else(|| not_tiled("what came has no `authentication`"))?;
        let empty = Vec::new();
        let providers = authentication.get("providers").and_then(|list| list.as_array()).unwrap_or(&empty);
        let path = |name: &str| {
            let link = authentication.get("links")?.get(name)?.as_str()?;
            uri.resolve(link).ok().map(|url| url.path().to_owned())
        };
        Ok(Self {
            version: text(json.value(), "library_version"),
            required: authentication.get("required").and_then(serde_json::Value::as_bool).unwrap_or(false),
            providers: providers.iter().filter_map(|provider| read_provider(uri, provider)).collect(),
            links: Links { whoami: path("whoami"), refresh: path("refresh_session") },
        })
    }
}

fn read_provider(uri: &TiledUri, value: &serde_json::Value) -> Option<Provider> {
    let name = value.get("provider")?.as_str().map(Foreign::new)?;
    let mode = match value.get("mode")?.as_str()? {
        "internal" | "password" => {
            let link = value.get("links")?.get("auth_endpoint")?.as_str()?;
            Mode::Password(uri.resolve(link).ok()?)
        }
        "external" => Mode::External,
        other => Mode::Unknown(Foreign::new(other)),
    };
    Some(Provider { name, mode, confirmation: text(value, "confirmation_message") })
}

fn text(value: &serde_json::Value, name: &str) -> Foreign {
    value.get(name).and_then(serde_json::Value::as_str).map(Foreign::new).unwrap_or_default()
}

/// A server's confirmation message with the literal `{id}` replaced by who signed in. The message is data: nothing
/// else in it means anything (T2).
///
/// ```
/// use auth_core::{Foreign, tiled::confirmation};
/// let said = confirmation(&Foreign::from("Hello {id}, {id.__class__} {0}"), &Foreign::from("alice"));
/// assert_eq!(said.to_string(), "Hello alice, {id.__class__} {0}");
/// ```
pub fn confirmation(message: &Foreign, id: &Foreign) -> Foreign {
    match message.raw().split_once("{id}") {
        None => message.clone(),
        Some((before, after)) => Foreign::new(format!("{before}{}{after}", id.raw())),
    }
}

#[cfg(test)]
#[path = "../tests/about.rs"]
mod tests;
