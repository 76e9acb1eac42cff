//! What signals do while a question is open, and that they do what they did before when none is.

use core::ffi::c_int;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTOU};
use signal_hook::{SigId, flag, low_level};

use crate::job;

/// Those that are watched, the gravest first.
const WATCHED: [c_int; 6] = [SIGTERM, SIGHUP, SIGQUIT, SIGINT, SIGTSTP, SIGCONT];

/// What a signal did before the first question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Default,
    Handled,
    Ignored,
}

static FOUND: OnceLock<[Found; WATCHED.len()]> = OnceLock::new();
/// True while no question is open: then a signal's default action is carried out by its handler.
static IDLE: AtomicBool = AtomicBool::new(false);
static PROGRAM_HANDLES: AtomicBool = AtomicBool::new(false);
/// True once the system did not stop this program when it was to stop.
static STAYS: AtomicBool = AtomicBool::new(false);

/// Says that this program handles `SIGINT`, `SIGTERM`, `SIGHUP`, `SIGQUIT` and `SIGTSTP` itself, or lets others do so.
///
/// Needed only where handlers are installed after the first question was asked; earlier ones are noticed on Linux.
/// From now on these signals have no default action: outside of questions only the program's handlers are called, and
/// a question is cancelled by `SIGTERM`, `SIGHUP` and `SIGQUIT` as it is by `SIGINT`.
pub fn program_handles_signals() {
    PROGRAM_HANDLES.store(true, Ordering::SeqCst);
    IDLE.store(false, Ordering::SeqCst);
}

/// From here on signals act by default. Those that came before are still to be looked at.
pub(crate) fn idle() {
    if !PROGRAM_HANDLES.load(Ordering::SeqCst) {
        IDLE.store(true, Ordering::SeqCst);
        // Said in between.
        if PROGRAM_HANDLES.load(Ordering::SeqCst) {
            IDLE.store(false, Ordering::SeqCst);
        }
    }
}

/// Looks once at what each signal does, and keeps it so: a handler replaces the default action and cannot be taken out
/// again, so one has to carry it out.
fn found() -> &'static [Found; WATCHED.len()] {
    FOUND.get_or_init(|| {
        // Only Linux tells. Elsewhere most programs handle none of these.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        WATCHED.map(|signal| {
            let found = disposition(&status, signal);
            let keep = match signal {
                SIGCONT => false,
                SIGTSTP => job::can_be_continued(),
                _ => true,
            };
            if found == Found::Default && keep && flag::register_conditional_default(signal, &IDLE).is_err() {
                return Found::Ignored; // it cannot be handled, then, and stays as it is
            }
            found
        })
    })
}

/// Reads the masks that `/proc/PID/status` shows.
fn disposition(status: &str, signal: c_int) -> Found {
    let within = |name: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default();
        u64::from_str_radix(mask, 16).is_ok_and(|mask| mask >> (signal - 1) & 1 == 1)
    };
    if within("SigIgn:") {
        Found::Ignored
    } else if within("SigCgt:") {
        Found::Handled
    } else {
        Found::Default
    }
}

/// Stops this job as a job stops that writes to a terminal of which it is not the foreground: not at all if nobody
/// could continue it. Comes back when it is continued.
pub(crate) fn stop() {
    // Fails for unknown signals only.
    let _ = low_level::raise(SIGTTOU);
}

/// Stops this job between two questions, and comes back when it is continued. Signals that end it act by default
/// meanwhile, or as the program says.
pub(crate) fn suspend() {
    match Watch::continuing() {
        Ok(watch) => STAYS.store(!watch.stop(), Ordering::SeqCst),
        // Without descriptors it is not known whether it did.
        Err(_) => stop(),
    }
}

/// False if it is known that this program does not stop.
pub(crate) fn can_stop() -> bool {
    !STAYS.load(Ordering::SeqCst)
}

/// Does to this program what a signal does by default.
pub(crate) fn act_by_default(signal: c_int) {
    // Fails for unknown signals only.
    let _ = low_level::emulate_default_handler(signal);
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    /// To give the question up.
    Cancel,
    /// To give it up and end by this signal.
    End(c_int),
    /// To stop.
    Stop,
    /// To go on after a stop.
    Continue,
}

