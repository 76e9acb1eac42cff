//! A script and its key, which is never typed where others can read it.

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
                let file = std::fs::File::open(path).map_err(|error| {
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

/// What is open under a number already: 0 is standard input.
#[cfg(unix)]
fn descriptor(number: u32) -> Result<std::fs::File, Failure> {
    // The system's own names for them: a descriptor made of a bare number would have to be taken on trust.
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let opened = std::fs::File::open(format!("{folder}/{number}"));
    opened.map_err(|error| unreadable(&format!("descriptor {number}: {error}")))
}

#[cfg(not(unix))]
fn descriptor(_number: u32) -> Result<std::fs::File, Failure> {
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
}
