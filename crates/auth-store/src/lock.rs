//! Locks that other processes respect: the system's, on plain files that are never removed; and where those do not
//! work, or end at this machine, names that are linked.

mod links;
mod method;
mod system;

use std::time::{Duration, Instant};

use auth_core::Holder;
use auth_core::error::{StoreFault, StoreFaultKind};

use crate::fault::fault;
use crate::os::Dir;
use system::Tried;

pub use method::LockMethod;
pub(crate) use method::method;

/// A lock that is held until this is dropped.
pub(crate) type Guard = Box<dyn Send>;

/// What became of an attempt.
pub(crate) enum Taken {
    Ours(Guard),
    Theirs(Holder),
}

/// Takes the lock called `name`, waiting for it so long; zero tries once. A thread of this process is kept out like
/// another process. If locking does not work here that is a fault, and never taken for a lock.
pub(crate) fn take(dir: &Dir, name: &str, wait: Duration) -> Result<Taken, StoreFault> {
    let started = Instant::now();
    let spot = dir.spot(name, true)?;
    let spot = spot.ok_or_else(|| fault(StoreFaultKind::NotA("file"), &dir.path().join(name)))?;
    let reach = dir.reach();
    if method(dir)? != LockMethod::Links {
        match system::take(&spot, wait)? {
            // Whoever changes to links notes that first and looks for our name second; we do it the other way around,
            // so one of us sees the other.
            Tried::Taken(Taken::Ours(guard)) => match method::noted(dir, reach) {
                Ok(false) => return Ok(Taken::Ours(guard)),
                Ok(true) => drop(guard),
                Err(fault) => return Err(fault),
            },
            Tried::Taken(theirs @ Taken::Theirs(_)) => return Ok(theirs),
            Tried::CannotLock if method::change_to_links(dir)? => {}
            Tried::CannotLock => return Err(fault(StoreFaultKind::NoLocks, dir.path())),
        }
    }
    links::take(&spot, &method::note(dir)?, reach, wait.saturating_sub(started.elapsed()))
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/lock.rs"]
mod tests;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/lock_method.rs"]
mod method_tests;
