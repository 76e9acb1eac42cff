//! Locks where the system has none: whoever links the next number has the lock (link(2) makes a name or does not, also
//! over a network and for whatever machine).
//!
//! The files `NAME.1`, `NAME.2`, … of a lock are its holders one after the other. The last number counts: the lock is
//! free if that file is empty or its holder is dead, and is then taken with the number after it. Nothing is removed or
//! renamed that somebody may still look at, so nobody can take away a lock in the belief that it is an older one; a
//! holder frees its own file and no other. Old numbers are removed, the lowest first, long after.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{self, ErrorKind, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use auth_core::Holder;
use auth_core::error::{StoreFault, StoreFaultKind};

use self::note::Note;
use super::wait::Patience;
use super::{Guard, Hold, Taken, beat, system};
use crate::atomic::is_older;
use crate::fault::{fault, from_io};
use crate::os::{self, Reach, Spot, Stamp};
use crate::steps::{Step, step};

mod note;

/// What a file is called before it is linked: `.NAME.RANDOM` and this.
const ENDING: &str = ".authctl-tmp";
/// How long a holder on another machine may show nothing. A renewal may take over a minute, a question ten: both beat.
const LEASE: Duration = Duration::from_mins(1);
/// How long it is watched then, all the same: after a server was away, everybody's last beat is old.
const WATCH: Duration = Duration::from_millis(2_500);
/// How long a lock of the system may still be held that was taken before links were the way: longer than a person is
/// asked.
const LONGEST: Duration = Duration::from_mins(15);
/// How many old numbers are kept for those who look at them.
const KEPT: u64 = 16;
/// How old a file must be to be known as left over, in seconds.
const LEFT_OVER: i64 = 3_600;
/// How often one attempt looks again because the lock went from one to the next meanwhile.
const ROUNDS: u32 = 32;
/// The longest number that counts.
const DIGITS: usize = 15;
/// The longest note that is read.
const LONGEST_NOTE: u64 = 512;
/// The shortest and the longest pause before a busy lock is looked at again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// Takes the lock whose name `base` is. `clock` is a file of the same file system, whose times are its server's;
/// `reach` is that of the system's locks there.
pub(super) fn take(
    base: &Spot,
    clock: &Spot,
    reach: Reach,
    patience: &mut Patience<'_>,
) -> Result<Taken, StoreFault> {
    let mut turn = Turn { base, clock, reach, known: None, watch: None, is_clear: false, seen: None };
    let mut pause = PAUSES.0;
    loop {
        let holder = match turn.attempt()? {
            Taken::Theirs(holder) => holder,
            ours @ Taken::Ours(_) => return Ok(ours),
        };
        let now = Instant::now();
        patience.look(now, turn.seen.take());
        patience.tell(now, || holder.clone());
        let left = patience.left(now);
        if left.is_zero() {
            return Ok(Taken::Theirs(holder));
        }
        // Not all at once.
        let percent = u32::try_from(random() % 100).unwrap_or(0);
        thread::sleep((pause / 2 + pause * percent / 100).min(left));
        pause = (pause * 3 / 2).min(PAUSES.1);
    }
}

/// The name of a new file that belongs to `spot` and to nobody else.
pub(super) fn claim_name(spot: &Spot) -> OsString {
    let mut name = beginning(spot);
    name.push(format!("{:016x}{ENDING}", random()));
    name
}

fn beginning(spot: &Spot) -> OsString {
    let mut name = OsString::from(".");
    name.push(spot.name());
    name.push(".");
    name
}

fn random() -> u64 {
    RandomState::new().hash_one((std::process::id(), SystemTime::now()))
}

/// One process's turn at a lock.
struct Turn<'a> {
    base: &'a Spot,
    clock: &'a Spot,
    reach: Reach,
    /// The last number, as far as is known.
    known: Option<u64>,
    /// A holder who seems dead, and since when it is watched.
    watch: Option<(u64, Stamp, Instant)>,
    /// True once nobody holds it as a lock of the system.
    is_clear: bool,
    /// What was last seen of another holder: its number, and when it last showed that it is alive.
    seen: Option<String>,
}

