#[cfg(target_os = "linux")]
mod acl;
mod meta;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod process;
mod spot;

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::time::SystemTime;

use auth_core::Foreign;
use auth_core::error::{StoreFault, StoreFaultKind};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

use self::meta::{Meta, is_ours};
use crate::fault::{fault, from_io, other, untrusted};
use crate::os::{Opened, Reach, Stamp};
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
pub(crate) struct Dir(Arc<Folder>);

#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    meta: Meta,
    /// The first folder on the way here in which another user could put something else in the place of what is there.
    exposed: Option<PathBuf>,
    /// Whether other machines may share the folder; empty until that is needed.
    #[cfg(target_os = "linux")]
    is_shared: OnceLock<bool>,
}

impl Deref for Dir {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

/// An entry of a folder, as it was listed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    /// Whether it was a regular file; false also where the file system does not say so.
    is_file: bool,
}

impl Entry {
    fn new(name: &CStr, kind: FileType) -> Self {
        let name = OsString::from_vec(name.to_bytes().to_vec());
        Self { name, is_file: kind == FileType::RegularFile }
    }
}

/// What a name in a folder stands for.
enum Entered {
    Missing,
    Folder(Dir),
    Link(Meta),
}

impl Dir {
    /// Opens `root` and then one after the other of `below`. Each must be owned by this user or by root, and is
    /// tightened to 0700. The folders above `root` are not changed. Links are followed where nobody else could have
    /// placed them. What is missing is made (0700) or answered with `None`.
    pub(crate) fn open(root: &Path, below: &[&str], make: bool) -> Result<Option<Self>, StoreFault> {
        // An absolute path begins at the root.
        let start = Self::at(if root.is_absolute() { "/" } else { "." }, None)?;
        let names = root.strip_prefix("/").unwrap_or(root);
        let Some(dir) = start.walk(names, make, &mut LINKS.clone())? else { return Ok(None) };
        dir.tightened()?.below(below, make)
    }

