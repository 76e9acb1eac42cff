use core::fmt;

use crate::foreign::strip;
use crate::secret::Secret;
use crate::site::Url;
use crate::wire::form;

/// A proxy as Shotgun's settings have it: `[user:password@]host[:port]` (spec: Shotgun, sections 2.10 and 15).
///
/// ```
/// use auth_core::shotgun::Proxy;
/// let proxy = Proxy::read("Joe:PaSs@proxy.example")?.unwrap();
/// assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 8080));
/// assert_eq!(proxy.to_string(), "***@proxy.example:8080");
/// assert_eq!(proxy.to_url().expose(), "http://Joe:PaSs@proxy.example:8080");
/// # Ok::<(), auth_core::shotgun::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// The host, ASCII, lower case; an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// A name and a password for the proxy itself. Neither is empty: with one of them missing nothing is sent.
    pub credentials: Option<(Secret, Secret)>,
}

/// The port meant when none is written.
const PORT: u16 = 8080;

impl Proxy {
    /// Reads a setting; `None` for an empty one, which means no proxy. An `http://` in front and a `/` at the end, as
    /// the environment's variables have them, are taken off.
    pub fn read(text: &str) -> Result<Option<Self>, ProxyError> {
        let text = strip(text);
        let text = match text.split_at_checked(7) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => rest,
            _ => text,
        };
        let text = text.trim_end_matches('/');
        if text.is_empty() {
            return Ok(None);
        }
        let (credentials, place) = match text.rsplit_once('@') {
            None => (None, text),
            Some((left, place)) => (Some(left.split_once(':').ok_or(ProxyError::Credentials)?), place),
        };
        let after_brackets = if place.starts_with('[') { place.find(']').unwrap_or(0) } else { 0 };
        let (host, port) = match place.get(after_brackets..).and_then(|rest| rest.find(':')) {
            None => (place, PORT),
            Some(at) => {
                let (host, port) = place.split_at(after_brackets + at);
                (host, read_port(port.get(1..).unwrap_or_default())?)
            }
        };
        // A host alone, in the one spelling that addresses have.
        let is_host = !host.contains(['/', '?', '#']);
        let url = format!("http://{host}").parse::<Url>().ok().filter(|_| is_host).ok_or(ProxyError::Host)?;
        let whole = |(user, password): &(&str, &str)| !user.is_empty() && !password.is_empty();
        Ok(Some(Self {
            host: url.origin().host().to_owned(),
            port,
            credentials: credentials
                .filter(whole)
                .map(|(user, password)| (Secret::from(user), Secret::from(password))),
        }))
    }

    /// As an address with everything in it, name and password percent-encoded: what a transport takes, and
    /// `HTTPS_PROXY`.
    pub fn to_url(&self) -> Secret {
        let place = format!("{}:{}", self.host, self.port);
        let credentials =
            self.credentials.as_ref().map(|(user, password)| [user.expose(), password.expose()]);
        let length = credentials.map_or(0, |parts| 3 * (parts[0].len() + parts[1].len()) + 2);
        // Reserved at once: a string that grows leaves copies of the password behind.
        let mut out = String::with_capacity("http://".len() + length + place.len());
        out.push_str("http://");
        if let Some([user, password]) = credentials {
            push_encoded(&mut out, user);
            out.push(':');
            push_encoded(&mut out, password);
            out.push('@');
        }
        out.push_str(&place);
        Secret::from(out)
    }
}

fn read_port(text: &str) -> Result<u16, ProxyError> {
    let port = Some(text).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    port.and_then(|port| port.parse().ok()).filter(|&port| port != 0).ok_or(ProxyError::Port)
}

fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => form::push_escape(out, byte),
        }
    }
}

/// Without the name and the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { "***@" } else { "" };
        write!(f, "{credentials}{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Why a text is not a proxy. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// `user@host`.
    #[error("not a proxy: what stands before the @ is a name and a password, with a colon between them")]
    Credentials,
    /// Not a number from 1 to 65535.
    #[error("not a proxy: not a port number")]
    Port,
    /// Missing, or no host.
    #[error("not a proxy: write user:password@host:port, or host:port")]
    Host,
}

#[cfg(test)]
#[path = "../tests/shotgun_proxy.rs"]
mod tests;
