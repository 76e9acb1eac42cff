//! Questions as dialogues.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Notice, PromptFault, Question};

use crate::text;

/// Asks at the controlling terminal, and tells notices on standard error.
///
/// One question is open at a time in a process; others wait for it. An empty line, end of input or an interrupt
/// answers [`PromptFault::Cancelled`]. Without a terminal, or as a background job that nobody can bring to the
/// foreground, it answers [`CannotPrompt::NoTerminal`]; when the terminal goes away, [`CannotPrompt::HungUp`].
///
/// A question has no time limit here: whoever asks dismisses it.
pub struct TerminalPrompt {
    notices: Mutex<Box<dyn Write + Send>>,
}

impl TerminalPrompt {
    /// Tells notices on standard error.
    pub fn new() -> Self {
        Self::with_notices(io::stderr())
    }

    /// Tells notices there instead.
    pub fn with_notices(notices: impl Write + Send + 'static) -> Self {
        Self { notices: Mutex::new(Box::new(notices)) }
    }
}

impl Default for TerminalPrompt {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TerminalPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TerminalPrompt")
    }
}

impl Prompt for TerminalPrompt {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        match dialogue::ask(question, dismissed) {
            #[cfg(unix)]
            Err(PromptFault::Cannot(CannotPrompt::NoTerminal)) if crate::forced::is_forced() => {
                crate::forced::ask(question, dismissed)
            }
            result => result,
        }
    }

    fn tell(&self, notice: &Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be told is dropped.
        let _ = notices.write_all(text::notice(notice).as_bytes()).and_then(|()| notices.flush());
    }
}

#[cfg(not(unix))]
mod dialogue {
    use super::{Answer, CannotPrompt, Dismiss, PromptFault, Question};

    /// Terminals of this system are not supported.
    pub(super) fn ask(_question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cannot(CannotPrompt::NoTerminal))
    }
}

#[cfg(unix)]
pub(crate) use dialogue::chosen;

#[cfg(unix)]
mod dialogue {
    use auth_core::{Foreign, PasswordQuestion, ProviderQuestion};

    use super::{Answer, CannotPrompt, Dismiss, PromptFault, Question, text};
    use crate::asking::{Asking, End, at_terminal};

    pub(super) fn ask(question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        at_terminal(dismissed, |asking| match question {
            Question::Password(question) => password(question, asking),
            Question::Provider(question) => provider(question, asking),
            // There is no way to put it to somebody at a terminal.
            _ => Err(CannotPrompt::NoTerminal.into()),
        })
    }

    fn password(question: &PasswordQuestion, asking: &mut Asking<'_>) -> Result<Answer, End> {
        asking.say(&text::before_password(question))?;
        let username = match &question.username {
            Some(username) => username.clone(),
            None => username(asking)?,
        };
        let password = asking.hidden(text::PASSWORD)?;
        if password.is_empty() {
            return Err(End::Cancelled);
        }
        Ok(Answer::Password { username, password })
    }

    fn username(asking: &mut Asking<'_>) -> Result<Foreign, End> {
        loop {
            let line = asking.shown(text::USERNAME)?;
            let name = line.trim();
            if name.is_empty() {
                return Err(End::Cancelled);
            }
            // What an arrow key leaves in a line, or bytes that are not UTF-8.
            if !name.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
                return Ok(Foreign::from(name));
            }
            asking.say(text::BAD_USERNAME)?;
        }
    }

    fn provider(question: &ProviderQuestion, asking: &mut Asking<'_>) -> Result<Answer, End> {
        let count = question.providers.len();
        asking.say(&text::providers(question))?;
        loop {
            let line = asking.shown(text::CHOICE)?;
            let choice = line.trim();
            if choice.is_empty() {
                return Err(End::Cancelled);
            }
            match chosen(choice, count) {
                Some(index) => return Ok(Answer::Provider(index)),
                None => asking.say(&text::bad_choice(count))?,
            }
        }
    }

    /// Reads a whole number from one to `count` as an index.
    pub(crate) fn chosen(choice: &str, count: usize) -> Option<usize> {
        let digits = choice.bytes().all(|byte| byte.is_ascii_digit());
        let number: usize = choice.parse().ok().filter(|number| digits && *number <= count)?;
        number.checked_sub(1)
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/prompt.rs"]
mod tests;
