//! One question at a time: a process has one terminal.

use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use auth_core::ports::Dismiss;

static STATE: Mutex<State> = Mutex::new(State { taken: false, stop: None });
static CHANGED: Condvar = Condvar::new();
/// A stop that nobody has carried out by then is not carried out: whoever asked for it has given up.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

struct State {
    taken: bool,
    /// When a suspended question asked for a stop that is yet to happen.
    stop: Option<Instant>,
}

impl State {
    fn take_stop(&mut self) -> bool {
        self.stop.take().is_some_and(|asked| asked.elapsed() < STOPS_WITHIN)
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to ask. Given back when dropped.
pub(crate) struct Turn(());

impl Turn {
    /// Waits for it; `None` if the question is taken back first.
    pub(crate) fn take(dismissed: &Dismiss) -> Option<Self> {
        dismissed.on_dismiss(|| {
            // Under the lock, so that nobody is between looking and waiting.
            let _state = state();
            CHANGED.notify_all();
        });
        let mut state = state();
        loop {
            if dismissed.is_dismissed() {
                return None;
            }
            if !state.taken {
                state.taken = true;
                return Some(Self(()));
            }
            state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends a turn in which Ctrl-Z came: the program is to stop before anybody asks again.
    pub(crate) fn end_in_stop(self) {
        state().stop = Some(Instant::now());
        drop(self);
    }

    /// True if the program is to stop in this turn, which nobody else does then.
    pub(crate) fn takes_stop(_turn: &Self) -> bool {
        state().take_stop()
    }

    /// A turn for stopping in, so that no question is open meanwhile; `None` if nobody needs to stop any more.
    pub(crate) fn to_stop() -> Option<Self> {
        let mut state = state();
        while state.stop.is_some() {
            if !state.taken {
                state.taken = state.take_stop();
                return state.taken.then(|| Self(()));
            }
            state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        state().taken = false;
        CHANGED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_second_waits_for_the_first_and_can_be_dismissed_while_waiting() {
        let first = Turn::take(&Dismiss::new()).unwrap();
        let (dismissed, waits) = (Dismiss::new(), Dismiss::new());
        let (sender, taken) = mpsc::channel();
        thread::scope(|scope| {
            let given_up = scope.spawn(|| Turn::take(&dismissed).is_none());
            scope.spawn(|| {
                let turn = Turn::take(&waits);
                sender.send(turn.is_some()).unwrap();
            });
            dismissed.dismiss();
            assert!(given_up.join().unwrap());
            assert!(taken.try_recv().is_err());
            drop(first);
            assert!(taken.recv().unwrap());
        });
        assert!(Turn::take(&Dismiss::new()).is_some());
    }

    #[test]
    fn one_of_those_who_could_carries_out_a_stop() {
        assert!(Turn::to_stop().is_none());
        Turn::take(&Dismiss::new()).unwrap().end_in_stop();
        assert!(Turn::to_stop().is_some());
        assert!(Turn::to_stop().is_none());
        // A question that comes first stops before it is put.
        Turn::take(&Dismiss::new()).unwrap().end_in_stop();
        let asks = Turn::take(&Dismiss::new()).unwrap();
        assert!(Turn::takes_stop(&asks) && !Turn::takes_stop(&asks));
        assert!(Turn::to_stop().is_none(), "nobody waits for the answer");
        drop(asks);
        // So long ago that nobody can be waiting for it.
        state().stop = Instant::now().checked_sub(STOPS_WITHIN);
        assert!(Turn::to_stop().is_none());
    }
}
