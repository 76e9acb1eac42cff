//! What can go wrong, whose fault it is, and what now.

use core::fmt;
use core::time::Duration;

use crate::foreign::Foreign;
use crate::question::Holder;
use crate::site::{Origin, UrlError};

/// How a flow ends when it does not succeed.
///
/// Only [`ends_session`](Self::ends_session) errors mean that a stored session is over; after any other the session
/// is where it was.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody is signed in, and nobody could or should be asked.
    #[error("not signed in")]
    NotSignedIn,
    /// Another program removed the session while it was renewed. The renewed one is not stored again.
    #[error("not signed in: another program removed the session while it was renewed")]
    Removed,
    /// The server refused what a person or program presented.
    #[error("the server refused{}", colon(.0))]
    Rejected(Foreign),
    /// The session has come to its end: unused for too long, too old, or ended by its owner.
    #[error("the session has ended{}", colon(.0))]
    Expired(Foreign),
    /// The server does not know the session any more: revoked, or the server's keys were changed.
    #[error("the server no longer knows this session{}", colon(.0))]
    Revoked(Foreign),
    /// A renewal was cut short before its answer was saved, by a crash or a lost connection, and the server does not
    /// accept what was there before.
    #[error(
        "an earlier renewal got no answer that could be saved, and the server no longer accepts the old session"
    )]
    Lost,
    /// A person was asked in a browser whether this program may sign in, and did not say yes.
    #[error(transparent)]
    NotApproved(#[from] NotApproved),
    /// The network or the server failed; the same may work later.
    #[error(transparent)]
    Transient(#[from] Trouble),
    /// A rule of this client forbids what was asked.
    #[error(transparent)]
    Policy(#[from] Policy),
    /// The other side is not what it should be.
    #[error(transparent)]
    Peer(#[from] Peer),
    /// A person, or the program on their behalf, said no.
    #[error("cancelled")]
    Cancelled,
    /// A question is needed and cannot be asked.
    #[error(transparent)]
    CannotPrompt(#[from] CannotPrompt),
    /// Sessions could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A fault of the program that runs the flow.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

fn colon(detail: &Foreign) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

/// Whose fault an [`Error`] is, which decides who must act.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Blame {
    /// The person who signs in: a wrong password, a cancel, no session yet.
    Person,
    /// The server or who runs it.
    Server,
    /// What lies between.
    Network,
    /// This machine: its disk, clock or terminal.
    Machine,
    /// The program that uses these crates, or its configuration.
    Program,
}

/// What helps against an [`Error`]. Its `Display` is a sentence for people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Remedy {
    /// Sign in (again).
    SignIn,
    /// Present something else: another password, provider or method.
    PresentAnother,
    /// The same again, later.
    TryLater,
    /// Another address, or the server's configuration.
    CheckAddress,
    /// A terminal, or a way to sign in that needs none.
    FindTerminal,
    /// The folder or disk that sessions are kept on.
    MendStore,
    /// Nothing: it was meant.
    Nothing,
    /// Report a fault of the program.
    Report,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => "Sign in again.",
            Self::PresentAnother => "Try another password, provider or method.",
            Self::TryLater => "Try again later.",
            Self::CheckAddress => "Check the server's address, and how the server is set up.",
            Self::FindTerminal => "Run it at a terminal, or sign in by a way that asks nothing.",
            Self::MendStore => "See to the folder or disk that sessions are kept on.",
            Self::Nothing => "Nothing needs to be done.",
            Self::Report => "Report it as a fault of this program.",
        })
    }
}

