//! How many notices may be on their way to the user at one time. Each may keep a thread waiting, as on a terminal whose
//! output is stopped.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::Notice;

/// So many in a process. Further ones are dropped.
const MOST: usize = 8;

/// A notice on its way, until this is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay {
    among: &'static AtomicUsize,
}

impl OnItsWay {
    /// `None` if too many notices are on their way. A notice that stops the program is always told.
    pub(crate) fn begin(notice: &Notice) -> Option<Self> {
        static ALL: AtomicUsize = AtomicUsize::new(0);
        Self::among(&ALL, *notice == Notice::Suspend)
    }

    fn among(all: &'static AtomicUsize, is_urgent: bool) -> Option<Self> {
        let one_more = |told: usize| (told < MOST || is_urgent).then_some(told + 1);
        all.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok()?;
        Some(Self { among: all })
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.among.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_notices_is_on_its_way() {
        static ALL: AtomicUsize = AtomicUsize::new(0);
        let mut told: Vec<_> = (0..MOST).map(|_| OnItsWay::among(&ALL, false)).collect();
        assert!(told.iter().all(Option::is_some));
        assert!(OnItsWay::among(&ALL, false).is_none());
        assert!(OnItsWay::among(&ALL, true).is_some());
        drop(told.pop());
        assert!(OnItsWay::among(&ALL, false).is_some());
        drop(told);
        assert_eq!(ALL.load(Ordering::SeqCst), 0);
    }
}
