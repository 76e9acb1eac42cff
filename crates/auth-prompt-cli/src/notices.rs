//! Where notices go, and a countdown among them.

use core::time::Duration;
use std::io::Write;

use auth_core::Notice;

use crate::text;

/// How often a countdown is told where a line cannot be taken back.
const SELDOM: Duration = Duration::from_secs(30);

pub(crate) struct Notices {
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    /// How wide the countdown is that stands in the last line.
    open: usize,
    /// What the last countdown said.
    last: Option<Duration>,
}

impl Notices {
    pub(crate) fn new(out: impl Write + Send + 'static, is_terminal: bool) -> Self {
        Self { out: Box::new(out), is_terminal, open: 0, last: None }
    }

    pub(crate) fn tell(&mut self, notice: &Notice) {
        let Notice::Approval { left } = notice else {
            self.take_back();
            self.last = None;
            return self.write(&text::notice(notice));
        };
        if !self.is_terminal {
            if left.is_zero() {
                self.last = None;
                return;
            }
            // More time than before is another countdown.
            let due = self.last.is_none_or(|last| *left > last || last.saturating_sub(*left) >= SELDOM);
            if due {
                self.last = Some(*left);
                self.write(&text::notice(notice));
            }
        } else if left.is_zero() {
            self.take_back();
        } else {
            let line = text::approval(*left);
            let rest = " ".repeat(self.open.saturating_sub(line.len()));
            self.open = line.len();
            self.write(&format!("\r{line}{rest}"));
        }
    }

    /// Takes a countdown off the screen, so that something else can be written.
    pub(crate) fn take_back(&mut self) {
        let width = core::mem::take(&mut self.open);
        if width > 0 {
            self.write(&format!("\r{}\r", " ".repeat(width)));
        }
    }

    fn write(&mut self, text: &str) {
        // What cannot be told is dropped.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.take_back();
    }
}

#[cfg(test)]
#[path = "tests/notices.rs"]
mod tests;
