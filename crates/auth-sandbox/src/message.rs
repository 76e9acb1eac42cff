//! What comes to a site and what goes out.

use core::fmt;
use core::time::Duration;

use auth_core::Secret;
use auth_core::site::Scheme;
use auth_core::time::Timestamp;
use auth_core::wire::{Request, Response};
use serde_json::{Value, json};

/// One request as a site sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteRequest {
    scheme: Scheme,
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, Secret)>,
    body: Secret,
}

impl SiteRequest {
    /// A request over `http`, without headers and content. The target is a path, perhaps with a query, both
    /// percent-encoded.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            None => (target, None),
            Some((path, query)) => (path, Some(query.to_owned())),
        };
        Self {
            scheme: Scheme::Http,
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            body: Secret::default(),
        }
    }

    /// The same request with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The same request with this content.
    #[must_use]
    pub fn with_body(self, body: Secret) -> Self {
        Self { body, ..self }
    }

    /// The same request, come in this way.
    #[must_use]
    pub fn over(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// How it came.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The method, in upper case as a rule.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows `?`, undecoded.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// A header's first value, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose())
    }

    /// The content; empty if there is none.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// A cookie's value, from the `Cookie` header.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }

    /// The content's type without its parameters, in lower case.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

impl From<&Request> for SiteRequest {
    fn from(request: &Request) -> Self {
        let origin = request.url.origin();
        let shown = origin.to_string();
        let host = shown.split_once("://").map_or(shown.as_str(), |(_, host)| host);
        let site = Self {
            scheme: origin.scheme(),
            method: request.method.as_str().to_owned(),
            path: request.url.path().to_owned(),
            query: request.url.query().map(str::to_owned),
            headers: vec![("host".to_owned(), Secret::from(host))],
            body: request.content().cloned().unwrap_or_default(),
        };
        request.headers().into_iter().fold(site, |site, (name, value)| site.with_header(name, value))
    }
}

/// Shows neither headers nor query nor content.
impl fmt::Debug for SiteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = crate::record::shown_path(&self.path);
        write!(
            f,
            "SiteRequest({} {path}, {} bytes)",
            crate::record::shown_method(&self.method),
            self.body.len()
        )
    }
}

/// One answer of a site, with every header a server sends.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Secret,
}

impl SiteResponse {
    /// An answer without content.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Secret::default() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::text(status, "application/json", value.to_string())
    }

    /// A refusal or failure, in the form that Tiled's framework gives them.
    pub(crate) fn detail(status: u16, detail: impl Into<Value>) -> Self {
        Self::json(status, &json!({ "detail": detail.into() }))
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Secret>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    /// A body whose type is not said.
    pub(crate) fn plain(status: u16, body: &str) -> Self {
        Self { body: Secret::from(body), ..Self::empty(status) }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_body(self, body: Secret) -> Self {
        Self { body, ..self }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's first value, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every header but those of the connection, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The content; often a token.
    pub fn body(&self) -> &Secret {
        &self.body
    }
}

impl From<SiteResponse> for Response {
    fn from(response: SiteResponse) -> Self {
        Self::new(response.status, response.headers(), response.body.expose())
    }
}

/// Shows no header and no content.
impl fmt::Debug for SiteResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// What becomes of a request once a site's faults had their say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The answer; `None` where the connection ends without one.
    pub response: Option<SiteResponse>,
    /// How long after the request it comes.
    pub delay: Duration,
}

/// A moment as HTTP writes it (RFC 9110 section 5.6.7).
pub(crate) fn http_date(time: Timestamp) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let weekday = usize::try_from(time.0.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let weekday = WEEKDAYS.get(weekday).copied().unwrap_or_default();
    let shown = time.to_string();
    let (date, clock) = shown.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let mut date = date.rsplitn(3, '-');
    let (day, month, year) =
        (date.next().unwrap_or_default(), date.next().unwrap_or_default(), date.next().unwrap_or_default());
    let month = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).copied();
    format!("{weekday}, {day} {} {year} {clock} GMT", month.unwrap_or_default())
}

/// A moment as Tiled writes it where the database keeps no offset (spec: Tiled, section 2).
pub(crate) fn naive(time: Timestamp) -> String {
    time.to_string().trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use auth_core::wire::{Authorization, Body};

    use super::*;

    #[test]
    fn a_request_of_ours_arrives_whole() {
        let url = "https://Example.org:8443/api/v1/auth/whoami?x=1".parse().unwrap();
        let request = Request::token(url, Body::Json(Secret::from("{}")))
            .authorized(Authorization::Bearer(Secret::from("t")));
        let seen = SiteRequest::from(&request);
        assert_eq!((seen.method(), seen.path(), seen.query()), ("POST", "/api/v1/auth/whoami", Some("x=1")));
        assert_eq!((seen.scheme(), seen.header("host")), (Scheme::Https, Some("example.org:8443")));
        assert_eq!(seen.header("authorization"), Some("Bearer t"));
        assert_eq!(seen.content_type().as_deref(), Some("application/json"));
        assert_eq!(seen.body().expose(), "{}");
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let request = SiteRequest::new("GET", "/").with_header("Cookie", "a=1; tiled_csrf=x=y ;b");
        let cases = [("a", Some("1")), ("tiled_csrf", Some("x=y")), ("csrf", None), ("b", None)];
        for (name, value) in cases {
            assert_eq!(request.cookie(name), value, "{name}");
        }
    }

    #[test]
    fn messages_are_not_printed_s1() {
        let request = SiteRequest::new("GET", "/x?api_key=canary")
            .with_header("authorization", "Bearer canary")
            .with_body(Secret::from("canary"));
        let response = SiteResponse::text(200, "text/plain", "canary").with_header("set-cookie", "canary");
        let reply = Reply { response: Some(response.clone()), delay: Duration::ZERO };
        let shown = format!("{request:?} {response:?} {reply:?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(format!("{request:?}"), "SiteRequest(GET /x, 6 bytes)");
    }

    #[test]
    fn dates_are_written_as_http_has_them() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_795_408_693, "Mon, 23 Nov 2026 04:38:13 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(http_date(Timestamp(seconds)), shown);
        }
        let _ = (http_date(Timestamp(i64::MIN)), http_date(Timestamp(i64::MAX)));
    }
}
