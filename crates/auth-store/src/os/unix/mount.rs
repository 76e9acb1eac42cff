//! Whether the system's locks reach other machines, as the list of mounts has it.

use std::fs;
use std::os::fd::AsFd;

use rustix::fs::{major, minor};

use crate::os::Reach;

/// File systems that other machines may share, by the number that statfs(2) gives them. Here: a lock of the system is of
/// another kind for its server, whose own processes do not see it, or ends at this machine.
const APART: [u32; 7] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x0102_1997, // 9P
    0x6a65_6a63, // virtiofs
    0x1983_0326, // BeeGFS
];
/// Here it depends on the mount.
const PERHAPS: [u32; 4] = [
    0x0bd0_0bd0, // Lustre
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x6573_5546, // FUSE
];

/// Programs behind FUSE that keep to this machine, or pass locks on.
const SEEN_BY_ALL: [&str; 12] = [
    "fuse.bindfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.cryfs",
    "fuse.encfs",
    "fuse.fuse-overlayfs",
    "fuse.glusterfs",
    "fuse.gocryptfs",
    "fuse.juicefs",
    "fuse.lxcfs",
    "fuse.mergerfs",
    "fuse.securefs",
];

const MOUNTS: &str = "/proc/self/mountinfo";

/// True if other machines may share this folder.
pub(super) fn is_shared(folder: impl AsFd) -> bool {
    shared_kind(&folder).is_some()
}

fn shared_kind(folder: impl AsFd) -> Option<u32> {
    let found = rustix::fs::fstatfs(&folder).ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its numbers have 32 bits")]
    let kind = found.f_type as u32;
    (APART.contains(&kind) || PERHAPS.contains(&kind)).then_some(kind)
}

/// Who sees the locks of the system in this folder. What cannot be found out is as on a disk.
pub(super) fn reach(folder: impl AsFd) -> Reach {
    match shared_kind(&folder) {
        None => return Reach::All,
        Some(kind) if APART.contains(&kind) => return Reach::Part,
        Some(_) => {}
    }
    let device = rustix::fs::fstat(&folder).map(|stat| (major(stat.st_dev), minor(stat.st_dev)));
    let listed = device.ok().and_then(|device| {
        let mounts = fs::read(MOUNTS).ok()?;
        reach_in(&String::from_utf8_lossy(&mounts), device)
    });
    listed.unwrap_or(Reach::All)
}

/// The same as a list of mounts says it of a device; `None` if it is not there.
fn reach_in(mounts: &str, device: (u32, u32)) -> Option<Reach> {
    let here = mounts.lines().filter_map(Mount::read).filter(|mount| mount.device == device);
    here.map(|mount| mount.reach()).reduce(|one, other| if one == Reach::Part { one } else { other })
}

/// One line of `proc_pid_mountinfo(5)`.
#[derive(Debug)]
struct Mount<'a> {
    device: (u32, u32),
    kind: &'a str,
    /// Of the mount, and of the file system.
    options: [&'a str; 2],
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        // Blanks within a field are written otherwise.
        let mut fields = line.split(' ');
        let (major, minor) = fields.nth(2)?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let of_mount = fields.nth(2)?;
        fields.find(|field| *field == "-")?;
        let kind = fields.next()?;
        let of_system = fields.nth(1)?;
        Some(Self { device, kind, options: [of_mount, of_system] })
    }

    fn reach(&self) -> Reach {
        let local = match self.kind {
            "lustre" => "localflock",
            "gfs2" | "ocfs2" => "localflocks",
            // Not known here, and so taken for one that leads elsewhere and knows of no locks, as sshfs does.
            kind if kind.starts_with("fuse.") && !SEEN_BY_ALL.contains(&kind) => return Reach::Part,
            _ => return Reach::All,
        };
        let mut options = self.options.iter().flat_map(|options| options.split(','));
        if options.any(|option| option == local) { Reach::Part } else { Reach::All }
    }
}

#[cfg(test)]
#[path = "../../tests/mount.rs"]
mod tests;
