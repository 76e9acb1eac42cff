//! Where the folders of commands are made, and whether a path still leads to the folder that was made.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use auth_native::{Foreign, TiledDirectory};

/// What the name of such a folder begins with.
pub(super) const PREFIX: &str = "authctl-exec-";

/// A folder that is kept open, so that no other one can have its inode number meanwhile.
pub(super) struct Folder {
    path: PathBuf,
    #[cfg(unix)]
    open: File,
}

impl Folder {
    /// Makes a new one in `place`, private from the start whatever the umask.
    pub(super) fn make(place: &Path) -> io::Result<Self> {
        let path = prepared().tempdir_in(place)?.keep();
        Self::open(path.clone()).inspect_err(|_| {
            let _ = fs::remove_dir(path);
        })
    }

    /// Opens the folder at `path`, not behind a link.
    #[cfg(unix)]
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        use rustix::fs::OFlags;

        let open = opened(&path, OFlags::DIRECTORY, false)?;
        Ok(Self { path, open })
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere this can fail")]
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its path still leads to this folder.
    #[cfg(unix)]
    pub(super) fn is_there(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let there = fs::symlink_metadata(&self.path).map(identity);
        there.is_ok_and(|there| self.open.metadata().map(identity).is_ok_and(|this| this == there))
    }

    #[cfg(not(unix))]
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Whether it is this user's, and no other user may do anything in it.
    #[cfg(unix)]
    pub(super) fn is_private(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        self.open.metadata().is_ok_and(|found| is_ours(&found) && found.mode() & 0o777 == 0o700)
    }

    /// No other boot can be told from this one there.
    #[cfg(not(unix))]
    pub(super) fn is_private(&self) -> bool {
        false
    }

    /// Makes it the newest folder in its place.
    pub(super) fn touch(&self) {
        #[cfg(unix)]
        let _ = self.open.set_modified(std::time::SystemTime::now());
    }

    /// Removes it with all that is in it. Fails, and removes nothing, if another folder is at its path.
    pub(super) fn remove(&self) -> io::Result<()> {
        if self.is_there() { fs::remove_dir_all(&self.path) } else { Err(io::Error::other(REPLACED)) }
    }
}

/// Why nothing is done at a path.
pub(super) const REPLACED: &str = "it was moved or replaced";

#[cfg(unix)]
fn prepared() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(0o700));
    builder
}

#[cfg(not(unix))]
fn prepared() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    builder
}

/// Where such folders are made: the first of these that can be used.
pub(super) fn places() -> impl Iterator<Item = PathBuf> {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder: &OsString| !folder.is_empty());
    in_memory.map(PathBuf::from).into_iter().chain([std::env::temp_dir()])
}

/// Fails for a place in which another user could put another folder in the place of ours.
pub(super) fn check(place: &Path) -> io::Result<()> {
    let inside = std::path::absolute(place)?.join(PREFIX);
    match TiledDirectory::new(&inside, &inside).exposed_parent() {
        Ok(None) => Ok(()),
        Ok(Some(exposed)) => {
            let exposed = Foreign::new(exposed.to_string_lossy());
            Err(io::Error::other(format!("other users can replace folders in {exposed}")))
        }
        Err(fault) => Err(io::Error::other(fault.to_string())),
    }
}

/// Opens a regular file of this user. Follows no link and waits for nobody, as a FIFO would have it.
#[cfg(unix)]
pub(super) fn open_file(path: &Path, to_write: bool) -> io::Result<File> {
    let file = opened(path, rustix::fs::OFlags::empty(), to_write)?;
    let found = file.metadata()?;
    if found.is_file() && is_ours(&found) { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(not(unix))]
pub(super) fn open_file(path: &Path, to_write: bool) -> io::Result<File> {
    File::options().read(true).write(to_write).open(path)
}

#[cfg(unix)]
fn opened(path: &Path, more: rustix::fs::OFlags, to_write: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | more;
    File::options().read(true).write(to_write).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(unix)]
fn is_ours(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    found.uid() == rustix::process::geteuid().as_raw()
}
