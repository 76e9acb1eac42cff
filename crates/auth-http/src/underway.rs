use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Counts what must not be cut short: renewals and sign-ins whose tokens are not saved yet, and changes of a store that
/// a flow has given up waiting for. Clones count together.
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
    counts: Mutex<Counts>,
    ended: Condvar,
}

#[derive(Default, Debug)]
struct Counts {
    all: usize,
    /// Those that hold tokens which are not saved yet.
    unsaved: usize,
    /// How many calls of `finish` wait now.
    finishing: usize,
    /// To be woken when `finish` is called.
    wakers: Vec<Waker>,
}

/// One of those that are counted, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stay {
    underway: Underway,
    is_unsaved: bool,
}

impl Underway {
    /// Counts nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is under way, so that the process can end without losing a session.
    pub fn is_idle(&self) -> bool {
        self.counts().all == 0
    }

    /// Whether a session would be lost if the process ended now: its tokens were redeemed or given, and are not saved.
    pub fn has_unsaved(&self) -> bool {
        self.counts().unsaved > 0
    }

    /// Waits until nothing is under way, at most for `limit`. Returns whether that was reached.
    ///
    /// Ends the grace of a question whose last caller has left: the question is taken back, and the terminal restored.
    pub fn finish(&self, limit: Duration) -> bool {
        let started = Instant::now();
        let mut counts = self.counts();
        counts.finishing += 1;
        let wakers = std::mem::take(&mut counts.wakers);
        drop(counts);
        wakers.into_iter().for_each(Waker::wake);
        let mut counts = self.counts();
        while counts.all > 0 {
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let waited = self.0.ended.wait_timeout(counts, left);
            counts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        counts.finishing -= 1;
        counts.all == 0
    }

    /// Waits for `grace`, or until [`finish`](Self::finish) is called. Counts as under way from the first poll until the
    /// returned value is dropped.
    pub async fn linger(&self, grace: impl Future<Output = ()>) -> Lingering {
        let stay = self.enter(false);
        let mut grace = pin!(grace);
        std::future::poll_fn(|context| {
            if grace.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut counts = self.counts();
            if counts.finishing > 0 {
                return Poll::Ready(());
            }
            if !counts.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                counts.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        Lingering { _stay: stay }
    }

    pub(crate) fn enter(&self, is_unsaved: bool) -> Stay {
        let mut counts = self.counts();
        counts.all += 1;
        counts.unsaved += usize::from(is_unsaved);
        Stay { underway: self.clone(), is_unsaved }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on after its grace, until this is dropped.
#[derive(Debug)]
pub struct Lingering {
    _stay: Stay,
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut counts = self.underway.counts();
        counts.all -= 1;
        counts.unsaved -= usize::from(self.is_unsaved);
        drop(counts);
        self.underway.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::Context;
    use std::thread;

    use super::*;

    #[test]
    fn finish_waits_for_the_last_one_and_not_longer_than_asked() {
        let underway = Underway::new();
        let (one, other) = (underway.enter(true), underway.clone().enter(false));
        assert!(underway.has_unsaved());
        assert!(!underway.is_idle() && !underway.finish(Duration::ZERO));
        drop(one);
        assert!(!underway.is_idle() && !underway.has_unsaved());
        let waiting = underway.clone();
        let waiter = thread::spawn(move || waiting.finish(Duration::from_mins(1)));
        drop(other);
        assert!(waiter.join().unwrap() && underway.is_idle());
    }

    #[test]
    fn finish_ends_a_grace_and_waits_for_what_follows_it() {
        let underway = Underway::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut lingering = pin!(underway.linger(pending()));
        assert!(lingering.as_mut().poll(&mut context).is_pending());
        let waiting = underway.clone();
        let waiter = thread::spawn(move || waiting.finish(Duration::from_mins(1)));
        let lingering = loop {
            if let Poll::Ready(lingering) = lingering.as_mut().poll(&mut context) {
                break lingering;
            }
            thread::yield_now();
        };
        assert!(!underway.is_idle() && !waiter.is_finished());
        drop(lingering);
        assert!(waiter.join().unwrap() && underway.is_idle());
    }
}