impl Turn<'_> {
    fn attempt(&mut self) -> Result<Taken, StoreFault> {
        if !self.is_clear {
            if let Some(holder) = self.former()? {
                return Ok(Taken::Theirs(holder));
            }
            self.is_clear = true;
        }
        for _ in 0..ROUNDS {
            let last = match self.known {
                Some(last) => last,
                None => numbers(self.base)?.last().copied().unwrap_or(0),
            };
            if last > 0 {
                let Some(content) = numbered(self.base, last).read(LONGEST_NOTE)? else {
                    // Long gone; the folder is remembered as it was until it changes.
                    self.stir()?;
                    self.known = None;
                    continue;
                };
                if !content.bytes.is_empty() {
                    let note = Note::read(&content.bytes);
                    if !self.is_dead(last, note.as_ref(), content.stamp)? {
                        self.known = Some(last);
                        self.seen = Some(format!("{last} {:?}", content.stamp));
                        return Ok(Taken::Theirs(note.map(Note::into_holder).unwrap_or_default()));
                    }
                }
            }
            match self.link(last + 1, &Note::ours(random()))? {
                Some(guard) => {
                    let numbers = numbers(self.base)?;
                    if is_first(last + 1, &numbers) {
                        self.tidy(&numbers);
                        return Ok(Taken::Ours(guard));
                    }
                    self.known = None;
                }
                None => self.known = Some(last + 1),
            }
        }
        Ok(Taken::Theirs(Holder::default()))
    }

    /// Who took it as a lock of the system before links were the way, and may hold it still.
    fn former(&self) -> Result<Option<Holder>, StoreFault> {
        let Some(content) = self.base.read(LONGEST_NOTE)? else { return Ok(None) };
        if system::is_nobodys(&content.bytes) {
            return Ok(None);
        }
        let Some(file) = self.base.open_in_place()? else { return Ok(None) };
        // What nobody holds can be locked, wherever locking reaches those who could.
        let is_free = self.reach != Reach::Part && file.try_lock().is_ok();
        if !is_free && !is_older(content.stamp.modified, LONGEST, self.now()?) {
            return Ok(Some(system::holder(self.base)));
        }
        file.set_len(0).map_err(|error| from_io(&error, &self.base.path()))?;
        Ok(None)
    }

    /// Whether the holder has died. On this machine that is known; of another one only that it shows nothing.
    fn is_dead(&mut self, number: u64, note: Option<&Note>, stamp: Stamp) -> Result<bool, StoreFault> {
        if let Some(gone) = note.and_then(Note::is_gone) {
            return Ok(gone);
        }
        if !is_older(stamp.modified, LEASE, self.now()?) {
            self.watch = None;
            return Ok(false);
        }
        match self.watch {
            Some((watched, seen, since)) if (watched, seen) == (number, stamp) => {
                Ok(since.elapsed() >= WATCH)
            }
            _ => {
                self.watch = Some((number, stamp, Instant::now()));
                Ok(false)
            }
        }
    }

    /// The time where the files are: clocks differ.
    fn now(&self) -> Result<SystemTime, StoreFault> {
        let file = self.clock.open_to_lock()?;
        let now = os::touch(&file).and_then(|()| file.metadata()?.modified());
        now.map_err(|error| from_io(&error, &self.clock.path()))
    }

    fn stir(&self) -> Result<(), StoreFault> {
        let name = claim_name(self.base);
        let stirred = self.base.create_beside(&name).and_then(|_| self.base.unlink_beside(&name));
        stirred.map_err(|error| from_io(&error, &self.base.dir().path().join(name)))
    }

    /// Links a file with this note as this number; `None` if somebody else has it.
    fn link(&self, number: u64, note: &Note) -> Result<Option<Guard>, StoreFault> {
        let (claim, spot) = (claim_name(self.base), numbered(self.base, number));
        let said = |error: &io::Error| from_io(error, &spot.path());
        let written = self.base.create_beside(&claim).and_then(|mut file| {
            file.write_all(note.text().as_bytes())?;
            // Only now is it known that there was room for it: an empty file is a free lock.
            step(Step::Sync, &claim, || file.sync_all())?;
            Ok(file)
        });
        let linked = written.and_then(|file| match spot.link_to(&claim) {
            Ok(()) => Ok(Some(file)),
            // An answer of the server's may have been lost, and the request made again: what counts is what is there.
            Err(error) => match spot.read(LONGEST_NOTE) {
                Ok(Some(there)) if there.bytes == note.text().as_bytes() => Ok(Some(file)),
                _ if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(None),
                _ => Err(error),
            },
        });
        drop(self.base.unlink_beside(&claim));
        match linked {
            Ok(None) => Ok(None),
            Ok(Some(file)) => {
                let guard =
                    Guard::new(Held { base: self.base.clone(), number, file: Mutex::new(Some(file)) });
                // Without signs of life it would be taken over, so it is freed right away.
                beat::start(&guard.0).map_err(|error| said(&error))?;
                Ok(Some(guard))
            }
            // Ours was removed while it was made.
            Err(error) if error.kind() == ErrorKind::StaleNetworkFileHandle => Ok(None),
            Err(error) if os::cannot_link(&error) => {
                Err(fault(StoreFaultKind::NoLocks, self.base.dir().path()))
            }
            Err(error) => Err(said(&error)),
        }
    }

    /// Removes what nobody looks at any more, the lowest first: whoever links a number that was removed finds that the
    /// one before it is gone as well.
    fn tidy(&self, numbers: &BTreeSet<u64>) {
        let last = numbers.last().copied().unwrap_or(0);
        for number in numbers.iter().take_while(|number| **number + KEPT <= last) {
            if self.base.unlink_beside(numbered(self.base, *number).name()).is_err() {
                break;
            }
        }
        if let Ok(Some(stamp)) = numbered(self.base, last).stamp() {
            self.sweep(stamp.changed.0);
        }
    }

    /// Removes what the dead left over. When a file was last written says nothing of one that is being made: a server may
    /// keep something else there.
    fn sweep(&self, now: i64) {
        let beginning = beginning(self.base);
        let is_claim = |name: &OsString| {
            let name = name.as_encoded_bytes();
            name.starts_with(beginning.as_encoded_bytes()) && name.ends_with(ENDING.as_bytes())
        };
        let Ok(names) = self.base.dir().names() else { return };
        for name in names.iter().filter(|name| is_claim(name)) {
            let stamp = self.base.beside(name).stamp().ok().flatten();
            if stamp.is_some_and(|stamp| now.saturating_sub(stamp.changed.0) >= LEFT_OVER) {
                drop(self.base.unlink_beside(name));
            }
        }
    }
}