/// Being told of signals, for as long as it is kept.
pub(crate) struct Watch {
    notes: [Arc<AtomicBool>; WATCHED.len()],
    registered: Vec<SigId>,
    wake: UnixStream,
    waker: UnixStream,
}

impl Watch {
    pub(crate) fn start() -> io::Result<Self> {
        found();
        IDLE.store(false, Ordering::SeqCst);
        Self::of(&WATCHED)
    }

    /// Told of being continued alone.
    fn continuing() -> io::Result<Self> {
        Self::of(&[SIGCONT])
    }

    fn of(signals: &[c_int]) -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let mut watch = Self { notes: Default::default(), registered: Vec::new(), wake, waker };
        for ((signal, found), note) in WATCHED.iter().zip(found()).zip(&watch.notes) {
            if *found != Found::Ignored && signals.contains(signal) {
                // Noted first, then woken.
                watch.registered.push(flag::register(*signal, Arc::clone(note))?);
                watch.registered.push(low_level::pipe::register(*signal, watch.waker.try_clone()?)?);
            }
        }
        Ok(watch)
    }

    /// A function that wakes whoever waits for [`wake`](Self::wake).
    pub(crate) fn waker(&self) -> io::Result<impl FnOnce() + Send + 'static> {
        let waker = self.waker.try_clone()?;
        // Full is as good as written.
        Ok(move || drop((&waker).write(&[0])))
    }

    /// Readable once there is something new.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Makes [`wake`](Self::wake) unreadable. To be called before looking at what is new.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 64];
        while (&self.wake).read(&mut bytes).is_ok_and(|count| count > 0) {}
    }

    /// The gravest signal that came, once.
    pub(crate) fn next(&self) -> Option<Told> {
        let come = self.notes.iter().position(|note| note.swap(false, Ordering::SeqCst))?;
        let by_default =
            found().get(come) == Some(&Found::Default) && !PROGRAM_HANDLES.load(Ordering::SeqCst);
        Some(match *WATCHED.get(come)? {
            SIGTSTP => Told::Stop,
            SIGCONT => Told::Continue,
            SIGINT => Told::Cancel,
            signal if by_default => Told::End(signal),
            _ => Told::Cancel,
        })
    }

    /// Stops this job until it is continued; false if it did not stop.
    pub(crate) fn stop(&self) -> bool {
        // Well over what another thread needs for noting a signal.
        const LIMIT: Duration = Duration::from_secs(1);
        let Some(note) = self.notes.last() else { return false };
        note.store(false, Ordering::SeqCst);
        stop();
        self.wait_until(LIMIT, || note.swap(false, Ordering::SeqCst))
    }

    /// Gives a signal that ends and comes together with another the time to be noted by another thread.
    pub(crate) fn settle(&self) {
        const TOGETHER: Duration = Duration::from_millis(100);
        let ends = |(signal, note): (&c_int, &Arc<AtomicBool>)| {
            !matches!(*signal, SIGTSTP | SIGCONT) && note.load(Ordering::SeqCst)
        };
        self.wait_until(TOGETHER, || WATCHED.iter().zip(&self.notes).any(ends));
    }

    fn wait_until(&self, limit: Duration, mut noted: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + limit;
        while !noted() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            // What cannot be waited for is tried again until the limit.
            let _ = poll(&mut [PollFd::from_borrowed_fd(self.wake(), PollFlags::IN)], Some(&left));
            self.drain();
        }
        true
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        idle();
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str =
        "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t00000001800144c2\n";

    #[test]
    fn what_a_signal_does_is_read_off_the_masks() {
        let cases = [
            (SIGHUP, Found::Ignored),
            (SIGINT, Found::Handled),
            (SIGQUIT, Found::Default),
            (SIGTERM, Found::Handled),
            (SIGTSTP, Found::Default),
        ];
        for (signal, expected) in cases {
            assert_eq!(disposition(STATUS, signal), expected, "{signal}");
        }
        for status in ["", "SigIgn:\t\nSigCgt:", "SigIgn:\tzz\n"] {
            assert_eq!(disposition(status, SIGHUP), Found::Default, "{status:?}");
        }
    }
}
