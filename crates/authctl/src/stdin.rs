//! A password from standard input.

use std::io::{self, IsTerminal as _, Read};

use auth_native::Secret;

use crate::report::Failure;

/// The longest password that is read, in bytes.
const LONGEST: usize = 4_096;

/// Reads the first line of standard input, and nothing behind it.
pub(crate) fn password() -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage(
            "--password-stdin reads from a file or a pipe, and standard input is a terminal",
            "Leave --password-stdin out to be asked.",
        ));
    }
    match unbuffered() {
        Ok(input) => line(input),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Standard input without the standard library's buffer, which is not wiped and reads further than asked.
#[cfg(unix)]
fn unbuffered() -> io::Result<impl Read> {
    use std::os::fd::AsFd as _;
    Ok(std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere this can fail")]
fn unbuffered() -> io::Result<impl Read> {
    Ok(io::stdin())
}

fn line(input: impl Read) -> Result<Secret, Failure> {
    first_line(input).map_err(|bad| match bad {
        Bad::Unreadable(error) => unreadable(&error),
        Bad::TooLong => Failure::usage(
            &format!("the first line of standard input is longer than {LONGEST} bytes"),
            "Write the password and a line feed to standard input.",
        ),
        Bad::Empty => Failure::usage(
            "there is no password on standard input: its first line is empty",
            "Write the password and a line feed to standard input.",
        ),
        Bad::NotText => Failure::usage(
            "the first line of standard input is not UTF-8",
            "Write the password to standard input as UTF-8.",
        ),
    })
}

/// Why a line is no secret.
#[derive(Debug)]
pub(crate) enum Bad {
    TooLong,
    Empty,
    NotText,
    Unreadable(io::Error),
}

/// Reads the first line, and nothing behind it. The line's end is no part of it; everything else is.
pub(crate) fn first_line(mut input: impl Read) -> Result<Secret, Bad> {
    // Never moved while it grows, so that no copy is left behind.
    let mut line = Vec::with_capacity(LONGEST + 1);
    let mut byte = [0];
    let ended = loop {
        match input.read(&mut byte) {
            Ok(0) => break Ok(()),
            Ok(_) if byte == *b"\n" => break Ok(()),
            Ok(_) if line.len() > LONGEST => break Err(Bad::TooLong),
            Ok(_) => line.extend_from_slice(&byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(Bad::Unreadable(error)),
        }
    };
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let length = line.len();
    // What is no text is wiped here, and what came before a failure below.
    let secret = Secret::from_utf8(line);
    ended?;
    match secret {
        Some(secret) if length > LONGEST => {
            drop(secret);
            Err(Bad::TooLong)
        }
        Some(secret) if !secret.is_empty() => Ok(secret),
        Some(_) => Err(Bad::Empty),
        None => Err(Bad::NotText),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::usage(
        &format!("standard input could not be read: {error}"),
        "Connect standard input to a file or a pipe.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_and_only_its_end_is_trimmed() {
        let long = "x".repeat(LONGEST);
        let cases: [(&str, &str); 9] = [
            ("sesame\n", "sesame"),
            ("sesame", "sesame"),
            ("sesame\r\n", "sesame"),
            ("  two  spaces  \nmore\n", "  two  spaces  "),
            ("tab\t\n", "tab\t"),
            ("cr\rinside\n", "cr\rinside"),
            ("two\r\r\n", "two\r"),
            ("ünïcode\n", "ünïcode"),
            (&long, &long),
        ];
        for (input, password) in cases {
            assert_eq!(line(input.as_bytes()).unwrap(), Secret::from(password), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_password_is_refused_without_showing_it_s2() {
        let long = "canary".repeat(LONGEST);
        let cases: [(&[u8], &str); 6] = [
            (b"", "empty"),
            (b"\ncanary", "empty"),
            (b"\r\n", "empty"),
            (b"canary\xff\n", "UTF-8"),
            (long.as_bytes(), "longer"),
            (&long.as_bytes()[..=LONGEST], "longer"),
        ];
        for (input, word) in cases {
            let failure = line(input).unwrap_err();
            assert!(failure.message.contains(word), "{}", failure.message);
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }

    #[test]
    fn nothing_behind_the_line_is_taken() {
        let mut input = &b"sesame\nfor somebody else"[..];
        line(&mut input).unwrap();
        assert_eq!(input, b"for somebody else");
    }
}
