//! How long a lock is waited for.

use std::time::{Duration, Instant};

use auth_core::Holder;

/// How long somebody waits before they are told for whom.
const TELL_AFTER: Duration = Duration::from_secs(1);
/// How often one who waits looks at the lock.
const LOOK: Duration = Duration::from_millis(250);

/// The limits of a wait for a lock.
#[derive(Clone, Copy)]
pub(crate) struct Wait<'a> {
    /// How long in all. Zero tries once.
    pub(crate) all: Duration,
    /// How long while nothing moves: no new holder, and no sign of life of the one there is.
    pub(crate) stalled: Duration,
    /// Called once with the holder, when the wait has taken a second.
    pub(crate) tell: Option<&'a dyn Fn(&Holder)>,
    /// Whether the caller still wants the lock. The wait ends once this is false.
    pub(crate) is_wanted: Option<&'a dyn Fn() -> bool>,
}

impl From<Duration> for Wait<'_> {
    /// That long, whether or not anything moves.
    fn from(all: Duration) -> Self {
        Self { all, stalled: Duration::MAX, tell: None, is_wanted: None }
    }
}

/// A wait that is under way.
pub(super) struct Patience<'a> {
    wait: Wait<'a>,
    started: Instant,
    /// What the lock looked like when it last moved, and when that was.
    seen: Option<String>,
    moved: Instant,
    told: bool,
}

impl<'a> Patience<'a> {
    pub(super) fn new(wait: Wait<'a>) -> Self {
        let started = Instant::now();
        Self { wait, started, seen: None, moved: started, told: false }
    }

    /// How long to wait until the next look, at most; zero once the wait is over.
    pub(super) fn left(&self, now: Instant) -> Duration {
        if self.wait.is_wanted.is_some_and(|is_wanted| !is_wanted()) {
            return Duration::ZERO;
        }
        let all = self.wait.all.saturating_sub(now.saturating_duration_since(self.started));
        all.min(self.wait.stalled.saturating_sub(self.quiet(now))).min(LOOK)
    }

    /// How long nothing has moved.
    pub(super) fn quiet(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.moved)
    }

    /// Notes what the lock looks like now. Where that cannot be seen, it counts as moving.
    pub(super) fn look(&mut self, now: Instant, seen: Option<String>) {
        if seen.is_none() || seen != self.seen {
            (self.seen, self.moved) = (seen, now);
        }
    }

    /// Tells the one who waits for whom they do, once, if that is due.
    pub(super) fn tell(&mut self, now: Instant, holder: impl FnOnce() -> Holder) {
        let is_due = now.saturating_duration_since(self.started) >= TELL_AFTER;
        if let Some(tell) = self.wait.tell.filter(|_| is_due && !self.told) {
            self.told = true;
            tell(&holder());
        }
    }
}

#[cfg(test)]
#[path = "../tests/lock_wait.rs"]
mod tests;
