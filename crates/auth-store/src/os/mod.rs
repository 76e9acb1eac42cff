//! Folders and files, as far as operating systems differ: folders held open, links followed only where nobody else
//! could have placed them, owners and modes.
//!
//! Both halves have the same two types. A [`Dir`] is a folder that is held; a [`Spot`] is a name in its own folder,
//! links already followed, whether or not a file is there.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use std::fs::File;
use std::io::{self, Read as _};
use std::time::SystemTime;

use auth_core::error::StoreFault;

use crate::fault::from_io;

#[cfg(not(unix))]
pub(crate) use portable::{
    Dir, Spot, cannot_link, cannot_lock, check_home, host, identity, is_gone, is_stopped, machine, started,
    touch,
};
#[cfg(unix)]
pub(crate) use unix::{
    Dir, Spot, cannot_link, cannot_lock, check_home, host, identity, is_gone, is_stopped, machine, started,
    touch,
};

/// Which file it is and when it last changed: two equal ones had the same content between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// Device and inode, where there are such.
    pub(crate) file: (u64, u64),
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    /// When its content, owner or mode last changed, in seconds and nanoseconds.
    pub(crate) changed: (i64, i64),
}

/// Who sees the locks of the system in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Everybody: it is on a disk of this machine, as far as is known.
    All,
    /// Not everybody who may share the folder.
    Part,
}

/// What was read of a file.
pub(crate) struct Content {
    /// All of it, or one byte more than was asked for.
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
}

/// How often a file is opened again that was replaced on a network file system while it was read.
const STALE_TRIES: usize = 3;

impl Spot {
    /// Reads a file, no more than `longest` bytes and one; `None` if there is none.
    pub(crate) fn read(&self, longest: u64) -> Result<Option<Content>, StoreFault> {
        let mut tries = STALE_TRIES;
        loop {
            let Some((file, stamp)) = self.open()? else { return Ok(None) };
            match content(file, stamp, longest) {
                Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle && tries > 0 => {
                    tries -= 1;
                }
                result => return result.map(Some).map_err(|error| from_io(&error, &self.path())),
            }
        }
    }
}

fn content(file: File, stamp: Stamp, longest: u64) -> io::Result<Content> {
    let most = longest.saturating_add(1);
    // Room for all that is expected and a little more: a buffer that grows leaves a copy behind.
    let room = usize::try_from(stamp.size.min(most)).unwrap_or(0).saturating_add(64);
    let mut bytes = Vec::with_capacity(room);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Content { bytes, stamp })
}
