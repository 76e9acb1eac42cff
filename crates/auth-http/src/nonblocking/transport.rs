//! One HTTP exchange, with reqwest.

mod fault;
mod lookup;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{self, Unreachable};
use auth_core::wire::{Request, Response};
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, NoProxy, Proxy, RequestBuilder, redirect, retry};
use rustls::ClientConfig;
use tokio::sync::OnceCell;

use self::lookup::Lookup;
use super::job::Job;
use super::{Threaded, aside, runtime};
use crate::ProxyChoice;
use crate::bounds::{BODY_LIMIT, CONNECT_WITHIN, HEADER_LIMIT};
use crate::drive::Broke;
use crate::proxy::{self, Chosen};
use crate::tls::Authorities;
use crate::user_agent;
use crate::user_agent::TransportError;
use crate::wiped::Wiped;

/// The variables that name a proxy, the first of them for every server.
const PROXIES: [&str; 3] = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"];

/// An exchange on its way.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<Response, Unreachable>> + Send + 'a>>;

/// A way to make one HTTP exchange without keeping a thread waiting. Follows, repeats and adds nothing.
///
/// The blocking one is [`auth_core::ports::Transport`]; [`Threaded`] makes this of it.
pub trait Transport: Send + Sync {
    /// Sends a request within its budget.
    fn send<'a>(&'a self, request: &'a Request) -> Exchange<'a>;

    /// Whether it needs the I/O of the runtime that it is called on. Defaults to no.
    fn needs_io(&self) -> bool {
        false
    }
}

impl<T: ports::Transport + ?Sized + 'static> Transport for Threaded<T> {
    fn send<'a>(&'a self, request: &'a Request) -> Exchange<'a> {
        let (transport, request) = (self.share(), request.clone());
        Box::pin(async move {
            Job::start(move || transport.send(&request)).end().await.unwrap_or_else(|broke| {
                Err(match broke {
                    Broke::Panicked => Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe },
                    Broke::NotStarted => Unreachable { fault: TransportFault::Connect, sent: Sent::No },
                })
            })
        })
    }
}

/// Makes HTTP/1.1 exchanges with reqwest and rustls, each on a connection of its own.
///
/// Nothing is followed, repeated, kept or added: no redirect, no retry, no cookie, no `.netrc`. Besides its own
/// headers, a request carries `host`, `user-agent`, `accept-encoding`, `content-length` and `connection: close`.
/// reqwest closes a connection once it has read the answer. If the server has closed it by then, no socket of the
/// client waits in `TIME_WAIT`.
///
/// Certificates are verified against what the operating system trusts, and the authorities in the file that
/// `SHOTGUN_API_CACERTS` names; nothing turns that off. `SSL_CERT_FILE` names another, on Linux instead of the
/// system's.
///
/// A proxy is taken from `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (or their lower-case names) as they
/// are at the first exchange, or else from the settings of macOS or Windows, and never used for this machine itself;
/// [`proxied`](Self::proxied) names another. `localhost` is only ever an address of this machine.
///
/// What this crate keeps of an answer is wiped, also while it grows; what hyper and reqwest copy of a message,
/// compressed or not, is not, and lasts as long as the exchange.
///
/// Bounds: 5 s to connect, the request's budget for everything, 64 KiB of headers, 1 MiB of content after it is
/// decompressed.
pub struct ReqwestTransport {
    user_agent: String,
    authorities: Authorities,
    choice: ProxyChoice,
    /// For this machine itself, which the environment's proxy is not used for.
    here: OnceCell<Option<Client>>,
    away: OnceCell<Option<Client>>,
}

impl ReqwestTransport {
    /// Makes one that calls itself `user_agent`, as in `name/version` (RFC 9110 section 10.1.5).
    pub fn new(user_agent: &str) -> Result<Self, TransportError> {
        Self::with_authorities(user_agent, &[])
    }

    /// The same, trusting the certificate authorities in these files too, which are in PEM.
    pub fn with_authorities(user_agent: &str, files: &[PathBuf]) -> Result<Self, TransportError> {
        user_agent::check(user_agent)?;
        Ok(Self {
            user_agent: user_agent.to_owned(),
            authorities: Authorities::read(files)?,
            choice: ProxyChoice::Environment,
            here: OnceCell::new(),
            away: OnceCell::new(),
        })
    }

    /// The same, with another choice of a proxy than that of the environment.
    #[must_use]
    pub fn proxied(mut self, choice: ProxyChoice) -> Self {
        self.choice = choice;
        self
    }

