//! A file that a person may have named, read with bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The longest file that is read, in bytes. A profile file is a page.
const LONGEST: u64 = 1024 * 1024;

/// Reads a text file whole. Links are followed, because folders of profiles are often made of them.
///
/// # Errors
///
/// Says why, without what is in the file: it is not a regular file, too large, not UTF-8, or cannot be read.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let (file, length) = open(path)
        .and_then(|file| {
            let meta = file.metadata()?;
            Ok((meta.is_file().then_some(file), meta.len()))
        })
        .map_err(|error| error.to_string())?;
    let file = file.ok_or("it is not a regular file")?;
    if length > LONGEST {
        return Err("it is too large".to_owned());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err("it is too large".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// Opens without waiting: a FIFO would otherwise wait for a writer that may never come.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    loop {
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => return Ok(File::from(fd)),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}
