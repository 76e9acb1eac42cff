//! The end of a connection. The side that closes first keeps the socket in `TIME_WAIT` for a minute, so the server does.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

/// How long the server may take to close a connection after it has said that it will.
pub(super) const CLOSES_WITHIN: Duration = Duration::from_millis(500);
/// How many bytes that belong to no answer are read meanwhile.
const LEFTOVER: usize = 64 << 10;

/// The connection of one exchange, once ureq is done with it.
#[derive(Clone, Default)]
pub(super) struct Done(Arc<Mutex<Option<Box<dyn Transport>>>>);

impl Done {
    fn put(&self, connection: Box<dyn Transport>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// Reads up to the end of what the server sends, for so long at most, and closes the connection.
    pub(super) fn await_close(&self, within: Duration) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut connection) = taken else { return };
        let until = Instant::now() + within;
        let (mut ends, mut read) = (0, 0);
        // Below TLS is another end: that of the connection.
        while ends < 2 && read < LEFTOVER {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let unread = connection.buffers().input().len();
            read += unread;
            connection.buffers().input_consume(unread);
            match connection.await_input(NextTimeout { after: left.into(), ..NextTimeout::default() }) {
                Ok(true) => {}
                Ok(false) => ends += 1,
                Err(_) => return,
            }
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}

/// A connection that ureq does not close: when ureq drops it, it is put aside for [`Done::await_close`].
pub(super) struct Held {
    /// `None` only while this is dropped.
    connection: Option<Box<dyn Transport>>,
    none: LazyBuffers,
    done: Done,
}

impl Held {
    pub(super) fn new(connection: impl Transport, done: &Done) -> Self {
        Self { connection: Some(Box::new(connection)), none: LazyBuffers::new(1, 1), done: done.clone() }
    }

    fn connection(&mut self) -> Result<&mut Box<dyn Transport>, ureq::Error> {
        self.connection.as_mut().ok_or(ureq::Error::ConnectionFailed)
    }
}

impl Transport for Held {
    fn buffers(&mut self) -> &mut dyn Buffers {
        match &mut self.connection {
            Some(connection) => connection.buffers(),
            None => &mut self.none,
        }
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.connection()?.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.connection()?.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.connection().is_ok_and(Transport::is_open)
    }

    fn is_tls(&self) -> bool {
        self.connection.as_ref().is_some_and(Transport::is_tls)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.done.put(connection);
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
