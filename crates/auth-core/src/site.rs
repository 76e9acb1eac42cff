//! Where a server is: origins and addresses, read strictly.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::secret::Secret;
use crate::wire::form;

/// How a server is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port meant when none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Scheme, host and port: what a credential belongs to. Two origins are the same only if all three are.
///
/// The host is ASCII and in lower case (an international name in its `xn--` form), so what is shown is what is
/// spoken to.
///
/// ```
/// use auth_core::site::Url;
/// let url: Url = "HTTPS://Example.ORG:443/api".parse()?;
/// assert_eq!(url.origin().to_string(), "https://example.org");
/// # Ok::<(), auth_core::site::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// In clear or over TLS.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, ASCII, lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port in use, written or not.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True where traffic does not leave this machine: an address in 127.0.0.0/8, `[::1]`, or `localhost`, for which
    /// a transport accepts loopback addresses only.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host == "[::1]"
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// True where traffic can be read on the way: in clear, and not within this machine.
    pub fn is_exposed(&self) -> bool {
        self.scheme == Scheme::Http && !self.is_loopback()
    }

    /// The root of this origin.
    pub fn url(&self) -> Url {
        Url { origin: self.clone(), path: "/".to_owned(), query: None, hidden: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// An absolute `http` or `https` address.
///
/// `Display` leaves out the query, which is where addresses carry secrets, and what [`below`](Self::below) added;
/// [`to_request`](Self::to_request) is the whole of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    origin: Origin,
    path: String,
    query: Option<String>,
    /// How many bytes at the end of the path are not shown.
    hidden: usize,
}

/// The longest address that is read.
const LONGEST: usize = 2_048;

impl Url {
    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path, percent-encoded, beginning with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows `?`, undecoded.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The same server at another path, without a query. A character that a path cannot hold is percent-encoded.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        let path = encode(path, |b| !b.is_ascii_graphic() || b"\"#<>?`{}".contains(&b));
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        Self { origin: self.origin.clone(), path, query: None, hidden: 0 }
    }

    /// The same address with a secret as one more segment of its path, whatever characters it has, and without a
    /// query. `None` for a segment that would mean another place: an empty one, `.` or `..`.
    ///
    /// ```
    /// use auth_core::{Secret, site::Url};
    /// let url: Url = "https://h/session".parse()?;
    /// let below = url.below(&Secret::from("a/b")).unwrap();
    /// assert_eq!(below.to_request(), "https://h/session/a%2Fb");
    /// assert_eq!(below.to_string(), "https://h/session/…");
    /// # Ok::<(), auth_core::site::UrlError>(())
    /// ```
    pub fn below(&self, segment: &Secret) -> Option<Self> {
        if matches!(segment.expose(), "" | "." | "..") {
            return None;
        }
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let segment = encode(segment.expose(), |b| !unreserved(b));
        let path = format!("{}/{segment}", self.path.trim_end_matches('/'));
        Some(Self { origin: self.origin.clone(), path, query: None, hidden: segment.len() })
    }

    /// The same address with another query. A character that a query cannot hold is percent-encoded.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Self {
        let query = encode(query, |b| !b.is_ascii_graphic() || b"\"#<>".contains(&b));
        Self { query: Some(query), ..self.clone() }
    }

    /// The same address on another origin.
    #[must_use]
    pub fn on(&self, origin: &Origin) -> Self {
        Self { origin: origin.clone(), ..self.clone() }
    }

    /// The whole address, as a transport needs it. A query may hold a secret: do not show this.
    pub fn to_request(&self) -> String {
        match &self.query {
            None => format!("{}{}", self.origin, self.path),
            Some(query) => format!("{}{}?{query}", self.origin, self.path),
        }
    }

    /// Reads what a server gave in `Location` or a link: absolute, or a path on this address's origin.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        if reference.starts_with("//") {
            return format!("{}:{reference}", self.origin.scheme).parse();
        }
        let scheme_end = reference.find(':').unwrap_or(0);
        if scheme_end > 0 && !reference[..scheme_end].contains(['/', '?', '#']) {
            return reference.parse();
        }
        let absolute = if reference.starts_with('/') {
            format!("{}{reference}", self.origin)
        } else {
            let folder = self.path.rfind('/').map_or("/", |end| &self.path[..=end]);
            format!("{}{folder}{reference}", self.origin)
        };
        absolute.parse()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.path.get(..self.path.len().saturating_sub(self.hidden)).unwrap_or_default();
        write!(f, "{}{shown}{}", self.origin, if self.hidden > 0 { "…" } else { "" })
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", if self.query.is_some() { "?…" } else { "" })
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > LONGEST {
            return Err(UrlError::TooLong);
        }
        if text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NotAbsolute)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::Userinfo);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None | Some("") => scheme.default_port(),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|&port| port != 0).ok_or(UrlError::Port)?
            }
            Some(_) => return Err(UrlError::Port),
        };
        let origin = Origin { scheme, host: read_host(host)?, port };
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = match rest.split_once('?') {
            None => (rest, None),
            Some((path, query)) => (path, Some(query)),
        };
        let url = origin.url().at(path);
        Ok(match query {
            None => url,
            Some(query) => url.with_query(query),
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(UrlError::Host)? + 1;
        return match authority[end..].strip_prefix(':') {
            None if authority.len() == end => Ok((authority, None)),
            None => Err(UrlError::Host),
            Some(port) => Ok((&authority[..end], Some(port))),
        };
    }
    Ok(authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))))
}

fn read_host(host: &str) -> Result<String, UrlError> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(format!("[{}]", address.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?));
    }
    if !host.is_ascii() {
        return Err(UrlError::NotAscii);
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() || host.len() > 253 || !host.bytes().all(allowed) || name.split('.').any(str::is_empty)
    {
        return Err(UrlError::Host);
    }
    // A last label that is a number in any notation makes the whole an IPv4 address (WHATWG URL): only the plain
    // notation is read, so that no two spellings name one machine.
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    if (hexadecimal || last.bytes().all(|b| b.is_ascii_digit())) && host.parse::<Ipv4Addr>().is_err() {
        return Err(UrlError::Host);
    }
    Ok(host.to_ascii_lowercase())
}

fn encode(text: &str, reserved: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if reserved(byte) {
            form::push_escape(&mut out, byte);
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

/// Why a text is not an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// No `scheme://`.
    #[error("an address begins with http:// or https://")]
    NotAbsolute,
    /// Neither `http` nor `https`.
    #[error("only http:// and https:// addresses are used")]
    Scheme,
    /// Spaces, backslashes or control characters.
    #[error("a character that no address has")]
    Character,
    /// `user:password@` in front of the host.
    #[error("a user name or password in an address is not used; leave out what stands before the @")]
    Userinfo,
    /// Missing or not a host name or IP address.
    #[error("not a host name or IP address")]
    Host,
    /// An international name in its own letters.
    #[error("the host is not ASCII; write its xn-- form (punycode)")]
    NotAscii,
    /// Not a number from 1 to 65535.
    #[error("not a port number")]
    Port,
    /// Over 2,048 characters.
    #[error("longer than 2,048 characters")]
    TooLong,
}

#[cfg(test)]
#[path = "tests/site.rs"]
mod tests;
