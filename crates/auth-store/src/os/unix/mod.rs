#[cfg(target_os = "linux")]
mod acl;
mod meta;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod process;
mod spot;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use auth_core::Foreign;
use auth_core::error::{StoreFault, StoreFaultKind};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

use self::meta::{Meta, is_ours};
use crate::fault::{fault, from_io, other, untrusted};
use crate::os::Reach;
use crate::steps::{Step, step};

#[cfg(target_os = "linux")]
pub(crate) use process::{is_gone, is_stopped, machine, started};
pub(crate) use spot::Spot;

/// How a folder is opened to look things up in it: that needs no permission to list it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const LOOK_UP: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const LOOK_UP: OFlags = OFlags::RDONLY;

/// How many links one path may lead over, as Linux has it.
const LINKS: u32 = 40;
/// How often something is looked up again that a network file system lost track of.
const STALE_TRIES: u32 = 3;
/// How much room the names of a folder are given: of several hundred files.
#[cfg(target_os = "linux")]
const NAMES: usize = 64 * 1024;
/// How often a folder is made that somebody takes away again.
const MAKE_TRIES: u32 = 16;

/// A folder that is held open: what is checked of it and what is used is the same, whatever its path means by then.
#[derive(Clone, Debug)]
pub(crate) struct Dir {
    fd: Arc<OwnedFd>,
    path: PathBuf,
    meta: Meta,
    /// The first folder on the way here in which another user could put something else in the place of what is there.
    exposed: Option<PathBuf>,
}

impl Dir {
    /// Opens `root` and then one after the other of `below`. Each must be owned by this user or by root, and is
    /// tightened to 0700. The folders above `root` are not changed. Links are followed where nobody else could have
    /// placed them. What is missing is made (0700) or answered with `None`.
    pub(crate) fn open(root: &Path, below: &[&str], make: bool) -> Result<Option<Self>, StoreFault> {
        let mut links = LINKS;
        let start = if root.is_absolute() { Self::at("/")? } else { Self::at(".")? };
        let Some(dir) = start.walk(root, make, &mut links)? else { return Ok(None) };
        let mut dir = dir.tightened()?;
        for name in below {
            let Some(next) = dir.walk(Path::new(name), make, &mut links)? else { return Ok(None) };
            dir = next.tightened()?;
        }
        Ok(Some(dir))
    }

    /// The first folder above `root` in which another user could put another folder in the place of ours. Changes
    /// nothing.
    pub(crate) fn exposed_above(root: &Path) -> Result<Option<PathBuf>, StoreFault> {
        for path in root.ancestors().filter(|path| path.is_absolute()) {
            if let Some(dir) = Self::at("/")?.walk(path, false, &mut LINKS.clone())? {
                return Ok(if path == root { dir.exposed } else { dir.exposure() });
            }
        }
        Ok(None)
    }

