//! Locks that other processes respect: the system's, on plain files that are never removed; and where those do not
//! work, or end at this machine, names that are linked.

mod beat;
mod links;
mod method;
mod queue;
mod system;
mod wait;

use std::sync::{Arc, Weak};

use auth_core::Holder;
use auth_core::error::{StoreFault, StoreFaultKind};

use crate::fault::fault;
use crate::os::Dir;
use system::Tried;
use wait::Patience;

pub use method::LockMethod;
pub(crate) use method::method;
pub(crate) use wait::Wait;

/// A lock that this process has, whatever it is made of.
trait Hold: Send + Sync {
    /// Lets the lock go. False if that did not work and has to be tried again.
    fn free(&self) -> bool;

    /// Shows those who wait that the holder is alive.
    fn beat(&self);

    /// Fails if another process has taken the lock over, or if that cannot be known.
    fn check(&self) -> Result<(), StoreFault>;
}

/// A lock that is held until this is dropped.
pub(crate) struct Guard(Arc<dyn Hold>);

impl Guard {
    fn new(hold: impl Hold + 'static) -> Self {
        Self(Arc::new(hold))
    }

    /// Fails with [`StoreFaultKind::Locked`] if another process has taken the lock over, because this one showed no
    /// life for as long as a lease lasts. Only a lock of links can be taken over.
    ///
    /// Call it before each step that only the holder may take: before a token is redeemed, before a file is renamed.
    pub(crate) fn check(&self) -> Result<(), StoreFault> {
        self.0.check()
    }

    /// Shows once a second that the holder is alive, once the lock has been held for a second. A lock of links does so
    /// anyway. Without a thread to do it the lock is as good, but is not waited for as long.
    pub(crate) fn show_life(&self) {
        // A lock that is not shown to be alive is still a lock.
        drop(beat::start(&self.0));
    }

    /// Something to check this lock with from elsewhere. It does not keep the lock.
    pub(crate) fn watch(&self) -> Watch {
        Watch(Arc::downgrade(&self.0))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.0.free() {
            beat::free_later(&self.0);
        }
    }
}

/// Says of a lock whether it is still held, without keeping it.
#[derive(Clone)]
pub(crate) struct Watch(Weak<dyn Hold>);

impl Watch {
    /// Like [`Guard::check`]. A lock that was let go is not asked.
    pub(crate) fn check(&self) -> Result<(), StoreFault> {
        self.0.upgrade().map_or(Ok(()), |hold| hold.check())
    }
}

/// What became of an attempt.
pub(crate) enum Taken {
    Ours(Guard),
    Theirs(Holder),
}

/// Takes the lock called `name`, and waits for it within these limits. A thread of this process is kept out like
/// another process. If locking does not work here that is a fault, and never taken for a lock.
pub(crate) fn take<'a>(dir: &Dir, name: &str, wait: impl Into<Wait<'a>>) -> Result<Taken, StoreFault> {
    let mut patience = Patience::new(wait.into());
    let missing = || fault(StoreFaultKind::NotA("file"), &dir.path().join(name));
    let reach = dir.reach();
    if method(dir)? != LockMethod::Links {
        let (spot, file, stamp) = dir.open_to_lock(name)?.ok_or_else(missing)?;
        match system::take(&spot, (file, stamp), &mut patience)? {
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
    let spot = dir.spot(name, true)?.ok_or_else(missing)?;
    links::take(&spot, &method::note(dir)?, reach, &mut patience)
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/lock.rs"]
mod tests;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/lock_method.rs"]
mod method_tests;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/lock_turn.rs"]
mod turn_tests;
