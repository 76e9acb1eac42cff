//! The end of a connection. The side that closes first keeps its socket in `TIME_WAIT` for a minute, so the client lets
//! the server close.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::header::CONNECTION;
use ureq::http::{Response, Version};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

/// How long the server may take to close a connection after it has said that it will.
pub(super) const CLOSES_WITHIN: Duration = Duration::from_millis(500);
/// How much of that the caller waits. Most servers have closed by the time their answer is read.
const CALLER_WAITS: Duration = Duration::from_millis(2);
/// How many connections of a process wait for their servers at once, each on a thread of its own.
pub(super) const MOST_WAITING: usize = 16;
/// How many bytes that belong to no answer are read meanwhile.
const LEFTOVER: usize = 64 << 10;

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Whether the server closes the connection after this response (RFC 9112 section 9.3).
pub(super) fn closes<T>(response: &Response<T>) -> bool {
    let has = |name: &str| {
        let values = response.headers().get_all(CONNECTION).into_iter();
        let mut options = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        options.any(|option| option.trim().eq_ignore_ascii_case(name))
    };
    has("close") || response.version() < Version::HTTP_11 && !has("keep-alive")
}

/// The connection of one exchange, once ureq is done with it.
#[derive(Clone, Default)]
pub(super) struct Done(Arc<Mutex<Option<Box<dyn Transport>>>>);

impl Done {
    fn put(&self, connection: Box<dyn Transport>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// Waits up to `within` for the server to close the connection, and closes it.
    ///
    /// The caller, who has `left` for its request, waits for a moment only. The rest of the wait is on a thread of its
    /// own. If none is to be had, the connection is closed at once.
    pub(super) fn let_server_close(&self, within: Duration, left: Duration) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(connection) = taken else { return };
        let began = Instant::now();
        let mut closing = Closing { connection, ends: 0, read: 0 };
        if closing.ends_by(began + CALLER_WAITS.min(within).min(left)) {
            return;
        }
        let Some(turn) = Turn::take() else { return };
        let wait = move || {
            closing.ends_by(began + within);
            drop(closing);
            drop(turn);
        };
        // A thread that does not start drops the connection, which closes it.
        drop(thread::Builder::new().name("auth-http-close".to_owned()).spawn(wait));
    }
}

/// A connection that its server is about to close.
struct Closing {
    connection: Box<dyn Transport>,
    ends: usize,
    read: usize,
}

impl Closing {
    /// Reads what the server still sends. Returns false if the connection has not ended by then.
    fn ends_by(&mut self, until: Instant) -> bool {
        // Below TLS is another end: that of the connection.
        while self.ends < 2 && self.read < LEFTOVER {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let unread = self.connection.buffers().input().len();
            self.read += unread;
            self.connection.buffers().input_consume(unread);
            match self.connection.await_input(NextTimeout { after: left.into(), ..NextTimeout::default() }) {
                Ok(true) | Err(ureq::Error::Timeout(_)) => {}
                Ok(false) => self.ends += 1,
                Err(_) => return true,
            }
        }
        true
    }
}

/// One of the [`MOST_WAITING`].
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        let more = |waiting| (waiting < MOST_WAITING).then_some(waiting + 1);
        WAITING.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok().map(|_| Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}

/// A connection that ureq does not close: when ureq drops it, it is put aside for [`Done::let_server_close`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_persists_as_rfc_9112_says() {
        let cases: [(Version, &[&str], bool); 12] = [
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["close"], true),
            (Version::HTTP_11, &["Upgrade , CLOSE"], true),
            (Version::HTTP_11, &["upgrade", "close"], true),
            (Version::HTTP_11, &["keep-alive"], false),
            (Version::HTTP_11, &["closed"], false),
            (Version::HTTP_11, &["keep-alive, close"], true),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["close"], true),
            (Version::HTTP_10, &["Keep-Alive"], false),
            (Version::HTTP_10, &["x", "y, keep-alive"], false),
            (Version::HTTP_10, &["keep-alive", "close"], true),
        ];
        for (version, options, is_closed) in cases {
            let mut response = Response::new(());
            *response.version_mut() = version;
            for option in options {
                response.headers_mut().append(CONNECTION, option.parse().unwrap());
            }
            assert_eq!(closes(&response), is_closed, "{version:?} {options:?}");
        }
    }
}
