//! TLS over whatever connection there is, with the system's authorities and others.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::connect::{Progress, Stage};
use crate::tls::Authorities;

/// What connections are made with: set up at the first use, and shared from then on.
#[derive(Debug)]
pub(super) struct Trust {
    authorities: Authorities,
    config: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Trust {
    pub(super) fn new(authorities: Authorities) -> Self {
        Self { authorities, config: OnceLock::new() }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, ureq::Error> {
        let config = self.config.get_or_init(|| self.authorities.config());
        config.clone().ok_or(ureq::Error::Tls("what the system trusts cannot be read"))
    }
}

/// TLS, where the address calls for it.
#[derive(Debug)]
pub(super) struct Secure {
    pub(super) progress: Progress,
    pub(super) trust: Arc<Trust>,
}

impl<In: Transport> Connector<In> for Secure {
    type Out = Either<In, Secured>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(below) = chained else { return Ok(None) };
        if !details.needs_tls() || below.is_tls() {
            return Ok(Some(Either::A(below)));
        }
        self.progress.reach(Stage::Securing);
        let no_name = ureq::Error::Tls("no certificate can be for this host");
        let host = details.uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| no_name)?;
        let mut tls = ClientConnection::new(self.trust.config()?, name).map_err(std::io::Error::other)?;
        let mut socket = TransportAdapter::new(below.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(remaining(details));
        tls.complete_io(&mut socket)?;
        let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
        let stream = StreamOwned { conn: tls, sock: socket };
        Ok(Some(Either::B(Secured { buffers: LazyBuffers::new(input, output), stream, is_over: false })))
    }
}

/// What is left of the time for the connection, which began with looking for the host.
fn remaining(details: &ConnectionDetails<'_>) -> NextTimeout {
    let after = match (details.timeout.after, (details.current_time)(), details.now) {
        (Duration::Exact(limit), Instant::Exact(now), Instant::Exact(began)) => {
            Duration::Exact(limit.saturating_sub(now.saturating_duration_since(began)))
        }
        (after, ..) => after,
    };
    NextTimeout { after, ..details.timeout }
}

/// A connection that nobody on the way can read.
pub(super) struct Secured {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    /// True once the server has ended TLS. What follows is the end of the connection below.
    is_over: bool,
}

impl Transport for Secured {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        if self.is_over {
            return self.stream.sock.get_mut().await_input(timeout);
        }
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        self.is_over = amount == 0;
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}
