use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// A renewal ahead of need, of which there is one at a time.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Over,
    /// Begun, on this thread once it runs.
    Running(Option<ThreadId>),
}

/// That renewal. It is over when this is dropped.
pub(crate) struct Running(Ahead);

impl Ahead {
    /// Begins one, unless one is under way.
    pub(crate) fn begin(&self) -> Option<Running> {
        let mut state = self.state();
        let begins = *state == State::Over;
        if begins {
            *state = State::Running(None);
        }
        begins.then(|| Running(self.clone()))
    }

    /// Waits until none is under way: what is being redeemed would be lost with the process. The renewal itself, which may
    /// drop what it was for, does not wait for itself.
    #[cfg(feature = "blocking")]
    pub(crate) fn finish(&self, limit: core::time::Duration) {
        let here = State::Running(Some(thread::current().id()));
        let state = self.state();
        drop(self.0.over.wait_timeout_while(state, limit, |state| *state != State::Over && *state != here));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// It runs on this thread.
    pub(crate) fn here(&self) {
        *self.0.state() = State::Running(Some(thread::current().id()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.state() = State::Over;
        self.0.0.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_at_a_time_and_its_end_is_waited_for() {
        let ahead = Ahead::default();
        let running = ahead.begin().unwrap();
        assert!(ahead.begin().is_none());
        #[cfg(feature = "blocking")]
        ahead.finish(core::time::Duration::ZERO);
        drop(running);
        #[cfg(feature = "blocking")]
        ahead.finish(core::time::Duration::from_hours(1));
        assert!(ahead.begin().is_some());
    }

    #[test]
    #[cfg(feature = "blocking")]
    fn it_does_not_wait_for_itself() {
        let ahead = Ahead::default();
        let running = ahead.begin().unwrap();
        running.here();
        // As a listener does that drops its connection when it is told of the new session.
        ahead.finish(core::time::Duration::from_hours(1));
        assert!(ahead.begin().is_none());
    }
}
