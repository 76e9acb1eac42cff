//! POSIX access control lists, as Linux stores them (acl(5)).

use std::os::fd::{AsRawFd as _, OwnedFd};

use super::meta::is_ours;

const NAME: &str = "system.posix_acl_access";
/// The only version there is.
const VERSION: [u8; 4] = [2, 0, 0, 0];
/// The most that a kernel keeps for one attribute.
const LONGEST: usize = 64 * 1024;

const USER: u16 = 0x02;
const GROUP_OBJECT: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const WRITE: u16 = 2;

/// True if the group or an entry of the ACL lets users write who are neither this one nor root. Only for a folder whose
/// mode has the group's write bit; without it no entry lets anybody write. What cannot be read counts as true.
pub(super) fn lets_others_write(fd: &OwnedFd) -> bool {
    // A descriptor that only looks things up has no attributes, but its name in /proc stands for the folder.
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let mut value = vec![0; LONGEST];
    // Without an ACL the group itself may write.
    let length = rustix::fs::getxattr(path, NAME, &mut value[..]).unwrap_or(0);
    value.get(..length).is_none_or(others_write)
}

fn others_write(value: &[u8]) -> bool {
    let Some(entries) = value.strip_prefix(&VERSION) else { return true };
    let entries: Vec<_> = entries.chunks(8).map(entry).collect();
    let mask = entries.iter().flatten().find(|(tag, ..)| *tag == MASK).map_or(WRITE, |(_, mask, _)| *mask);
    entries.iter().any(|entry| match entry {
        Some((USER, given, id)) => given & mask & WRITE != 0 && *id != 0 && !is_ours(*id),
        Some((GROUP_OBJECT | GROUP, given, _)) => given & mask & WRITE != 0,
        Some(_) => false,
        None => true,
    })
}

/// One entry: what it is, what it gives, and to whom.
fn entry(bytes: &[u8]) -> Option<(u16, u16, u32)> {
    let [tag, tag_high, given, given_high, id @ ..] = bytes else { return None };
    let id = u32::from_le_bytes(id.try_into().ok()?);
    Some((u16::from_le_bytes([*tag, *tag_high]), u16::from_le_bytes([*given, *given_high]), id))
}
