use core::fmt;
use core::time::Duration;

use zeroize::Zeroize as _;

use super::json;
use crate::secret::Secret;
use crate::site::Url;

/// The methods the protocols use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Reads; may be repeated.
    Get,
    /// Changes something; sent once.
    Post,
    /// Asks again what became of something (Shotgun's app session launcher); sent without content.
    Put,
    /// Removes something.
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request shows to be let in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Authorization {
    /// An access token (RFC 6750 section 2.1).
    Bearer(Secret),
    /// A Tiled API key (spec: Tiled, section 10).
    ApiKey(Secret),
}

impl Authorization {
    /// The value of the header `Authorization` (RFC 9110 section 11.6.2).
    ///
    /// ```
    /// use auth_core::{Secret, wire::Authorization};
    /// assert_eq!(Authorization::Bearer(Secret::from("t")).header().expose(), "Bearer t");
    /// assert_eq!(Authorization::ApiKey(Secret::from("k")).header().expose(), "Apikey k");
    /// ```
    pub fn header(&self) -> Secret {
        let (scheme, value) = match self {
            Self::Bearer(token) => ("Bearer ", token),
            Self::ApiKey(key) => ("Apikey ", key),
        };
        // In one piece: a text that grows may leave a part of itself behind.
        Secret::from([scheme, value.expose()].concat())
    }

    /// The first message on a WebSocket of a server that requires signing in (spec: Tiled, section 10). The handshake
    /// before it carries no credential: Tiled takes no access token in its header there.
    ///
    /// ```
    /// use auth_core::{Secret, wire::Authorization};
    /// let message = Authorization::Bearer(Secret::from("t")).first_message();
    /// assert_eq!(message.expose(), r#"{"type":"auth","access_token":"t"}"#);
    /// ```
    pub fn first_message(&self) -> Secret {
        let (name, value) = match self {
            Self::Bearer(token) => ("access_token", token),
            Self::ApiKey(key) => ("api_key", key),
        };
        json::object(&[("type", "auth"), (name, value.expose())])
    }
}

/// A request's content. Always secret: most of what is sent here is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Body {
    /// `application/x-www-form-urlencoded`.
    Form(Secret),
    /// `application/json`.
    Json(Secret),
}

/// One HTTP exchange to make. Nobody below the flow that made it follows a redirect, repeats it or adds a credential.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    /// GET, POST, PUT or DELETE.
    pub method: Method,
    /// Where to, query included.
    pub url: Url,
    /// The credential, for this origin only.
    pub authorization: Option<Authorization>,
    /// The content, if any.
    pub body: Option<Body>,
    /// How long the whole exchange may take.
    pub budget: Duration,
}

/// How long a read may take in all.
pub const READ_BUDGET: Duration = Duration::from_secs(30);
/// How long a request to a token endpoint may take in all.
pub const TOKEN_BUDGET: Duration = Duration::from_secs(10);

impl Request {
    /// A read without a credential.
    pub fn get(url: Url) -> Self {
        Self { method: Method::Get, url, authorization: None, body: None, budget: READ_BUDGET }
    }

    /// A request to a token endpoint.
    pub fn token(url: Url, body: Body) -> Self {
        Self { method: Method::Post, url, authorization: None, body: Some(body), budget: TOKEN_BUDGET }
    }

    /// The same request, showing a credential.
    #[must_use]
    pub fn authorized(self, authorization: Authorization) -> Self {
        Self { authorization: Some(authorization), ..self }
    }

    /// Every header but `Host`, `Content-Length`, `User-Agent` and those of the connection, names in lower case.
    pub fn headers(&self) -> Vec<(&'static str, Secret)> {
        let mut headers = vec![("accept", Secret::from("application/json"))];
        if let Some(authorization) = &self.authorization {
            headers.push(("authorization", authorization.header()));
        }
        match &self.body {
            Some(Body::Form(_)) => {
                headers.push(("content-type", Secret::from("application/x-www-form-urlencoded")));
            }
            Some(Body::Json(_)) => headers.push(("content-type", Secret::from("application/json"))),
            None => {}
        }
        headers
    }

    /// The bytes of the content, if any.
    pub fn content(&self) -> Option<&Secret> {
        self.body.as_ref().map(|body| match body {
            Body::Form(content) | Body::Json(content) => content,
        })
    }
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Secret,
}

/// Replaces what is not UTF-8, and wipes the bytes.
fn lossy(mut bytes: Vec<u8>) -> String {
    // In one piece: a byte becomes three at most, and a text that grows leaves a part of itself behind.
    let mut text = String::with_capacity(3 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    bytes.zeroize();
    text
}

/// The headers that flows read; the others are dropped on arrival.
pub const HEADERS_READ: [&str; 5] = ["content-type", "location", "date", "retry-after", "www-authenticate"];

impl Response {
    /// Takes an answer apart. Header names may be in any case; a body that is not UTF-8 has its strange bytes
    /// replaced (no protocol here has one).
    pub fn new<'a>(
        status: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .filter(|(name, _)| HEADERS_READ.contains(&name.as_str()))
            .collect();
        let body = match String::from_utf8(body.into()) {
            Ok(text) => Secret::from(text),
            Err(error) => Secret::from(lossy(error.into_bytes())),
        };
        Self { status, headers, body }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's first value, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every header kept.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The content; often a token.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// True for 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True for the redirects that name a place to go (RFC 9110 section 15.4).
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_just_the_headers_it_needs() {
        let url: Url = "https://h/x".parse().unwrap();
        let get = Request::get(url.clone()).authorized(Authorization::Bearer(Secret::from("t")));
        let shown = |request: &Request| {
            request
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.expose()))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&get), ["accept: application/json", "authorization: Bearer t"]);
        let key = Request::get(url.clone()).authorized(Authorization::ApiKey(Secret::from("k")));
        assert_eq!(shown(&key), ["accept: application/json", "authorization: Apikey k"]);
        let post = Request::token(url, Body::Form(Secret::from("a=b")));
        assert_eq!(
            shown(&post),
            ["accept: application/json", "content-type: application/x-www-form-urlencoded"]
        );
        assert_eq!(post.content(), Some(&Secret::from("a=b")));
    }

    #[test]
    fn messages_are_not_printed_s1() {
        let request = Request::token("https://h/x".parse().unwrap(), Body::Json(Secret::from("canary")))
            .authorized(Authorization::Bearer(Secret::from("canary")));
        let response = Response::new(200, [("Set-Cookie", "canary"), ("Date", "d")], "canary");
        let shown = format!("{request:?} {response:?} {:?}", request.headers());
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(response.headers().collect::<Vec<_>>(), [("date", "d")]);
    }

    #[test]
    fn a_body_of_any_bytes_is_taken() {
        assert_eq!(Response::new(200, [], vec![0xff, b'a']).body().expose(), "\u{fffd}a");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_without_a_copy_s5() {
        for bytes in [&b"\xff"[..], b"a\xf0\x9f\x98b\xe2\x82", &[0xff; 1_000], b"\xed\xa0\x80", b"plain"] {
            let text = lossy(bytes.to_vec());
            assert_eq!(text, String::from_utf8_lossy(bytes));
            assert_eq!(text.capacity(), 3 * bytes.len(), "it has grown");
        }
    }
}
