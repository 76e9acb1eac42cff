//! A site without a socket between.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{Clock as _, Transport, Unreachable};
use auth_core::site::Origin;
use auth_core::wire::{Request, Response};

use crate::clock::SiteClock;
use crate::message::SiteRequest;
use crate::site::Site;
use crate::tiled::TiledSite;

/// The longest content that is taken, in bytes: what a transport over a network takes.
const LARGEST: usize = 1 << 20;

/// A transport to one site. Nobody is found at any other origin.
///
/// A delayed answer turns the clock: by the delay, or by the request's budget where that is shorter, and then the
/// answer is not waited for.
pub struct InProcess<S = TiledSite> {
    site: Arc<Mutex<S>>,
    clock: SiteClock,
    origin: Origin,
    strays: Arc<Mutex<Vec<Origin>>>,
}

impl<S> InProcess<S> {
    /// A way to this site, which is at this origin.
    pub fn new(site: Arc<Mutex<S>>, clock: SiteClock, origin: Origin) -> Self {
        Self { site, clock, origin, strays: Arc::default() }
    }

    /// The site.
    pub fn site(&self) -> Arc<Mutex<S>> {
        Arc::clone(&self.site)
    }

    /// The other origins that requests were sent to, one for each request.
    pub fn strays(&self) -> Vec<Origin> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Site> Transport for InProcess<S> {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        if *request.url.origin() != self.origin {
            self.strays.lock().unwrap_or_else(PoisonError::into_inner).push(request.url.origin().clone());
            return Err(Unreachable { fault: TransportFault::Connect, sent: Sent::No });
        }
        let reply = {
            let mut site = self.site.lock().unwrap_or_else(PoisonError::into_inner);
            site.serve(self.clock.now().wall, &SiteRequest::from(request))
        };
        self.clock.advance(reply.delay.min(request.budget));
        if reply.delay >= request.budget {
            return Err(Unreachable { fault: TransportFault::Timeout, sent: Sent::Maybe });
        }
        let lost = Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe };
        let response = reply.response.ok_or(lost)?;
        if response.body().len() > LARGEST {
            return Err(Unreachable { fault: TransportFault::TooLarge, sent: Sent::Maybe });
        }
        Ok(Response::from(response))
    }
}

impl<S> Clone for InProcess<S> {
    fn clone(&self) -> Self {
        Self {
            site: Arc::clone(&self.site),
            clock: self.clock.clone(),
            origin: self.origin.clone(),
            strays: Arc::clone(&self.strays),
        }
    }
}

impl<S> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InProcess({})", self.origin)
    }
}

#[cfg(test)]
#[path = "tests/in_process.rs"]
mod tests;
