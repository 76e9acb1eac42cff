//! Saying stop from another thread.

use std::fmt;

use super::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells a running flow to stop, from any thread. Clones are one and the same; once cancelled, always cancelled.
///
/// A flow that holds a token which must be saved first is told afterwards, and then may end well.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    #[cfg(any(feature = "blocking", feature = "async"))]
    watches: Vec<(u64, Wake)>,
    #[cfg(any(feature = "blocking", feature = "async"))]
    next: u64,
}

#[cfg(any(feature = "blocking", feature = "async"))]
type Wake = Box<dyn FnOnce() + Send>;

impl Cancel {
    /// Not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says stop. More than once is as once.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        #[cfg(any(feature = "blocking", feature = "async"))]
        {
            let watches = std::mem::take(&mut state.watches);
            drop(state);
            for (_, wake) in watches {
                wake();
            }
        }
    }

    /// True once somebody said stop.
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `wake` when somebody says stop, at once if they already did, and not at all once the watch is dropped.
    #[cfg(any(feature = "blocking", feature = "async"))]
    pub(crate) fn watch(&self, wake: impl FnOnce() + Send + 'static) -> Watch {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        if state.cancelled {
            drop(state);
            wake();
        } else {
            state.watches.push((id, Box::new(wake)));
        }
        Watch { cancel: self.clone(), id }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancel({})", self.is_cancelled())
    }
}

/// Somebody waits for a [`Cancel`] until this is dropped.
#[cfg(any(feature = "blocking", feature = "async"))]
pub(crate) struct Watch {
    cancel: Cancel,
    id: u64,
}

#[cfg(any(feature = "blocking", feature = "async"))]
impl Drop for Watch {
    fn drop(&mut self) {
        self.cancel.state().watches.retain(|(id, _)| *id != self.id);
    }
}
