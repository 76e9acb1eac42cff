//! From a host's name to a connection, with a note of how far it got: only that tells whether anything was sent.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::error::{Sent, TransportFault};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, SocksConnector, TcpConnector,
};

use super::closing::{Done, Held};
use super::secure::{Secure, Trust};

/// How far an exchange got. Each is made for one exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Nothing was done yet.
    Beginning,
    /// Looking for addresses, the server's or a proxy's.
    Resolving,
    /// Connecting, through a proxy or not.
    Connecting,
    /// In the TLS handshake, the server's or a proxy's.
    Securing,
    /// Connected: from here on, something may have been sent.
    Connected,
}

const STAGES: [Stage; 5] =
    [Stage::Beginning, Stage::Resolving, Stage::Connecting, Stage::Securing, Stage::Connected];

/// The note of it.
#[derive(Clone, Default, Debug)]
pub(super) struct Progress(Arc<AtomicUsize>);

impl Progress {
    pub(super) fn reach(&self, stage: Stage) {
        self.0.store(stage as usize, Ordering::SeqCst);
    }

    pub(super) fn stage(&self) -> Stage {
        STAGES.get(self.0.load(Ordering::SeqCst)).copied().unwrap_or(Stage::Connected)
    }

    /// Whether a request that failed may have been acted on.
    pub(super) fn sent(&self) -> Sent {
        if self.stage() == Stage::Connected { Sent::Maybe } else { Sent::No }
    }

    /// Why it failed.
    pub(super) fn fault(&self, error: &ureq::Error) -> TransportFault {
        let timed_out = |kind| matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock);
        match (self.stage(), error) {
            (_, ureq::Error::Timeout(_)) => TransportFault::Timeout,
            (_, ureq::Error::Io(error)) if timed_out(error.kind()) => TransportFault::Timeout,
            (_, ureq::Error::ConnectProxyFailed(_)) => TransportFault::Proxy,
            (Stage::Resolving, _) => TransportFault::Resolve,
            (Stage::Beginning | Stage::Connecting, _) => TransportFault::Connect,
            (Stage::Securing, _) => TransportFault::Tls,
            (_, ureq::Error::LargeResponseHeader(..) | ureq::Error::BodyExceedsLimit(_)) => {
                TransportFault::TooLarge
            }
            (_, ureq::Error::Io(error))
                if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() =>
            {
                TransportFault::Tls
            }
            (_, ureq::Error::Io(_)) => TransportFault::Closed,
            _ => TransportFault::NotHttp,
        }
    }
}

/// Finds a host's addresses.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) progress: Progress,
    /// True if an address off this machine is none: what is called `localhost` must be here (N1).
    pub(super) loopback_only: bool,
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.progress.reach(Stage::Resolving);
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let kept = if self.loopback_only { on_this_machine(&found, self.empty()) } else { found };
        if kept.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        self.progress.reach(Stage::Connecting);
        Ok(kept)
    }
}

fn on_this_machine(found: &[SocketAddr], mut kept: ResolvedSocketAddrs) -> ResolvedSocketAddrs {
    found
        .iter()
        .filter(|address| address.ip().to_canonical().is_loopback())
        .for_each(|&address| kept.push(address));
    kept
}

/// Makes connections: proxy, TCP, TLS. Each is put into `done` in place of being closed.
pub(super) fn connector(progress: &Progress, tls: &Arc<Trust>, done: &Done) -> impl Connector {
    let chain =
        ().chain(SocksConnector::default())
            .chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(Secure { progress: progress.clone(), trust: Arc::clone(tls) });
    Whole { progress: progress.clone(), depth: AtomicUsize::new(0), chain, done: done.clone() }
}

/// Knows when a connection is complete. A connection through a proxy is one within another, and complete only when
/// the outer is.
struct Whole<C> {
    progress: Progress,
    depth: AtomicUsize,
    chain: C,
    done: Done,
}

impl<C: Connector> Connector for Whole<C> {
    type Out = Either<C::Out, Held>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let depth = self.depth.fetch_add(1, Ordering::SeqCst);
        self.progress.reach(Stage::Connecting);
        let connection = self.chain.connect(details, chained)?;
        self.progress.reach(if depth == 0 { Stage::Connected } else { Stage::Connecting });
        self.depth.store(depth, Ordering::SeqCst);
        let held = |connection| {
            if depth == 0 { Either::B(Held::new(connection, &self.done)) } else { Either::A(connection) }
        };
        Ok(connection.map(held))
    }
}

impl<C> fmt::Debug for Whole<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Whole({:?})", self.progress.stage())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_this_machine_n1() {
        let cases = [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("10.0.0.1:1", false),
            ("[::]:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("[fe80::1]:1", false),
        ];
        for (address, here) in cases {
            let uri: Uri = format!("http://{address}/").parse().unwrap();
            let resolve = |loopback_only| {
                let lookup = Lookup { progress: Progress::default(), loopback_only };
                lookup.resolve(&uri, &Config::default(), NextTimeout::default()).map(|found| found.to_vec())
            };
            let found = vec![address.parse().unwrap()];
            assert_eq!(resolve(false).unwrap(), found, "{address}");
            match resolve(true) {
                Ok(kept) => assert!(here && kept == found, "{address}"),
                Err(error) => {
                    assert!(!here && matches!(error, ureq::Error::HostNotFound), "{address}: {error}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_sent_before_a_connection_is_complete() {
        let progress = Progress::default();
        assert_eq!(progress.stage(), Stage::Beginning);
        for stage in STAGES {
            progress.reach(stage);
            assert_eq!(progress.stage(), stage);
            assert_eq!(progress.sent() == Sent::Maybe, stage == Stage::Connected);
        }
    }
}
