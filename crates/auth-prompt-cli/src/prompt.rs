//! Questions as dialogues.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Foreign, Notice, PromptFault, Question};

use crate::notices::Notices;

/// Asks at the controlling terminal, and tells notices on standard error.
///
/// One question is open at a time in a process; others wait for it. End of input, an interrupt, or an empty line where
/// nothing is suggested answers [`PromptFault::Cancelled`]. Without a terminal, or as a background job that nobody can bring to the
/// foreground, it answers [`CannotPrompt::NoTerminal`]; when the terminal goes away, [`CannotPrompt::HungUp`].
///
/// A question has no time limit here: whoever asks dismisses it.
///
/// Ctrl-Z stops the program within a question. A question that may be suspended
/// ([`Dismiss::may_suspend`]) answers [`PromptFault::Suspended`] instead, and the program stops when
/// [`Notice::Suspend`] is told; the same question asked next remembers the user name that was typed.
pub struct TerminalPrompt {
    notices: Mutex<Notices>,
    /// The user name typed for a question that was suspended after it.
    typed: Mutex<Option<(Question, Foreign)>>,
}

impl TerminalPrompt {
    /// Tells notices on standard error.
    pub fn new() -> Self {
        Self::with(Notices::new(io::stderr(), io::stderr().is_terminal()))
    }

    /// Tells notices there instead, which is taken for no terminal.
    pub fn with_notices(notices: impl Write + Send + 'static) -> Self {
        Self::with(Notices::new(notices, false))
    }

    fn with(notices: Notices) -> Self {
        Self { notices: Mutex::new(notices), typed: Mutex::new(None) }
    }

    fn notices(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn typed(&self) -> MutexGuard<'_, Option<(Question, Foreign)>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.notices().take_back();
        let of_this = |(asked, name): (Question, Foreign)| (asked == *question).then_some(name);
        let mut typed = self.typed().take().and_then(of_this);
        match dialogue::ask(question, dismissed, &mut typed) {
            Err(PromptFault::Suspended) => {
                *self.typed() = typed.map(|name| (question.clone(), name));
                Err(PromptFault::Suspended)
            }
            #[cfg(unix)]
            Err(PromptFault::Cannot(CannotPrompt::NoTerminal)) if crate::forced::is_forced() => {
                crate::forced::ask(question, dismissed)
            }
            result => result,
        }
    }

    fn tell(&self, notice: &Notice) {
        #[cfg(unix)]
        if *notice == Notice::Suspend {
            self.notices().take_back();
            return crate::asking::suspend();
        }
        self.notices().tell(notice);
    }
}

#[cfg(not(unix))]
mod dialogue {
    use super::{Answer, CannotPrompt, Dismiss, Foreign, PromptFault, Question};

    /// Terminals of this system are not supported.
    pub(super) fn ask(
        _question: &Question,
        _dismissed: &Dismiss,
        _typed: &mut Option<Foreign>,
    ) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cannot(CannotPrompt::NoTerminal))
    }
}

#[cfg(unix)]
pub(crate) use dialogue::chosen;

#[cfg(unix)]
mod dialogue {
    use auth_core::{CodeQuestion, MethodQuestion, PasswordQuestion, ProviderQuestion, Secret, SiteQuestion};

    use super::{Answer, CannotPrompt, Dismiss, Foreign, PromptFault, Question};
    use crate::asking::{Asking, End, at_terminal};
    use crate::text;

    /// Asks. A user name stays in `typed`, whatever comes after it; one that is there is not asked for.
    pub(super) fn ask(
        question: &Question,
        dismissed: &Dismiss,
        typed: &mut Option<Foreign>,
    ) -> Result<Answer, PromptFault> {
        at_terminal(dismissed, |asking| match question {
            Question::Password(question) => password(question, typed, asking),
            Question::Provider(question) => provider(question, asking),
            Question::Site(question) => site(question, asking),
            Question::Method(question) => method(question, asking),
            Question::Code(question) => code(question, asking),
            Question::Key(question) => {
                asking.say(&text::before_key(question))?;
                let key = asking.hidden(text::KEY)?;
                if key.is_empty() { Err(End::Cancelled) } else { Ok(Answer::Key(key)) }
            }
            Question::Browser(question) => {
                asking.say(&text::before_browser(question))?;
                asking.shown(text::PROCEED).map(|_| Answer::Proceed)
            }
            Question::Page(question) => {
                asking.say(&text::before_page(question))?;
                asking.shown(text::PROCEED).map(|_| Answer::Proceed)
            }
            // There is no way to put it to somebody at a terminal.
            _ => Err(CannotPrompt::NoTerminal.into()),
        })
    }

    fn password(
        question: &PasswordQuestion,
        before: &mut Option<Foreign>,
        asking: &mut Asking<'_>,
    ) -> Result<Answer, End> {
        asking.say(&text::before_password(question))?;
        let username = match (&question.username, &*before) {
            (Some(username), _) => username.clone(),
            (None, Some(username)) => {
                asking.say(&text::typed_username(username))?;
                username.clone()
            }
            (None, None) => {
                typed(&text::username(question), question.suggested.as_ref(), text::BAD_USERNAME, asking)?
            }
        };
        *before = Some(username.clone());
        let password = asking.hidden(text::PASSWORD)?;
        if password.is_empty() {
            return Err(End::Cancelled);
        }
        Ok(Answer::Password { username, password })
    }

    /// A line of text, or what is suggested.
    fn typed(
        prompt: &str,
        suggested: Option<&Foreign>,
        bad: &str,
        asking: &mut Asking<'_>,
    ) -> Result<Foreign, End> {
        loop {
            let line = asking.shown(prompt)?;
            let name = line.trim();
            if name.is_empty() {
                return suggested.cloned().ok_or(End::Cancelled);
            }
            // What an arrow key leaves in a line, or bytes that are not UTF-8.
            if !name.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
                return Ok(Foreign::from(name));
            }
            asking.say(bad)?;
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

    fn site(question: &SiteQuestion, asking: &mut Asking<'_>) -> Result<Answer, End> {
        asking.say(&text::before_site(question))?;
        typed(&text::site(question), question.suggested.as_ref(), text::BAD_SITE, asking).map(Answer::Site)
    }

    fn method(question: &MethodQuestion, asking: &mut Asking<'_>) -> Result<Answer, End> {
        let count = question.methods.len();
        asking.say(&text::methods(question))?;
        loop {
            let line = asking.shown(&text::method(question))?;
            match line.trim() {
                "" if question.suggested < count => return Ok(Answer::Method(question.suggested)),
                "" => return Err(End::Cancelled),
                choice => match chosen(choice, count) {
                    Some(index) => return Ok(Answer::Method(index)),
                    None => asking.say(&text::bad_choice(count))?,
                },
            }
        }
    }

    /// It is seen while it is typed, being good for one sign-in only.
    fn code(question: &CodeQuestion, asking: &mut Asking<'_>) -> Result<Answer, End> {
        asking.say(&text::before_code(question))?;
        loop {
            let line = asking.shown_once(text::CODE)?;
            let code = line.trim_ascii();
            if code.is_empty() {
                return Err(End::Cancelled);
            }
            match Secret::from_utf8(code.to_vec()) {
                Some(code) if !code.expose().contains(char::is_control) => return Ok(Answer::Code(code)),
                _ => asking.say(text::BAD_CODE)?,
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
