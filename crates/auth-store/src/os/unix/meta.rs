use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};

use crate::os::Stamp;

/// Modes without the type.
const PERMISSIONS: u32 = 0o7777;
/// As whom Linux shows the files of users that a container does not know.
const NOBODY: u32 = 65534;

/// What is looked at of a file or folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meta {
    kind: FileType,
    uid: u32,
    /// How many names it has.
    pub(super) links: u64,
    /// Permissions only.
    pub(super) mode: u32,
    pub(super) stamp: Stamp,
}

impl Meta {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fields' types differ from one system to the next; no value they have is cut"
    )]
    pub(super) fn new(stat: &Stat) -> Self {
        let second = stat.st_mtime as i64;
        let whole = Duration::from_secs(second.unsigned_abs());
        let whole = if second < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        let part = Duration::from_nanos(stat.st_mtime_nsec as u64);
        let modified = whole.and_then(|whole| whole.checked_add(part)).unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            uid: stat.st_uid,
            links: stat.st_nlink as u64,
            mode: stat.st_mode as u32 & PERMISSIONS,
            stamp: Stamp {
                file: (stat.st_dev as u64, stat.st_ino as u64),
                size: stat.st_size as u64,
                modified,
                changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            },
        }
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    pub(super) fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(super) fn is_link(&self) -> bool {
        self.kind == FileType::Symlink
    }

    /// True if the mode gives anything to others.
    pub(super) fn is_loose(&self) -> bool {
        self.mode & 0o077 != 0
    }

    pub(super) fn is_sticky(&self) -> bool {
        self.mode & 0o1000 != 0
    }

    pub(super) fn is_of_this_user(&self) -> bool {
        is_ours(self.uid)
    }

    /// Whoever owns it could do to us what they like anyway.
    pub(super) fn is_trusted(&self) -> bool {
        self.uid == 0 || self.is_of_this_user()
    }

    /// The same of a folder above ours. In a container that does not know root, root's folders are nobody's.
    pub(super) fn is_trusted_parent(&self) -> bool {
        self.is_trusted() || (self.uid == NOBODY && is_root_unknown())
    }
}

/// Whether some users of the machine, root among them, are shown as nobody to this process.
fn is_root_unknown() -> bool {
    // `INSIDE OUTSIDE COUNT`; the first user namespace of a machine has one line, for all of them.
    let is_of_root = |line: &str| line.split_ascii_whitespace().nth(1) == Some("0");
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !map.lines().any(is_of_root))
}

pub(super) fn is_ours(uid: u32) -> bool {
    uid == rustix::process::geteuid().as_raw()
}
