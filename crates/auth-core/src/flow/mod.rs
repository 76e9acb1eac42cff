//! Conversations as values: give a flow the time and what came of its last step, and it gives the next step.
//!
//! ```text
//!            Start
//!   driver ─────────▶ flow ──▶ Send(Request) ───────▶ Response | Unreachable
//!     ▲                   ├──▶ Ask(Question) ───────▶ Answer | PromptFailed
//!     │                   ├──▶ Tell(Notice) ────────▶ Told
//!     │  one event        ├──▶ Load(Key) ───────────▶ Loaded | StoreFailed
//!     │  for each step    ├──▶ Apply(Change) ───────▶ Applied | Conflict | StoreFailed
//!     │                   ├──▶ Recall(Key) ─────────▶ Recalled | StoreFailed
//!     │                   ├──▶ Note{key, asked} ────▶ Applied | StoreFailed
//!     │                   ├──▶ Open{Lock, wait} ────▶ Opened(Held) | Busy(Holder) | StoreFailed
//!     │                   ├──▶ Close(Held) ─────────▶ Closed
//!     └───────────────────┼──▶ Wait{until} ─────────▶ TimedOut
//!                         └──▶ Done(Result<Outcome, Error>)      and then nothing more
//! ```
//!
//! `TimedOut` answers any step whose [`deadline`](Flow::deadline) has passed, `Cancel` any step while the flow is
//! [`interruptible`](Flow::interruptible). Whatever else comes is a [`Misuse`], which changes nothing.
//!
//! A flow holds no clock and no handle: it is `Clone + Eq + Hash`, so the reachable states of every flow here are
//! walked one by one in a test.
//!
//! ```
//! use auth_core::flow::{Discover, Event, Flow, Step};
//! use auth_core::{Seed, tiled::TiledUri, time::Now, wire::Response};
//!
//! let site: TiledUri = "http://127.0.0.1:8000".parse()?;
//! let mut flow = Discover::new(site, Seed::new([7; 32]));
//! let Step::Send(request) = flow.resume(Now::default(), Event::Start)? else { panic!() };
//! assert_eq!(request.url.to_string(), "http://127.0.0.1:8000/api/v1/");
//! let answer = Response::new(404, [], "");
//! let Step::Done(Err(error)) = flow.resume(Now::default(), Event::Response(answer))? else { panic!() };
//! assert!(error.to_string().contains("not a Tiled server"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backoff;
mod call;
mod contract;
mod discover;
mod flights;
mod governor;
mod login;
mod logout;
mod password;
mod refusals;
mod renewal;
mod retry;
mod revoke;
pub mod shotgun;
mod tell;
mod torn;
mod whoami;

pub use backoff::Backoff;
pub use call::{Call, Called};
pub use contract::{
    ASK_DEADLINE, CHANGE_DEADLINE, LOCK_DEADLINE, Machine, Pending, SAVE_DEADLINE, STORE_DEADLINE,
    TELL_DEADLINE,
};
pub use discover::{Discover, Discovered};
pub use flights::{Flights, Seat};
pub use governor::{Asks, COOL_DOWN, Governor, MUTED_FOR, QUOTA, STOPPED_WAIT};
pub use login::{Login, LoginOptions, SignedIn};
pub use logout::{LoggedOut, Logout};
pub use password::{Granted, Password};
pub use refusals::Refusals;
pub use renewal::{Renewal, Renewed};
pub use revoke::Revocation;
pub use tell::Tell;
pub use whoami::{Whoami, WhoamiAnswer};

use core::time::Duration;

use crate::error::{Error, Misuse, Sent, StoreFault, TransportFault};
use crate::ports::{Asked, Change, Key, Loaded, LockKind, Stored};
use crate::question::{Answer, Holder, Notice, PromptFault, Question};
use crate::time::{Now, Tick};
use crate::wire::{Request, Response};

/// One conversation, from `Start` to `Done`.
pub trait Flow {
    /// What it is for.
    type Output;

    /// Goes on from what came of the last step. `Err` leaves the flow exactly as it was and is not an end.
    fn resume(&mut self, now: Now, event: Event) -> Result<Step<Self::Output>, Misuse>;

    /// When to come back with [`Event::TimedOut`], whatever the step. `TimedOut` is legal only once this has passed.
    fn deadline(&self) -> Option<Tick>;

    /// Whether [`Event::Cancel`] is legal now. A driver keeps a cancel back while it is not, and delivers it in place
    /// of the next event once it is: what that step brings is then dropped, and a lock it opened is closed again.
    fn interruptible(&self) -> bool;

    /// Whether tokens that were redeemed or given are on their way and not saved. A driver keeps a flow going then,
    /// whatever becomes of its caller.
    fn is_committed(&self) -> bool {
        false
    }

