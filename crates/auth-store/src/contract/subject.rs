use std::fmt;
use std::io;
use std::process::Command;

use auth_core::error::StoreFault;
use auth_core::ports::{Key, Store};
use auth_core::session::Session;

/// One fresh, empty place to keep sessions in, and what can be done to it. It goes away with the value.
///
/// Only [`open`](Self::open) must be given. Each of the others lets more clauses be tried, and those that need it are
/// skipped, with the reason, where it is not.
pub trait Subject: Send + Sync {
    /// Opens the store on this place: once more with every call, as a later run of the program would.
    fn open(&self) -> Result<Box<dyn Store>, StoreFault>;

    /// What a reader may find while a renewal is being saved; the whole session unless this says otherwise.
    fn grain(&self) -> Grain {
        Grain::Session
    }

    /// A command that opens the same place in a process of its own, hands the store to [`obey`](super::obey) with its
    /// standard streams, and ends. Its standard input and output are set by the suite.
    fn command(&self) -> Result<Command, Unable> {
        Err(Unable::lacks("the subject has no command that opens the store in another process"))
    }

    /// Leaves under `key` what is found of another program's save of `session` while it is in the middle of it.
    fn tear(&self, key: &Key, session: &Session) -> Result<(), Unable> {
        let _ = (key, session);
        Err(Unable::lacks("the subject cannot leave a session half written"))
    }

    /// Leaves beside the session under `key` what a process leaves there that died while it saved: temporary files and
    /// the like, from now and from long ago.
    fn litter(&self, key: &Key) -> Result<(), Unable> {
        let _ = key;
        Err(Unable::lacks("the subject cannot leave what a crash leaves"))
    }

    /// Adds to what is kept under `key`, and beside it, data that this store does not know: of another program, or of
    /// a later version. The answer says later whether it is still there, and if not, what is missing.
    fn add_unknown(&self, key: &Key) -> Result<Survival, Unable> {
        let _ = key;
        Err(Unable::lacks("the subject cannot add data that the store does not know"))
    }
}

/// Says whether what [`Subject::add_unknown`] added is still there; if not, what is missing.
pub type Survival = Box<dyn Fn() -> Result<(), String> + Send>;

/// What a reader may find while a renewal is being saved, or after a crash in the middle of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Grain {
    /// The session before it or the one after.
    Session,
    /// Besides, the access token and facts before it beside the refresh token after it, or no access token: for a
    /// store whose tokens are files of their own because another program reads them so. Never the other way around,
    /// and never tokens or facts of two people.
    Token,
}

/// Why a [`Subject`] did not do something.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Unable {
    /// There is no such thing in this store, and why: the clauses that need it are skipped.
    Lacks(String),
    /// It should have been possible: the clauses that need it fail.
    Failed(String),
}

impl Unable {
    /// For what does not exist in this store.
    pub fn lacks(why: impl Into<String>) -> Self {
        Self::Lacks(why.into())
    }

    /// For what should have worked.
    pub fn failed(why: impl fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

impl From<io::Error> for Unable {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

impl From<StoreFault> for Unable {
    fn from(fault: StoreFault) -> Self {
        Self::failed(fault)
    }
}
