//! What a state of the system is made of, and which misfortunes and faults there are.

use super::flows::{At, Kept, Pair, Want};

/// How often each misfortune may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) struct Bounds {
    /// A process is killed.
    pub(super) crash: u8,
    /// A process whose refresher has ended begins another.
    pub(super) restart: u8,
    /// The server acted, and its answer is lost.
    pub(super) cut: u8,
    /// The server does not act: the request is lost, or it answers 502.
    pub(super) drop: u8,
    /// The store fails, or does not answer in time.
    pub(super) fail: u8,
    /// Somebody waits for the lock until the deadline.
    pub(super) late: u8,
    /// A stored session seems to be half written.
    pub(super) torn: u8,
    /// The first session is put back.
    pub(super) rollback: u8,
    /// All access tokens given so far end.
    pub(super) expire: u8,
    /// A person cancels.
    pub(super) cancel: u8,
    /// A program that knows none of our locks renews.
    pub(super) foreign: u8,
}

/// What the server does with a refresh token that was redeemed before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Server {
    /// It is as good as the new one.
    Keeps,
    /// It is refused.
    Rotates,
    /// It is refused, and so are all others from now on.
    Detects,
}

/// What the driver or the store does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mutant {
    Honest,
    LockIgnored,
    LockWonByDeadline,
    LockKept,
    LockOutlivesHolder,
    /// And the intent is not checked.
    RereadIsStale,
    ClearsAlways,
    SaveDropped,
    IntentDropped,
    FailureIsNo,
    AnswerUnread,
    /// The lock is given back while a change made under it is still on its way.
    LateChangeUnguarded,
    SaveUnchecked,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Process {
    /// `None`: killed.
    pub(super) at: Option<At>,
    pub(super) holds: bool,
    /// What the server has answered and has not arrived.
    pub(super) reply: Option<Reply>,
    /// What it has in its hands.
    pub(super) has: Option<Kept>,
    /// What it read first.
    pub(super) read: Option<Kept>,
    pub(super) redeemed: Option<Pair>,
    pub(super) refused: Option<Pair>,
    /// A change that was given up and is still on its way.
    pub(super) late: Option<Want>,
    /// The lock was given back, and is held until that change has ended.
    pub(super) owes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Reply {
    Tokens(Pair),
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Foreign {
    Out,
    Read(Pair),
    Redeemed(Pair),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    /// Sorted: which process is which does not matter.
    pub(super) processes: Vec<Process>,
    pub(super) store: Option<Kept>,
    pub(super) intent: Option<Pair>,
    pub(super) newest: Pair,
    pub(super) dead: bool,
    /// Pairs of which the refresh token has reached the server.
    pub(super) presented: u16,
    pub(super) requests: u8,
    pub(super) bounds: Bounds,
    pub(super) epoch: u8,
    pub(super) foreign: Foreign,
    /// A successor was given and never came into anyone's hands, or died with them.
    pub(super) lost: bool,
    /// A successor is in hands that could not save it, or somebody beyond our locks changed things.
    pub(super) beyond: bool,
}
