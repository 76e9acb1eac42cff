use core::fmt;
use core::str::FromStr;

use crate::foreign::Foreign;
use crate::ports::Key;
use crate::secret::Secret;
use crate::site::{Origin, Url, UrlError};
use crate::wire::form;

/// A Tiled server's address, whatever part of it a person gave (spec: Tiled, section 1).
///
/// ```
/// use auth_core::tiled::TiledUri;
/// let uri: TiledUri = "http://127.0.0.1:8000/api/v1/metadata/a/b%20c".parse()?;
/// assert_eq!(uri.api().to_string(), "http://127.0.0.1:8000/api/v1/");
/// assert_eq!(uri.node(), ["a", "b c"]);
/// assert_eq!(uri.to_string(), "http://127.0.0.1:8000");
/// # Ok::<(), auth_core::tiled::UriError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TiledUri {
    given: Url,
    api: Url,
    node: Vec<String>,
    api_key: Option<Secret>,
}

impl TiledUri {
    /// Applies Tiled's rules to an address.
    pub fn from_url(url: &Url) -> Result<Self, UriError> {
        let (given, api_key) = take_key(url)?;
        // The rules look at the decoded path, and what they leave is encoded again: `%7e` and `~` are one server.
        let path = form::percent_decode(&without_dots(url.path()));
        let (root, node) = if let Some((root, node)) = path.split_once("/metadata") {
            (root.to_owned(), node)
        } else {
            let trimmed = path.strip_suffix('/').unwrap_or(&path);
            let root = if !path.contains("/api") {
                format!("{trimmed}/api/v1")
            } else if !path.contains("/v1") {
                format!("{trimmed}/v1")
            } else {
                path.clone()
            };
            (root, "")
        };
        if root.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'\\')) {
            return Err(UriError::Path);
        }
        let root = if root.ends_with('/') { root } else { format!("{root}/") };
        let node = node.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Ok(Self { api: url.at(&root), given, node, api_key })
    }

    /// The address as it was given, without an API key.
    pub fn given(&self) -> &Url {
        &self.given
    }

    /// The root of the server's API, ending in `/`: the name under which its session is kept.
    pub fn api(&self) -> &Url {
        &self.api
    }

    /// The server's origin.
    pub fn origin(&self) -> &Origin {
        self.api.origin()
    }

    /// The path of a node inside the server, if the address named one.
    pub fn node(&self) -> &[String] {
        &self.node
    }

    /// The API key that stood in the address, if any.
    pub fn api_key(&self) -> Option<&Secret> {
        self.api_key.as_ref()
    }

    /// The address without the API key that stood in it, and the key.
    #[must_use]
    pub fn take_api_key(mut self) -> (Self, Option<Secret>) {
        let key = self.api_key.take();
        (self, key)
    }

    /// Where the session is kept: one for a server.
    pub fn key(&self) -> Key {
        Key { site: self.api.to_string(), slot: String::new() }
    }

    /// Something below the API root.
    pub fn below(&self, path: &str) -> Url {
        self.api.at(&format!("{}{path}", self.api.path()))
    }

    /// What a server's link means: its path, on this origin. Behind a proxy a server may know neither its own scheme
    /// nor its host, and no link may lead a credential to another origin (N5).
    pub fn resolve(&self, link: &str) -> Result<Url, UrlError> {
        let url = self.api.join(link)?;
        Ok(url.on(self.origin()))
    }
}

/// The shortest address that means the same server: what a person would type. The key is not in it.
impl fmt::Display for TiledUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = self.api.to_string();
        let short = long.strip_suffix("/api/v1/").unwrap_or(&long);
        let is_same = short.parse::<Self>().is_ok_and(|other| other.api == self.api);
        Foreign::from(if is_same { short } else { &long }).fmt(f)
    }
}

impl FromStr for TiledUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::from_url(&text.parse().map_err(|error| UriError::Url(Foreign::new(shown(text)), error))?)
    }
}

/// An address that is none may still carry a key behind its `?`, or a password before its `@` or where a port should
/// be: none of them is shown. Where it cannot be told which is which, nothing is.
fn shown(text: &str) -> &str {
    let (before, behind) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    if behind.contains('@') {
        return "";
    }
    let rest = before.rsplit('@').next().unwrap_or_default();
    let start = rest.find("//").map_or(0, |at| at + 2);
    let host = rest.get(start..).unwrap_or_default().split('/').next().unwrap_or_default();
    match host.rfind(':').filter(|at| host.rfind(']').is_none_or(|bracket| bracket < *at)) {
        Some(at) if !host.bytes().skip(at + 1).all(|byte| byte.is_ascii_digit()) => {
            rest.get(..start + at).unwrap_or_default()
        }
        _ => rest,
    }
}

fn take_key(url: &Url) -> Result<(Url, Option<Secret>), UriError> {
    let Some(query) = url.query() else { return Ok((url.clone(), None)) };
    let is_key = |field: &&str| form::decode(field).iter().any(|(name, _)| name == "api_key");
    let mut keys = query
        .split('&')
        .filter(is_key)
        .flat_map(form::decode)
        .map(|(_, value)| Secret::from(value))
        .filter(|value| !value.is_empty());
    let key = keys.next();
    if keys.next().is_some() {
        return Err(UriError::TwoKeys);
    }
    let rest: Vec<_> = query.split('&').filter(|field| !is_key(field)).collect();
    let plain = url.at(url.path());
    Ok((if rest.is_empty() { plain } else { plain.with_query(&rest.join("&")) }, key))
}

/// Drops `.` and `..` segments (RFC 3986 section 5.2.4, as the Python client reads it).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            ".." if kept.len() > 1 => drop(kept.pop()),
            "." | ".." => {}
            _ => kept.push(segment),
        }
    }
    kept.join("/")
}

/// Why an address is not that of a Tiled server.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// It is no address at all.
    #[error("{0:?} is not an address: {1}")]
    Url(Foreign, UrlError),
    /// `api_key` stands in it more than once.
    #[error("the address has two api_key parameters; which one is meant?")]
    TwoKeys,
    /// Its path decodes to characters that no path has.
    #[error("the address's path has a character that no server's path has")]
    Path,
}

#[cfg(test)]
#[path = "../tests/uri.rs"]
mod tests;