/// True if a number that was linked is a new one. One that was used long ago and removed has others after it; and as
/// the lowest are removed first, none before it.
fn is_first(number: u64, numbers: &BTreeSet<u64>) -> bool {
    numbers.last() == Some(&number) && (number == 1 || numbers.contains(&(number - 1)))
}

/// The file of a holder.
fn numbered(base: &Spot, number: u64) -> Spot {
    let mut name = base.name().to_owned();
    name.push(format!(".{number}"));
    base.beside(&name)
}

/// The numbers that are there.
fn numbers(base: &Spot) -> Result<BTreeSet<u64>, StoreFault> {
    let mut beginning = base.name().to_owned();
    beginning.push(".");
    let names = base.dir().names().map_err(|error| from_io(&error, base.dir().path()))?;
    let number = |name: &OsString| {
        let digits = name.as_encoded_bytes().strip_prefix(beginning.as_encoded_bytes())?;
        let is_number = digits.len() <= DIGITS && digits.iter().all(u8::is_ascii_digit);
        let digits = std::str::from_utf8(digits).ok().filter(|_| is_number && digits.first() != Some(&b'0'));
        digits?.parse().ok()
    };
    Ok(names.iter().filter_map(number).collect())
}

/// A lock that is ours. It is freed by emptying its file.
struct Held {
    base: Spot,
    number: u64,
    /// Until it is freed.
    file: Mutex<Option<File>>,
}

impl Held {
    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold for Held {
    fn free(&self) -> bool {
        let mut file = self.file();
        let is_free = file.as_ref().is_none_or(|file| file.set_len(0).is_ok());
        if is_free {
            *file = None;
        }
        is_free
    }

    fn beat(&self) {
        if let Some(file) = &*self.file() {
            drop(os::touch(file));
        }
    }

    fn check(&self) -> Result<(), StoreFault> {
        if self.file().is_none() {
            return Ok(());
        }
        // Whoever takes it over links the next number. A folder may be remembered as it was: a name is asked for anew.
        let next = numbered(&self.base, self.number + 1).stamp()?;
        let last = numbers(&self.base)?.last().copied();
        if next.is_none() && last == Some(self.number) {
            return Ok(());
        }
        let last = numbered(&self.base, last.unwrap_or_default().max(self.number + 1));
        let note = last.read(LONGEST_NOTE)?.and_then(|content| Note::read(&content.bytes));
        let holder = note.map(Note::into_holder).unwrap_or_default();
        Err(fault(StoreFaultKind::Locked(holder), &self.base.path()))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../tests/lock_links.rs"]
mod tests;
