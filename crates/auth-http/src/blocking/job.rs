//! One thing done on a thread of its own, which can be left behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, Watch};
use crate::drive::Broke;

/// Something being done. Dropping this leaves it behind: its thread ends by itself, and what it brings is dropped
/// there.
pub(super) struct Job<T> {
    hear: Receiver<Heard<T>>,
    tell: Sender<Heard<T>>,
    _watch: Watch,
}

/// What is heard of a job.
pub(super) enum Heard<T> {
    /// It is over.
    Over(Result<T, Broke>),
    /// Somebody said stop.
    Cancelled,
}

impl<T: Send + 'static> Job<T> {
    /// Begins it.
    pub(super) fn start(cancel: &Cancel, job: impl FnOnce() -> T + Send + 'static) -> Self {
        let this = Self::nothing(cancel);
        let over = this.tell.clone();
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(|_| Broke::Panicked);
            let _ = over.send(Heard::Over(result));
        };
        if thread::Builder::new().name("auth-http".to_owned()).spawn(run).is_err() {
            let _ = this.tell.send(Heard::Over(Err(Broke::NotStarted)));
        }
        this
    }

    /// Nothing to do but to hear of a cancel.
    pub(super) fn nothing(cancel: &Cancel) -> Self {
        let (tell, hear) = mpsc::channel();
        let cancelled = tell.clone();
        let watch = cancel.watch(move || drop(cancelled.send(Heard::Cancelled)));
        Self { hear, tell, _watch: watch }
    }

    /// Waits for something to be heard, and not longer than this.
    pub(super) fn hear(&self, wait: Duration) -> Option<Heard<T>> {
        self.hear.recv_timeout(wait).ok()
    }

    /// Waits until it is over, and not longer than this. What it brings is dropped.
    pub(super) fn end(&self, wait: Duration) {
        let began = Instant::now();
        while let Some(left) = wait.checked_sub(began.elapsed()) {
            match self.hear.recv_timeout(left) {
                Ok(Heard::Cancelled) => {}
                Ok(Heard::Over(_)) | Err(_) => return,
            }
        }
    }
}