    /// Opens the nested folders `below` this one, as [`open`](Self::open) does.
    pub(crate) fn below(&self, below: &[&str], make: bool) -> Result<Option<Self>, StoreFault> {
        let (mut dir, mut links) = (self.clone(), LINKS);
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
            if let Some(dir) = Self::at("/", None)?.walk(path, false, &mut LINKS.clone())? {
                return Ok(if path == root { dir.exposed.clone() } else { dir.exposure() });
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
        let stat = rustix::fs::fstat(&self.fd).map_err(|errno| self.said(errno))?;
        Ok(Meta::new(&stat).stamp.modified)
    }

    /// Fails if no file of so many bytes could be made here now. Changes nothing, so that no reader takes notice.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), StoreFault> {
        let flags = AtFlags::EACCESS;
        rustix::fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, flags)
            .map_err(|errno| self.said(errno))?;
        let stat = rustix::fs::fstatvfs(&self.fd).map_err(|errno| self.said(errno))?;
        let is_root = rustix::process::geteuid().is_root();
        let blocks = if is_root { stat.f_bfree } else { stat.f_bavail };
        let files = if is_root { stat.f_ffree } else { stat.f_favail };
        // Some file systems do not say how large they are.
        let has_blocks = stat.f_blocks == 0 || blocks.saturating_mul(stat.f_frsize) >= bytes;
        let has_files = stat.f_files == 0 || files > 0;
        if has_blocks && has_files { Ok(()) } else { Err(self.said(Errno::NOSPC)) }
    }

    /// The place that `name` stands for, links followed; `None` if they lead to a folder that is not there.
    pub(crate) fn spot(&self, name: &str, make: bool) -> Result<Option<Spot>, StoreFault> {
        Ok(self.look(name, make)?.map(|(spot, _)| spot))
    }

    /// Opens the file that `name` stands for, for reading, and returns it with its place. Like [`spot`](Self::spot) and
    /// [`Spot::open`], but looks the name up once.
    pub(crate) fn open_file(&self, name: &str) -> Result<Option<(Spot, Option<Opened>)>, StoreFault> {
        let Some((spot, meta)) = self.look(name, false)? else { return Ok(None) };
        let opened = spot.open_looked_at(meta)?;
        Ok(Some((spot, opened)))
    }

    /// Opens the file that `name` stands for, for locking, and returns it with its place. Makes it if it is missing.
    pub(crate) fn open_to_lock(&self, name: &str) -> Result<Option<(Spot, File, Stamp)>, StoreFault> {
        let Some((spot, meta)) = self.look(name, true)? else { return Ok(None) };
        let (file, stamp) = spot.open_to_lock_looked_at(meta)?;
        Ok(Some((spot, file, stamp)))
    }

    /// Follows links from `name` to a place, and returns the metadata of the file there.
    fn look(&self, name: &str, make: bool) -> Result<Option<(Spot, Option<Meta>)>, StoreFault> {
        let here = OsString::from(name);
        let mut found = self.meta_of(&here)?;
        if !found.as_ref().is_some_and(Meta::is_link) {
            return Ok(Some((Spot::new(self.clone(), here), found)));
        }
        let (mut links, mut dir, mut name) = (LINKS, self.clone(), here.clone());
        while let Some(meta) = found.filter(Meta::is_link) {
            let target = dir.target(&name, &meta, &mut links)?;
            let Some(last) = target.file_name() else {
                return Err(fault(StoreFaultKind::NotA("file"), &dir.path.join(&name)));
            };
            let parent = target.parent().unwrap_or(Path::new(""));
            let Some(next) = dir.walk(parent, make, &mut links)? else { return Ok(None) };
            next.check_owner()?;
            (dir, name) = (next, last.to_owned());
            found = dir.meta_of(&name)?;
        }
        if dir.meta.stamp.file == self.meta.stamp.file {
            return Ok(Some((Spot::new(dir, name), found)));
        }
        if dir.lets_others_rename() {
            return Err(untrusted("it is behind a link, in a folder that other users can change", &dir.path));
        }
        Ok(Some((Spot::behind_link(dir, name, (self.clone(), here)), found)))
    }

    /// Lists the names in the folder.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(self.entries()?.into_iter().map(|entry| entry.name).collect())
    }

    /// Lists the folder. On Linux one system call reads up to 64 KiB of entries, so that a file which is renamed
    /// meanwhile is not missed.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        #[cfg(target_os = "linux")]
        {
            let mut room = Vec::with_capacity(NAMES);
            let fd = self.listable()?;
            let mut entries = rustix::fs::RawDir::new(fd, room.spare_capacity_mut());
            while let Some(entry) = entries.next() {
                match entry {
                    Err(Errno::INTR) => {}
                    entry => {
                        let entry = entry?;
                        found.push(Entry::new(entry.file_name(), entry.file_type()));
                    }
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        for entry in rustix::fs::Dir::read_from(self.listable()?)? {
            let entry = entry?;
            found.push(Entry::new(entry.file_name(), entry.file_type()));
        }
        Ok(found)
    }

    /// Opens an entry of this folder for reading.
    pub(crate) fn open_entry(&self, entry: &Entry) -> Result<Option<Opened>, StoreFault> {
        if entry.is_file
            && let Ok(Some(opened)) = Spot::new(self.clone(), entry.name.clone()).open_listed()
        {
            return Ok(Some(opened));
        }
        // An entry that was not listed as a file, or has changed since, is checked before it is opened. This also asks
        // a network file system again that remembers the name as missing.
        let Some(name) = entry.name.to_str() else { return Ok(None) };
        Ok(self.open_file(name)?.and_then(|(_, opened)| opened))
    }

    /// Identifies the file that an entry of this folder is now, following links.
    pub(crate) fn stamp_of(&self, entry: &Entry) -> Result<Option<Stamp>, StoreFault> {
        let Some(name) = entry.name.to_str() else { return Ok(None) };
        Ok(self.look(name, false)?.and_then(|(_, meta)| Some(meta?.stamp)))
    }

    /// Who sees the locks of the system in it. What cannot be found out is as on a disk.
    #[cfg_attr(not(target_os = "linux"), allow(clippy::unused_self, reason = "nothing says so there"))]
    pub(crate) fn reach(&self) -> Reach {
        #[cfg(target_os = "linux")]
        return if self.is_shared() { mount::reach(&self.fd) } else { Reach::All };
        #[cfg(not(target_os = "linux"))]
        Reach::All
    }

    /// Whether other machines may share the folder. An open folder stays on its file system.
    #[cfg(target_os = "linux")]
    fn is_shared(&self) -> bool {
        *self.is_shared.get_or_init(|| mount::is_shared(&self.fd))
    }

    /// Makes what was renamed or removed in it last. File systems that cannot are let be.
    pub(crate) fn sync(&self) -> io::Result<()> {
        step(Step::SyncDirectory, self.path.as_os_str(), || match rustix::fs::fsync(self.listable()?) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(errno.into()),
        })
    }

    fn at(path: &str, exposed: Option<PathBuf>) -> Result<Self, StoreFault> {
        let said = |errno: Errno| from_io(&errno.into(), Path::new(path));
        let flags = LOOK_UP | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = patiently(|| rustix::fs::openat(CWD, path, flags, Mode::empty())).map_err(said)?;
        Self::new(fd, PathBuf::from(path), exposed)
    }

    fn new(fd: OwnedFd, path: PathBuf, exposed: Option<PathBuf>) -> Result<Self, StoreFault> {
        let stat = rustix::fs::fstat(&fd).map_err(|errno| from_io(&errno.into(), &path))?;
        Ok(Self(Arc::new(Folder {
            fd,
            path,
            meta: Meta::new(&stat),
            exposed,
            #[cfg(target_os = "linux")]
            is_shared: OnceLock::new(),
        })))
    }

    fn listable(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(patiently(|| rustix::fs::openat(&self.fd, ".", flags, Mode::empty()))?)
    }

    /// Goes along `path` from here, one name at a time.
    fn walk(&self, path: &Path, make: bool, links: &mut u32) -> Result<Option<Self>, StoreFault> {
        let (mut at, mut tries) = (self.clone(), MAKE_TRIES);
        let mut left = names_of(path);
        while let Some(name) = left.pop() {
            if name == "/" {
                // What led here counts: whoever can replace a folder before a link can replace the link.
                at = Self::at("/", at.exposure())?;
                continue;
            }
            match at.enter(&name)? {
                Entered::Missing if make && tries > 0 => {
                    at.make(&name)?;
                    tries -= 1;
                    left.push(name);
                }
                Entered::Missing => return Ok(None),
                Entered::Link(meta) => left.extend(names_of(&at.target(&name, &meta, links)?)),
                Entered::Folder(folder) => {
                    at = folder;
                    tries = MAKE_TRIES;
                }
            }
        }
        Ok(Some(at))
    }

    /// Opens the folder of this name. The system refuses to open anything else, and only then is the entry checked.
    fn enter(&self, name: &OsStr) -> Result<Entered, StoreFault> {
        let mut path = self.path.clone();
        if name == ".." {
            path.pop();
        } else {
            path.push(name);
        }
        let flags = LOOK_UP | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || patiently(|| rustix::fs::openat(&self.fd, name, flags, Mode::empty()));
        let opened = match open() {
            Err(Errno::NOENT) if self.is_remembered() => open(),
            opened => opened,
        };
        match opened {
            Ok(fd) => Ok(Entered::Folder(Self::new(fd, path, self.exposure())?)),
            Err(Errno::NOENT) => Ok(Entered::Missing),
            Err(errno) if may_be_link(errno) => match self.meta_of(name)? {
                None => Ok(Entered::Missing),
                Some(meta) if meta.is_link() => Ok(Entered::Link(meta)),
                Some(meta) if !meta.is_dir() => Err(fault(StoreFaultKind::NotA("directory"), &path)),
                Some(_) => Err(from_io(&errno.into(), &path)),
            },
            Err(errno) => Err(from_io(&errno.into(), &path)),
        }
    }

    fn make(&self, name: &OsStr) -> Result<(), StoreFault> {
        let made =
            step(Step::MakeDirectory, name, || match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
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
        let look = || patiently(|| rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW));
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
        if self.is_shared() {
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
        let target = patiently(|| rustix::fs::readlinkat(&self.fd, name, Vec::new()));
        let target = target.map_err(|errno| from_io(&errno.into(), &path))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Takes from other users what they may do in a folder of ours. Refuses one that they can change all the same.
    fn tightened(self) -> Result<Self, StoreFault> {
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
        let _ = rustix::fs::chmodat(&self.fd, ".", tight, AtFlags::empty());
        let same = self.fd.try_clone().map_err(|error| from_io(&error, &self.path))?;
        let mended = Self::new(same, self.path.clone(), self.exposed.clone())?;
        if mended.lets_others_write() {
            return Err(untrusted("other users can change it, and its mode cannot be changed", &self.path));
        }
        Ok(mended)
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

/// Whether opening a folder without following links may have failed with this because of a link. FreeBSD reports
/// `EMLINK` for a link, and NetBSD `EFTYPE`.
fn may_be_link(errno: Errno) -> bool {
    #[cfg(any(
        target_vendor = "apple",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    if errno == Errno::FTYPE {
        return true;
    }
    matches!(errno, Errno::NOTDIR | Errno::LOOP | Errno::MLINK)
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

/// Writes over the beginning of a file.
pub(crate) fn write_first(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
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

/// Whether an error says that there are no file descriptors, threads or memory left. A busy lock says so in another way.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    let says_so = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN];
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
