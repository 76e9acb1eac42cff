use super::contract::{Machine, Pending};
use super::retry::Attempts;
use super::{Event, Outcome, Step};
use crate::error::{Error, Misuse, Peer, Policy, TransportFault, Trouble};
use crate::question::Notice;
use crate::seed::Seed;
use crate::site::{Scheme, Url};
use crate::tiled::{About, TiledUri};
use crate::time::Now;
use crate::wire::{Request, Response};

/// How many redirects a handshake follows, on one origin.
const HOPS: u8 = 5;

/// The handshake: is this a Tiled server, and how does one sign in to it (spec: Tiled, sections 1 and 2).
///
/// An `http` address off this machine is asked once whether it has an `https` one; if not, it is refused, unless
/// [`allow_http`](Self::allow_http) was said. No credential is sent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Discover {
    uri: TiledUri,
    seed: Seed,
    allow_http: bool,
    hops: u8,
    attempts: Attempts,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    New,
    Probing,
    Warning,
    Asking(Url),
    Pausing(Url),
}

/// A server that was found.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Discovered {
    /// Its address; on `https` if the probe found that.
    pub uri: TiledUri,
    /// What it says of itself.
    pub about: About,
}

impl Discover {
    /// For the server at an address.
    pub fn new(uri: TiledUri, seed: Seed) -> Self {
        Self {
            uri,
            seed,
            allow_http: false,
            hops: 0,
            attempts: Attempts::default(),
            state: State::New,
            pending: Pending::default(),
        }
    }

    /// Lets credentials go over the network in clear to this server, which is told to the person each time.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    fn ask(&mut self, url: Url) -> Step<Discovered> {
        self.state = State::Asking(url.clone());
        Step::Send(Request::get(url))
    }

    fn ask_root(&mut self) -> Step<Discovered> {
        self.ask(self.uri.api().clone())
    }

    fn is_exposed(&self) -> bool {
        self.uri.origin().is_exposed()
    }

    fn probed(&mut self, event: &Event) -> Step<Discovered> {
        if let Event::Response(response) = event
            && let Some(uri) = upgrade(&self.uri, response)
        {
            self.uri = uri;
        }
        if !self.is_exposed() {
            return self.ask_root();
        }
        if self.allow_http {
            self.state = State::Warning;
            return Step::Tell(Notice::PlainHttp(self.uri.origin().clone()));
        }
        Step::Done(Err(match event {
            // Before it matters how it is spoken to.
            Event::Unreachable { fault: TransportFault::Resolve, .. } => {
                Trouble::Unreachable(TransportFault::Resolve).into()
            }
            _ => Policy::PlainHttp(self.uri.origin().clone()).into(),
        }))
    }

    fn answered(&mut self, now: Now, url: &Url, response: &Response) -> Step<Discovered> {
        if response.is_redirect() && response.header("location").is_some() {
            return self.redirected(url, response);
        }
        if response.status() >= 500 || response.status() == 429 {
            let again = self.attempts.again(now, &Event::Response(response.clone()), &self.seed);
            return self.pause_or(again, url, crate::tiled::failure(response));
        }
        Step::Done(match About::read(&self.uri, url, response) {
            Ok(about) => Ok(Outcome::clean(Discovered { uri: self.uri.clone(), about })),
            Err(peer) => Err(peer.into()),
        })
    }

    fn redirected(&mut self, url: &Url, response: &Response) -> Step<Discovered> {
        let location = response.header("location").unwrap_or_default();
        match url.join(location) {
            Ok(next) if next.origin() == url.origin() => {
                self.hops += 1;
                if self.hops > HOPS { Step::Done(Err(Peer::Circles.into())) } else { self.ask(next) }
            }
            _ => Step::Done(Err(crate::tiled::elsewhere(url, location).into())),
        }
    }

    fn pause_or(&mut self, again: Option<crate::time::Tick>, url: &Url, error: Error) -> Step<Discovered> {
        match again {
            Some(until) => {
                self.state = State::Pausing(url.clone());
                Step::Wait { until }
            }
            None => Step::Done(Err(error)),
        }
    }
}

/// Where an `http` address says its `https` one is: the same host, the default port (spec: Tiled, section 1.2).
fn upgrade(uri: &TiledUri, response: &Response) -> Option<TiledUri> {
    let place: Url = response.header("location").filter(|_| response.is_redirect())?.parse().ok()?;
    let origin = place.origin();
    let same =
        origin.scheme() == Scheme::Https && origin.host() == uri.origin().host() && origin.port() == 443;
    // Whatever stands in its query was written by whoever answered in clear.
    TiledUri::from_url(&place.at(place.path())).ok().filter(|_| same)
}

impl Machine for Discover {
    type Output = Discovered;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Discovered>, Misuse> {
        if event == Event::Cancel {
            return Ok(Step::Done(Err(Error::Cancelled)));
        }
        Ok(match (self.state.clone(), event) {
            (State::New, _) if self.is_exposed() => {
                self.state = State::Probing;
                Step::Send(Request::get(self.uri.given().clone()))
            }
            (State::New | State::Warning, _) => self.ask_root(),
            (State::Probing, event) => self.probed(&event),
            (State::Pausing(url), _) => self.ask(url),
            (State::Asking(url), Event::Response(response)) => self.answered(now, &url, &response),
            (State::Asking(url), event) => {
                let fault = match event {
                    Event::Unreachable { fault, .. } => fault,
                    _ => TransportFault::Timeout,
                };
                let again = self.attempts.again(now, &event, &self.seed);
                self.pause_or(again, &url, Trouble::Unreachable(fault).into())
            }
        })
    }
}

#[cfg(test)]
#[path = "../tests/discover.rs"]
mod tests;
