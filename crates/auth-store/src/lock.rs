//! Locks that other processes respect: plain files, never removed. The system frees them when their holder ends,
//! however it ends.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::{Foreign, Holder};

use crate::fault::{fault, from_io};
use crate::os::{self, Dir, Spot};

/// What became of an attempt.
pub(crate) enum Taken {
    Ours(Guard),
    Theirs(Holder),
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Guard(File);

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is to be told that we still have it. Both fail harmlessly: closing the file frees the lock as well.
        drop(self.0.set_len(0));
        drop(self.0.unlock());
    }
}

/// Takes the lock called `name`, waiting for it so long; zero tries once. A thread of this process is kept out like
/// another process. If locking does not work here that is a fault, and never taken for a lock.
pub(crate) fn take(dir: &Dir, name: &str, wait: Duration) -> Result<Taken, StoreFault> {
    let spot = dir.spot(name, true)?;
    let spot = spot.ok_or_else(|| fault(StoreFaultKind::NotA("file"), &dir.path().join(name)))?;
    let file = spot.open_to_lock()?;
    let tried = loop {
        match file.try_lock() {
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            tried => break tried,
        }
    };
    let won = match tried {
        Ok(()) => Some(Guard(file)),
        Err(TryLockError::WouldBlock) if wait.is_zero() => None,
        Err(TryLockError::WouldBlock) => wait_for(file, wait, &spot)?,
        Err(TryLockError::Error(error)) => return Err(from_io(&error, &spot.path())),
    };
    match won {
        Some(guard) => {
            sign(&guard.0);
            Ok(Taken::Ours(guard))
        }
        None => Ok(Taken::Theirs(holder(&spot))),
    }
}

/// Waits in the system's own queue, which is fair, on a thread that may wait on when we no longer do.
fn wait_for(file: File, wait: Duration, spot: &Spot) -> Result<Option<Guard>, StoreFault> {
    let (sender, receiver) = mpsc::channel();
    let helper = thread::Builder::new().name("lock".to_owned()).spawn(move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        // Won too late, the guard comes back with the error, is dropped here, and the lock is free again.
        drop(sender.send(locked.map(|()| Guard(file))));
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

fn holder(spot: &Spot) -> Holder {
    let mut note = String::new();
    if let Ok(Some((file, _))) = spot.open() {
        drop(file.take(512).read_to_string(&mut note));
    }
    let (pid, host) = note.trim_end().split_once(' ').unwrap_or((note.trim_end(), ""));
    Holder { pid: pid.parse().ok(), host: (!host.is_empty()).then(|| Foreign::from(host)) }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/lock.rs"]
mod tests;
