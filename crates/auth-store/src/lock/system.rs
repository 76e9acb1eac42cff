//! Locks of the system. It frees them when their holder ends, however it ends.
//!
//! A lock is the file `NAME`. Its turnstile is `NAME.turn`, made when the lock was first waited for: who cannot have the
//! lock at once queues there, and only the first of that queue waits for the lock itself. Who has just come leaves the
//! lock alone while somebody stands there. The lock is what keeps others out; the turnstile only keeps the order.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::error::StoreFault;
use auth_core::{Foreign, Holder};

use super::queue::{self, Id};
use super::wait::Patience;
use super::{Guard, Hold, Taken};
use crate::fault::from_io;
use crate::os::{self, Spot, Stamp};
use crate::steps::{Step, step};

/// How long nothing has to move before the turnstile is passed by: a process that is stopped may stand at it, and the
/// lock be free.
const PASS_BY: Duration = Duration::from_secs(1);
/// How long a turnstile that was just let go is left to the one who is being woken for it.
const GIVE_WAY: Duration = Duration::from_millis(2);
/// How many times a process tries a lock before a thread waits in the system's queue for it. That takes about 100 ms;
/// most changes take less.
const TRIES: u32 = 54;
/// The shortest and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(2));
/// What the turnstile is called: `NAME` and this.
const TURN: &str = ".turn";
/// The longest note that is read.
const LONGEST_NOTE: u64 = 512;
/// The note of a lock that is free.
const NOBODY: &str = "\n\n";
/// The same after a holder that passed the turnstile by: the process that stands there is stopped, as far as is known.
const NOBODY_PASSED_BY: &str = "\n!";

/// What became of an attempt.
pub(super) enum Tried {
    Taken(Taken),
    /// There are no such locks in this folder.
    CannotLock,
}

/// The file of a lock that is ours.
pub(super) struct Locked {
    file: File,
    /// Whether the turnstile was passed by.
    passed_by: bool,
}

impl Locked {
    fn in_turn(file: File) -> Self {
        Self { file, passed_by: false }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // No waiter is to be told that we still have it. Both fail harmlessly: closing the file frees the lock as well.
        write(&self.file, if self.passed_by { NOBODY_PASSED_BY } else { NOBODY });
        drop(self.file.unlock());
    }
}

/// The same, signed with who holds it.
struct Signed(Mutex<Option<Locked>>);

impl Hold for Signed {
    fn free(&self) -> bool {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        true
    }

    fn beat(&self) {
        if let Some(locked) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            write(&locked.file, &note());
        }
    }

    fn check(&self) -> Result<(), StoreFault> {
        Ok(())
    }
}

/// Takes a lock, and notes who holds it.
pub(super) fn take(
    spot: &Spot,
    (file, stamp): (File, Stamp),
    patience: &mut Patience<'_>,
) -> Result<Tried, StoreFault> {
    let said = |error: io::Error| from_io(&error, &spot.path());
    let id = Id::new(stamp, spot);
    let mut turn = None;
    let (mut pause, started) = (PAUSES.0, Instant::now());
    for _ in 0..TRIES {
        let is_ours_next = turn.is_some() || (!queue::is_wanted(&id) && !is_waited_for(spot)?);
        if !is_ours_next {
            break;
        }
        match lock(spot, &file) {
            Ok(true) => return Ok(signed(Locked::in_turn(file))),
            Ok(false) => {}
            Err(error) if os::cannot_lock(&error) => return Ok(Tried::CannotLock),
            Err(error) => return Err(said(error)),
        }
        let now = Instant::now();
        let left = patience.left(now);
        if left.is_zero() {
            break;
        }
        if turn.is_none() && now.saturating_duration_since(started) >= GIVE_WAY {
            turn = turn_at(spot)?;
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSES.1);
    }
    drop(file);
    if patience.left(Instant::now()).is_zero() {
        return Ok(Tried::Taken(Taken::Theirs(holder(spot))));
    }
    wait_for(&id, spot, turn, patience)
}

/// Waits in this process's queue. `turn` is the turnstile, if this process has locked it already.
fn wait_for(
    id: &Id,
    spot: &Spot,
    turn: Option<File>,
    patience: &mut Patience<'_>,
) -> Result<Tried, StoreFault> {
    let said = |error: io::Error| from_io(&error, &spot.path());
    let place = queue::join(id, spot, turn).map_err(said)?;
    patience.look(Instant::now(), seen(spot));
    loop {
        let left = patience.left(Instant::now());
        let is_over = left.is_zero();
        // Once more at the end: it may be there already.
        let given = if is_over { place.leave() } else { place.wait(left) };
        match given {
            Some(Ok(Ok(locked))) => return Ok(signed(locked)),
            Some(Ok(Err(error))) if os::cannot_lock(&error) => return Ok(Tried::CannotLock),
            Some(Ok(Err(error))) => return Err(said(error)),
            Some(Err(fault)) => return Err(fault),
            None if is_over => return Ok(Tried::Taken(Taken::Theirs(holder(spot)))),
            None => {}
        }
        let now = Instant::now();
        patience.look(now, seen(spot));
        patience.tell(now, || holder(spot));
        if place.is_first() && (patience.quiet(now) >= PASS_BY || was_passed_by(spot)) {
            let file = spot.open_to_lock()?;
            if lock(spot, &file).map_err(said)? {
                return Ok(signed(Locked { file, passed_by: true }));
            }
        }
    }
}

