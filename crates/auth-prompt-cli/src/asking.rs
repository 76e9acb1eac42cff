//! A conversation at the terminal that anything may interrupt.

use core::ffi::c_int;

use auth_core::error::CannotPrompt;
use auth_core::ports::Dismiss;
use auth_core::{PromptFault, Secret};
use rustix::event::PollFlags;
use zeroize::Zeroizing;

use crate::job;
use crate::line::{Effect, Line};
use crate::signals::{self, Told, Watch};
use crate::terminal::{Mode, Read, Terminal};
use crate::text;
use crate::turn::Turn;

/// How a conversation ends without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Nobody wants the answer any more.
    Cancelled,
    /// Nobody can be asked.
    Cannot(CannotPrompt),
    /// By a signal, which is yet to act.
    Signal(c_int),
    /// To be asked again after a stop, which is yet to come.
    Suspended,
}

impl From<CannotPrompt> for End {
    fn from(why: CannotPrompt) -> Self {
        Self::Cannot(why)
    }
}

/// Whether what is on the screen is still right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ready {
    Yes,
    /// Others have written since: say it again.
    Again,
}

/// Holds a conversation at the controlling terminal and leaves the terminal as it was.
pub(crate) fn at_terminal<T>(
    dismissed: &Dismiss,
    conversation: impl FnOnce(&mut Asking<'_>) -> Result<T, End>,
) -> Result<T, PromptFault> {
    let terminal = Terminal::open().map_err(PromptFault::Cannot)?;
    let turn = Turn::take(dismissed).ok_or(PromptFault::Cancelled)?;
    // Without descriptors left to be woken by, a question could not be taken back.
    let unable = |_| PromptFault::Cannot(CannotPrompt::NoTerminal);
    if Turn::takes_stop(&turn) {
        // Of another question, or of this one if nobody told of its suspension.
        signals::suspend();
    }
    let may_suspend = dismissed.may_suspend() && signals::can_stop();
    let watch = Watch::start().map_err(unable)?;
    dismissed.on_dismiss(watch.waker().map_err(unable)?);
    let mut asking = Asking { terminal, watch, dismissed, may_suspend, line_open: false, continuing: false };
    let result = asking.come_forward(None).and_then(|_| conversation(&mut asking));
    let result = asking.close(result);
    drop(asking);
    dismissed.on_dismiss(|| {});
    if matches!(result, Err(End::Suspended)) {
        turn.end_in_stop();
    } else {
        drop(turn);
    }
    result.map_err(|end| match end {
        End::Suspended => PromptFault::Suspended,
        End::Cancelled => PromptFault::Cancelled,
        End::Cannot(why) => PromptFault::Cannot(why),
        End::Signal(signal) => {
            signals::act_by_default(signal);
            PromptFault::Cancelled
        }
    })
}

/// Stops this program where a suspended question asked for it, and comes back when it is continued.
pub(crate) fn suspend() {
    if let Some(_turn) = Turn::to_stop() {
        signals::suspend();
    }
}

/// A conversation going on.
pub(crate) struct Asking<'a> {
    // First, so that the terminal is restored before signals act by default.
    terminal: Terminal,
    watch: Watch,
    dismissed: &'a Dismiss,
    /// Stopping is for whoever asks, who has something to give back first.
    may_suspend: bool,
    /// Something was written that no line end has followed.
    line_open: bool,
    /// We stopped ourselves and are told of being continued later.
    continuing: bool,
}

