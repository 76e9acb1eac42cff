use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::PathBuf;

use auth_core::error::{StoreFault, StoreFaultKind};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::meta::Meta;
use super::{Dir, STALE_TRIES, file, patiently};
use crate::fault::{fault, from_io, untrusted};
use crate::os::{Opened, Stamp};
use crate::steps::{Step, step};

/// No links, no waiting for the other end of a pipe, no terminal of ours, not for our children.
const SAFELY: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// A name in its own folder, which is held open.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    dir: Dir,
    name: OsString,
    /// The link that leads here from another folder.
    link: Option<(Dir, OsString)>,
}

impl Spot {
    pub(super) fn new(dir: Dir, name: OsString) -> Self {
        Self { dir, name, link: None }
    }

    /// A place in another folder than the one that `link` is in.
    pub(super) fn behind_link(dir: Dir, name: OsString, link: (Dir, OsString)) -> Self {
        Self { dir, name, link: Some(link) }
    }

    /// True if a link led here from another folder. Such a file is somebody's choice: its mode is not changed, and it
    /// is neither moved nor deleted.
    pub(crate) fn is_behind_link(&self) -> bool {
        self.link.is_some()
    }

    /// The name that was looked up: the link's, if a link led here from another folder.
    pub(crate) fn origin(&self) -> Self {
        match &self.link {
            Some((dir, name)) => Self::new(dir.clone(), name.clone()),
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
        Ok(self.dir.meta_of(&self.name)?.map(|meta| meta.stamp))
    }

    /// Opens the file for reading, if there is one, and takes from others what they may do with it, unless it is behind
    /// a link.
    pub(crate) fn open(&self) -> Result<Option<Opened>, StoreFault> {
        self.opened(OFlags::RDONLY)
    }

    /// Opens the file for changing it where it is, if there is one.
    pub(crate) fn open_in_place(&self) -> Result<Option<File>, StoreFault> {
        Ok(self.opened(OFlags::WRONLY)?.map(|(file, _)| file))
    }

    /// Opens the file for locking it, and makes it if there is none.
    pub(crate) fn open_to_lock(&self) -> Result<File, StoreFault> {
        match self.opened(OFlags::RDWR | OFlags::CREATE)? {
            Some((file, _)) => Ok(file),
            None => Err(self.said(Errno::NOENT)),
        }
    }

    /// Like [`open`](Self::open), with the metadata just read.
    pub(super) fn open_looked_at(&self, found: Option<Meta>) -> Result<Option<Opened>, StoreFault> {
        self.opened_after(found, OFlags::RDONLY)
    }

    /// Like [`open`](Self::open), for an entry that was just listed as a regular file.
    pub(super) fn open_listed(&self) -> Result<Option<Opened>, StoreFault> {
        self.opened_now(OFlags::RDONLY)
    }

    /// Like [`open_to_lock`](Self::open_to_lock), with the metadata just read.
    pub(super) fn open_to_lock_looked_at(&self, found: Option<Meta>) -> Result<Opened, StoreFault> {
        let opened = self.opened_after(found, OFlags::RDWR | OFlags::CREATE)?;
        opened.ok_or_else(|| self.said(Errno::NOENT))
    }

    /// Makes a new file called `name` in the same folder, readable by nobody else from its birth.
    pub(crate) fn create_beside(&self, name: &OsStr) -> io::Result<File> {
        step(Step::Create, name, || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(file(rustix::fs::openat(&self.dir.fd, name, flags, Mode::RUSR | Mode::WUSR)?))
        })
    }

