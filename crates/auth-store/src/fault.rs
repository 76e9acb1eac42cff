//! What the operating system says, as a [`StoreFault`].

use std::io::{self, ErrorKind};
use std::path::Path;

use auth_core::Foreign;
use auth_core::error::{StoreFault, StoreFaultKind};

use crate::os;

pub(crate) fn fault(kind: StoreFaultKind, path: &Path) -> StoreFault {
    StoreFault { kind, path: Foreign::new(path.to_string_lossy()) }
}

#[cfg(unix)]
pub(crate) fn untrusted(why: &'static str, path: &Path) -> StoreFault {
    fault(StoreFaultKind::Untrusted(why), path)
}

pub(crate) fn other(why: &str, path: &Path) -> StoreFault {
    fault(StoreFaultKind::Other(Foreign::from(why)), path)
}

pub(crate) fn from_io(error: &io::Error, path: &Path) -> StoreFault {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => StoreFaultKind::Denied,
        ErrorKind::ReadOnlyFilesystem => StoreFaultKind::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreFaultKind::Full,
        ErrorKind::NotADirectory => StoreFaultKind::NotA("directory"),
        ErrorKind::IsADirectory => StoreFaultKind::NotA("file"),
        ErrorKind::TimedOut => StoreFaultKind::Timeout,
        _ if os::is_exhausted(error) => StoreFaultKind::Exhausted,
        _ => StoreFaultKind::Other(Foreign::new(error.to_string())),
    };
    fault(kind, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn errors_of_the_system_are_told_apart() {
        use rustix::io::Errno;
        let cases = [
            (Errno::ACCESS, StoreFaultKind::Denied),
            (Errno::PERM, StoreFaultKind::Denied),
            (Errno::ROFS, StoreFaultKind::ReadOnly),
            (Errno::NOSPC, StoreFaultKind::Full),
            (Errno::DQUOT, StoreFaultKind::Full),
            (Errno::NOTDIR, StoreFaultKind::NotA("directory")),
            (Errno::ISDIR, StoreFaultKind::NotA("file")),
            (Errno::MFILE, StoreFaultKind::Exhausted),
            (Errno::NFILE, StoreFaultKind::Exhausted),
            (Errno::NOMEM, StoreFaultKind::Exhausted),
            (Errno::AGAIN, StoreFaultKind::Exhausted),
        ];
        for (errno, kind) in cases {
            assert_eq!(from_io(&errno.into(), Path::new("/x")), fault(kind, Path::new("/x")), "{errno:?}");
        }
        let io = from_io(&Errno::IO.into(), Path::new("/x"));
        assert!(matches!(io.kind, StoreFaultKind::Other(_)), "{io}");
    }
}