impl Error {
    /// Whether no session is stored, so that only a sign-in helps.
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::NotSignedIn | Self::Removed)
    }

    /// True for the definite answers after which a stored session is worth nothing.
    pub fn ends_session(&self) -> bool {
        matches!(self, Self::Expired(_) | Self::Revoked(_) | Self::Lost)
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::NotSignedIn
            | Self::Removed
            | Self::Rejected(_)
            | Self::Expired(_)
            | Self::NotApproved(_)
            | Self::Cancelled => Blame::Person,
            Self::Revoked(_) | Self::Peer(_) | Self::Policy(Policy::TooOld { .. }) => Blame::Server,
            Self::Transient(trouble) => match trouble {
                Trouble::Status { .. } | Trouble::Redirected { .. } | Trouble::Unreadable => Blame::Server,
                Trouble::Unreachable(_) => Blame::Network,
            },
            Self::Lost | Self::CannotPrompt(_) | Self::Store(_) => Blame::Machine,
            Self::Policy(_) | Self::Misuse(_) => Blame::Program,
        }
    }

    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotSignedIn
            | Self::Removed
            | Self::Expired(_)
            | Self::Revoked(_)
            | Self::Lost
            | Self::NotApproved(_)
            | Self::Store(StoreFault { kind: StoreFaultKind::NoLogin, .. })
            | Self::Policy(Policy::AnotherUser | Policy::SignedInAs { .. } | Policy::AnotherAccount { .. }) => {
                Remedy::SignIn
            }
            Self::Rejected(_)
            | Self::Policy(
                Policy::NoSuchProvider { .. }
                | Policy::NoSuchMethod { .. }
                | Policy::NoPasswords { .. }
                | Policy::NoConsoleWay { .. }
                | Policy::NoWindow
                | Policy::NoAppSession,
            ) => Remedy::PresentAnother,
            Self::Transient(_)
            | Self::Peer(Peer::Fault { .. })
            | Self::Store(StoreFault { kind: StoreFaultKind::Superseded, .. }) => Remedy::TryLater,
            Self::Policy(Policy::BlankName) | Self::Misuse(_) => Remedy::Report,
            Self::Policy(_) | Self::Peer(_) => Remedy::CheckAddress,
            Self::Cancelled => Remedy::Nothing,
            Self::CannotPrompt(_) => Remedy::FindTerminal,
            Self::Store(_) => Remedy::MendStore,
        }
    }
}

/// How a question in a browser ended without a yes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotApproved {
    /// The site says that the request was denied.
    #[error("the sign-in was denied in the browser")]
    Denied,
    /// The site does not know the request any more; it does not say which of the two it was.
    #[error("the sign-in was rejected in the browser, or not approved in time")]
    Gone,
    /// The time to approve it in is over.
    #[error("nobody approved the sign-in in the browser in time")]
    TimedOut,
}

/// A failure that says nothing about a session.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No answer came.
    #[error("{0}")]
    Unreachable(TransportFault),
    /// The server answered that it, or something in front of it, has a fault or too much to do.
    #[error("the server answered {status}{}", colon(detail))]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said.
        detail: Foreign,
        /// How long it wants to be left alone, if it said so (RFC 9110 section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// The server sends a credential elsewhere, where it was not taken.
    #[error("the server wants this request sent to {to}, and credentials are not sent after a redirect")]
    Redirected {
        /// Where to.
        to: Foreign,
    },
    /// The answer is not what this request is answered with; nothing of it was used.
    #[error("the server's answer could not be understood")]
    Unreadable,
}

/// Why no answer came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportFault {
    /// No address was found for the host's name.
    #[error("the host's name has no address")]
    Resolve,
    /// No connection could be made: nobody listens, or nothing leads there.
    #[error("no connection could be made")]
    Connect,
    /// A proxy did not make the connection: it refuses, or wants to know who asks.
    #[error("the proxy did not make the connection: it refused, or asks for a user name and password")]
    Proxy,
    /// The server's certificate was not accepted, or TLS failed otherwise.
    #[error("no secure connection could be made: the certificate was not accepted or TLS failed")]
    Tls,
    /// No answer in time.
    #[error("no answer came in time")]
    Timeout,
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer did")]
    Closed,
    /// The answer is longer than any answer should be.
    #[error("the answer is too large")]
    TooLarge,
    /// What came is not HTTP.
    #[error("the answer is not HTTP")]
    NotHttp,
}

/// Whether a request that got no answer may have been acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sent {
    /// Resolving, connecting or the TLS handshake failed: nothing of it arrived.
    No,
    /// Anything else.
    Maybe,
}