    /// Puts the file called `name` in the same folder in the place of this one.
    pub(crate) fn replace_with(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Rename, &self.name, || {
            Ok(rustix::fs::renameat(&self.dir.fd, name, &self.dir.fd, &*self.name)?)
        })
    }

    /// Makes this a second name of the file called `name` in the same folder, if there is none of this name.
    pub(crate) fn link_to(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Link, &self.name, || {
            Ok(rustix::fs::linkat(&self.dir.fd, name, &self.dir.fd, &*self.name, AtFlags::empty())?)
        })
    }

    /// Moves the file into another folder.
    pub(crate) fn move_to(&self, other: &Dir, name: &OsStr) -> io::Result<()> {
        step(Step::Rename, name, || Ok(rustix::fs::renameat(&self.dir.fd, &*self.name, &other.fd, name)?))
    }

    /// Removes the file called `name` in the same folder.
    pub(crate) fn unlink_beside(&self, name: &OsStr) -> io::Result<()> {
        step(Step::Unlink, name, || Ok(rustix::fs::unlinkat(&self.dir.fd, name, AtFlags::empty())?))
    }

    fn opened(&self, flags: OFlags) -> Result<Option<Opened>, StoreFault> {
        self.opened_after(self.dir.meta_of(&self.name)?, flags)
    }

    /// Opens the file that was just `found` under this name.
    fn opened_after(&self, found: Option<Meta>, flags: OFlags) -> Result<Option<Opened>, StoreFault> {
        if self.can_be_opened(found, flags)? { self.opened_now(flags) } else { Ok(None) }
    }

    /// Opens the file of this name; on a network file system once more if it has lost its name meanwhile, which may be
    /// remembered there.
    fn opened_now(&self, flags: OFlags) -> Result<Option<Opened>, StoreFault> {
        let mut tries = STALE_TRIES;
        loop {
            match self.opened_once(flags)? {
                Some((_, meta)) if meta.links == 0 && tries > 0 && self.dir.is_remembered() => tries -= 1,
                opened => return Ok(opened.map(|(file, meta)| (file, meta.stamp))),
            }
            if !self.can_be_opened(self.dir.meta_of(&self.name)?, flags)? {
                return Ok(None);
            }
        }
    }

    /// Whether the file that was `found` can be opened; false if there is none. This is checked first because opening a
    /// device can have effects.
    fn can_be_opened(&self, found: Option<Meta>, flags: OFlags) -> Result<bool, StoreFault> {
        match found {
            Some(meta) => self.check(&meta).map(|()| true),
            None => Ok(flags.contains(OFlags::CREATE)),
        }
    }

    fn opened_once(&self, flags: OFlags) -> Result<Option<(File, Meta)>, StoreFault> {
        let opened = patiently(|| {
            rustix::fs::openat(&self.dir.fd, &*self.name, flags | SAFELY, Mode::RUSR | Mode::WUSR)
        });
        let fd = match opened {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.said(errno)),
        };
        let meta = Meta::new(&rustix::fs::fstat(&fd).map_err(|errno| self.said(errno))?);
        self.check(&meta)?;
        if meta.is_loose() && meta.is_of_this_user() && !self.is_behind_link() {
            // Where modes cannot be changed, or are not kept, the file is used as it is.
            let tight = Mode::from_raw_mode((meta.mode & 0o700) as _);
            let _ = rustix::fs::fchmod(&fd, tight);
            let stat = rustix::fs::fstat(&fd).map_err(|errno| self.said(errno))?;
            return Ok(Some((file(fd), Meta::new(&stat))));
        }
        Ok(Some((file(fd), meta)))
    }

    fn check(&self, meta: &Meta) -> Result<(), StoreFault> {
        if !meta.is_file() {
            return Err(fault(StoreFaultKind::NotA("file"), &self.path()));
        }
        if !meta.is_trusted() {
            return Err(untrusted("it is a file of another user's", &self.path()));
        }
        if meta.mode & 0o022 != 0 && !meta.is_of_this_user() {
            return Err(untrusted("it is not ours, and other users can change it", &self.path()));
        }
        if self.is_behind_link() && meta.mode & 0o022 != 0 {
            return Err(untrusted("it is behind a link, and other users can change it", &self.path()));
        }
        Ok(())
    }

    fn said(&self, errno: Errno) -> StoreFault {
        from_io(&errno.into(), &self.path())
    }
}
