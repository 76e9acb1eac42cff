//! Changing a file so that whoever looks, and whatever stops us, finds the old content or the new.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::time::{Duration, SystemTime};

use auth_core::error::{StoreFault, StoreFaultKind};

use crate::fault::{fault, from_io, other};
use crate::os::{self, Dir, Entry, Spot};
use crate::steps::{Step, step};

/// What a new content is called until it is complete: `.NAME.PROCESS-NUMBER` and this.
const ENDING: &str = ".authctl-tmp";
/// How old such a file must be to be known as left over by a process that died, where its lock does not say so.
const LEFT_OVER: Duration = Duration::from_mins(1);
/// How many files are kept aside for one name. The last is replaced.
const KEPT_ASIDE: u32 = 999;

/// What became of a change that is made only where nothing has changed meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    Done,
    /// The check said no, and everything is as it was.
    Forestalled,
}

/// Says whether a file may still be changed.
pub(crate) type Ready<'a> = &'a dyn Fn() -> Result<(), StoreFault>;

/// Puts a file with this content in the place of what is there: written beside it, made durable, renamed, and that
/// made durable. Where a name cannot be renamed over (something is mounted on it), the file is changed where it is.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn replace(spot: &Spot, content: &[u8]) -> Result<(), StoreFault> {
    replace_if(spot, content, || Ok(true)).map(drop)
}

/// Like [`replace`], unless `check`, which is asked when all that remains is to rename, says no or fails: then nothing is
/// changed.
pub(crate) fn replace_if(
    spot: &Spot,
    content: &[u8],
    check: impl FnOnce() -> Result<bool, StoreFault>,
) -> Result<Placed, StoreFault> {
    place(spot, content, check, true)
}

/// Like [`replace`]; `ready` is asked just before the rename, and where it fails nothing is changed.
pub(crate) fn replace_when(spot: &Spot, content: &[u8], ready: Ready<'_>) -> Result<(), StoreFault> {
    place(spot, content, || ready().map(|()| true), true).map(drop)
}

/// Like [`replace`], but does not make the rename durable: after a crash the old content may be there again, and whole.
/// `listed` are the entries of the folder, read under the lock.
pub(crate) fn replace_soon(spot: &Spot, content: &[u8], listed: &[Entry]) -> Result<(), StoreFault> {
    if spot.is_behind_link() {
        sweep(spot);
    } else {
        sweep_among(spot, listed.iter().map(|entry| &*entry.name));
    }
    Staged::unswept(spot, content)?.place(|| Ok(true), false).map(drop)
}

fn place(
    spot: &Spot,
    content: &[u8],
    check: impl FnOnce() -> Result<bool, StoreFault>,
    is_durable: bool,
) -> Result<Placed, StoreFault> {
    Staged::new(spot, content)?.place(check, is_durable)
}

/// A file's new content, written beside it and not durable yet. Removed again if it is not placed.
///
/// Most of what can go wrong with a change goes wrong while this is made.
pub(crate) struct Staged<'a> {
    spot: Spot,
    file: File,
    temporary: OsString,
    content: Cow<'a, [u8]>,
    placed: bool,
}

impl<'a> Staged<'a> {
    /// Call it under the lock that all writers of the file take.
    pub(crate) fn new(spot: &Spot, content: impl Into<Cow<'a, [u8]>>) -> Result<Self, StoreFault> {
        sweep(spot);
        Self::unswept(spot, content)
    }

    fn unswept(spot: &Spot, content: impl Into<Cow<'a, [u8]>>) -> Result<Self, StoreFault> {
        let (file, temporary) = create(spot).map_err(|error| from_io(&error, &spot.path()))?;
        let content = content.into();
        let mut staged = Self { spot: spot.clone(), file, temporary, content, placed: false };
        let written = step(Step::Write, &staged.temporary, || Ok(()))
            .and_then(|()| staged.file.write_all(&staged.content));
        written.map_err(|error| staged.said(&error))?;
        Ok(staged)
    }

    /// Puts it in the place of what is there, if `ready` does not fail just before.
    pub(crate) fn replace_when(self, ready: Ready<'_>) -> Result<(), StoreFault> {
        self.place(|| ready().map(|()| true), true).map(drop)
    }

