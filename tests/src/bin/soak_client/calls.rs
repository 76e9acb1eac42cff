//! Which calls a caller makes, and how they end. It is the same on a thread and on a runtime.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_native::Error;
use auth_native::error::{AuthError, CannotPrompt};

use crate::notes::Notes;

/// What a caller does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// Calls with the connection that all callers share.
    Call,
    /// Takes the connection's credential, as a client of one's own does.
    Credential,
    /// Makes a new connection, shares it and calls.
    Reconnect,
    /// Calls and gives up after so long, by dropping the call where it can be dropped.
    GiveUp(Duration),
    /// Connects and calls with an authenticator that is cancelled after so long.
    Cancel(Duration),
}

/// How a call ended.
pub(crate) enum End {
    Done,
    /// The caller has given up or cancelled, as it meant to.
    Dropped,
    Cancelled,
    Failed {
        kind: &'static str,
        text: String,
    },
}

impl End {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Dropped => "dropped",
            Self::Cancelled => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }

    /// What a status or an error is.
    pub(crate) fn of(ended: Result<u16, Error>) -> Self {
        let error = match ended {
            Ok(200..=299) => return Self::Done,
            Ok(status) => {
                let kind = if status == 401 { "refused" } else { "status" };
                return Self::Failed { kind, text: format!("the server answered {status}") };
            }
            Err(error) => error,
        };
        let kind = match error.as_auth() {
            Some(AuthError::Transient(_)) => "transient",
            Some(AuthError::Cancelled | AuthError::CannotPrompt(CannotPrompt::Declined)) => "declined",
            Some(AuthError::NotSignedIn | AuthError::Removed) => "signed out",
            Some(AuthError::Expired(_) | AuthError::Revoked(_) | AuthError::Lost) => "session ended",
            _ => "other",
        };
        Self::Failed { kind, text: error.to_string() }
    }
}

/// A future on a thread or a runtime.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A face of the facade for one kind of site. On a thread, its futures are ready when they are first polled.
pub(crate) trait Caller: Send + Sync {
    fn face(&self) -> &'static str;

    fn call(&self, deed: Deed) -> Later<'_, End>;

    fn pause(&self, length: Duration) -> Later<'_, ()>;

    /// Waits until no session is being saved; false if that takes too long.
    fn finish(&self) -> bool;
}

/// One caller.
pub(crate) struct Worker {
    pub(crate) caller: Arc<dyn Caller>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) seed: u64,
    /// When its first call is.
    pub(crate) first: Duration,
    /// From the beginning of a call to that of the next.
    pub(crate) pause: Duration,
    pub(crate) until: Instant,
}

impl Worker {
    /// Calls until the time is over.
    pub(crate) async fn work(self) {
        let mut lots = Lots::new(self.seed);
        self.caller.pause(self.first).await;
        while Instant::now() < self.until {
            let began = Instant::now();
            let (name, deed) = draw(&mut lots);
            let call = self.notes.begin(self.caller.face(), name);
            call.end(&self.caller.call(deed).await);
            // Spread, so that callers do not go in step. What was missed is not made up for.
            let pause =
                self.pause.mul_f64(f64::from(u32::try_from(lots.between(50, 150)).unwrap_or(100)) / 100.0);
            self.caller.pause(pause.saturating_sub(began.elapsed())).await;
        }
    }
}

fn draw(lots: &mut Lots) -> (&'static str, Deed) {
    match lots.between(0, 99) {
        0 => ("reconnect", Deed::Reconnect),
        1 | 2 => ("cancel", Deed::Cancel(Duration::from_millis(lots.between(0, 200)))),
        3..=12 => ("give up", Deed::GiveUp(Duration::from_millis(lots.between(0, 60)))),
        13..=22 => ("credential", Deed::Credential),
        _ => ("call", Deed::Call),
    }
}

/// Numbers that follow from a seed (splitmix64).
pub(crate) struct Lots(u64);

impl Lots {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }
}
