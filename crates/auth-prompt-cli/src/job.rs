//! Which job the terminal is for, and whether anybody looks after ours.

use std::fs;
use std::os::fd::BorrowedFd;

/// A process among jobs. The numbers are those of one process namespace, so they compare; zero is a process or group
/// outside of it. System calls would give numbers of ours, and some of them zero where their callers expect none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Process {
    parent: i32,
    group: i32,
    session: i32,
    /// The foreground of its terminal; -1 without a terminal.
    foreground: i32,
}

impl Process {
    /// Looks a process up, where the system has `/proc`.
    fn find(name: &str) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{name}/stat")).ok()?)
    }

    /// Reads `/proc/PID/stat`: a number, the command in parentheses, which may hold anything, and then state, parent,
    /// group, session, terminal, foreground and more.
    fn read(stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(1).map(|field| field.parse().ok());
        let mut next = || fields.next().flatten();
        let (parent, group, session, _terminal, foreground) = (next()?, next()?, next()?, next()?, next()?);
        Some(Self { parent, group, session, foreground })
    }
}

/// True if the terminal is for another job to use. Where that cannot be told it is ours; the system knows better.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn in_background(_terminal: BorrowedFd<'_>) -> bool {
    Process::find("self").is_some_and(|this| this.foreground > 0 && this.foreground != this.group)
}

/// True if the terminal is for another job to use. Where that cannot be told it is ours; the system knows better.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn in_background(terminal: BorrowedFd<'_>) -> bool {
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground != rustix::process::getpgrp())
}

/// True if somebody could continue this job after it has stopped: a parent of one of its processes is of the same
/// session and another job. The system does not let a job stop of which nobody takes care (POSIX: an orphaned process
/// group), as is one that `ssh HOST COMMAND` runs. Where that cannot be told there is somebody.
pub(crate) fn can_be_continued() -> bool {
    Process::find("self").is_none_or(|this| is_looked_after(this, |pid| Process::find(&pid.to_string())))
}

fn is_looked_after(this: Process, find: impl Fn(i32) -> Option<Process>) -> bool {
    let mut child = this;
    while let Some(parent) = find(child.parent).filter(|parent| parent.session == this.session) {
        if parent.group != this.group {
            return true;
        }
        child = parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn process(parent: i32, group: i32, session: i32) -> Process {
        Process { parent, group, session, foreground: -1 }
    }

    #[test]
    fn a_process_is_read_behind_any_command() {
        let found = |parent, group, session, foreground| Some(Process { parent, group, session, foreground });
        let cases = [
            ("12 (sh) S 7 12 5 34816 9 4194304 1", found(7, 12, 5, 9)),
            ("12 (a) b (c) 1 2) R 345 1 1 0 -1 0", found(345, 1, 1, -1)),
            ("1 (init) S 0 0 0 0 -1", found(0, 0, 0, -1)),
            ("12 (sh) S 7 12 5 34816", None),
            ("12 (sh) S x 12 5 34816 9", None),
            ("12 (sh", None),
            ("", None),
        ];
        for (stat, expected) in cases {
            assert_eq!(Process::read(stat), expected, "{stat}");
        }
    }

    #[test]
    fn a_job_is_looked_after_by_a_parent_in_its_session_and_outside_of_the_job() {
        // 10 is a shell with job control in session 10, 20 a script of its, 21 what the script runs; 30 leads session
        // 30 itself, 31 is its child; 40's parent has ended and 1 has taken it.
        let find = |pid| match pid {
            1 => Some(process(0, 0, 0)),
            10 => Some(process(1, 10, 10)),
            20 => Some(process(10, 20, 10)),
            30 => Some(process(10, 30, 30)),
            _ => None,
        };
        let cases = [
            ("the script", process(10, 20, 10), true),
            ("in the script", process(20, 20, 10), true),
            ("a leader", process(10, 30, 30), false),
            ("a leader's child", process(30, 30, 30), false),
            ("an orphan", process(1, 40, 10), false),
            ("a container's first", process(0, 0, 0), false),
        ];
        for (name, this, expected) in cases {
            assert_eq!(is_looked_after(this, find), expected, "{name}");
        }
    }
}
