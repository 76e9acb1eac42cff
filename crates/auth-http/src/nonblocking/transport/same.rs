//! What the blocking transport promises, this one promises too.

use std::path::PathBuf;
use std::time::Duration;

use auth_core::error::Sent;
use auth_core::ports::{Transport, Unreachable};
use auth_core::wire::{Request, Response};
use reqwest::header::HeaderValue;

use super::{BODY_LIMIT, ReqwestTransport, TransportError};
use crate::ProxyChoice;

/// What the tests of every transport are about: here, the one that keeps no thread waiting, waited for.
#[derive(Debug)]
struct Subject(ReqwestTransport);

/// What its client's records are named after.
const CLIENT: &str = "reqwest";
/// A request in clear is given to a proxy to pass on; for others it makes a connection.
const TUNNELS_ALL: bool = false;
/// reqwest closes a connection as soon as it has read the answer, unless the server has done so by then.
const LETS_THE_SERVER_CLOSE: bool = false;
/// No connection waits for that.
const MOST_WAITING: usize = 0;
/// reqwest does not say how far it got.
const IN_A_HANDSHAKE: Sent = Sent::Maybe;

impl Subject {
    fn new(user_agent: &str) -> Result<Self, TransportError> {
        ReqwestTransport::new(user_agent).map(Self)
    }

    fn with_authorities(user_agent: &str, files: &[PathBuf]) -> Result<Self, TransportError> {
        ReqwestTransport::with_authorities(user_agent, files).map(Self)
    }

    fn proxied(self, choice: ProxyChoice) -> Self {
        Self(self.0.proxied(choice))
    }

    /// reqwest gives the server no time.
    fn closed_within(self, _: Duration) -> Self {
        self
    }
}

impl Transport for Subject {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(super::Transport::send(&self.0, request))
    }
}

fn head(request: &Request) -> Result<reqwest::Request, reqwest::Error> {
    super::head(
        &super::build("tests/1.0", &super::Authorities::default(), &ProxyChoice::Environment, true).unwrap(),
        request,
    )
    .build()
}

#[path = "../../tests/transport.rs"]
mod tests;
