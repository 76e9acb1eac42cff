//! A script and its key, which is never typed where others can read it.

use std::fs::File;
#[cfg(unix)]
use std::io;
use std::io::Read;
use std::path::PathBuf;

use auth_native::{Foreign, Secret};

use crate::report::Failure;
use crate::stdin::{self, Bad};

/// The variable that a key is taken from.
pub(crate) const VARIABLE: &str = "AUTHCTL_SCRIPT_KEY";

/// A script that calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) key: Key,
    /// The person it acts for.
    pub(crate) sudo: Option<String>,
}

/// Where its key comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// The environment, else the person at the terminal.
    Usual,
    /// The first line of this file.
    File(PathBuf),
    /// The first line of what this descriptor leads to.
    Descriptor(u32),
}

impl Key {
    /// The key, unless it is to be asked for.
    pub(crate) fn read(&self) -> Result<Option<Secret>, Failure> {
        match self {
            Self::Usual => Ok(std::env::var(VARIABLE).ok().filter(|key| !key.is_empty()).map(Secret::from)),
            Self::File(path) => {
                let file = File::open(path).map_err(|error| {
                    let name = Foreign::new(path.to_string_lossy());
                    unreadable(&format!("{name:?}: {error}"))
                })?;
                line(file).map(Some)
            }
            Self::Descriptor(number) => line(descriptor(*number)?).map(Some),
        }
    }
}

fn line(input: impl Read) -> Result<Secret, Failure> {
    stdin::first_line(input).map_err(|bad| match bad {
        Bad::Unreadable(error) => unreadable(&error.to_string()),
        Bad::TooLong => unreadable("its line is too long"),
        Bad::Empty => unreadable("its line is empty"),
        Bad::NotText => unreadable("its line is not UTF-8"),
    })
}

/// What is open under a number already, read on from where it is: 0 is standard input.
#[cfg(unix)]
fn descriptor(number: u32) -> Result<File, Failure> {
    duplicate(number).map_err(|error| unreadable(&format!("descriptor {number}: {error}")))
}

/// Duplicates a descriptor of this process by its number. Nothing but the kernel can tell whether there is one.
#[cfg(target_os = "linux")]
fn duplicate(number: u32) -> io::Result<File> {
    use std::os::fd::AsRawFd as _;

    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let raw = i32::try_from(number).map_err(|_| Errno::BADF)?;
    if is_own(number) {
        return Err(Errno::BADF.into());
    }
    let duplicated = pidfd_open(getpid(), PidfdFlags::empty()).and_then(|this| {
        // The number was free until now.
        if this.as_raw_fd() == raw {
            Err(Errno::BADF)
        } else {
            pidfd_getfd(this, raw, PidfdGetfdFlags::empty())
        }
    });
    match duplicated {
        Ok(fd) => Ok(File::from(fd)),
        // Linux before 5.6, or a sandbox that allows no such call.
        Err(Errno::NOSYS | Errno::PERM) => File::open(format!("/proc/self/fd/{number}")),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether this process opened a descriptor itself. Such descriptors are closed on exec, so no caller can hand one over.
#[cfg(target_os = "linux")]
fn is_own(number: u32) -> bool {
    use rustix::fs::OFlags;

    let Ok(info) = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")) else { return false };
    let flags =
        info.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_some_and(|flags| flags & OFlags::CLOEXEC.bits() != 0)
}

/// Opening one of these duplicates the descriptor.
#[cfg(all(unix, not(target_os = "linux")))]
fn duplicate(number: u32) -> io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}

#[cfg(not(unix))]
fn descriptor(_number: u32) -> Result<File, Failure> {
    Err(unreadable("this system has no descriptors"))
}

fn unreadable(why: &str) -> Failure {
    Failure::usage(
        &format!("the script's key could not be read: {why}"),
        "Put it into a file for --script-key-file, or into AUTHCTL_SCRIPT_KEY.",
    )
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use rustix::io::{FdFlags, fcntl_setfd};

    use super::*;

    #[test]
    fn a_key_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| {
            let path = folder.path().join("key");
            std::fs::write(&path, content).unwrap();
            Key::File(path).read()
        };
        for content in ["a key", "a key\n", "a key\r\nand more"] {
            assert_eq!(read(content.as_bytes()), Ok(Some(Secret::from("a key"))), "{content:?}");
        }
        for (content, why) in [(&b""[..], "empty"), (b"\nx", "empty"), (b"\xff", "UTF-8")] {
            let failure = read(content).unwrap_err();
            assert!(failure.message.contains(why), "{failure:?}");
        }
        let missing = Key::File(folder.path().join("missing")).read().unwrap_err();
        assert!(missing.message.starts_with("the script's key could not be read: "), "{missing:?}");
    }

    /// What is open under a number, as a caller hands it over, and what was read of it before is not read again.
    #[cfg(unix)]
    #[test]
    fn descriptor_is_read_on_from_where_it_is() {
        use std::io::{Seek as _, SeekFrom, Write as _};
        use std::os::fd::{AsRawFd as _, OwnedFd};
        use std::os::unix::net::UnixStream;

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"for another\na key\nand more\n").unwrap();
        file.seek(SeekFrom::Start(12)).unwrap();
        let (socket, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"a key\nand more\n").unwrap();
        let (pipe, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"a key\nand more\n").unwrap();
        for descriptor in [OwnedFd::from(file), socket.into(), pipe.into()] {
            // As after the caller's exec.
            fcntl_setfd(&descriptor, FdFlags::empty()).unwrap();
            let number = u32::try_from(descriptor.as_raw_fd()).unwrap();
            let read = || Key::Descriptor(number).read();
            assert_eq!(read(), Ok(Some(Secret::from("a key"))), "{descriptor:?}");
            assert_eq!(read(), Ok(Some(Secret::from("and more"))), "{descriptor:?}");
        }
        let failure = Key::Descriptor(u32::MAX).read().unwrap_err();
        assert!(failure.message.contains("descriptor 4294967295: "), "{failure:?}");
    }

    /// The same file without the flag is read: the flag alone makes the difference.
    #[cfg(target_os = "linux")]
    #[test]
    fn descriptor_of_this_program_is_none_of_the_callers_s3() {
        use std::io::{Seek as _, Write as _};
        use std::os::fd::AsRawFd as _;

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"not a key\n").unwrap();
        file.rewind().unwrap();
        let key = Key::Descriptor(u32::try_from(file.as_raw_fd()).unwrap());
        let failure = key.read().unwrap_err();
        assert!(failure.message.contains("Bad file descriptor"), "{failure:?}");
        fcntl_setfd(&file, FdFlags::empty()).unwrap();
        assert_eq!(key.read(), Ok(Some(Secret::from("not a key"))));
    }

    /// As from `<(command)` of a shell.
    #[cfg(target_os = "linux")]
    #[test]
    fn key_file_may_be_a_pipe() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;

        let (pipe, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"a key\n").unwrap();
        let path = PathBuf::from(format!("/dev/fd/{}", pipe.as_raw_fd()));
        assert_eq!(Key::File(path).read(), Ok(Some(Secret::from("a key"))));
    }
}
