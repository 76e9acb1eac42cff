//! One HTTP exchange, with ureq.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_core::ports::{Transport, Unreachable};
use auth_core::wire::{Method, Request, Response};
use ureq::config::Config;
use ureq::http::header::CONNECTION;
use ureq::http::{self, HeaderValue};
use ureq::{Agent, Proxy, ProxyProtocol};

use super::closing::{self, CLOSES_WITHIN, Done};
use super::connect::{self, Lookup, Progress};
use super::secure::Trust;
use crate::ProxyChoice;
use crate::bounds::{BODY_LIMIT, CONNECT_WITHIN, HEADER_LIMIT};
use crate::proxy::{self, Chosen};
use crate::tls::Authorities;
use crate::user_agent;
use crate::user_agent::TransportError;
use crate::wiped::Wiped;

// ureq writes every byte of every message to `log` at the level `trace`: tokens, passwords, everything (S6). The
// feature of `log` that this crate turns on takes that out of the program.
const _: () = assert!(log::STATIC_MAX_LEVEL as usize <= log::LevelFilter::Debug as usize);

/// Makes HTTP/1.1 exchanges with ureq and rustls, each on a connection of its own.
///
/// Nothing is followed, repeated, kept or added: no redirect, no retry, no cookie, no `.netrc`. Besides its own
/// headers, a request carries `host`, `user-agent`, `accept-encoding`, `content-length` and `connection: close`. The
/// server closes the connection, so that no socket of the client waits in `TIME_WAIT`. It has half a second for that,
/// which the caller does not wait: up to 16 connections of a process wait on threads of their own, and any other is
/// closed at once.
///
/// Certificates are verified against what the operating system trusts, and the authorities in the file that
/// `SHOTGUN_API_CACERTS` names; nothing turns that off. `SSL_CERT_FILE` names another, on Linux instead of the
/// system's.
///
/// A proxy is taken from `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (or their lower-case names) as they
/// are when this is made, and never used for this machine itself; [`proxied`](Self::proxied) names another. `localhost`
/// is only ever an address of this machine.
///
/// What this crate copies of a message is wiped, also while it grows; ureq's buffers for a connection and for what was
/// compressed are not, and last as long as the connection.
///
/// Bounds: 5 s to connect, the request's budget for everything, 64 KiB of headers, 1 MiB of content after it is
/// decompressed.
pub struct UreqTransport {
    user_agent: String,
    choice: ProxyChoice,
    /// The one that the environment names.
    proxy: Option<Proxy>,
    tls: Arc<Trust>,
    closes_within: Duration,
}

impl UreqTransport {
    /// Makes one that calls itself `user_agent`, as in `name/version` (RFC 9110 section 10.1.5).
    pub fn new(user_agent: &str) -> Result<Self, TransportError> {
        Self::with_authorities(user_agent, &[])
    }

    /// The same, trusting the certificate authorities in these files too, which are in PEM.
    pub fn with_authorities(user_agent: &str, files: &[PathBuf]) -> Result<Self, TransportError> {
        user_agent::check(user_agent)?;
        Ok(Self {
            user_agent: user_agent.to_owned(),
            choice: ProxyChoice::Environment,
            proxy: Proxy::try_from_env(),
            tls: Arc::new(Trust::new(Authorities::read(files)?)),
            closes_within: CLOSES_WITHIN,
        })
    }

    /// The same, with another choice of a proxy than that of the environment.
    #[must_use]
    pub fn proxied(mut self, choice: ProxyChoice) -> Self {
        self.choice = choice;
        self
    }

    /// The proxy to go through, which fails if ureq cannot take it.
    fn proxy(&self, is_here: bool) -> Result<Option<Proxy>, ureq::Error> {
        let proxy = match self.choice.of(is_here) {
            Chosen::None => return Ok(None),
            Chosen::Environment => return Ok(self.proxy.clone()),
            Chosen::This(proxy) => proxy,
        };
        let builder = Proxy::builder(ProxyProtocol::Http).host(&proxy.host).port(proxy.port);
        let builder = match &proxy.credentials {
            Some((user, password)) => builder.username(user.expose()).password(password.expose()),
            None => builder,
        };
        builder.build().map(Some)
    }

