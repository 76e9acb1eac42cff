//! How this program ends, as a number.

use std::process::ExitCode;

/// An exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exit(u8);

impl Exit {
    /// Done.
    pub(crate) const OK: Self = Self(0);
    /// A fault of this program.
    pub(crate) const INTERNAL: Self = Self(1);
    /// What was typed cannot be meant, or is against a rule.
    pub(crate) const USAGE: Self = Self(2);
    /// Nobody is signed in, or not any more.
    pub(crate) const NOT_SIGNED_IN: Self = Self(3);
    /// The server refused.
    pub(crate) const REFUSED: Self = Self(4);
    /// A person did not want to.
    pub(crate) const CANCELLED: Self = Self(5);
    /// The network or the other side failed.
    pub(crate) const NETWORK: Self = Self(6);
    /// Sessions could not be read or written.
    pub(crate) const STORE: Self = Self(7);
    /// A question would have to be asked and cannot be.
    pub(crate) const CANNOT_PROMPT: Self = Self(8);
    /// Signed out here and not there.
    pub(crate) const NOT_REVOKED: Self = Self(9);

    /// Ended by a signal, as shells write it.
    pub(crate) fn signal(number: i32) -> Self {
        Self(u8::try_from(number).ok().and_then(|number| number.checked_add(128)).unwrap_or(Self::INTERNAL.0))
    }

    /// As a command ended that was run.
    pub(crate) fn of_command(code: i32) -> Self {
        Self(u8::try_from(code).unwrap_or(Self::INTERNAL.0))
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// The codes as `--help` explains them.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    a fault of authctl itself
  2    what was typed cannot be meant, or is against a rule (plain http, an
       unknown provider or method)
  3    not signed in: nobody has, the session has ended, or no site is known
  4    the server refused: a wrong password, or no supported way to sign in
  5    cancelled at a question
  6    no answer from the server, or it is not what it should be
  7    sessions could not be read or written
  8    a question would have to be asked, and cannot be
  9    signed out here, but not revoked on the server
  130  interrupted (Ctrl-C) outside of a question; other signals likewise: 128
       and their number";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        let codes = [
            Exit::OK,
            Exit::INTERNAL,
            Exit::USAGE,
            Exit::NOT_SIGNED_IN,
            Exit::REFUSED,
            Exit::CANCELLED,
            Exit::NETWORK,
            Exit::STORE,
            Exit::CANNOT_PROMPT,
            Exit::NOT_REVOKED,
            Exit::signal(2),
        ];
        let code =
            |line: &'static str| line.split_whitespace().next().filter(|word| word.parse::<u8>().is_ok());
        let explained: Vec<_> = HELP.lines().filter_map(code).collect();
        assert_eq!(explained, codes.map(|exit| exit.code().to_string()));
    }

    #[test]
    fn a_signal_that_is_none_is_a_fault_of_ours() {
        assert_eq!(Exit::signal(15).code(), 143);
        for number in [-1, 128, 300] {
            assert_eq!(Exit::signal(number), Exit::INTERNAL);
        }
    }
}
