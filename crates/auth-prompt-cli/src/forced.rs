//! Questions where there is no terminal and somebody insists: `TILED_FORCE_PROMPT`, as for Tiled's Python client (spec:
//! Tiled, section 17). They are put on standard error and answered on standard input, where a password is not hidden.

use std::env;
use std::io::{self, Write as _};

use auth_core::error::CannotPrompt;
use auth_core::ports::Dismiss;
use auth_core::{Answer, Foreign, PromptFault, Question, Secret};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use crate::prompt::chosen;
use crate::text;

const FORCE: &str = "TILED_FORCE_PROMPT";
/// How often it is looked whether the answer is still wanted.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Longer is no answer.
const LONGEST: usize = 64 * 1024;

/// True if the variable holds a number other than zero, or a word for yes, with which the Python client ends.
pub(crate) fn is_forced() -> bool {
    is_force(&env::var(FORCE).unwrap_or_default())
}

fn is_force(value: &str) -> bool {
    let value = value.trim();
    let says_yes = ["true", "yes", "on"].iter().any(|word| value.eq_ignore_ascii_case(word));
    says_yes || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// Asks once: what is read is not corrected by anybody.
pub(crate) fn ask(question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
    match question {
        Question::Password(question) => {
            say(&text::before_password(question));
            let username = match &question.username {
                Some(username) => username.clone(),
                None => typed(&text::username(question), question.suggested.as_ref(), dismissed)?,
            };
            say(text::NOT_HIDDEN);
            let password = line(text::PASSWORD, dismissed)?;
            if username.is_empty() || password.is_empty() {
                return Err(PromptFault::Cancelled);
            }
            Ok(Answer::Password { username, password })
        }
        Question::Provider(question) => {
            say(&text::providers(question));
            let choice = line(text::CHOICE, dismissed)?;
            let chosen = chosen(choice.expose().trim(), question.providers.len());
            chosen.map(Answer::Provider).ok_or(PromptFault::Cancelled)
        }
        Question::Site(question) => {
            say(&text::before_site(question));
            typed(&text::site(question), question.suggested.as_ref(), dismissed).map(Answer::Site)
        }
        Question::Method(question) => {
            say(&text::methods(question));
            let choice = line(&text::method(question), dismissed)?;
            let count = question.methods.len();
            let index = match choice.expose().trim() {
                "" => Some(question.suggested).filter(|index| *index < count),
                choice => chosen(choice, count),
            };
            index.map(Answer::Method).ok_or(PromptFault::Cancelled)
        }
        Question::Code(question) => {
            say(&text::before_code(question));
            let code = line(text::CODE, dismissed)?;
            match code.expose().trim() {
                "" => Err(PromptFault::Cancelled),
                code => Ok(Answer::Code(Secret::from(code))),
            }
        }
        Question::Key(question) => {
            say(&text::before_key(question));
            say(text::NOT_HIDDEN);
            let key = line(text::KEY, dismissed)?;
            if key.is_empty() { Err(PromptFault::Cancelled) } else { Ok(Answer::Key(key)) }
        }
        Question::Browser(question) => {
            say(&text::before_browser(question));
            line(text::PROCEED, dismissed).map(|_| Answer::Proceed)
        }
        Question::Page(question) => {
            say(&text::before_page(question));
            line(text::PROCEED, dismissed).map(|_| Answer::Proceed)
        }
        // There is no way to put it to somebody here.
        _ => Err(PromptFault::Cannot(CannotPrompt::NoTerminal)),
    }
}

/// A line of text, or what is suggested.
fn typed(prompt: &str, suggested: Option<&Foreign>, dismissed: &Dismiss) -> Result<Foreign, PromptFault> {
    let typed = line(prompt, dismissed)?;
    match typed.expose().trim() {
        "" => suggested.cloned().ok_or(PromptFault::Cancelled),
        typed => Ok(Foreign::from(typed)),
    }
}

fn say(text: &str) {
    // What cannot be said is dropped; the answer may be there all the same.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// One line of standard input without its end. The end of input is a cancel.
fn line(prompt: &str, dismissed: &Dismiss) -> Result<Secret, PromptFault> {
    say(prompt);
    let stdin = io::stdin();
    let (mut line, mut byte) = (Zeroizing::new(Vec::new()), [0]);
    loop {
        if dismissed.is_dismissed() || line.len() > LONGEST {
            return Err(PromptFault::Cancelled);
        }
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        if poll(&mut polled, Some(&TICK)).is_ok_and(|ready| ready == 0) {
            continue;
        }
        // Byte by byte and not through a buffer: what follows the line is for somebody else.
        match rustix::io::read(&stdin, &mut byte) {
            Ok(1) if byte == *b"\n" => break,
            Ok(1) => line.extend(byte),
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) if line.is_empty() => return Err(PromptFault::Cancelled),
            Ok(_) | Err(_) => break,
        }
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    say("\n");
    Ok(Secret::from(String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_other_than_zero_or_a_yes_insists() {
        let cases = [
            ("1", true),
            (" 2 ", true),
            ("-1", true),
            ("yes", true),
            ("True", true),
            ("0", false),
            ("", false),
            ("no", false),
            ("1.5", false),
        ];
        for (value, forced) in cases {
            assert_eq!(is_force(value), forced, "{value:?}");
        }
    }
}
