//! Whether a process is still the one that it was.

use std::fs;
use std::sync::OnceLock;

use auth_core::Digest;
use rustix::io::Errno;
use rustix::process::Pid;

/// What a process's number means something in: one boot of one machine, and the processes that are seen there, which
/// in a container are others. `None` if that cannot be told.
pub(crate) fn machine() -> Option<String> {
    static MACHINE: OnceLock<Option<String>> = OnceLock::new();
    MACHINE.get_or_init(find).clone()
}

fn find() -> Option<String> {
    let link = |path: &str| Some(fs::read_link(path).ok()?.to_string_lossy().into_owned());
    // Another container's /proc would tell of its own processes.
    if link("/proc/self")? != std::process::id().to_string() {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let (processes, time) = (link("/proc/self/ns/pid")?, link("/proc/self/ns/time"));
    let mut name = Digest::of_parts(&[Some(boot.trim()), Some(&processes), time.as_deref()]).to_string();
    name.truncate(32);
    Some(name)
}

/// When a process started, in ticks since this machine did.
pub(crate) fn started(pid: u32) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.started)
}

/// What `proc_pid_stat(5)` says of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stat {
    /// True if it has ended and its parent has not noticed.
    has_ended: bool,
    /// True if a signal has stopped it, or a debugger.
    is_stopped: bool,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The fields from the third on: the second one, the command's name in brackets, may hold anything.
    fn read(text: &str) -> Option<Self> {
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let threads: u64 = fields.nth(16)?.parse().ok()?;
        let started = fields.nth(1)?.parse().ok()?;
        // The first thread may end before the others.
        let has_ended = matches!(state, "Z" | "X" | "x") && threads <= 1;
        Some(Self { has_ended, is_stopped: matches!(state, "T" | "t"), started })
    }
}

/// True if a process of this machine is stopped and does nothing before it is continued. False where that cannot be
/// told.
pub(crate) fn is_stopped(pid: u32) -> bool {
    machine().is_some() && Stat::of(pid).is_some_and(|stat| stat.is_stopped)
}

/// True if there is no such process any more, of this machine's.
pub(crate) fn is_gone(pid: u32, start: u64) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return true };
    // What may not be seen is there all the same.
    let is_there = rustix::process::test_kill_process(pid) != Err(Errno::SRCH);
    let found = Stat::of(pid.as_raw_nonzero().get().unsigned_abs());
    !is_there || found.is_some_and(|stat| stat.has_ended || stat.started != start)
}

#[cfg(test)]
#[path = "../../tests/process.rs"]
mod tests;
