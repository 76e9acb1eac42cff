//! From a host's name to its addresses.

use std::error::Error;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::nonblocking::job::Job;

/// Finds a host's addresses, on a thread: the system's resolver keeps it waiting, and a runtime that ends would wait
/// for it too.
pub(super) struct Lookup {
    /// True if an address off this machine is none: what is called `localhost` must be here (N1).
    pub(super) loopback_only: bool,
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback_only = self.loopback_only;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found =
                Job::start(move || (host.as_str(), 0).to_socket_addrs().map(Vec::from_iter)).end().await;
            let mut found = found.ok().and_then(Result::ok).unwrap_or_default();
            found.retain(|address| !loopback_only || is_here(address));
            if found.is_empty() {
                return Err(Unresolved.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_here(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// A host has no address, or none that may be used.
#[derive(Debug)]
pub(super) struct Unresolved;

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has no address")
    }
}

impl Error for Unresolved {}