    /// The first folder on the way here in which another user could put something else in the place of what is there.
    pub(crate) fn exposed(&self) -> Option<&Path> {
        self.exposed.as_deref()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// When something was last made, renamed or removed in it.
    pub(crate) fn modified(&self) -> Result<SystemTime, StoreFault> {
        let stat = rustix::fs::fstat(&*self.fd).map_err(|errno| self.said(errno))?;
        Ok(Meta::new(&stat).stamp.modified)
    }

    /// The place that `name` stands for, links followed; `None` if they lead to a folder that is not there.
    pub(crate) fn spot(&self, name: &str, make: bool) -> Result<Option<Spot>, StoreFault> {
        let here = OsString::from(name);
        let (mut links, mut dir, mut name) = (LINKS, self.clone(), here.clone());
        while let Some(meta) = dir.meta_of(&name)?.filter(Meta::is_link) {
            let target = dir.target(&name, &meta, &mut links)?;
            let Some(last) = target.file_name() else {
                return Err(fault(StoreFaultKind::NotA("file"), &dir.path.join(&name)));
            };
            let parent = target.parent().unwrap_or(Path::new(""));
            let Some(next) = dir.walk(parent, make, &mut links)? else { return Ok(None) };
            next.check_owner()?;
            (dir, name) = (next, last.to_owned());
        }
        if dir.meta.stamp.file == self.meta.stamp.file {
            return Ok(Some(Spot::new(dir, name)));
        }
        if dir.lets_others_rename() {
            return Err(untrusted("it is behind a link, in a folder that other users can change", &dir.path));
        }
        Ok(Some(Spot::behind_link(dir, name, (self.clone(), here))))
    }

    /// The names in it. On Linux in one go where they fit: what is renamed meanwhile is missed by nobody.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        #[cfg(target_os = "linux")]
        {
            let mut room = Vec::with_capacity(NAMES);
            let fd = self.listable()?;
            let mut entries = rustix::fs::RawDir::new(fd, room.spare_capacity_mut());
            while let Some(entry) = entries.next() {
                match entry {
                    Err(Errno::INTR) => {}
                    entry => names.push(OsString::from_vec(entry?.file_name().to_bytes().to_vec())),
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        for entry in rustix::fs::Dir::read_from(self.listable()?)? {
            names.push(OsString::from_vec(entry?.file_name().to_bytes().to_vec()));
        }
        Ok(names)
    }

    /// Who sees the locks of the system in it. What cannot be found out is as on a disk.
    #[cfg_attr(not(target_os = "linux"), allow(clippy::unused_self, reason = "nothing says so there"))]
    pub(crate) fn reach(&self) -> Reach {
        #[cfg(target_os = "linux")]
        return mount::reach(&self.fd);
        #[cfg(not(target_os = "linux"))]
        Reach::All
    }

    /// Makes what was renamed or removed in it last. File systems that cannot are let be.
    pub(crate) fn sync(&self) -> io::Result<()> {
        step(Step::SyncDirectory, self.path.as_os_str(), || match rustix::fs::fsync(self.listable()?) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(errno.into()),
        })
    }

    fn at(path: &str) -> Result<Self, StoreFault> {
        let said = |errno: Errno| from_io(&errno.into(), Path::new(path));
        let flags = LOOK_UP | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = patiently(|| rustix::fs::openat(CWD, path, flags, Mode::empty())).map_err(said)?;
        let meta = Meta::new(&rustix::fs::fstat(&fd).map_err(said)?);
        Ok(Self { fd: Arc::new(fd), path: PathBuf::from(path), meta, exposed: None })
    }

    fn listable(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(patiently(|| rustix::fs::openat(&*self.fd, ".", flags, Mode::empty()))?)
    }

    /// Goes along `path` from here, one name at a time.
    fn walk(&self, path: &Path, make: bool, links: &mut u32) -> Result<Option<Self>, StoreFault> {
        let (mut at, mut tries) = (self.clone(), MAKE_TRIES);
        let mut left = names_of(path);
        while let Some(name) = left.pop() {
            if name == "/" {
                // What led here counts: whoever can replace a folder before a link can replace the link.
                at = Self { exposed: at.exposure(), ..Self::at("/")? };
                continue;
            }
            match at.meta_of(&name)? {
                None if make && tries > 0 => {
                    at.make(&name)?;
                    tries -= 1;
                    left.push(name);
                }
                None => return Ok(None),
                Some(meta) if meta.is_link() => left.extend(names_of(&at.target(&name, &meta, links)?)),
                Some(meta) if meta.is_dir() => {
                    at = at.enter(&name)?;
                    tries = MAKE_TRIES;
                }
                Some(_) => return Err(fault(StoreFaultKind::NotA("directory"), &at.path.join(&name))),
            }
        }
        Ok(Some(at))
    }

    fn enter(&self, name: &OsStr) -> Result<Self, StoreFault> {
        let mut path = self.path.clone();
        if name == ".." {
            path.pop();
        } else {
            path.push(name);
        }
        let said = |errno: Errno| from_io(&errno.into(), &path);
        let flags = LOOK_UP | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = patiently(|| rustix::fs::openat(&*self.fd, name, flags, Mode::empty())).map_err(said)?;
        let meta = Meta::new(&rustix::fs::fstat(&fd).map_err(said)?);
        Ok(Self { fd: Arc::new(fd), path, meta, exposed: self.exposure() })
    }

    fn make(&self, name: &OsStr) -> Result<(), StoreFault> {
        let made =
            step(Step::MakeDirectory, name, || match rustix::fs::mkdirat(&*self.fd, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(errno) => Err(errno.into()),
            });
        made.map_err(|error| from_io(&error, &self.path.join(name)))?;
        // If this folder may not be read, a crash may lose the new one, and then it is made again.
        match self.sync() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced.map_err(|error| from_io(&error, &self.path)),
        }
    }

    fn meta_of(&self, name: &OsStr) -> Result<Option<Meta>, StoreFault> {
        let look = || patiently(|| rustix::fs::statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW));
        let found = match look() {
            Err(Errno::NOENT) if self.is_remembered() => look(),
            found => found,
        };
        match found {
            Ok(stat) => Ok(Some(Meta::new(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(from_io(&errno.into(), &self.path.join(name))),
        }
    }

    /// A network file system remembers for a while that a name is missing, until the folder is opened by its name. True
    /// if this was such a folder.
    #[cfg_attr(not(target_os = "linux"), allow(clippy::unused_self, reason = "nothing says so there"))]
    fn is_remembered(&self) -> bool {
        #[cfg(target_os = "linux")]
        if mount::is_shared(&self.fd) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            return rustix::fs::openat(CWD, &self.path, flags, Mode::empty()).is_ok();
        }
        false
    }

    /// Where a link leads, if neither the link nor this folder is in another user's hands.
    fn target(&self, name: &OsStr, link: &Meta, links: &mut u32) -> Result<PathBuf, StoreFault> {
        let path = self.path.join(name);
        if !link.is_trusted() {
            return Err(untrusted("it is a link of another user's", &path));
        }
        if !self.meta.is_trusted() || self.lets_others_rename() {
            return Err(untrusted("it is a link in a folder that other users can change", &path));
        }
        *links = links.checked_sub(1).ok_or_else(|| other("too many links", &path))?;
        let target = patiently(|| rustix::fs::readlinkat(&*self.fd, name, Vec::new()));
        let target = target.map_err(|errno| from_io(&errno.into(), &path))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Takes from other users what they may do in a folder of ours. Refuses one that they can change all the same.
    fn tightened(mut self) -> Result<Self, StoreFault> {
        self.check_owner()?;
        if !self.meta.is_of_this_user() || self.path == Path::new("/") {
            return if self.lets_others_write() {
                Err(untrusted("it is not ours, and any user can change it", &self.path))
            } else {
                Ok(self)
            };
        }
        if self.meta.is_sticky() && self.lets_others_write() {
            return Err(untrusted("it is shared with other users", &self.path));
        }
        if !self.meta.is_loose() {
            return Ok(self);
        }
        // With an ACL the mode's bits of the group are the most that its entries can give: this takes all away.
        let tight = Mode::from_raw_mode((self.meta.mode & 0o700) as _);
        let _ = rustix::fs::chmodat(&*self.fd, ".", tight, AtFlags::empty());
        self.meta = Meta::new(&rustix::fs::fstat(&*self.fd).map_err(|errno| self.said(errno))?);
        if self.lets_others_write() {
            return Err(untrusted("other users can change it, and its mode cannot be changed", &self.path));
        }
        Ok(self)
    }

    /// True if users other than this one and root can place something in this folder.
    fn lets_others_write(&self) -> bool {
        #[cfg(target_os = "linux")]
        let group = || acl::lets_others_write(&self.fd);
        #[cfg(not(target_os = "linux"))]
        let group = || true;
        self.meta.mode & 0o002 != 0 || (self.meta.mode & 0o020 != 0 && group())
    }

    /// True if they can also put something in the place of what is ours. Where the sticky bit is set they cannot.
    fn lets_others_rename(&self) -> bool {
        self.lets_others_write() && !self.meta.is_sticky()
    }

    /// The first folder in which another user could put something else in the place of what is in this one.
    fn exposure(&self) -> Option<PathBuf> {
        let is_open = || !self.meta.is_trusted_parent() || self.lets_others_rename();
        self.exposed.clone().or_else(|| is_open().then(|| self.path.clone()))
    }

    fn check_owner(&self) -> Result<(), StoreFault> {
        if self.meta.is_trusted() {
            Ok(())
        } else {
            Err(untrusted("it is a folder of another user's", &self.path))
        }
    }

    fn said(&self, errno: Errno) -> StoreFault {
        from_io(&errno.into(), &self.path)
    }
}

/// The names along a path, the last one first; `/` stands for the root.
fn names_of(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|component| !matches!(component, Component::CurDir));
    names.rev().map(|component| component.as_os_str().to_owned()).collect()
}

/// Refuses a home that is missing or another user's: with `sudo`, HOME may still name the caller's.
pub(crate) fn check_home(home: &Path) -> Result<(), StoreFault> {
    match fs::metadata(home) {
        Ok(meta) if meta.is_dir() && is_ours(meta.uid()) => Ok(()),
        Ok(meta) if meta.is_dir() => Err(untrusted("HOME is another user's", home)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(from_io(&error, home)),
        _ => Err(fault(StoreFaultKind::NoHome, home)),
    }
}

/// This machine's name.
pub(crate) fn host() -> Option<Foreign> {
    rustix::system::uname().nodename().to_str().ok().filter(|name| !name.is_empty()).map(Foreign::new)
}

/// Which file an open one is: two at a time have two of these.
pub(crate) fn identity(file: &File) -> io::Result<(u64, u64)> {
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}

/// Notes in a file that it changed now, by the clock of the machine that keeps it.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    let at = |nanoseconds| Timespec { tv_sec: 0, tv_nsec: nanoseconds };
    let now = Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) };
    Ok(rustix::fs::futimens(file, &now)?)
}

/// True if an error says that there are no locks in this file system, or that nobody keeps them now.
pub(crate) fn cannot_lock(error: &io::Error) -> bool {
    let says_so = [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| says_so.contains(&errno))
}

/// True if an error says that there are no links in this file system.
pub(crate) fn cannot_link(error: &io::Error) -> bool {
    let says_so = [Errno::PERM, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|errno| says_so.contains(&errno))
}

/// What a process's number means something in.
#[cfg(not(target_os = "linux"))]
pub(crate) fn machine() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn started(_: u32) -> Option<u64> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_gone(_: u32, _: u64) -> bool {
    false
}

/// Looks something up: again if a signal came between, and a few times more if a network file system lost track of it
/// (F6).
fn patiently<T>(mut look: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    let mut tries = STALE_TRIES;
    loop {
        match look() {
            Err(Errno::INTR) => {}
            Err(Errno::STALE) if tries > 0 => tries -= 1,
            looked => return looked,
        }
    }
}

/// A descriptor as a file.
fn file(fd: OwnedFd) -> File {
    File::from(fd)
}
