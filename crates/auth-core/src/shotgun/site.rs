use core::fmt;
use core::str::FromStr;

use super::login::canonical;
use crate::error::Policy;
use crate::foreign::strip;
use crate::ports::Key;
use crate::site::{Origin, Url, UrlError};

/// A Shotgun site: everything is at fixed paths of one origin (spec: Shotgun, sections 1.1 and 1.2).
///
/// It is read from what a person types: without a scheme it is `https`, and what follows the host is left out.
///
/// ```
/// use auth_core::shotgun::ShotgunSite;
/// let site: ShotgunSite = " Studio.ShotGrid.autodesk.com/projects?x=1 ".parse()?;
/// assert_eq!(site.to_string(), "https://studio.shotgrid.autodesk.com");
/// assert_eq!("localhost:3000".parse::<ShotgunSite>()?.to_string(), "https://localhost:3000");
/// # Ok::<(), auth_core::site::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ShotgunSite(Origin);

impl ShotgunSite {
    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.0
    }

    /// Names a login's session at this site. Spellings of one login have one key
    /// ([`same_login`](super::same_login)).
    ///
    /// # Errors
    ///
    /// [`Policy::BlankName`] if the login is empty or only white space.
    pub fn key(&self, login: &str) -> Result<Key, Policy> {
        let key = Key { site: self.to_string(), slot: canonical(login) };
        if key.lacks_login() { Err(Policy::BlankName) } else { Ok(key) }
    }

    /// Names the site without a login. Its users share one lock for prompts and one history of them; loading finds the
    /// session of the user who signed in to the site last.
    pub fn site_key(&self) -> Key {
        Key { site: self.to_string(), slot: String::new() }
    }

    /// Where calls are sent.
    pub fn rpc(&self) -> Url {
        self.at("/api3/json")
    }

    /// A path of the site, without a query.
    pub fn at(&self, path: &str) -> Url {
        self.0.url().at(path)
    }
}

impl From<Origin> for ShotgunSite {
    fn from(origin: Origin) -> Self {
        Self(origin)
    }
}

/// Scheme and host, and the port if it is not the scheme's own; no `/` at the end.
impl fmt::Display for ShotgunSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ShotgunSite {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = strip(text);
        let before_path = text.find(['/', '?', '#']).unwrap_or(text.len());
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.len() < before_path => (Some(scheme), rest),
            _ => (None, text.strip_prefix("//").unwrap_or(text)),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        // Before anything is cut off, so that nothing in front of an @ is taken for the host.
        if authority.contains('@') {
            return Err(UrlError::Userinfo);
        }
        let authority = authority.split(';').next().unwrap_or_default();
        if scheme.is_none() && authority.ends_with(':') {
            // `http:/host`, which would be a host called `http`.
            return Err(UrlError::NotAbsolute);
        }
        let url: Url = format!("{}://{authority}", scheme.unwrap_or("https")).parse()?;
        Ok(Self(url.origin().clone()))
    }
}

#[cfg(test)]
#[path = "../tests/shotgun_site.rs"]
mod tests;
