//! The terminal: how it is opened, what is changed about it, and that all of it is changed back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use auth_core::error::CannotPrompt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{self, OFlags};
use rustix::io::{self, Errno, retry_on_intr};
use rustix::termios::{
    self, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, SpecialCodeIndex, Termios,
};

use crate::job;
use crate::line::Keys;

/// How long to wait between two attempts to read a terminal that cannot be polled.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// What is typed, and whether it is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Seen, and edited by the system, which hands over whole lines.
    Shown,
    /// Not seen, and handed over byte by byte: the system would cut lines at 4,095 bytes.
    Hidden,
}

impl Mode {
    fn apply(self, found: &Termios) -> Termios {
        let mut wanted = found.clone();
        wanted.input_modes.insert(InputModes::ICRNL);
        wanted.input_modes.remove(InputModes::IGNCR | InputModes::INLCR);
        wanted.output_modes.insert(OutputModes::OPOST | OutputModes::ONLCR);
        wanted.local_modes.insert(LocalModes::ISIG);
        match self {
            Self::Shown => wanted.local_modes.insert(LocalModes::ICANON | LocalModes::ECHO),
            Self::Hidden => {
                wanted.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL);
                wanted.special_codes[SpecialCodeIndex::VMIN] = 1;
                wanted.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
        }
        wanted
    }
}

/// What came of reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// End of input was typed.
    End,
}

/// An open terminal. Dropping it restores it.
pub(crate) struct Terminal {
    fd: OwnedFd,
    found: Option<Termios>,
    mode: Option<Mode>,
    pollable: bool,
}

impl Terminal {
    /// Opens the controlling terminal.
    pub(crate) fn open() -> Result<Self, CannotPrompt> {
        // Not blocking: neither a terminal stopped by Ctrl-S nor one that nobody reads may hold up a dismissal. The
        // flag is of this opening alone.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = fs::open("/dev/tty", flags, fs::Mode::empty()).map_err(|_| CannotPrompt::NoTerminal)?;
        if termios::tcgetattr(&fd).is_err() {
            return Err(CannotPrompt::NoTerminal);
        }
        Ok(Self::new(fd))
    }

    fn new(fd: OwnedFd) -> Self {
        Self { fd, found: None, mode: None, pollable: true }
    }

    /// The mode in force; `None` while the terminal is as it was found.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// Puts a mode in force.
    pub(crate) fn set(&mut self, mode: Mode) -> Result<(), CannotPrompt> {
        let found = match self.found.take() {
            Some(found) => found,
            None => termios::tcgetattr(&self.fd).map_err(hung_up)?,
        };
        let wanted = mode.apply(&found);
        self.found = Some(found);
        self.mode = Some(mode);
        self.apply(&wanted)
    }

    /// Makes the terminal what it was, and drops what was typed and not read. Does nothing to one that is another job's
    /// by now: the system would stop us for it.
    pub(crate) fn restore(&mut self) -> Result<(), CannotPrompt> {
        if self.in_background() {
            self.leave();
        }
        match (self.mode.take(), self.found.take()) {
            (Some(_), Some(found)) => {
                let restored = self.apply(&found);
                self.flush();
                restored
            }
            _ => Ok(()),
        }
    }

    /// Gives the terminal up unchanged: it is another job's now.
    pub(crate) fn leave(&mut self) {
        self.mode = None;
    }

    // At once, not when all output is through: output may be stopped.
    fn apply(&self, wanted: &Termios) -> Result<(), CannotPrompt> {
        retry_on_intr(|| termios::tcsetattr(&self.fd, OptionalActions::Now, wanted)).map_err(hung_up)
    }

    /// Drops what was typed and not read.
    pub(crate) fn flush(&self) {
        // A terminal that cannot do that has nothing to drop or is gone.
        let _ = termios::tcflush(&self.fd, QueueSelector::IFlush);
    }

    /// The characters that edit a line here.
    pub(crate) fn keys(&self) -> Result<Keys, CannotPrompt> {
        let codes = termios::tcgetattr(&self.fd).map_err(hung_up)?.special_codes;
        Ok(Keys {
            erase: codes[SpecialCodeIndex::VERASE],
            erase_word: codes[SpecialCodeIndex::VWERASE],
            kill: codes[SpecialCodeIndex::VKILL],
            end: codes[SpecialCodeIndex::VEOF],
        })
    }

    /// True if the terminal is for another job to use.
    pub(crate) fn in_background(&self) -> bool {
        job::in_background(self.fd.as_fd())
    }

    /// Waits until the terminal may be ready, or `wake` is readable, which is answered by false.
    pub(crate) fn wait(&mut self, events: PollFlags, wake: BorrowedFd<'_>) -> Result<bool, CannotPrompt> {
        let mut fds = [PollFd::from_borrowed_fd(wake, PollFlags::IN), PollFd::new(&self.fd, events)];
        let polled = if self.pollable { poll(&mut fds, None) } else { poll(&mut fds[..1], Some(&TICK)) };
        match polled {
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(hung_up(error)),
            Ok(_) => {}
        }
        if !fds[0].revents().is_empty() {
            return Ok(false);
        }
        // macOS cannot poll terminals.
        if fds[1].revents().contains(PollFlags::NVAL) {
            self.pollable = false;
        }
        Ok(true)
    }

    /// Reads what there is.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<Read, CannotPrompt> {
        match io::read(&self.fd, buffer) {
            // Of a terminal that is gone as well.
            Ok(0) => termios::tcgetattr(&self.fd).map(|_| Read::End).map_err(hung_up),
            Ok(count) => Ok(Read::Bytes(count)),
            Err(Errno::INTR | Errno::AGAIN) => Ok(Read::Nothing),
            Err(error) => Err(hung_up(error)),
        }
    }

    /// Writes what goes through at once, and says how many bytes that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, CannotPrompt> {
        match io::write(&self.fd, bytes) {
            Ok(count) => Ok(count),
            Err(Errno::INTR | Errno::AGAIN) => Ok(0),
            Err(error) => Err(hung_up(error)),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that cannot be restored is gone.
        let _ = self.restore();
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A terminal that was opened fails in one way: it is gone.
fn hung_up(_: Errno) -> CannotPrompt {
    CannotPrompt::HungUp
}

#[cfg(test)]
#[path = "tests/terminal.rs"]
mod tests;
