use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts what must not be cut short: renewals and sign-ins whose tokens are not saved yet, and changes of a store that a
/// flow has given up waiting for. Clones count together.
///
/// ```
/// use std::time::Duration;
/// let underway = auth_http::Underway::new();
/// assert!(underway.is_idle() && underway.finish(Duration::ZERO));
/// ```
#[derive(Clone, Default, Debug)]
pub struct Underway(Arc<Count>);

#[derive(Default, Debug)]
struct Count {
    count: Mutex<usize>,
    ended: Condvar,
}

/// One of those that are counted, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stay(Underway);

impl Underway {
    /// Counts nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is under way, so that the process can end without losing a session.
    pub fn is_idle(&self) -> bool {
        *self.count() == 0
    }

    /// Waits until nothing is under way, at most for `limit`. Returns whether that was reached.
    pub fn finish(&self, limit: Duration) -> bool {
        let started = Instant::now();
        let mut count = self.count();
        while *count > 0 {
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.ended.wait_timeout(count, left);
            count = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn enter(&self) -> Stay {
        *self.count() += 1;
        Stay(self.clone())
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.0.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn finish_waits_for_the_last_one_and_not_longer_than_asked() {
        let underway = Underway::new();
        let (one, other) = (underway.enter(), underway.clone().enter());
        assert!(!underway.is_idle() && !underway.finish(Duration::ZERO));
        drop(one);
        assert!(!underway.is_idle());
        let waiting = underway.clone();
        let waiter = thread::spawn(move || waiting.finish(Duration::from_mins(1)));
        drop(other);
        assert!(waiter.join().unwrap() && underway.is_idle());
    }
}
