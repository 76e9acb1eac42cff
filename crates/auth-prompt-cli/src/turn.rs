//! One question at a time: a process has one terminal.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use auth_core::ports::Dismiss;

static TAKEN: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

fn taken() -> MutexGuard<'static, bool> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to ask. Given back when dropped.
pub(crate) struct Turn(());

impl Turn {
    /// Waits for it; `None` if the question is taken back first.
    pub(crate) fn take(dismissed: &Dismiss) -> Option<Self> {
        dismissed.on_dismiss(|| {
            // Under the lock, so that nobody is between looking and waiting.
            let _taken = taken();
            CHANGED.notify_all();
        });
        let mut taken = taken();
        loop {
            if dismissed.is_dismissed() {
                return None;
            }
            if !*taken {
                *taken = true;
                return Some(Self(()));
            }
            taken = CHANGED.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *taken() = false;
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
}
