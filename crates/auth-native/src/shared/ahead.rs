use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A renewal ahead of need, of which there is one at a time.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<Inner>);

#[derive(Default)]
struct Inner {
    running: Mutex<bool>,
    over: Condvar,
}

/// That renewal. It is over when this is dropped.
pub(crate) struct Running(Ahead);

impl Ahead {
    /// Begins one, unless one is under way.
    pub(crate) fn begin(&self) -> Option<Running> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = !core::mem::replace(&mut *running, true);
        begins.then(|| Running(self.clone()))
    }

    /// Waits until none is under way: what is being redeemed would be lost with the process.
    #[cfg(feature = "blocking")]
    pub(crate) fn finish(&self, limit: core::time::Duration) {
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.over.wait_timeout_while(running, limit, |running| *running));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.0.running.lock().unwrap_or_else(PoisonError::into_inner) = false;
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
}
