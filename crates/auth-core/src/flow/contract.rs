//! The half of a flow that is the same for all: which event may follow which step.

use core::time::Duration;

use super::{Event, Flow, Held, Outcome, Resource, Step};
use crate::error::Misuse;
use crate::ports::Change;
use crate::question::{Notice, PromptFault};
use crate::time::{Now, Tick};

/// How long a person may think.
pub const ASK_DEADLINE: Duration = Duration::from_mins(10);
/// How long a notice may take. A terminal whose output is held back costs no more than this.
pub const TELL_DEADLINE: Duration = Duration::from_secs(3);
/// How long a store may take. A keychain that does not answer costs no more than this.
pub const STORE_DEADLINE: Duration = Duration::from_secs(3);
/// How long a change may take that a renewal or a sign-out needs: it may have to wait 30 s for its turn among other
/// processes, as long as they get theirs.
pub const CHANGE_DEADLINE: Duration = Duration::from_secs(33);
/// How long a session that was just given may take to be saved. A slow disk costs time, and no token.
pub const SAVE_DEADLINE: Duration = Duration::from_mins(1);
/// How long the renewal lock is waited for: longer than its holder may take to redeem (10 s) and save. A store gives up
/// sooner where the holder shows no sign of life. The lock for questions is not waited for, but tried again and again.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(75);

/// Which step is outstanding, and until when.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Pending {
    kind: Kind,
    deadline: Option<Tick>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Kind {
    #[default]
    New,
    Send,
    Ask,
    Tell,
    Load,
    Apply,
    Recall,
    Note,
    Open,
    Close,
    Wait,
    Ended,
}

impl Pending {
    fn of<T>(step: &Step<T>, now: Now) -> Self {
        let within = |kind, length| Self { kind, deadline: Some(now.tick.after(length)) };
        match step {
            Step::Send(request) => within(Kind::Send, request.budget),
            Step::Ask(_) => within(Kind::Ask, ASK_DEADLINE),
            // Its telling lasts as long as the program is stopped.
            Step::Tell(Notice::Suspend) => Self { kind: Kind::Tell, deadline: None },
            Step::Tell(_) => within(Kind::Tell, TELL_DEADLINE),
            Step::Load(_) => within(Kind::Load, STORE_DEADLINE),
            Step::Apply(Change::Save { .. }) => within(Kind::Apply, SAVE_DEADLINE),
            Step::Apply(Change::Intent { .. } | Change::ClearIf { .. }) => {
                within(Kind::Apply, CHANGE_DEADLINE)
            }
            Step::Apply(_) => within(Kind::Apply, STORE_DEADLINE),
            Step::Recall(_) => within(Kind::Recall, STORE_DEADLINE),
            Step::Note { .. } => within(Kind::Note, STORE_DEADLINE),
            Step::Open { what: Resource::Lock { .. }, wait: true } => within(Kind::Open, LOCK_DEADLINE),
            Step::Open { what: Resource::Lock { .. }, wait: false } => within(Kind::Open, STORE_DEADLINE),
            Step::Close(Held(_)) => Self { kind: Kind::Close, deadline: None },
            Step::Wait { until } => Self { kind: Kind::Wait, deadline: Some(*until) },
            Step::Done(_) => Self { kind: Kind::Ended, deadline: None },
        }
    }

    fn admit(&self, now: Now, event: &Event, flow: &impl Flow) -> Result<(), Misuse> {
        match (self.kind, event) {
            (Kind::Ended, _) => Err(Misuse::Ended),
            (_, Event::Cancel) => flow.interruptible().then_some(()).ok_or(Misuse::NotNow),
            (_, Event::TimedOut) => match self.deadline {
                Some(deadline) if deadline <= now.tick => Ok(()),
                Some(_) => Err(Misuse::TooEarly),
                None => Err(Misuse::Unexpected),
            },
            (Kind::Ask, Event::PromptFailed(PromptFault::Suspended)) => {
                flow.suspendable().then_some(()).ok_or(Misuse::Unexpected)
            }
            (Kind::New, Event::Start)
            | (Kind::Send, Event::Response(_) | Event::Unreachable { .. })
            | (Kind::Ask, Event::Answer(_) | Event::PromptFailed(_))
            | (Kind::Tell, Event::Told)
            | (Kind::Load, Event::Loaded(_) | Event::StoreFailed(_))
            | (Kind::Apply, Event::Applied | Event::Conflict(_) | Event::StoreFailed(_))
            | (Kind::Recall, Event::Recalled(_) | Event::StoreFailed(_))
            | (Kind::Note, Event::Applied | Event::StoreFailed(_))
            | (Kind::Open, Event::Opened(_) | Event::Busy(_) | Event::StoreFailed(_))
            | (Kind::Close, Event::Closed) => Ok(()),
            _ => Err(Misuse::Unexpected),
        }
    }