/// A rule of this client that stands against what was asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Policy {
    /// Credentials are not sent in clear off this machine.
    #[error("{0} is not encrypted, and credentials are not sent in clear over a network")]
    PlainHttp(Origin),
    /// The user name, login or script name that the program gives is empty or only white space.
    #[error("the name of the user or script is empty or only white space")]
    BlankName,
    /// The provider asked for is not offered.
    #[error("no sign-in provider is called {asked:?}; offered: {}", list(offered))]
    NoSuchProvider {
        /// What was asked for.
        asked: Foreign,
        /// What there is.
        offered: Vec<Foreign>,
    },
    /// The server offers no way of signing in of the kind asked for.
    #[error("the server does not offer the method {asked:?} for this provider")]
    NoSuchMethod {
        /// What was asked for.
        asked: Foreign,
    },
    /// The provider signs people in by a way that this program has no part for.
    #[error(
        "the provider {provider:?} signs people in at another site in a browser, which is not supported yet"
    )]
    NotSupported {
        /// The provider's name.
        provider: Foreign,
    },
    /// Everybody may use the server, and it knows no users.
    #[error("this server is open to everyone and has nobody to sign in")]
    NobodyToSignIn,
    /// A server for one user, who has its key.
    #[error("this server has no users to sign in: it takes an API key only")]
    ApiKeyOnly,
    /// Somebody else is signed in to the site now.
    #[error("another user has signed in to this site meanwhile")]
    AnotherUser,
    /// The site leaves signing in to somebody else, and takes no passwords.
    #[error(
        "this site signs people in by {by} and takes no passwords; the methods that work are app-session and web"
    )]
    NoPasswords {
        /// Who signs people in.
        by: SignsIn,
    },
    /// The site takes no passwords, and does not let a program ask for a session in the person's browser either: people
    /// sign in to it in a browser that is part of the program, and there is none at a terminal.
    #[error(
        "this site signs people in by {by}; the method that works is web, in a window: its app session launcher is off"
    )]
    NoConsoleWay {
        /// Who signs people in.
        by: SignsIn,
    },
    /// The site's own pages were asked for, and there is no window to show them in.
    #[error("the method web shows the site's pages in a window, and there is none here")]
    NoWindow,
    /// The site does not let a program ask for a session in the person's browser.
    #[error("this site's app session launcher, with which a program signs in through the browser, is off")]
    NoAppSession,
    /// The stored session belongs to another user than the one asked for.
    #[error("signed in as {got}, not as {asked}")]
    SignedInAs {
        /// The user name asked for.
        asked: Foreign,
        /// The user name of the stored session.
        got: Foreign,
    },
    /// Somebody else said yes to a sign-in. Their session was not kept.
    #[error("the sign-in was for {asked}, and {got} approved it")]
    AnotherAccount {
        /// Who should have.
        asked: Foreign,
        /// Who did.
        got: Foreign,
    },
    /// The server cannot do what was asked for.
    #[error("the site's version is too old for this: it takes {needs} or later")]
    TooOld {
        /// The first version that can.
        needs: &'static str,
    },
}

impl Policy {
    /// Checks the names of users and scripts that a program gives.
    ///
    /// # Errors
    ///
    /// [`Policy::BlankName`] if one of them is empty or only white space.
    pub fn check_names<'a>(names: impl IntoIterator<Item = &'a Foreign>) -> Result<(), Self> {
        if names.into_iter().any(Foreign::is_blank) { Err(Self::BlankName) } else { Ok(()) }
    }
}

/// Who signs people in to a site that takes no passwords.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SignsIn {
    /// The company's own (SAML).
    SingleSignOn,
    /// Autodesk's.
    AutodeskIdentity,
}

impl fmt::Display for SignsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleSignOn => "single sign-on",
            Self::AutodeskIdentity => "Autodesk Identity",
        })
    }
}

fn list(items: &[Foreign]) -> String {
    items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ")
}

/// Ways in which the other side is not what it should be.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Peer {
    /// It answers, but not as a Tiled server does.
    #[error("this is not a Tiled server: its address {url} answered {status}{}", colon(why))]
    NotTiled {
        /// What was asked for.
        url: Foreign,
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        why: Foreign,
    },
    /// It answers, but not as a Shotgun site does.
    #[error("this is not a Shotgun site: its address {url} answered {status}{}", colon(why))]
    NotShotgun {
        /// What was asked for.
        url: Foreign,
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        why: Foreign,
    },
    /// The site could not do what it was asked for, and says so itself.
    #[error("the site answered with a fault of its own{}", colon(message))]
    Fault {
        /// In its words.
        message: Foreign,
    },
    /// It wants a page opened in the browser that may not be what it seems.
    #[error("the site wants a page opened in the browser that is not opened: {why}")]
    BadPage {
        /// What is wrong with its address.
        why: PageFault,
    },
    /// It sends us to another server, which nobody chose.
    #[error("{from} sends its clients to another server, {to}; if that is right, use that address")]
    Elsewhere {
        /// The server asked.
        from: Origin,
        /// Where it points.
        to: Foreign,
    },
    /// Redirects without an end.
    #[error("the server redirects its clients in circles")]
    Circles,
    /// A way of signing in that this client does not know.
    #[error("the provider {provider:?} asks for a way of signing in that is not known here: {mode:?}")]
    UnknownMode {
        /// The provider's name.
        provider: Foreign,
        /// What it calls its way.
        mode: Foreign,
    },
}

/// Why a page that a site names is not opened in a browser (T3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageFault {
    /// It has no address that a page could have.
    #[error(transparent)]
    Address(#[from] UrlError),
    /// What is typed there could be read by others.
    #[error("it is neither encrypted nor on this machine")]
    Exposed,
}

