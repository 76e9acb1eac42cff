//! What a person is asked and told. Data only: each prompt has its own words.

use core::fmt;

use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::site::Origin;

/// One thing to ask. Nobody is given more than ten minutes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Question {
    /// A name and a password.
    Password(PasswordQuestion),
    /// Which of several providers to sign in with.
    Provider(ProviderQuestion),
}

/// A name and a password, which go to exactly this origin.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PasswordQuestion {
    /// Who will receive them.
    pub origin: Origin,
    /// What the server calls this way of signing in.
    pub provider: Foreign,
    /// The name, where it is already settled: then only the password is asked.
    pub username: Option<Foreign>,
    /// True if the last answer was refused.
    pub refused: bool,
    /// How many answers are left, this one included.
    pub left: u8,
}

/// One of several providers, shown in this order, counted from one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ProviderQuestion {
    /// Who offers them.
    pub origin: Origin,
    /// Their names. Never empty.
    pub providers: Vec<Foreign>,
}

/// What a person answered. An empty name or password is a cancel, which is no answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Password`].
    Password {
        /// The name; if the question had one, that one.
        username: Foreign,
        /// The password.
        password: Secret,
    },
    /// To [`Question::Provider`]: the index, counted from zero.
    Provider(usize),
}

/// Something to tell, which needs no answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Credentials go over the network in clear, because that was allowed for this site.
    PlainHttp(Origin),
    /// Another process is signing in or renewing, and we wait for it.
    Waiting(Holder),
    /// What the server says to somebody who has just signed in, `{id}` already filled in.
    Confirmation(Foreign),
}

/// Who holds a lock.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Holder {
    /// Its process, if known.
    pub pid: Option<u32>,
    /// Its machine, if known.
    pub host: Option<Foreign>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        self.host.as_ref().map_or(Ok(()), |host| write!(f, " on {host}"))
    }
}

/// How a question ended without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PromptFault {
    /// The person does not want to.
    Cancelled,
    /// Nobody can be asked.
    Cannot(crate::error::CannotPrompt),
}