    /// Whether the question that is outstanding may be answered with [`PromptFault::Suspended`]. A driver tells the
    /// prompt so ([`Dismiss::suspendable`](crate::ports::Dismiss::suspendable)); where this is false, the prompt stops
    /// by itself while it asks.
    fn suspendable(&self) -> bool {
        false
    }
}

/// What a flow wants done next. One step is outstanding at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step<T> {
    /// One HTTP exchange.
    Send(Request),
    /// A question to a person.
    Ask(Question),
    /// Something to tell a person. What cannot be told, or not within [`TELL_DEADLINE`], is dropped.
    Tell(Notice),
    /// Look a session up.
    Load(Key),
    /// Change what is stored.
    Apply(Change),
    /// Look up how the last question about a session ended.
    Recall(Key),
    /// Keep how a question about a session ended.
    Note {
        /// Which session's.
        key: Key,
        /// How.
        asked: Asked,
    },
    /// Take something that must be given back.
    Open {
        /// What.
        what: Resource,
        /// False: answer at once. True: wait until the deadline.
        wait: bool,
    },
    /// Give it back.
    Close(Held),
    /// Let time pass.
    Wait {
        /// Until when.
        until: Tick,
    },
    /// The end.
    Done(Result<Outcome<T>, Error>),
}

/// What can be held.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Resource {
    /// A lock that other processes respect.
    Lock {
        /// Which of a session's locks.
        kind: LockKind,
        /// The session.
        key: Key,
    },
}

/// Names something held. Given by the driver, never twice in one run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Held(pub u64);

/// A good end.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Outcome<T> {
    /// What the flow was for.
    pub value: T,
    /// What went wrong on the way and did not matter enough to fail.
    pub warnings: Vec<Warning>,
}

impl<T> Outcome<T> {
    /// Without warnings.
    pub fn clean(value: T) -> Self {
        Self { value, warnings: Vec::new() }
    }
}

/// What went wrong and did not matter enough to fail.
#[derive(Clone, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The session is good and is held in memory only.
    #[error("signed in, but the session could not be saved: {0}")]
    NotSaved(StoreFault),
    /// The session is saved; the note of which site was used last is not.
    #[error("the list of sites could not be saved: {0}")]
    NotRemembered(StoreFault),
    /// Renewal failed for now, and the token is still good.
    #[error("the session could not be renewed for now: {0}")]
    NotRenewed(Error),
    /// What was stored before could not be removed.
    #[error("the session that was stored before could not be removed: {0}")]
    NotCleared(StoreFault),
    /// The session has ended, and the server lets everybody in.
    #[error("{0}; going on without being signed in, which this server allows")]
    Anonymous(Error),
    /// This machine's clock is so many seconds ahead of the server's; behind it, if that is less than zero.
    #[error("this machine's clock is {} seconds {} the server's", .0.unsigned_abs(), if *.0 < 0 { "behind" } else { "ahead of" })]
    Clock(i64),
    /// A fresh token does not live as long as was asked for.
    #[error("the server's tokens live {} seconds, less than was asked for", .0.as_secs())]
    TooShort(Duration),
    /// A callback of the program, which this names, panicked. What it was called about is done.
    #[error("{0} of this program panicked, and may have missed what it was told")]
    Callback(&'static str),
}

/// What came of a step.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The first event, once.
    Start,
    /// To `Send`: an answer, of whatever status.
    Response(Response),
    /// To `Send`: no answer.
    Unreachable {
        /// Why.
        fault: TransportFault,
        /// Whether it may have been acted on.
        sent: Sent,
    },
    /// To `Ask`.
    Answer(Answer),
    /// To `Ask`: no answer.
    PromptFailed(PromptFault),
    /// To `Tell`.
    Told,
    /// To `Load`.
    Loaded(Loaded),
    /// To `Recall`.
    Recalled(Asked),
    /// To `Apply`, `Note`: done.
    Applied,
    /// To `Apply` of `Save`, `ClearIf` or `Intent`: this is stored now, or nothing is, and it was not touched.
    Conflict(Option<Box<Stored>>),
    /// To `Load`, `Apply`, `Recall`, `Note`, `Open`: it failed.
    StoreFailed(StoreFault),
    /// To `Open`: ours now.
    Opened(Held),
    /// To `Open`: somebody else's.
    Busy(Holder),
    /// To `Close`.
    Closed,
    /// To any step: its deadline has passed. What it may still bring is dropped.
    TimedOut,
    /// Stop.
    Cancel,
}

#[cfg(test)]
#[path = "../tests/walk.rs"]
mod walk;

#[cfg(test)]
#[path = "../tests/script.rs"]
mod script;

#[cfg(test)]
#[path = "../tests/model.rs"]
mod model;