    /// Made when it is first needed and on a thread of its own, because reading what the system trusts takes a while.
    async fn client(&self, is_here: bool) -> Option<&Client> {
        let client = if is_here { &self.here } else { &self.away };
        let make = || async {
            let (user_agent, authorities) = (self.user_agent.clone(), self.authorities.clone());
            let choice = self.choice.clone();
            aside(move || build(&user_agent, &authorities, &choice, is_here)).await.flatten()
        };
        client.get_or_init(make).await.as_ref()
    }

    async fn exchange(&self, request: &Request) -> Result<Response, Unreachable> {
        if request.budget.is_zero() {
            return Err(Unreachable { fault: TransportFault::Timeout, sent: Sent::No });
        }
        // It is made without trouble unless what the system trusts cannot be read.
        let client = self
            .client(request.url.origin().is_loopback())
            .await
            .ok_or(Unreachable { fault: TransportFault::Tls, sent: Sent::No })?;
        let mut response = head(client, request).send().await.map_err(|error| fault::of(&error))?;
        let size =
            |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + ": \r\n".len();
        if response.headers().iter().map(size).sum::<usize>() > HEADER_LIMIT {
            return Err(fault::TOO_LARGE);
        }
        let content = content(&mut response).await?;
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_ref()));
        Ok(Response::new(response.status().as_u16(), headers, content))
    }
}

impl Transport for ReqwestTransport {
    fn send<'a>(&'a self, request: &'a Request) -> Exchange<'a> {
        Box::pin(async move {
            // Where nobody looked before: without a runtime nothing is connected to.
            runtime::check(true)
                .map_err(|_| Unreachable { fault: TransportFault::Connect, sent: Sent::No })?;
            proxy::let_in(request, self.exchange(request).await?)
        })
    }

    fn needs_io(&self) -> bool {
        true
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

fn build(user_agent: &str, authorities: &Authorities, choice: &ProxyChoice, is_here: bool) -> Option<Client> {
    let builder = builder(user_agent, authorities, is_here)?;
    let builder = match choice.of(is_here) {
        Chosen::None => builder.no_proxy(),
        Chosen::This(proxy) => builder.no_proxy().proxy(through(proxy)?),
        Chosen::Environment => match from_environment() {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        },
    };
    builder.build().ok()
}

fn builder(user_agent: &str, authorities: &Authorities, is_here: bool) -> Option<ClientBuilder> {
    let tls = ClientConfig::clone(&*authorities.config()?);
    Some(
        Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(user_agent)
            .gzip(true)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .http1_only()
            // A connection is used once (N8).
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_WITHIN)
            .dns_resolver(Lookup { loopback_only: is_here }),
    )
}

/// The proxy that the environment names: the same as the blocking transport's.
fn from_environment() -> Option<Proxy> {
    let spellings = PROXIES.into_iter().flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
    let mut addresses =
        spellings.filter_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let proxy = addresses.find_map(|address| Proxy::all(address).ok())?;
    Some(proxy.no_proxy(NoProxy::from_env()))
}

fn through(proxy: &auth_core::shotgun::Proxy) -> Option<Proxy> {
    Proxy::all(proxy.to_url().expose()).ok()
}

fn head(client: &Client, request: &Request) -> RequestBuilder {
    let method = match request.method {
        auth_core::wire::Method::Get => Method::GET,
        auth_core::wire::Method::Post => Method::POST,
        auth_core::wire::Method::Put => Method::PUT,
        auth_core::wire::Method::Delete => Method::DELETE,
    };
    // A connection is used once (N8), and the server is the one to close it.
    let head = client.request(method, request.url.to_request()).header(CONNECTION, "close");
    let mut head = head.timeout(request.budget);
    for (name, value) in request.headers() {
        // What a header cannot hold makes an error of the whole.
        head = match HeaderValue::from_str(value.expose()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                head.header(name, value)
            }
            Err(_) => head.header(name, value.expose()),
        };
    }
    match (request.content(), request.method) {
        (Some(content), _) => head.body(content.expose().as_bytes().to_vec()),
        (None, auth_core::wire::Method::Post | auth_core::wire::Method::Put) => {
            head.header(CONTENT_LENGTH, 0)
        }
        (None, _) => head,
    }
}

async fn content(response: &mut reqwest::Response) -> Result<Vec<u8>, Unreachable> {
    let announced = response.content_length().unwrap_or(0);
    if announced > BODY_LIMIT {
        return Err(fault::TOO_LARGE);
    }
    let limit = usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX);
    let mut content = Wiped::with_room(announced);
    while let Some(chunk) = response.chunk().await.map_err(|error| fault::of(&error))? {
        if content.len() + chunk.len() > limit {
            return Err(fault::TOO_LARGE);
        }
        content.extend(&chunk);
    }
    Ok(content.take())
}

#[cfg(test)]
mod same;