    fn place(
        mut self,
        check: impl FnOnce() -> Result<bool, StoreFault>,
        is_durable: bool,
    ) -> Result<Placed, StoreFault> {
        let synced = step(Step::Sync, &self.temporary, || self.file.sync_all());
        synced.map_err(|error| self.said(&error))?;
        // A slow disk takes long to here. Readers count from when the file is in its place; where this fails, from before.
        drop(os::touch(&self.file));
        if !check()? {
            return Ok(Placed::Forestalled);
        }
        match self.spot.replace_with(&self.temporary) {
            Ok(()) => {
                self.placed = true;
                if is_durable {
                    self.spot.dir().sync().map_err(|error| self.said(&error))?;
                }
            }
            Err(error) if cannot_be_moved(&error) => rewrite(&self.spot, &self.content)?,
            Err(error) => return Err(self.said(&error)),
        }
        Ok(Placed::Done)
    }

    fn said(&self, error: &io::Error) -> StoreFault {
        from_io(error, &self.spot.path())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // Left over if this fails; then it is swept away later.
            drop(self.spot.unlink_beside(&self.temporary));
        }
    }
}

/// The names of new contents of a file that were not put in its place.
pub(crate) fn staged(dir: &Dir, name: &str) -> Vec<String> {
    let left = left_over(dir, format!(".{name}.").as_bytes()).into_iter();
    left.filter_map(|name| name.into_string().ok()).collect()
}

/// Removes a file; none is as well. Where a name cannot be removed (something is mounted on it), the file is emptied. Of
/// a file behind a link that leaves its folder, the link is removed and the file stays.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn remove(spot: &Spot) -> Result<(), StoreFault> {
    if spot.is_behind_link() {
        sweep(spot);
    }
    let spot = &spot.origin();
    let swept = sweep(spot);
    match spot.unlink_beside(spot.name()) {
        Ok(()) => spot.dir().sync().map_err(|error| from_io(&error, &spot.path())),
        Err(error) if error.kind() == ErrorKind::NotFound && swept == 0 => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            spot.dir().sync().map_err(|error| from_io(&error, &spot.path()))
        }
        Err(error) if cannot_be_moved(&error) => rewrite(spot, b""),
        Err(error) => Err(from_io(&error, &spot.path())),
    }
}

/// Takes the content of a file away: removes it, or empties it if it is behind a link that leaves its folder.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn clear(spot: &Spot) -> Result<(), StoreFault> {
    if !spot.is_behind_link() {
        return remove(spot);
    }
    match spot.stamp()? {
        Some(stamp) if stamp.size > 0 => replace(spot, b""),
        _ => Ok(()),
    }
}

/// Keeps what nobody can read as `NAME.damaged-NUMBER` in a folder of ours, before it is replaced.
///
/// What is behind a link that leaves its folder is refused: it is left where it is.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn set_aside(spot: &Spot, into: &Dir, name: &str) -> Result<(), StoreFault> {
    if spot.is_behind_link() {
        return Err(other("it is behind a link and cannot be read, so it is not replaced", &spot.path()));
    }
    let name_of = |number: u32| format!("{name}.damaged-{number}");
    let mut number = 1;
    let kept = loop {
        let Some(kept) = into.spot(&name_of(number), false)? else {
            return Err(fault(StoreFaultKind::NotA("file"), &into.path().join(name_of(number))));
        };
        if number == KEPT_ASIDE || kept.stamp()?.is_none() {
            break kept;
        }
        number += 1;
    };
    match spot.move_to(into, kept.name()) {
        Ok(()) => {
            let synced = spot.dir().sync().and_then(|()| into.sync());
            synced.map_err(|error| from_io(&error, &kept.path()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if cannot_be_moved(&error) => copy(spot, &kept),
        Err(error) => Err(from_io(&error, &spot.path())),
    }
}

/// Another file system, or something mounted on the name.
fn cannot_be_moved(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices)
}

fn create(spot: &Spot) -> io::Result<(File, OsString)> {
    let mut number = 0_u32;
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(spot.name());
        temporary.push(format!(".{}-{number}{ENDING}", std::process::id()));
        match spot.create_beside(&temporary) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            created => return Ok((created?, temporary)),
        }
    }
}

