//! Small JSON files of our own: read whole, replaced whole, set aside when nobody can read them.

use auth_core::error::{StoreFault, StoreFaultKind};

use crate::atomic::{self, Ready, Staged};
use crate::fault::{fault, other};
use crate::os::{Content, Dir, Entry, Spot};

/// Ours stay far below it, and one that does not is not ours.
const LONGEST: u64 = 1024 * 1024;

/// What such a file holds.
pub(crate) trait Document: Default {
    /// Reads the whole; `None` if it cannot be understood.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Writes the whole, with what was not understood of it.
    fn write(&self) -> Vec<u8>;
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Read<D> {
    Missing,
    Broken,
    Whole(D),
}

/// Looks, and changes nothing.
pub(crate) fn read<D: Document>(dir: &Dir, name: &str) -> Result<Read<D>, StoreFault> {
    Ok(understood(dir.read(name, LONGEST)?.1))
}

/// Like [`read`], for an entry of a folder.
pub(crate) fn read_entry<D: Document>(dir: &Dir, entry: &Entry) -> Result<Read<D>, StoreFault> {
    Ok(understood(dir.read_entry(entry, LONGEST)?))
}

fn understood<D: Document>(content: Option<Content>) -> Read<D> {
    let Some(content) = content else { return Read::Missing };
    let is_whole = u64::try_from(content.bytes.len()).is_ok_and(|length| length <= LONGEST);
    is_whole.then(|| D::read(&content.bytes)).flatten().map_or(Read::Broken, Read::Whole)
}

/// Reads in order to write back; a broken file is set aside, which leaves none. Call it under the file's lock.
pub(crate) fn take<D: Document>(dir: &Dir, name: &str) -> Result<D, StoreFault> {
    match read(dir, name)? {
        Read::Whole(document) => return Ok(document),
        Read::Missing => {}
        Read::Broken => atomic::set_aside(&spot(dir, name)?, dir, name)?,
    }
    Ok(D::default())
}

/// Replaces the file, unless it would be too long to be read again. Call it under the file's lock.
pub(crate) fn write<D: Document>(dir: &Dir, name: &str, document: &D) -> Result<(), StoreFault> {
    atomic::replace(&spot(dir, name)?, &prepare(dir, name, document)?)
}

/// Like [`write`]; `ready` is asked just before the file is replaced.
pub(crate) fn write_when<D: Document>(
    dir: &Dir,
    name: &str,
    document: &D,
    ready: Ready<'_>,
) -> Result<(), StoreFault> {
    atomic::replace_when(&spot(dir, name)?, &prepare(dir, name, document)?, ready)
}

/// Like [`write`], without waiting for the folder: a crash may bring the old file back. `listed` are the
/// entries of the folder, read under the file's lock.
pub(crate) fn write_soon<D: Document>(
    dir: &Dir,
    name: &str,
    document: &D,
    listed: &[Entry],
) -> Result<(), StoreFault> {
    atomic::replace_soon(&spot(dir, name)?, &prepare(dir, name, document)?, listed)
}

/// The same in two steps: the file is written beside the one there is, and replaces it later.
pub(crate) fn stage<D: Document>(dir: &Dir, name: &str, document: &D) -> Result<Staged<'static>, StoreFault> {
    Staged::new(&spot(dir, name)?, prepare(dir, name, document)?)
}

/// What [`write`] would write. Fails if that would be too long to be read again.
fn prepare<D: Document>(dir: &Dir, name: &str, document: &D) -> Result<Vec<u8>, StoreFault> {
    let bytes = document.write();
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST) {
        Ok(bytes)
    } else {
        Err(other("this is more than is kept about one session or in one list", &dir.path().join(name)))
    }
}

fn spot(dir: &Dir, name: &str) -> Result<Spot, StoreFault> {
    let spot = dir.spot(name, true)?;
    spot.ok_or_else(|| fault(StoreFaultKind::NotA("file"), &dir.path().join(name)))
}
