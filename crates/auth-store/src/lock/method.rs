//! How the locks of a folder are kept. The folder itself says so: whoever uses it, from whatever machine and mount,
//! has to keep them alike.

use std::io::{self, Read as _, Write as _};

use auth_core::error::{StoreFault, StoreFaultKind};

use super::links;
use crate::fault::{fault, from_io, other};
use crate::os::{self, Dir, Reach, Spot};

/// The file that says it. It is never removed by us, and never goes back.
const NOTE: &str = "method";
const LINKS: &[u8] = b"links\n";

/// How locks are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LockMethod {
    /// By the system.
    System,
    /// By the system, though others may share the folder who do not see them, and there is no other way.
    ThisMachine,
    /// By names that are linked, because somebody uses the folder over a network, or the system has no locks there.
    Links,
}

/// How the next lock is kept. Makes a note if that is to be by links from now on.
pub(crate) fn method(dir: &Dir) -> Result<LockMethod, StoreFault> {
    let reach = dir.reach();
    Ok(match reach {
        _ if noted(dir, reach)? => LockMethod::Links,
        Reach::Part if change_to_links(dir)? => LockMethod::Links,
        Reach::Part => LockMethod::ThisMachine,
        Reach::All => LockMethod::System,
    })
}

/// Where the note is, or would be.
pub(super) fn note(dir: &Dir) -> Result<Spot, StoreFault> {
    dir.spot(NOTE, true)?.ok_or_else(|| fault(StoreFaultKind::NotA("file"), &dir.path().join(NOTE)))
}

/// True if the folder's locks are links.
pub(super) fn noted(dir: &Dir, reach: Reach) -> Result<bool, StoreFault> {
    let path = dir.path().join(NOTE);
    let file = if reach == Reach::All {
        dir.open_file(NOTE)?.and_then(|(_, opened)| opened).map(|(file, _)| file)
    } else {
        // A network file system may remember for a while that a file is missing, unless it is to be made, and what is
        // in it, until it is opened.
        Some(note(dir)?.open_to_lock()?)
    };
    let mut bytes = Vec::new();
    if let Some(file) = file {
        let read = file.take(64).read_to_end(&mut bytes);
        read.map_err(|error| from_io(&error, &path))?;
    }
    match bytes.as_slice() {
        [] => Ok(false),
        // Somebody may be in the middle of writing it.
        bytes if LINKS.starts_with(bytes) => Ok(true),
        _ => Err(other("the locks in this folder are kept in a way that this version does not know", &path)),
    }
}

/// Makes links the way from now on, for everybody. False if there are no links here either.
pub(super) fn change_to_links(dir: &Dir) -> Result<bool, StoreFault> {
    let spot = note(dir)?;
    let said = |error: io::Error| from_io(&error, &spot.path());
    match try_a_link(&spot) {
        Ok(()) => {}
        Err(error) if os::cannot_link(&error) => return Ok(false),
        Err(error) => return Err(said(error)),
    }
    // Where it is: replaced, it would be another file for those who just opened it.
    let mut file = spot.open_to_lock()?;
    file.write_all(LINKS).and_then(|()| file.sync_all()).map_err(said)?;
    spot.dir().sync().map_err(said)?;
    Ok(true)
}

fn try_a_link(spot: &Spot) -> io::Result<()> {
    let [one, other] = [(); 2].map(|()| links::claim_name(spot));
    drop(spot.create_beside(&one)?);
    let linked = spot.beside(&other).link_to(&one);
    drop(spot.unlink_beside(&one));
    if linked.is_ok() {
        drop(spot.unlink_beside(&other));
    }
    linked
}