fn fill(mut file: File, name: &OsStr, content: &[u8]) -> io::Result<File> {
    step(Step::Write, name, || Ok(()))?;
    file.write_all(content)?;
    step(Step::Sync, name, || file.sync_all())?;
    Ok(file)
}

fn rewrite(spot: &Spot, content: &[u8]) -> Result<(), StoreFault> {
    let Some(file) = spot.open_in_place()? else {
        let gone = io::Error::from(ErrorKind::NotFound);
        return if content.is_empty() { Ok(()) } else { Err(from_io(&gone, &spot.path())) };
    };
    let rewritten = fill(file, spot.name(), content).and_then(|file| {
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        step(Step::Truncate, spot.name(), || file.set_len(length))?;
        step(Step::Sync, spot.name(), || file.sync_all())
    });
    rewritten.map_err(|error| from_io(&error, &spot.path()))
}

fn copy(from: &Spot, to: &Spot) -> Result<(), StoreFault> {
    let Some((mut source, _)) = from.open()? else { return Ok(()) };
    sweep(to);
    let copied = create(to).and_then(|(mut file, temporary)| {
        let written = io::copy(&mut source, &mut file)
            .and_then(|_| step(Step::Sync, &temporary, || file.sync_all()))
            .and_then(|()| to.replace_with(&temporary));
        if written.is_err() {
            drop(to.unlink_beside(&temporary));
        }
        written.and_then(|()| to.dir().sync())
    });
    copied.map_err(|error| from_io(&error, &to.path()))
}

/// Removes what writers of this file left over when they died, and says how many files that were. Nothing depends on it.
///
/// The caller holds the lock of the file's writers, so whoever made them is dead. A file behind a link may be written
/// under other locks: there only what has not been touched for a while is known to be left over.
fn sweep(spot: &Spot) -> usize {
    sweep_among(spot, spot.dir().names().unwrap_or_default().iter().map(|name| &**name))
}

/// Like [`sweep`], with the names in the folder given.
fn sweep_among<'a>(spot: &Spot, names: impl Iterator<Item = &'a OsStr>) -> usize {
    let mut beginning = OsString::from(".");
    beginning.push(spot.name());
    beginning.push(".");
    let is_old = |name: &&OsStr| {
        let stamp = spot.beside(name).stamp();
        stamp.is_ok_and(|at| at.is_some_and(|at| is_older(at.modified, LEFT_OVER, SystemTime::now())))
    };
    let left = names.filter(|name| is_left_over(name, beginning.as_encoded_bytes()));
    let gone = left.filter(|name| !spot.is_behind_link() || is_old(name));
    gone.filter(|name| spot.unlink_beside(name).is_ok()).count()
}

/// Removes what dead writers left over of the files in a folder, or of those whose names begin with `beginning`.
///
/// Call it under the lock that all writers of these files take.
pub(crate) fn sweep_all(dir: &Dir, beginning: &str) {
    for name in left_over(dir, format!(".{beginning}").as_bytes()) {
        if let Some(Ok(Some(spot))) = name.to_str().map(|name| dir.spot(name, false)) {
            drop(spot.origin().unlink_beside(&name));
        }
    }
}

/// True if writers have left something over in this folder, or are writing into it.
pub(crate) fn has_leftovers(dir: &Dir) -> bool {
    !left_over(dir, b".").is_empty()
}

fn left_over(dir: &Dir, beginning: &[u8]) -> Vec<OsString> {
    let mut names = dir.names().unwrap_or_default();
    names.retain(|name| is_left_over(name, beginning));
    names
}

fn is_left_over(name: &OsStr, beginning: &[u8]) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(beginning) && name.ends_with(ENDING.as_bytes())
}

/// True if a moment is further from now than that. One in the future, where clocks differ, counts like one in the
/// past, so that nobody waits for it.
pub(crate) fn is_older(moment: SystemTime, age: Duration, now: SystemTime) -> bool {
    let distance = now.duration_since(moment).unwrap_or_else(|error| error.duration());
    distance >= age
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/atomic.rs"]
mod tests;
