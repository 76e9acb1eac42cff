//! Signs of life: while locks are held, one thread of the process shows once a second that it is alive.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::Hold;

/// How often a holder shows that it is alive, and how long it has a lock before it begins to.
const BEAT: Duration = Duration::from_secs(1);
/// How often a lock is let go again that could not be: a server may be away for a while.
const TRIES: u32 = 60;

static HEART: Mutex<Heart> = Mutex::new(Heart { held: Vec::new(), late: Vec::new(), is_beating: false });

struct Heart {
    /// What is held, and since when.
    held: Vec<(Instant, Weak<dyn Hold>)>,
    /// What is still to be let go, and how often that is tried.
    late: Vec<(Arc<dyn Hold>, u32)>,
    /// Whether there is a thread.
    is_beating: bool,
}

fn heart() -> MutexGuard<'static, Heart> {
    HEART.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to show that the holder of this lock is alive, until it is let go.
pub(super) fn start(hold: &Arc<dyn Hold>) -> io::Result<()> {
    add(|heart| heart.held.push((Instant::now(), Arc::downgrade(hold))))
}

/// Lets a lock go as soon as that can be done.
pub(super) fn free_later(hold: &Arc<dyn Hold>) {
    // Without a thread, it is free when this process ends.
    drop(add(|heart| heart.late.push((Arc::clone(hold), TRIES))));
}

fn add(what: impl FnOnce(&mut Heart)) -> io::Result<()> {
    let mut heart = heart();
    if !heart.is_beating {
        thread::Builder::new().name("lock-beat".to_owned()).spawn(run)?;
        heart.is_beating = true;
    }
    what(&mut heart);
    Ok(())
}

fn run() {
    loop {
        thread::sleep(BEAT);
        let Some((due, late)) = heart().next(Instant::now()) else { return };
        // Not under the mutex: a file's server may be away.
        for hold in due {
            hold.beat();
        }
        let late = late.into_iter().filter(|(hold, tries)| !hold.free() && *tries > 1);
        let late: Vec<_> = late.map(|(hold, tries)| (hold, tries - 1)).collect();
        heart().late.extend(late);
    }
}

/// What is held for long enough to show it, and what is to be let go.
type Due = (Vec<Arc<dyn Hold>>, Vec<(Arc<dyn Hold>, u32)>);

impl Heart {
    /// What is to be done now; `None` if there is nothing left to do, and then the thread ends.
    fn next(&mut self, now: Instant) -> Option<Due> {
        self.held.retain(|(_, hold)| hold.strong_count() > 0);
        if self.held.is_empty() && self.late.is_empty() {
            self.is_beating = false;
            return None;
        }
        let is_due = |since: &Instant| now.saturating_duration_since(*since) >= BEAT;
        let due = self.held.iter().filter(|(since, _)| is_due(since));
        Some((due.filter_map(|(_, hold)| hold.upgrade()).collect(), std::mem::take(&mut self.late)))
    }
}

#[cfg(test)]
#[path = "../tests/lock_beat.rs"]
mod tests;
