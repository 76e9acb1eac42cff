//! Those of this process who wait for one lock of the system: one thread stands in the system's queue for all of them.
//!
//! Whoever came first is served first. The thread ends when nobody wants the lock any more. If everybody has given up
//! while it stands in the system's queue, it stays there, and gives back at once what it wins.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use auth_core::error::StoreFault;

use super::system::{self, Locked};
use crate::os::{Spot, Stamp};

/// Which lock.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Id {
    /// Which file it is: a path may be another's later.
    file: (u64, u64),
    path: PathBuf,
}

impl Id {
    pub(super) fn new(stamp: Stamp, spot: &Spot) -> Self {
        Self { file: stamp.file, path: spot.path() }
    }
}

/// The lock, or what went wrong: as the system says it, or with the file that it was about.
type Given = Result<io::Result<Locked>, StoreFault>;

/// The locks that are waited for. Each has a thread for as long as it is here.
static QUEUES: Mutex<BTreeMap<Id, Queue>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Queue {
    /// Those who wait, in the order in which they came, by numbers that are never used again.
    waiting: VecDeque<(u64, SyncSender<Given>)>,
}

fn queues() -> MutexGuard<'static, BTreeMap<Id, Queue>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the queue, until it is dropped.
pub(super) struct Place<'a> {
    id: &'a Id,
    number: u64,
    given: Receiver<Given>,
}

/// Whether another thread of this process waits for a lock.
pub(super) fn is_wanted(id: &Id) -> bool {
    queues().get(id).is_some_and(|queue| !queue.waiting.is_empty())
}

/// How many threads of this process wait for a lock.
#[cfg(test)]
pub(super) fn length(id: &Id) -> usize {
    queues().get(id).map_or(0, |queue| queue.waiting.len())
}

/// Whether a thread of this process waits in the system's queue for a lock, or is about to.
#[cfg(test)]
pub(super) fn has_thread(id: &Id) -> bool {
    queues().contains_key(id)
}

/// Queues for a lock. A caller that passes the locked turnstile as `turn` is served before the others of this process.
///
/// A thread that waits in the system's queue already cannot take `turn` over. Then the turnstile is unlocked, and a
/// process that queued there after this one may be served first.
///
/// Fails if no thread can be started.
pub(super) fn join<'a>(id: &'a Id, spot: &Spot, turn: Option<File>) -> io::Result<Place<'a>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (sender, given) = mpsc::sync_channel(1);
    let mut queues = queues();
    let is_next = turn.is_some();
    if !queues.contains_key(id) {
        let (id, spot) = (id.clone(), spot.clone());
        thread::Builder::new().name("lock-queue".to_owned()).spawn(move || serve(&id, &spot, turn))?;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let waiting = &mut queues.entry(id.clone()).or_default().waiting;
    if is_next {
        waiting.push_front((number, sender));
    } else {
        waiting.push_back((number, sender));
    }
    Ok(Place { id, number, given })
}

impl Place<'_> {
    /// What was given within this time.
    pub(super) fn wait(&self, limit: Duration) -> Option<Given> {
        self.given.recv_timeout(limit).ok()
    }

    /// Gives the place up. What was given until then is had.
    pub(super) fn leave(&self) -> Option<Given> {
        if let Some(queue) = queues().get_mut(self.id) {
            queue.waiting.retain(|(number, _)| *number != self.number);
        }
        self.given.try_recv().ok()
    }

    /// Whether nobody in this process is served before.
    pub(super) fn is_first(&self) -> bool {
        let queues = queues();
        let first = queues.get(self.id).and_then(|queue| queue.waiting.front());
        first.is_some_and(|(number, _)| *number == self.number)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// Stands in the system's queue again and again, for as long as somebody waits.
fn serve(id: &Id, spot: &Spot, mut turn: Option<File>) {
    loop {
        let (unwanted, is_over) = hand(id, system::stand(spot, turn.take()));
        drop(unwanted);
        if is_over {
            return;
        }
    }
}

/// Gives the first of those who wait what was won, or what went wrong; back comes what nobody wants, and whether that
/// was the last.
fn hand(id: &Id, mut given: Given) -> (Option<Given>, bool) {
    let mut queues = queues();
    let mut unwanted = None;
    if let Some(queue) = queues.get_mut(id) {
        loop {
            let Some((_, taker)) = queue.waiting.pop_front() else {
                unwanted = Some(given);
                break;
            };
            match taker.try_send(given) {
                Ok(()) => break,
                Err(mpsc::TrySendError::Full(back) | mpsc::TrySendError::Disconnected(back)) => given = back,
            }
        }
        if !queue.waiting.is_empty() {
            return (unwanted, false);
        }
    }
    queues.remove(id);
    (unwanted, true)
}
