//! Work that belongs to all who wait for it, on threads and on a runtime.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use auth_core::flow::{Flights, Seat};
use auth_core::ports::Key;

use super::Cancel;
use super::cancel::Watch;
use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use super::thread::{self, Thread};

/// Lets callers who want the same at once share the work, for each session.
///
/// One of them starts it, and it belongs to all: a caller who leaves, by dropping its place or by panicking, takes
/// nothing with it. Work that ends without an outcome, because its runtime ended or because it panicked, is started
/// anew by one who waits. Clones share everything.
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
    /// It is this one's turn to [`start`](Place::start) the work, or to do it and [`land`](Place::land).
    Lead,
    /// The work is done.
    Landed(T),
    /// It was cancelled meanwhile.
    Cancelled,
}

/// A place among those who want the same. Dropping it gives it up.
pub struct Place<T> {
    waiters: Waiters<T>,
    seat: Seat,
}

/// Work that was started, for all who wait for it. Dropping it before its end abandons it.
pub struct Work<T> {
    waiters: Waiters<T>,
    seat: Seat,
    cancel: Cancel,
    _watch: Watch,
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

    /// Has this number woken from now on.
    fn listen(&self, number: u64, waker: &Waker) {
        let before = self.state().wakers.insert(number, waker.clone());
        // It may be the last of a task that has a place itself.
        drop(before);
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

    /// Tells all who wait what came of work that this one did itself, without starting it: others had to wait for this
    /// one to land or to leave.
    pub fn land(self, outcome: &T) {
        let waited = {
            let mut state = self.waiters.state();
            let work = state.flights.start(&self.seat);
            let mut waited = work.map(|work| state.flights.land(&work)).unwrap_or_default();
            waited.retain(|number| *number != self.seat.number());
            state.landed.extend(waited.iter().map(|number| (*number, outcome.clone())));
            waited
        };
        for number in waited {
            self.waiters.wake(number);
        }
    }
}

impl<T> Place<T> {
    /// Whether it is this one's turn to start the work.
    pub fn leads(&self) -> bool {
        self.waiters.state().flights.leads(&self.seat)
    }

    /// Starts the work; `None` if it is not this one's turn. The work is cancelled with `cancel`.
    pub fn start(&self, cancel: &Cancel) -> Option<Work<T>> {
        let seat = self.waiters.state().flights.start(&self.seat)?;
        let ours = Cancel::new();
        let stop = ours.clone();
        let watch = cancel.watch(move || stop.cancel());
        Some(Work { waiters: self.waiters.clone(), seat, cancel: ours, _watch: watch })
    }

    /// What came of the work, if it is done. It is told once.
    pub fn landed(&self) -> Option<T> {
        self.waiters.state().landed.remove(&self.seat.number())
    }
}

impl<T> Work<T> {
    /// What stops the work: the cancel that it was started with, or that nobody waits for it any more.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

impl<T: Clone> Work<T> {
    /// Runs the work to its end and tells all who wait what came of it.
    ///
    /// Work that no caller waits for is cancelled once `grace` has ended, which begins when the last caller leaves,
    /// unless another caller has joined by then. What the grace returned is dropped when the work has ended.
    pub async fn run<G: Future>(self, work: impl Future<Output = T>, grace: impl Fn() -> G) {
        let outcome = {
            let mut work = pin!(work);
            let mut desertion = Desertion { of: &self, grace, since: None, closed: None };
            poll_fn(|context| {
                let polled = work.as_mut().poll(context);
                if polled.is_pending() {
                    desertion.look(context);
                }
                polled
            })
            .await
        };
        self.land(&outcome);
    }

    /// Tells all who wait what came of the work.
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

/// Looks whether somebody still waits for work.
struct Desertion<'a, T, F, G: Future> {
    of: &'a Work<T>,
    grace: F,
    since: Option<(u64, Pin<Box<G>>)>,
    /// What the grace returned, once the work was given up after it.
    closed: Option<G::Output>,
}

impl<T, F: Fn() -> G, G: Future> Desertion<'_, T, F, G> {
    fn look(&mut self, context: &mut Context<'_>) {
        let Work { waiters, seat, cancel, .. } = self.of;
        if self.closed.is_some() {
            return;
        }
        waiters.listen(seat.number(), context.waker());
        loop {
            let now = waiters.state().flights.desertion(seat);
            self.since = self.since.take().filter(|(since, _)| now == Some(*since));
            let Some(now) = now else { return };
            let (_, grace) = self.since.get_or_insert_with(|| (now, Box::pin((self.grace)())));
            let Poll::Ready(over) = grace.as_mut().poll(context) else { return };
            self.since = None;
            if waiters.state().flights.close(seat, now) {
                self.closed = Some(over);
                return cancel.cancel();
            }
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let (told, left) = {
            let mut state = self.waiters.state();
            let waker = state.wakers.remove(&self.seat.number());
            let landed = state.landed.remove(&self.seat.number());
            (state.flights.leave(&self.seat), (waker, landed))
        };
        drop(left);
        if let Some(told) = told {
            self.waiters.wake(told);
        }
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        let (leader, waker) = {
            let mut state = self.waiters.state();
            let waker = state.wakers.remove(&self.seat.number());
            (state.flights.abandon(&self.seat), waker)
        };
        drop(waker);
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

impl<T> fmt::Debug for Work<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("seat", &self.seat).finish_non_exhaustive()
    }
}

/// Runs a future on this thread, which sleeps while it waits.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    use std::task::Wake;

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
