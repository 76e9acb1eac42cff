//! Waiting for somebody else who does the same, on threads and on a runtime.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use auth_core::flow::{Flights, Seat};
use auth_core::ports::Key;

use super::Cancel;
use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use super::thread::{self, Thread};

/// Lets one caller do what several want at once, for each session, and gives the others what came of it.
///
/// A caller who leaves, by dropping its place or by panicking, is replaced by one who waits. Clones share everything.
pub struct Waiters<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    flights: Flights,
    /// What those who wait are yet to be told.
    landed: HashMap<u64, T>,
    wakers: HashMap<u64, Waker>,
}

/// What a caller is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn<T> {
    /// It is this one's turn to do it, and then to [`land`](Place::land).
    Lead,
    /// Somebody else has done it.
    Landed(T),
    /// It was cancelled meanwhile.
    Cancelled,
}

/// A place among those who want the same. Dropping it gives it up.
pub struct Place<T> {
    waiters: Waiters<T>,
    seat: Seat,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        let state = State { flights: Flights::default(), landed: HashMap::new(), wakers: HashMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl<T> Clone for Waiters<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Waiters<T> {
    /// Takes a place among those who want the same for a session.
    pub fn join(&self, key: &Key) -> Place<T> {
        let seat = self.state().flights.join(key);
        Place { waiters: self.clone(), seat }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, number: u64) {
        let waker = self.state().wakers.remove(&number);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Clone> Place<T> {
    /// Waits until it is clear what to do.
    pub async fn turn(&mut self, cancel: &Cancel) -> Turn<T>
    where
        T: Send + 'static,
    {
        let (waiters, number) = (self.waiters.clone(), self.seat.number());
        let _watch = cancel.watch(move || waiters.wake(number));
        poll_fn(|context| {
            let mut state = self.waiters.state();
            if let Some(outcome) = state.landed.remove(&number) {
                return Poll::Ready(Turn::Landed(outcome));
            }
            if cancel.is_cancelled() {
                return Poll::Ready(Turn::Cancelled);
            }
            if state.flights.leads(&self.seat) {
                return Poll::Ready(Turn::Lead);
            }
            let before = state.wakers.insert(number, context.waker().clone());
            // It may be the last of a task that has a place itself.
            drop(state);
            drop(before);
            Poll::Pending
        })
        .await
    }

    /// Tells all who wait what came of it.
    pub fn land(self, outcome: &T) {
        let waited = {
            let mut state = self.waiters.state();
            let waited = state.flights.land(&self.seat);
            state.landed.extend(waited.iter().map(|number| (*number, outcome.clone())));
            waited
        };
        for number in waited {
            self.waiters.wake(number);
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let (leader, left) = {
            let mut state = self.waiters.state();
            let waker = state.wakers.remove(&self.seat.number());
            let told = state.landed.remove(&self.seat.number());
            (state.flights.leave(&self.seat), (waker, told))
        };
        drop(left);
        if let Some(leader) = leader {
            self.waiters.wake(leader);
        }
    }
}

impl<T> fmt::Debug for Waiters<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").field("flights", &self.state().flights).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("seat", &self.seat).finish_non_exhaustive()
    }
}

/// Runs a future on this thread, which sleeps while it waits.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    use std::pin::pin;
    use std::task::{Context, Wake};

    struct Sleeper(Thread);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    // Most are ready at once; a waker is made for those that are not.
    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return value;
    }
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}