/// Locks a file. Returns false if another holder has it locked.
fn lock(spot: &Spot, file: &File) -> io::Result<bool> {
    loop {
        let intercepted = step(Step::Lock, spot.name(), || Ok(())).map_err(TryLockError::Error);
        match intercepted.and_then(|()| file.try_lock()) {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn turnstile(spot: &Spot) -> Spot {
    let mut name = spot.name().to_owned();
    name.push(TURN);
    spot.beside(&name)
}

/// Whether somebody stands at the turnstile. Those who look do not keep each other out.
fn is_waited_for(spot: &Spot) -> Result<bool, StoreFault> {
    let turnstile = turnstile(spot);
    let Some((file, _)) = turnstile.open()? else { return Ok(false) };
    loop {
        match file.try_lock_shared() {
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            // The lock itself says whether there are none here.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(false),
            Err(TryLockError::WouldBlock) => return Ok(true),
        }
    }
}

/// Locks the turnstile; `None` if another process has it locked. Errors of locking are left to the lock itself.
fn turn_at(spot: &Spot) -> Result<Option<File>, StoreFault> {
    let turnstile = turnstile(spot);
    let file = turnstile.open_to_lock()?;
    Ok(file.try_lock().is_ok().then_some(file))
}

/// Waits in the system's own queue without a limit: first for the turnstile, unless `turn` is the locked turnstile, and
/// then for the lock.
pub(super) fn stand(spot: &Spot, turn: Option<File>) -> Result<io::Result<Locked>, StoreFault> {
    let _turn = if let Some(turn) = turn {
        turn
    } else {
        if !is_waited_for(spot)? {
            thread::sleep(GIVE_WAY);
        }
        let turn = turnstile(spot).open_to_lock()?;
        if let Err(error) = lock_patiently(&turn) {
            return Ok(Err(error));
        }
        turn
    };
    let file = spot.open_to_lock()?;
    Ok(lock_patiently(&file).map(|()| Locked::in_turn(file)))
}

fn lock_patiently(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            locked => return locked,
        }
    }
}

fn signed(locked: Locked) -> Tried {
    // Without the note those who wait know only that somebody has it.
    write(&locked.file, &note());
    Tried::Taken(Taken::Ours(Guard::new(Signed(Mutex::new(Some(locked))))))
}

/// Writes the first line of a lock's file, which alone counts. The file is never cut short: one that is and then written
/// is brought to the disk as soon as anybody closes it, ext4 does that, and whoever cuts it next waits for the disk.
fn write(file: &File, line: &str) {
    drop(os::write_first(file, line.as_bytes()));
}

/// Whether the note of a lock's file names nobody.
pub(super) fn is_nobodys(note: &[u8]) -> bool {
    note.is_empty() || note.starts_with(b"\n")
}

/// Who holds it, for those who wait, and a number that is another each time.
fn note() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let host = os::host().unwrap_or_default();
    format!("{} {} {}\n", std::process::id(), host.raw(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// When the file of a lock was last written; `None` if that cannot be seen.
fn seen(spot: &Spot) -> Option<String> {
    Some(format!("{:?}", spot.stamp().ok()?))
}

/// Whether the last holder passed the turnstile by. Then there is no order to keep until the process there goes on.
fn was_passed_by(spot: &Spot) -> bool {
    read(spot).starts_with(NOBODY_PASSED_BY.as_bytes())
}

fn read(spot: &Spot) -> Vec<u8> {
    let mut note = Vec::new();
    if let Ok(Some((file, _))) = spot.open() {
        drop(file.take(LONGEST_NOTE).read_to_end(&mut note));
    }
    note
}

pub(super) fn holder(spot: &Spot) -> Holder {
    let note = read(spot);
    let line = note.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let (pid, rest) = line.split_once(' ').unwrap_or((line, ""));
    let host = match rest.rsplit_once(' ') {
        Some((host, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => rest,
    };
    let (pid, host) = (pid.parse().ok(), (!host.is_empty()).then(|| Foreign::from(host)));
    // A number means a process of this machine only.
    let stopped = pid.filter(|_| host == os::host()).is_some_and(os::is_stopped);
    Holder { pid, host, stopped }
}
