//! Where there are no owners and modes to check, paths do.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use auth_core::Foreign;
use auth_core::error::{StoreFault, StoreFaultKind};

use super::{Opened, Reach, Stamp};
use crate::fault::{fault, from_io};
use crate::steps::{Step, step};

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Dir {
    path: PathBuf,
}

impl Dir {
    /// Opens `root` and then one after the other of `below`. What is missing is made or answered with `None`.
    pub(crate) fn open(root: &Path, below: &[&str], make: bool) -> Result<Option<Self>, StoreFault> {
        let path = below.iter().fold(root.to_owned(), |path, name| path.join(name));
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => Ok(Some(Self { path })),
            Ok(_) => Err(fault(StoreFaultKind::NotA("directory"), &path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
                let created = step(Step::MakeDirectory, path.as_os_str(), || fs::create_dir_all(&path));
                created.map(|()| Some(Self { path: path.clone() })).map_err(|error| from_io(&error, &path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(&error, &path)),
        }
    }

    /// Opens the nested folders `below` this one.
    pub(crate) fn below(&self, below: &[&str], make: bool) -> Result<Option<Self>, StoreFault> {
        Self::open(&self.path, below, make)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// When something was last made, renamed or removed in it.
    pub(crate) fn modified(&self) -> Result<SystemTime, StoreFault> {
        let meta = fs::metadata(&self.path).and_then(|meta| meta.modified());
        meta.map_err(|error| from_io(&error, &self.path))
    }

    /// Whether a file could be made here is not known before it is made.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "it is known elsewhere")]
    pub(crate) fn check_room(&self, _bytes: u64) -> Result<(), StoreFault> {
        Ok(())
    }

    /// Which folder another user could replace: not known here.
    #[expect(clippy::unnecessary_wraps, reason = "there are no modes here")]
    pub(crate) fn exposed_above(_root: &Path) -> Result<Option<PathBuf>, StoreFault> {
        Ok(None)
    }

    #[expect(clippy::unused_self, reason = "there are no modes here")]
    pub(crate) fn exposed(&self) -> Option<&Path> {
        None
    }

    /// The place that `name` stands for, links followed.
    pub(crate) fn spot(&self, name: &str, _make: bool) -> Result<Option<Spot>, StoreFault> {
        let path = self.path.join(name);
        let is_link = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
        if !is_link {
            return Ok(Some(Spot { dir: self.clone(), name: OsString::from(name), link: None }));
        }
        let link = (self.clone(), OsString::from(name));
        let path = fs::canonicalize(&path).map_err(|error| from_io(&error, &path))?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(fault(StoreFaultKind::NotA("file"), &path));
        };
        let leaves = self.path.canonicalize().is_ok_and(|here| here != parent);
        let link = leaves.then_some(link);
        Ok(Some(Spot { dir: Self { path: parent.to_owned() }, name: name.to_owned(), link }))
    }

    /// Opens the file that `name` stands for, for reading, and returns it with its place.
    pub(crate) fn open_file(&self, name: &str) -> Result<Option<(Spot, Option<Opened>)>, StoreFault> {
        let Some(spot) = self.spot(name, false)? else { return Ok(None) };
        let opened = spot.open()?;
        Ok(Some((spot, opened)))
    }

    /// Opens the file that `name` stands for, for locking, and returns it with its place. Makes it if it is missing.
    pub(crate) fn open_to_lock(&self, name: &str) -> Result<Option<(Spot, File, Stamp)>, StoreFault> {
        let Some(spot) = self.spot(name, true)? else { return Ok(None) };
        let file = spot.open_to_lock()?;
        let meta = file.metadata().map_err(|error| from_io(&error, &spot.path()))?;
        Ok(Some((spot, file, stamp(&meta))))
    }

    /// The names in it.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(self.entries()?.into_iter().map(|entry| entry.name).collect())
    }

    /// Lists the folder.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(Entry { name: entry?.file_name() })).collect()
    }

    /// Opens an entry of this folder for reading.
    pub(crate) fn open_entry(&self, entry: &Entry) -> Result<Option<Opened>, StoreFault> {
        let Some(name) = entry.name.to_str() else { return Ok(None) };
        Ok(self.open_file(name)?.and_then(|(_, opened)| opened))
    }

    /// Identifies the file that an entry of this folder is now, following links.
    pub(crate) fn stamp_of(&self, entry: &Entry) -> Result<Option<Stamp>, StoreFault> {
        let Some(name) = entry.name.to_str() else { return Ok(None) };
        self.spot(name, false)?.map_or(Ok(None), |spot| spot.stamp())
    }

    #[expect(clippy::unused_self, reason = "nothing says so here")]
    pub(crate) fn reach(&self) -> Reach {
        Reach::All
    }

    /// A rename lasts of itself here.
    pub(crate) fn sync(&self) -> io::Result<()> {
        step(Step::SyncDirectory, self.path.as_os_str(), || Ok(()))
    }
}