    /// True while a person is being asked.
    pub fn is_ask(&self) -> bool {
        self.kind == Kind::Ask
    }

    /// True while a person is being told something.
    fn is_tell(&self) -> bool {
        self.kind == Kind::Tell
    }

    /// True while a server is.
    pub(crate) fn is_send(&self) -> bool {
        self.kind == Kind::Send
    }

    /// Steps that end of themselves at once, or must not be left half done, are not interrupted.
    fn interruptible(&self) -> bool {
        matches!(
            self.kind,
            Kind::New | Kind::Send | Kind::Ask | Kind::Load | Kind::Recall | Kind::Open | Kind::Wait
        )
    }
}

/// A flow written as states and transitions. Whoever implements this has a [`Flow`] that keeps the contract: wrong
/// events are refused, a refused event changes nothing, deadlines are set, ends stick.
pub trait Machine: Clone {
    /// What it is for.
    type Output;

    /// Where the outstanding step is kept.
    fn pending(&mut self) -> &mut Pending;

    /// The same, for reading.
    fn outstanding(&self) -> &Pending;

    /// True while a redeemed token is on its way and not saved.
    fn is_redeeming(&self) -> bool {
        false
    }

    /// True while a question may be answered with [`PromptFault::Suspended`].
    fn can_suspend(&self) -> bool {
        false
    }

    /// Goes on from an event that answers the outstanding step. After `Err` the machine is thrown away.
    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Self::Output>, Misuse>;
}

impl<M: Machine> Flow for M {
    type Output = M::Output;

    fn resume(&mut self, now: Now, event: Event) -> Result<Step<M::Output>, Misuse> {
        self.outstanding().admit(now, &event, self)?;
        // A notice that is not told in time is dropped, as one that fails is.
        let is_late = event == Event::TimedOut && self.outstanding().is_tell();
        let event = if is_late { Event::Told } else { event };
        let mut next = self.clone();
        let step = next.advance(now, event)?;
        *next.pending() = Pending::of(&step, now);
        *self = next;
        Ok(step)
    }

    fn deadline(&self) -> Option<Tick> {
        self.outstanding().deadline
    }

    fn interruptible(&self) -> bool {
        self.outstanding().interruptible() && !self.is_redeeming()
    }

    fn is_committed(&self) -> bool {
        self.outstanding().kind != Kind::Ended && self.is_redeeming()
    }

    fn suspendable(&self) -> bool {
        self.outstanding().is_ask() && self.can_suspend()
    }
}

/// Where a nested flow stands.
pub(crate) enum Nested<T, U> {
    /// It wants this done, and so does its parent.
    Step(Step<U>),
    /// It has ended.
    Done(Result<Outcome<T>, crate::error::Error>),
}

/// Resumes a flow inside another.
pub(crate) fn nest<F: Flow, U>(flow: &mut F, now: Now, event: Event) -> Result<Nested<F::Output, U>, Misuse> {
    Ok(Nested::Step(match flow.resume(now, event)? {
        Step::Done(result) => return Ok(Nested::Done(result)),
        Step::Send(request) => Step::Send(request),
        Step::Ask(question) => Step::Ask(question),
        Step::Tell(notice) => Step::Tell(notice),
        Step::Load(key) => Step::Load(key),
        Step::Apply(change) => Step::Apply(change),
        Step::Recall(key) => Step::Recall(key),
        Step::Note { key, asked } => Step::Note { key, asked },
        Step::Open { what, wait } => Step::Open { what, wait },
        Step::Close(held) => Step::Close(held),
        Step::Wait { until } => Step::Wait { until },
    }))
}
