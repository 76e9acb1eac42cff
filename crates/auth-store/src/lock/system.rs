//! Locks of the system. It frees them when their holder ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use auth_core::error::StoreFault;
use auth_core::{Foreign, Holder};

use super::Taken;
use crate::fault::from_io;
use crate::os::{self, Spot};
use crate::steps::{Step, step};

/// What became of an attempt.
pub(super) enum Tried {
    Taken(Taken),
    /// There are no such locks in this folder.
    CannotLock,
}

struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Nobody is to be told that we still have it. Both fail harmlessly: closing the file frees the lock as well.
        drop(self.0.set_len(0));
        drop(self.0.unlock());
    }
}

/// Takes a lock, and notes who holds it.
pub(super) fn take(spot: &Spot, wait: Duration) -> Result<Tried, StoreFault> {
    let file = spot.open_to_lock()?;
    let tried = loop {
        match intercepted(spot).and_then(|()| file.try_lock()) {
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            tried => break tried,
        }
    };
    let won = match tried {
        Ok(()) => Some(Locked(file)),
        Err(TryLockError::WouldBlock) if wait.is_zero() => None,
        Err(TryLockError::WouldBlock) => wait_for(file, wait, spot)?,
        Err(TryLockError::Error(error)) if os::cannot_lock(&error) => return Ok(Tried::CannotLock),
        Err(TryLockError::Error(error)) => return Err(from_io(&error, &spot.path())),
    };
    Ok(Tried::Taken(match won {
        Some(locked) => {
            sign(&locked.0);
            Taken::Ours(Box::new(locked))
        }
        None => Taken::Theirs(holder(spot)),
    }))
}

fn intercepted(spot: &Spot) -> Result<(), TryLockError> {
    step(Step::Lock, spot.name(), || Ok(())).map_err(TryLockError::Error)
}

/// Waits in the system's own queue, on a thread that may wait on when we no longer do. Who comes just as the lock is let
/// go may be faster than those who wait.
fn wait_for(file: File, wait: Duration, spot: &Spot) -> Result<Option<Locked>, StoreFault> {
    let (sender, receiver) = mpsc::channel();
    let helper = thread::Builder::new().name("lock".to_owned()).spawn(move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        // Won too late, the lock comes back with the error, is dropped here, and is free again.
        drop(sender.send(locked.map(|()| Locked(file))));
    });
    helper.map_err(|error| from_io(&error, &spot.path()))?;
    match receiver.recv_timeout(wait) {
        Ok(locked) => locked.map(Some).map_err(|error| from_io(&error, &spot.path())),
        Err(_) => Ok(None),
    }
}

/// Notes who holds it, for those who wait. Without the note they know only that somebody does.
fn sign(mut file: &File) {
    let host = os::host().unwrap_or_default();
    let note = format!("{} {}\n", std::process::id(), host.raw());
    let signed = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
    drop(signed.and_then(|_| file.write_all(note.as_bytes())));
}

pub(super) fn holder(spot: &Spot) -> Holder {
    let mut note = String::new();
    if let Ok(Some((file, _))) = spot.open() {
        drop(file.take(512).read_to_string(&mut note));
    }
    let (pid, host) = note.trim_end().split_once(' ').unwrap_or((note.trim_end(), ""));
    let (pid, host) = (pid.parse().ok(), (!host.is_empty()).then(|| Foreign::from(host)));
    // A number means a process of this machine only.
    let stopped = pid.filter(|_| host == os::host()).is_some_and(os::is_stopped);
    Holder { pid, host, stopped }
}