/// An entry of a folder, as it was listed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
}

/// A name in its own folder.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    dir: Dir,
    name: OsString,
    /// The link that leads here from another folder.
    link: Option<(Dir, OsString)>,
}

impl Spot {
    /// True if a link led here from another folder.
    pub(crate) fn is_behind_link(&self) -> bool {
        self.link.is_some()
    }

    /// The name that was looked up: the link's, if a link led here from another folder.
    pub(crate) fn origin(&self) -> Self {
        match &self.link {
            Some((dir, name)) => Self { dir: dir.clone(), name: name.clone(), link: None },
            None => self.clone(),
        }
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path.join(&self.name)
    }

    /// Another name in the same folder.
    pub(crate) fn beside(&self, name: &OsStr) -> Self {
        Self { dir: self.dir.clone(), name: name.to_owned(), link: None }
    }

    /// Which file is there now.
    pub(crate) fn stamp(&self) -> Result<Option<Stamp>, StoreFault> {
        match fs::symlink_metadata(self.path()) {
            Ok(meta) => Ok(Some(stamp(&meta))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(&error, &self.path())),
        }
    }

    /// Opens the file for reading, if there is one.
    pub(crate) fn open(&self) -> Result<Option<Opened>, StoreFault> {
        self.opened(OpenOptions::new().read(true))
    }

    /// Opens the file for changing it where it is, if there is one.
    pub(crate) fn open_in_place(&self) -> Result<Option<File>, StoreFault> {
        Ok(self.opened(OpenOptions::new().write(true))?.map(|(file, _)| file))
    }

    /// Opens the file for locking it, and makes it if there is none.
    pub(crate) fn open_to_lock(&self) -> Result<File, StoreFault> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(self.path()).map_err(|error| from_io(&error, &self.path()))
    }

    /// Makes a new file called `name` in the same folder.
    pub(crate) fn create_beside(&self, name: &OsStr) -> io::Result<File> {
        let path = self.dir.path.join(name);
        step(Step::Create, name, || OpenOptions::new().write(true).create_new(true).open(&path))
    }

    /// Puts the file called `name` in the same folder in the place of this one.
    pub(crate) fn replace_with(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Rename, &self.name, || fs::rename(self.dir.path.join(name), self.path()))
    }

    /// Makes this a second name of the file called `name` in the same folder, if there is none of this name.
    pub(crate) fn link_to(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Link, &self.name, || fs::hard_link(self.dir.path.join(name), self.path()))
    }

    /// Moves the file into another folder.
    pub(crate) fn move_to(&self, other: &Dir, name: &OsStr) -> io::Result<()> {
        step(Step::Rename, name, || fs::rename(self.path(), other.path.join(name)))
    }

    /// Removes the file called `name` in the same folder.
    pub(crate) fn unlink_beside(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Unlink, name, || fs::remove_file(self.dir.path.join(name)))
    }

    fn opened(&self, options: &OpenOptions) -> Result<Option<Opened>, StoreFault> {
        let path = self.path();
        let opened = options.open(&path).and_then(|file| {
            let meta = file.metadata()?;
            Ok((file, meta))
        });
        match opened {
            Ok((file, meta)) if meta.is_file() => Ok(Some((file, stamp(&meta)))),
            Ok(_) => Err(fault(StoreFaultKind::NotA("file"), &path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) if path.is_dir() => Err(fault(StoreFaultKind::NotA("file"), &path)),
            Err(error) => Err(from_io(&error, &path)),
        }
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Stamp { file: (0, 0), size: meta.len(), modified, changed: (0, 0) }
}

/// Refuses a home that is missing.
pub(crate) fn check_home(home: &Path) -> Result<(), StoreFault> {
    if home.is_dir() { Ok(()) } else { Err(fault(StoreFaultKind::NoHome, home)) }
}

/// This machine's name.
pub(crate) fn host() -> Option<Foreign> {
    let name = std::env::var_os("COMPUTERNAME").or_else(|| std::env::var_os("HOSTNAME"))?;
    name.to_str().map(Foreign::from)
}

/// Writes over the beginning of a file.
pub(crate) fn write_first(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)
}

/// Notes in a file that it changed now.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    file.set_modified(SystemTime::now())
}

/// True if an error says that there are no locks in this file system.
pub(crate) fn cannot_lock(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Whether an error says that there are no threads or memory left.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock)
}

/// True if an error says that there are no links in this file system.
pub(crate) fn cannot_link(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// What a process's number means something in.
pub(crate) fn machine() -> Option<String> {
    None
}

pub(crate) fn started(_: u32) -> Option<u64> {
    None
}

pub(crate) fn is_stopped(_: u32) -> bool {
    false
}

pub(crate) fn is_gone(_: u32, _: u64) -> bool {
    false
}