    /// A client for one exchange: so no connection can be used twice (N8), and what is noted of it is its own.
    fn agent(&self, request: &Request, progress: &Progress, done: &Done) -> Result<Agent, ureq::Error> {
        let here = request.url.origin().is_loopback();
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .max_response_header_size(HEADER_LIMIT)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_global(Some(request.budget))
            .user_agent(&self.user_agent)
            .accept("")
            .accept_encoding("gzip")
            .proxy(self.proxy(here)?)
            .build();
        let lookup = Lookup { progress: progress.clone(), loopback_only: here };
        Ok(Agent::with_parts(config, connect::connector(progress, &self.tls, done), lookup))
    }

    fn exchange(&self, request: &Request, progress: &Progress) -> Result<Response, ureq::Error> {
        let (began, done) = (Instant::now(), Done::default());
        let head = head(request)?;
        let agent = self.agent(request, progress, &done)?;
        let mut response = match (request.content(), request.method) {
            (Some(content), _) => agent.run(head.map(|()| content.expose().as_bytes()))?,
            (None, Method::Post | Method::Put) => agent.run(head.map(|()| &b""[..]))?,
            (None, Method::Get | Method::Delete) => agent.run(head)?,
        };
        let body = content(&mut response)?;
        if closing::closes(&response) {
            done.let_server_close(self.closes_within, request.budget.saturating_sub(began.elapsed()));
        }
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_ref()));
        Ok(Response::new(response.status().as_u16(), headers, body))
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let progress = Progress::default();
        let response = self
            .exchange(request, &progress)
            .map_err(|error| Unreachable { fault: progress.fault(&error), sent: progress.sent() })?;
        proxy::let_in(request, response)
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

fn head(request: &Request) -> Result<http::Request<()>, ureq::Error> {
    let mut head = http::Request::builder().method(request.method.as_str()).uri(request.url.to_request());
    for (name, value) in request.headers() {
        let mut value = HeaderValue::from_str(value.expose()).map_err(http::Error::from)?;
        value.set_sensitive(true);
        head = head.header(name, value);
    }
    // A connection is used once (N8), and the server is the one that closes it.
    Ok(head.header(CONNECTION, "close").body(())?)
}

fn content(response: &mut http::Response<ureq::Body>) -> Result<Vec<u8>, ureq::Error> {
    let announced = response.body().content_length().unwrap_or(0);
    if announced > BODY_LIMIT {
        return Err(ureq::Error::BodyExceedsLimit(BODY_LIMIT));
    }
    let mut body = Wiped::with_room(announced);
    body.read_to_end(response.body_mut().with_config().limit(BODY_LIMIT).reader())?;
    Ok(body.take())
}

#[cfg(test)]
impl UreqTransport {
    /// Gives the server this long to close a connection.
    pub(crate) fn closed_within(self, closes_within: Duration) -> Self {
        Self { closes_within, ..self }
    }
}

/// What the tests of every transport are about, and what its client's records are named after.
#[cfg(test)]
use UreqTransport as Subject;
#[cfg(test)]
const CLIENT: &str = "ureq";
/// Whether a proxy makes connections for addresses in clear too.
#[cfg(test)]
const TUNNELS_ALL: bool = true;
/// Whether the server has the time to close a connection that it said it would.
#[cfg(test)]
const LETS_THE_SERVER_CLOSE: bool = true;
/// How many connections wait at once for their servers to close them.
#[cfg(test)]
const MOST_WAITING: usize = closing::MOST_WAITING;
/// What is known of a request whose time was up in the TLS handshake.
#[cfg(test)]
const IN_A_HANDSHAKE: auth_core::error::Sent = auth_core::error::Sent::No;

#[cfg(test)]
#[path = "../tests/transport.rs"]
mod tests;
