//! Changing a file so that whoever looks, and whatever stops us, finds the old content or the new.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::time::{Duration, SystemTime};

use auth_core::error::{StoreFault, StoreFaultKind};

use crate::fault::{fault, from_io};
use crate::os::{Dir, Spot};
use crate::steps::{Step, step};

/// What a new content is called until it is complete: `.NAME.PROCESS-NUMBER` and this.
const ENDING: &str = ".authctl-tmp";
/// How old such a file must be to be known as left over by a process that died.
const LEFT_OVER: Duration = Duration::from_mins(1);
/// How many files are kept aside for one name. The last is replaced.
const KEPT_ASIDE: u32 = 999;

/// Says whether a file may still be changed.
pub(crate) type Ready<'a> = &'a dyn Fn() -> Result<(), StoreFault>;

/// Puts a file with this content in the place of what is there: written beside it, made durable, renamed, and that
/// made durable. Where a name cannot be renamed over (something is mounted on it), the file is changed where it is.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn replace(spot: &Spot, content: &[u8]) -> Result<(), StoreFault> {
    replace_when(spot, content, &|| Ok(()))
}

/// Like [`replace`]; `ready` is asked just before the rename, and where it fails nothing is changed.
pub(crate) fn replace_when(spot: &Spot, content: &[u8], ready: Ready<'_>) -> Result<(), StoreFault> {
    place(spot, content, ready, true)
}

/// Like [`replace`], but does not make the rename durable: after a crash the old content may be there again, and whole.
pub(crate) fn replace_soon(spot: &Spot, content: &[u8]) -> Result<(), StoreFault> {
    place(spot, content, &|| Ok(()), false)
}

fn place(spot: &Spot, content: &[u8], ready: Ready<'_>, is_durable: bool) -> Result<(), StoreFault> {
    sweep(spot);
    let said = |error: io::Error| from_io(&error, &spot.path());
    let (file, temporary) = create(spot).map_err(said)?;
    let filled = fill(file, &temporary, content);
    if filled.is_ok()
        && let Err(fault) = ready()
    {
        drop(spot.unlink_beside(&temporary));
        return Err(fault);
    }
    match filled.and_then(|_| spot.replace_with(&temporary)) {
        Ok(()) if is_durable => spot.dir().sync().map_err(said),
        Ok(()) => Ok(()),
        Err(error) => {
            // Left over if this fails as well; then it is swept away later.
            drop(spot.unlink_beside(&temporary));
            if cannot_be_moved(&error) { rewrite(spot, content) } else { Err(said(error)) }
        }
    }
}

/// Removes a file; none is as well. Where a name cannot be removed (something is mounted on it), the file is emptied.
///
/// Call it under the lock that all writers of the file take.
pub(crate) fn remove(spot: &Spot) -> Result<(), StoreFault> {
    sweep(spot);
    match spot.unlink_beside(spot.name()) {
        Ok(()) => spot.dir().sync().map_err(|error| from_io(&error, &spot.path())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if cannot_be_moved(&error) => rewrite(spot, b""),
        Err(error) => Err(from_io(&error, &spot.path())),
    }
}

/// Keeps what nobody can read as `NAME.damaged-NUMBER` in a folder of ours, before it is replaced.
pub(crate) fn set_aside(spot: &Spot, into: &Dir, name: &str) -> Result<(), StoreFault> {
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

/// Removes what writers of this file left over when they died. Nothing depends on it.
fn sweep(spot: &Spot) {
    let Ok(names) = spot.dir().names() else { return };
    let mut beginning = OsString::from(".");
    beginning.push(spot.name());
    beginning.push(".");
    let ours = |name: &OsString| {
        let name = name.as_encoded_bytes();
        name.starts_with(beginning.as_encoded_bytes()) && name.ends_with(ENDING.as_bytes())
    };
    for name in names.iter().filter(|name| ours(name)) {
        let is_old = spot.beside(name).stamp().is_ok_and(|stamp| {
            stamp.is_some_and(|stamp| is_older(stamp.modified, LEFT_OVER, SystemTime::now()))
        });
        if is_old {
            drop(spot.unlink_beside(name));
        }
    }
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
