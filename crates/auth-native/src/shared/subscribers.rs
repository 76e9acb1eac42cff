use std::fmt;
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
pub(crate) struct Subscribers(Arc<List>);

impl Subscribers {
    pub(crate) fn add(&self, callback: Callback) -> Subscription {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = list.last().map_or(0, |(last, _)| last + 1);
        list.push((number, callback));
        Subscription { list: Arc::downgrade(&self.0), number }
    }

    /// Tells everybody, one after the other, with nothing locked.
    pub(crate) fn tell(&self, event: &SessionEvent) {
        let callbacks: Vec<_> = {
            let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            list.iter().map(|(_, callback)| Arc::clone(callback)).collect()
        };
        for callback in callbacks {
            callback(event);
        }
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

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