impl Asking<'_> {
    /// Writes whole lines.
    pub(crate) fn say(&mut self, lines: &str) -> Result<(), End> {
        self.write(lines)
    }

    /// Asks for a line that may be seen, and gives it without its end.
    pub(crate) fn shown(&mut self, prompt: &str) -> Result<String, End> {
        Ok(String::from_utf8_lossy(&self.shown_once(prompt)?).into_owned())
    }

    /// The same, wiped when it is dropped.
    pub(crate) fn shown_once(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, End> {
        let mut chunk = Zeroizing::new([0; 1024]);
        'again: loop {
            self.terminal.set(Mode::Shown)?;
            self.write(prompt)?;
            // As much as a terminal gives of one line, so that no part is left behind by growing.
            let mut line = Zeroizing::new(Vec::with_capacity(4_096));
            loop {
                if self.ready(PollFlags::IN)? == Ready::Again {
                    self.terminal.flush();
                    continue 'again;
                }
                match self.terminal.read(&mut *chunk)? {
                    Read::Nothing => {}
                    Read::End => return Err(End::Cancelled),
                    Read::Bytes(count) => line.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                }
                if line.ends_with(b"\n") {
                    self.line_open = false;
                    while line.ends_with(b"\r") || line.ends_with(b"\n") {
                        line.pop();
                    }
                    return Ok(line);
                }
            }
        }
    }

    /// Asks for a line that must not be seen, and gives it without its end.
    pub(crate) fn hidden(&mut self, prompt: &str) -> Result<Secret, End> {
        let mut line = Line::new(self.terminal.keys()?);
        loop {
            self.terminal.set(Mode::Hidden)?;
            // What was typed before was seen, and was not typed for this.
            self.terminal.flush();
            line.clear();
            self.write(prompt)?;
            if self.fill(&mut line)? == Ready::Again {
                continue;
            }
            self.write("\n")?;
            match line.take() {
                Ok(secret) => return Ok(secret),
                Err(unfit) => self.say(&text::unfit(unfit))?,
            }
        }
    }

    fn fill(&mut self, line: &mut Line) -> Result<Ready, End> {
        let mut chunk = Zeroizing::new([0; 1024]);
        loop {
            if self.ready(PollFlags::IN)? == Ready::Again {
                return Ok(Ready::Again);
            }
            let count = match self.terminal.read(&mut *chunk)? {
                Read::Bytes(count) => count,
                Read::Nothing => 0,
                Read::End => return Err(End::Cancelled),
            };
            let mut refused = false;
            for byte in chunk.iter().take(count) {
                match line.push(*byte) {
                    Effect::Taken => {}
                    Effect::Refused => refused = true,
                    Effect::Entered => return Ok(Ready::Yes),
                    Effect::Ended => return Err(End::Cancelled),
                }
            }
            if refused {
                // A bell that does not get through is not worth waiting for.
                self.terminal.write(b"\x07")?;
            }
        }
    }

    fn write(&mut self, text: &str) -> Result<(), End> {
        let mut left = text.as_bytes();
        while let Some(last) = left.last() {
            let written = self.terminal.write(left)?;
            if written > 0 {
                self.line_open = written < left.len() || *last != b'\n';
                left = left.get(written..).unwrap_or_default();
            } else if self.ready(PollFlags::OUT)? == Ready::Again {
                left = text.as_bytes();
            }
        }
        Ok(())
    }

    /// Waits until the terminal can be read or written, and sees to whatever else happens.
    fn ready(&mut self, events: PollFlags) -> Result<Ready, End> {
        loop {
            self.watch.drain();
            if self.dismissed.is_dismissed() {
                return Err(End::Cancelled);
            }
            match self.watch.next() {
                Some(Told::Cancel) => return Err(End::Cancelled),
                Some(Told::End(signal)) => return Err(End::Signal(signal)),
                Some(Told::Stop) => {
                    self.stop()?;
                    return Ok(Ready::Again);
                }
                Some(Told::Continue) => {
                    // Others may have changed the terminal, and the screen if the stop was not our doing.
                    let elsewhere = self.come_forward(self.terminal.mode())?;
                    if !core::mem::take(&mut self.continuing) || elsewhere {
                        self.end_line()?;
                        return Ok(Ready::Again);
                    }
                }
                None => {
                    if self.terminal.wait(events, self.watch.wake())? {
                        let again = events.contains(PollFlags::IN) && self.come_forward_if_needed()?;
                        return Ok(if again { Ready::Again } else { Ready::Yes });
                    }
                }
            }
        }
    }

    fn stop(&mut self) -> Result<(), End> {
        if self.may_suspend {
            return Err(End::Suspended);
        }
        let mode = self.terminal.mode();
        self.terminal.restore()?;
        self.end_line()?;
        self.continuing = true;
        signals::stop();
        self.come_forward(mode).map(|_| ())
    }

    fn come_forward_if_needed(&mut self) -> Result<bool, End> {
        if self.terminal.in_background() { self.come_forward(self.terminal.mode()) } else { Ok(false) }
    }

    /// Stops until this job is the terminal's foreground, then puts the mode in force. Says whether another job was.
    ///
    /// The system would stop us at the next change of the terminal or read from it, but then a signal that ends a
    /// stopped job would be noted only, and the job would stop once more.
    fn come_forward(&mut self, mode: Option<Mode>) -> Result<bool, End> {
        let mut elsewhere = false;
        while self.terminal.in_background() {
            elsewhere = true;
            self.line_open = false;
            self.terminal.leave();
            // Whoever ends a stopped job also continues it.
            self.watch.settle();
            if self.dismissed.is_dismissed() {
                return Err(End::Cancelled);
            }
            match self.watch.next() {
                Some(Told::Cancel) => return Err(End::Cancelled),
                Some(Told::End(signal)) => return Err(End::Signal(signal)),
                Some(Told::Stop | Told::Continue) => {}
                // Brought forward without having stopped.
                None if !self.terminal.in_background() => {}
                None if self.may_suspend && job::can_be_continued() => return Err(End::Suspended),
                None if self.watch.stop() => self.continuing = false,
                None => return Err(CannotPrompt::NoTerminal.into()),
            }
        }
        if let Some(mode) = mode {
            self.terminal.set(mode)?;
        }
        Ok(elsewhere)
    }

    fn end_line(&mut self) -> Result<(), End> {
        if core::mem::take(&mut self.line_open) {
            // Not waited for: whatever we are about to do is more urgent.
            self.terminal.write(b"\n")?;
        }
        Ok(())
    }

    /// Restores the terminal, lets signals act by default again, and sees to those that came until then.
    fn close<T>(&mut self, result: Result<T, End>) -> Result<T, End> {
        // A terminal that is gone needs neither.
        let _ = self.terminal.restore();
        let _ = self.end_line();
        signals::idle();
        let mut result = result;
        while let Some(told) = self.watch.next() {
            match (told, &result) {
                (_, Err(End::Signal(_))) | (Told::Continue, _) => {}
                (Told::End(signal), _) => result = Err(End::Signal(signal)),
                (Told::Cancel, Ok(_) | Err(End::Suspended)) => result = Err(End::Cancelled),
                // It is about to stop.
                (Told::Cancel, _) | (Told::Stop, Err(End::Suspended)) => {}
                (Told::Stop, _) => signals::stop(),
            }
        }
        result
    }
}
