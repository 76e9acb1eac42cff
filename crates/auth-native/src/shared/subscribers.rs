use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use auth_core::Error as AuthError;

/// What happens to the session of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// It has other tokens now: renewed, by us or by another program, or signed in anew.
    Changed,
    /// It is over, and a person is about to be asked.
    NeedsPerson,
    /// It is over, for this reason, and was not replaced.
    Ended(AuthError),
}

type Callback = Arc<dyn Fn(&SessionEvent) + Send + Sync>;
type List = Mutex<Vec<(u64, Callback)>>;

/// Who wants to know.
#[derive(Default)]
pub(crate) struct Subscribers {
    list: Arc<List>,
    /// True if one has panicked since this was last asked.
    has_panicked: AtomicBool,
}

impl Subscribers {
    pub(crate) fn add(&self, callback: Callback) -> Subscription {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let number = list.last().map_or(0, |(last, _)| last + 1);
        list.push((number, callback));
        Subscription { list: Arc::downgrade(&self.list), number }
    }

    /// Tells everybody, one after the other, with nothing locked. One that panics keeps nobody else from being told.
    pub(crate) fn tell(&self, event: &SessionEvent) {
        let callbacks: Vec<_> = {
            let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.iter().map(|(_, callback)| Arc::clone(callback)).collect()
        };
        for callback in callbacks {
            if catch_unwind(AssertUnwindSafe(|| callback(event))).is_err() {
                self.has_panicked.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Whether one has panicked since this was last asked.
    pub(crate) fn take_panicked(&self) -> bool {
        self.has_panicked.swap(false, Ordering::SeqCst)
    }
}

/// A wish to be told, until this is dropped.
#[must_use = "nothing is told once this is dropped"]
pub struct Subscription {
    list: Weak<List>,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(list) = self.list.upgrade() else { return };
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = list.iter().position(|(number, _)| *number == self.number).map(|at| list.remove(at));
        drop(list);
        // What it holds may be anything: it is dropped with nothing locked.
        drop(gone);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_subscriber_that_panics_keeps_no_other_from_being_told() {
        let (subscribers, told) = (Subscribers::default(), Arc::new(AtomicUsize::new(0)));
        let panics = subscribers.add(Arc::new(|_| std::panic::resume_unwind(Box::new("on purpose"))));
        let count = Arc::clone(&told);
        let counts = subscribers.add(Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        subscribers.tell(&SessionEvent::Changed);
        assert_eq!(told.load(Ordering::SeqCst), 1);
        assert_eq!([subscribers.take_panicked(), subscribers.take_panicked()], [true, false]);
        drop((panics, counts));
    }

    #[test]
    fn who_subscribed_is_told_until_they_leave() {
        let subscribers = Subscribers::default();
        let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
        let add = |count: &Arc<AtomicUsize>| {
            let count = Arc::clone(count);
            subscribers.add(Arc::new(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            }))
        };
        let [first, second] = [add(&counts[0]), add(&counts[1])];
        subscribers.tell(&SessionEvent::Changed);
        drop(first);
        subscribers.tell(&SessionEvent::NeedsPerson);
        assert_eq!(counts.each_ref().map(|count| count.load(Ordering::SeqCst)), [1, 2]);
        drop(subscribers);
        drop(second);
    }
}
