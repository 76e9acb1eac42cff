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
use std::path::Path;
use std::time::SystemTime;

use auth_core::error::StoreFault;

use crate::fault::from_io;

#[cfg(not(unix))]
pub(crate) use portable::{
    Dir, Entry, Spot, cannot_link, cannot_lock, check_home, host, is_exhausted, is_gone, is_stopped, machine,
    started, touch, write_first,
};
#[cfg(unix)]
pub(crate) use unix::{
    Dir, Entry, Spot, cannot_link, cannot_lock, check_home, host, is_exhausted, is_gone, is_stopped, machine,
    started, touch, write_first,
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

/// An open file and its identity.
pub(crate) type Opened = (File, Stamp);

/// What was read of a file.
pub(crate) struct Content {
    /// All of it, or one byte more than was asked for.
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
}

/// How often a file is opened again that was replaced on a network file system while it was read.
const STALE_TRIES: usize = 3;

impl Dir {
    /// Reads at most `longest` + 1 bytes of the file that `name` stands for, and returns them with the file's place.
    ///
    /// The place is `None` if links lead to a missing folder. The content is `None` if there is no file.
    pub(crate) fn read(
        &self,
        name: &str,
        longest: u64,
    ) -> Result<(Option<Spot>, Option<Content>), StoreFault> {
        let mut spot = None;
        let content = read_of(longest, &self.path().join(name), || {
            let Some((place, opened)) = self.open_file(name)? else { return Ok(None) };
            spot = Some(place);
            Ok(opened)
        })?;
        Ok((spot, content))
    }

    /// Reads an entry of this folder, as [`read`](Self::read) does.
    pub(crate) fn read_entry(&self, entry: &Entry, longest: u64) -> Result<Option<Content>, StoreFault> {
        read_of(longest, &self.path().join(&entry.name), || self.open_entry(entry))
    }
}

impl Spot {
    /// Reads a file, no more than `longest` bytes and one; `None` if there is none.
    pub(crate) fn read(&self, longest: u64) -> Result<Option<Content>, StoreFault> {
        read_of(longest, &self.path(), || self.open())
    }
}

fn read_of(
    longest: u64,
    path: &Path,
    mut open: impl FnMut() -> Result<Option<Opened>, StoreFault>,
) -> Result<Option<Content>, StoreFault> {
    let mut tries = STALE_TRIES;
    loop {
        let Some((file, stamp)) = open()? else { return Ok(None) };
        match content(file, stamp, longest) {
            Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle && tries > 0 => tries -= 1,
            result => return result.map(Some).map_err(|error| from_io(&error, path)),
        }
    }
}

fn content(mut file: File, stamp: Stamp, longest: u64) -> io::Result<Content> {
    let most = longest.saturating_add(1);
    // Room for all that is expected and a little more: a buffer that grows leaves a copy behind.
    let expected = usize::try_from(stamp.size.min(most)).unwrap_or(0);
    let mut bytes = vec![0; expected.saturating_add(64)];
    let read = loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    bytes.truncate(read);
    // One read is enough if it ends where the file ended when it was opened, with room left in the buffer.
    if read != expected || stamp.size > most {
        let rest = most.saturating_sub(u64::try_from(read).unwrap_or(most));
        file.take(rest).read_to_end(&mut bytes)?;
    }
    Ok(Content { bytes, stamp })
}