/// Why nobody could be asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotPrompt {
    /// There is no terminal.
    #[error("a question has to be asked, and there is no terminal to ask it at")]
    NoTerminal,
    /// The program asked not to.
    #[error("a question would have to be asked, and this program was told to ask none")]
    NotAllowed,
    /// The terminal was closed.
    #[error("the terminal was closed while a question was asked")]
    HungUp,
    /// Nobody answered.
    #[error("nobody answered within ten minutes")]
    Unanswered,
    /// Somebody said no a moment ago, to this program or to another one.
    #[error("somebody has just declined to sign in, and is not asked again so soon")]
    Declined,
    /// Nobody answered the last questions.
    #[error("nobody answered the last questions, so nobody is asked for a while")]
    Muted,
}

/// Why sessions could not be read or written.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[error("{}: {kind}", path_or_store(path))]
pub struct StoreFault {
    /// What is wrong.
    pub kind: StoreFaultKind,
    /// The file or folder, if there is one.
    pub path: Foreign,
}

impl StoreFault {
    /// The store did not answer in time.
    pub(crate) fn timed_out() -> Self {
        Self { kind: StoreFaultKind::Timeout, path: Foreign::default() }
    }

    /// The fault of a session without a login, at a site that has a session for each login.
    pub fn no_login() -> Self {
        Self { kind: StoreFaultKind::NoLogin, path: Foreign::default() }
    }

    /// The fault of a change that gives way to the session which another program stored meanwhile.
    pub fn superseded() -> Self {
        Self { kind: StoreFaultKind::Superseded, path: Foreign::default() }
    }
}

fn path_or_store(path: &Foreign) -> String {
    if path.is_empty() { "the session store".to_owned() } else { path.to_string() }
}

/// The kinds of [`StoreFault`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFaultKind {
    /// It may not be read or written by this user.
    #[error("permission denied")]
    Denied,
    /// It is on a file system that cannot be written.
    #[error("the file system is read-only")]
    ReadOnly,
    /// There is no space, or the quota is used up.
    #[error("no space left")]
    Full,
    /// It is not the kind of file it should be.
    #[error("not a {0}")]
    NotA(&'static str),
    /// It could have been placed or changed by another user.
    #[error("refused, because another user could have placed or changed it: {0}")]
    Untrusted(&'static str),
    /// In this folder another user can put other folders in the place of ours, and nothing says that the tokens that were
    /// found belong to the site.
    #[error(
        "refused, because other users can replace folders in it and these tokens are not recorded for this site"
    )]
    Unbound,
    /// The token in this file belongs to the session of another site.
    #[error("refused, because this token belongs to another site: {0}")]
    OtherSite(Foreign),
    /// Another process kept it locked.
    #[error("kept locked by {0} for too long")]
    Locked(Holder),
    /// Nothing can be locked there.
    #[error("nothing can be locked in this file system")]
    NoLocks,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// This process, or the machine, has no file descriptors, threads or memory left.
    #[error("this program or this machine has no file descriptors, threads or memory left")]
    Exhausted,
    /// Another program stored a session meanwhile, which is kept.
    #[error("another program stored a session meanwhile, which is kept")]
    Superseded,
    /// The site has a session for each login, and this session has no login.
    #[error("a session of this site needs a login, and this one has none")]
    NoLogin,
    /// There is no home directory to keep it in.
    #[error("no home directory is known; set HOME or TILED_CACHE_DIR")]
    NoHome,
    /// Anything else the operating system says.
    #[error("{0}")]
    Other(Foreign),
}

/// A fault of the program that runs a flow: an event that does not belong where it came, after which the flow is as it
/// was, or a runtime that it cannot be run on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Not what the outstanding step is answered with.
    #[error("misuse: this event does not answer the outstanding step")]
    Unexpected,
    /// `TimedOut` before the deadline.
    #[error("misuse: the deadline has not passed")]
    TooEarly,
    /// `Cancel` while the flow holds something that must be saved first.
    #[error("misuse: the flow cannot be interrupted now")]
    NotNow,
    /// The flow has ended.
    #[error("misuse: the flow has ended")]
    Ended,
    /// An answer that the question did not offer.
    #[error("misuse: the answer is not one of those offered")]
    BadAnswer,
    /// An asynchronous driver was called outside a tokio runtime.
    #[error(
        "misuse: there is no tokio runtime here; call this from a task of one that `enable_all` was set for"
    )]
    NoRuntime,
    /// An asynchronous driver was called on a tokio runtime without timers.
    #[error("misuse: this tokio runtime has no timers; set `enable_all` where it is built")]
    NoTimers,
    /// An asynchronous driver was called on a tokio runtime without I/O.
    #[error("misuse: this tokio runtime has no I/O; set `enable_all` where it is built")]
    NoIo,
}

#[cfg(test)]
#[path = "tests/error.rs"]
mod tests;
