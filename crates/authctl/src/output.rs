//! Standard output and standard error. A reader that has gone away is no failure: what was to be done is done.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use auth_native::Secret;
use serde::Serialize;

use crate::json;
use crate::report::Failure;

/// Writes to standard output, through to its reader.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    settle(write(text.as_bytes()))
}

/// Writes the answer: as JSON, or in words.
pub(crate) fn answer(
    json: bool,
    value: &impl Serialize,
    words: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if json { object(value) } else { text(&words()) }
}

/// Writes a secret and a line feed to standard output.
pub(crate) fn secret_line(secret: &Secret) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    settle(
        out.write_all(secret.expose().as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush()),
    )
}

/// Writes one JSON value and a line feed to standard output.
pub(crate) fn object(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    settle(json::write(&mut out, value).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
}

/// Tells a person something that is not the answer.
pub(crate) fn warning(text: &dyn std::fmt::Display) {
    let name = marked("authctl: warning:", "1;33");
    error_line(&format!("{name} {text}\n"));
}

/// Tells a person what is going on.
pub(crate) fn note(text: &str) {
    error_line(&format!("authctl: {text}\n"));
}

/// Tells a person what went wrong and what to do now.
pub(crate) fn failure(failure: &Failure) {
    let Failure { message, remedy, .. } = failure;
    let name = marked("authctl:", "1;31");
    error_line(&format!("{name} {message}\n{remedy}\n"));
}

/// Coloured, where standard error is a terminal that knows colours and nobody said no (<https://no-color.org>).
fn marked(text: &str, colour: &str) -> String {
    let variable = |name| std::env::var(name).unwrap_or_default();
    if is_coloured(io::stderr().is_terminal(), &variable("TERM"), &variable("NO_COLOR")) {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

fn is_coloured(is_terminal: bool, term: &str, no_color: &str) -> bool {
    is_terminal && !matches!(term, "" | "dumb") && no_color.is_empty()
}

fn error_line(text: &str) {
    // There is no other place to say that this failed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn settle(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::output(&error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_knows_colours_gets_some() {
        let cases = [
            ((true, "xterm", ""), true),
            ((true, "xterm", "1"), false),
            ((true, "dumb", ""), false),
            ((true, "", ""), false),
            ((false, "xterm", ""), false),
        ];
        for ((is_terminal, term, no_color), coloured) in cases {
            assert_eq!(is_coloured(is_terminal, term, no_color), coloured, "{term:?} {no_color:?}");
        }
    }
}
