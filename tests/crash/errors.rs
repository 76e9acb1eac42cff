//! The system answers one call of an operation with an error.

use crate::operation::{ALL, Operation};
use crate::trace::{self, Call, calls, each, needs_strace};

/// What a disk, a quota, a signal, a server of files and permissions answer.
pub(crate) const ERRORS: [&str; 7] = ["ENOSPC", "EIO", "EDQUOT", "EINTR", "ESTALE", "EROFS", "EACCES"];

/// What came of an operation one of whose calls failed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Came {
    /// It was done all the same.
    Done,
    /// It failed, and this stage was found.
    Failed(usize),
}

/// What comes of it if this call fails with this error. After a failure what is there is whole, every lock is free,
/// and the second try succeeds.
pub(crate) fn disturbed(operation: &Operation, call: &Call, errno: &str) -> Came {
    let rig = operation.rig();
    let context = format!("{}, {errno} at {call:?}", operation.name);
    let mut came = Came::Done;
    let last = trace::fail(&rig, operation, call, errno, |fault| {
        came = Came::Failed(rig.stage(operation, &format!("{context}: {fault}")));
        rig.check_litter(&context);
    });
    let is_wanted = rig.stage(operation, &context) == operation.stages.len() - 1;
    // What was half removed is not what was to be removed any more.
    let is_another = operation.verb == "clear" && last == "conflict";
    assert!((is_wanted && last == "done") || is_another, "{last}, {context}");
    rig.check_next(&context);
    if errno == "EINTR" && is_made_again(call) {
        assert_eq!(came, Came::Done, "{context}");
    }
    came
}

/// True for calls that are made again when a signal came between: all that change something or read.
fn is_made_again(call: &Call) -> bool {
    call.change.is_some() || matches!(call.name.as_str(), "read" | "getdents64" | "close" | "openat")
}

/// What came of an operation whose calls that change something failed, each with each error, in their order.
pub(crate) fn changes(operation: &Operation, calls: &[Call]) -> Vec<Vec<Came>> {
    let changes: Vec<_> = calls.iter().filter(|call| call.change.is_some()).collect();
    each(&changes, |call| ERRORS.iter().map(|errno| disturbed(operation, call, errno)).collect())
}

/// True for calls that a file system has a part in.
fn can_fail(call: &Call) -> bool {
    const CANNOT: [&str; 14] = [
        "brk",
        "mmap",
        "munmap",
        "mremap",
        "madvise",
        "futex",
        "geteuid",
        "getpid",
        "gettid",
        "uname",
        "fcntl",
        "rt_sigprocmask",
        "getrandom",
        "sigaltstack",
    ];
    !CANNOT.contains(&call.name.as_str())
}

#[test]
fn whichever_call_that_changes_nothing_fails_the_session_is_whole_and_the_next_try_succeeds_f4() {
    needs_strace();
    let mut cases = Vec::new();
    for operation in &ALL {
        let calls = calls(operation);
        let looks = calls.into_iter().filter(|call| call.change.is_none() && can_fail(call));
        // They meet the errors one after the other.
        cases.extend(looks.zip(ERRORS.iter().cycle()).map(|(call, errno)| (operation, call, *errno)));
    }
    each(&cases, |(operation, call, errno)| disturbed(operation, call, errno));
}
