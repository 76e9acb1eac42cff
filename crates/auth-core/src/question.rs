//! What a person is asked and told. Data only: each prompt has its own words.

use core::fmt;
use core::time::Duration;

use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::shotgun::SignInMethod;
use crate::site::{Origin, Url, UrlError};

/// One thing to ask. Nobody is given more than ten minutes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Question {
    /// A name and a password.
    Password(PasswordQuestion),
    /// Which of several providers to sign in with.
    Provider(ProviderQuestion),
    /// Where to sign in.
    Site(SiteQuestion),
    /// By which of several ways to sign in.
    Method(MethodQuestion),
    /// A code of an authenticator app, or a backup code.
    Code(CodeQuestion),
    /// A program's key.
    Key(KeyQuestion),
    /// To go on in a browser.
    Browser(BrowserQuestion),
    /// To have a page of another origin opened.
    Page(PageQuestion),
}

/// A name and a password, which go to exactly this origin.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PasswordQuestion {
    /// Who will receive them.
    pub origin: Origin,
    /// What the server calls this way of signing in; empty where it has one only.
    pub provider: Foreign,
    /// The name, where it is already settled: then only the password is asked.
    pub username: Option<Foreign>,
    /// Else the name to be taken if none is given.
    pub suggested: Option<Foreign>,
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

/// A site's address (spec: Shotgun, section 27).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SiteQuestion {
    /// The sites somebody signed in to, the last one first.
    pub recent: Vec<Foreign>,
    /// The one to be taken if none is given.
    pub suggested: Option<Foreign>,
    /// Why the last answer was no address.
    pub refused: Option<UrlError>,
}

/// One of several ways to sign in (spec: Shotgun, section 4.1).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MethodQuestion {
    /// Where to.
    pub origin: Origin,
    /// The ways. Never empty.
    pub methods: Vec<SignInMethod>,
    /// The one to be taken if none is chosen: an index into them.
    pub suggested: usize,
}

/// The second factor, which goes to this origin (spec: Shotgun, section 5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CodeQuestion {
    /// Who will receive it.
    pub origin: Origin,
    /// Whose code.
    pub username: Foreign,
    /// True if the last answer was refused.
    pub refused: bool,
    /// How many answers are left, this one included.
    pub left: u8,
}

/// The key of a program, which goes to this origin (spec: Shotgun, section 2.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyQuestion {
    /// Who will receive it.
    pub origin: Origin,
    /// Whose key.
    pub name: Foreign,
}

/// Whether to go on in a browser, which opens then, or whose address is shown (spec: Shotgun, section 6).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BrowserQuestion {
    /// The site to sign in to.
    pub origin: Origin,
    /// Who is to sign in there, where that is settled.
    pub username: Option<Foreign>,
}

/// Whether to open a page that is not on the site's own origin (T3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PageQuestion {
    /// The site to sign in to, which names the page.
    pub origin: Origin,
    /// The page's whole address. It is `https`, or on this machine, and holds no name or password.
    pub page: Url,
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
    /// To [`Question::Site`]: what was typed.
    Site(Foreign),
    /// To [`Question::Method`]: the index, counted from zero.
    Method(usize),
    /// To [`Question::Code`].
    Code(Secret),
    /// To [`Question::Key`].
    Key(Secret),
    /// To [`Question::Browser`] or [`Question::Page`]: yes.
    Proceed,
}

/// Something to tell, which needs no answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Credentials go over the network in clear, because that was allowed for this site.
    PlainHttp(Origin),
    /// Another process is signing in or renewing, and we wait for it.
    Waiting(Holder),
    /// Saving a session takes longer than usual; the caller waits for it.
    Saving {
        /// Where it is saved, if the store says so.
        location: Option<Foreign>,
    },
    /// A session that is not used any more could not be ended on the server, and lives there until its end.
    NotRevoked {
        /// The site.
        origin: Origin,
        /// Why.
        why: Box<crate::error::Error>,
    },
    /// What the server says to somebody who has just signed in, `{id}` already filled in.
    Confirmation(Foreign),
    /// Somebody's session has ended, and they are to sign in again.
    Ended {
        /// Where.
        origin: Origin,
        /// Who.
        username: Foreign,
    },
    /// A page to be opened in a browser, and shown for those who want another one. It is `https`, or on this machine,
    /// and holds no name or password (T3).
    Page {
        /// Its whole address.
        page: Url,
        /// The site it belongs to. A page on another origin has been agreed to ([`Question::Page`]).
        origin: Origin,
    },
    /// Nobody has approved yet in the browser; it is waited this long still.
    Approval {
        /// How long; zero when it is waited no more, whatever came of it.
        left: Duration,
    },
    /// The program is to stop now, as Ctrl-Z asked a prompt that answered [`PromptFault::Suspended`]. Its telling stops
    /// it, and returns once it has been continued.
    Suspend,
}

/// Who holds a lock.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Holder {
    /// Its process, if known.
    pub pid: Option<u32>,
    /// Its machine, if known.
    pub host: Option<Foreign>,
    /// Whether it is known to be a stopped process (Ctrl-Z or `SIGSTOP`) of this machine. It gives nothing back before
    /// it is continued or ended.
    pub stopped: bool,
}

impl Holder {
    /// The command that continues it, if it is known to be stopped.
    pub fn continued_by(&self) -> Option<String> {
        self.pid.filter(|_| self.stopped).map(|pid| format!("kill -CONT {pid}"))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        self.host.as_ref().map_or(Ok(()), |host| write!(f, " on {host}"))?;
        if self.stopped { f.write_str(" (stopped)") } else { Ok(()) }
    }
}

/// How a question ended without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PromptFault {
    /// The person does not want to.
    Cancelled,
    /// Nobody can be asked.
    Cannot(crate::error::CannotPrompt),
    /// Ctrl-Z: the program is to stop, and to ask again once it is continued. The terminal has been restored, and
    /// nothing has stopped yet: [`Notice::Suspend`] does that. Answered only where the question
    /// [may be suspended](crate::ports::Dismiss::may_suspend).
    Suspended,
}
