//! What every driver decides in the same way: what a flow is resumed with, how long its step is waited for, and what
//! is held for it. No thread, no clock, no waiting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::error::{CannotPrompt, Misuse, Sent, StoreFault, StoreFaultKind, TransportFault};
use auth_core::flow::{Event, Flow, Held, STORE_DEADLINE, Step};
use auth_core::ports::{Applied, Asked, Change, Dismiss, Key, Loaded, Locking, Unreachable};
use auth_core::time::{Now, Tick};
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Foreign, PromptFault};

use crate::underway::{Stay, Underway};

/// The longest single wait. A machine that slept finds its deadlines passed, but the waits of its threads do not count
/// the sleep, so the clock is looked at this often.
pub(crate) const GLANCE: Duration = Duration::from_millis(250);

/// How long a process may stand still while a token is redeemed: stopped, or on a machine that sleeps.
const STOOD_STILL: Duration = Duration::from_mins(5);

/// A flow on its way, with all that is held for it. Whatever is still held when this is dropped, in whatever way, is
/// given back, the last opened first.
pub(crate) struct Run<F> {
    flow: F,
    told: bool,
    /// True while a notice is being told.
    is_telling: bool,
    guards: Guards,
    underway: Underway,
    /// Counted while tokens are on their way and not saved.
    stay: Option<Stay>,
    /// A save that is waited for, and when it is told that it takes long.
    slow: Option<(Tick, Key)>,
}

/// What was opened, until the last who needs it has dropped it.
type Guard = Arc<Mutex<Box<dyn Send>>>;

/// What a change of the store keeps until it has ended, even if nobody waits for it any more: the locks that it is made
/// under, and its place among what is under way.
pub(crate) struct Kept {
    _guards: Vec<Guard>,
    _stay: Stay,
}

/// What came of a step.
pub(crate) enum Brought {
    /// Nothing to hold.
    Event(Event),
    /// Something that is ours until this is dropped.
    Opened(Box<dyn Send>),
}

/// How long to go on waiting for a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// No longer: somebody said stop.
    Cancelled,
    /// No longer: the deadline has passed.
    TimedOut,
    /// This long, then look again.
    For(Duration),
}

impl Kept {
    /// Makes the change. What is kept is given back before anybody hears that it is over.
    pub(crate) fn keeping<T>(self, change: impl FnOnce() -> T) -> T {
        let done = change();
        drop(self);
        done
    }
}

impl<F: Flow> Run<F> {
    pub(crate) fn new(flow: F, underway: &Underway) -> Self {
        let (guards, underway) = (Guards::default(), underway.clone());
        Self { flow, told: false, is_telling: false, guards, underway, stay: None, slow: None }
    }

    /// True from redeeming a token, or being given one, until it is saved.
    pub(crate) fn is_committed(&self) -> bool {
        self.flow.is_committed()
    }

    /// A request as it is given to the transport. One that redeems a token may take longer than its flow waits: a
    /// process that stood still finds its deadline passed and the answer already there, and only the transport can read
    /// it.
    pub(crate) fn patient(&self, mut request: Request) -> Request {
        if self.flow.is_committed() {
            request.budget += STOOD_STILL;
        }
        request
    }

    /// What a change that begins now is to keep.
    pub(crate) fn kept(&self) -> Kept {
        let guards = self.guards.open.iter().map(|(_, guard)| Arc::clone(guard));
        Kept { _guards: guards.collect(), _stay: self.underway.enter(false) }
    }

    /// Whose session takes long to be saved. Said once for each save.
    pub(crate) fn slow(&mut self, now: Now) -> Option<Key> {
        let slow = self.slow.take_if(|(since, _)| *since <= now.tick);
        slow.map(|(_, key)| key)
    }

    /// True if the flow is to be told now that somebody said stop: once, and not while it must not be interrupted.
    pub(crate) fn takes(&self, cancelled: bool) -> bool {
        cancelled && !self.told && self.flow.interruptible()
    }

    /// Gives the flow what came of its step. A cancel that is due takes its place, and what came is dropped.
    pub(crate) fn resume(
        &mut self,
        now: Now,
        brought: Brought,
        cancelled: bool,
    ) -> Result<Step<F::Output>, Misuse> {
        let event = if self.takes(cancelled) {
            self.told = true;
            drop(brought);
            Event::Cancel
        } else {
            match brought {
                Brought::Event(event) => event,
                Brought::Opened(guard) => Event::Opened(self.guards.keep(guard)),
            }
        };
        let step = self.flow.resume(now, event);
        self.is_telling = matches!(step, Ok(Step::Tell(_)));
        self.slow = match &step {
            Ok(Step::Apply(Change::Save { key, .. })) => Some((now.tick.after(STORE_DEADLINE), key.clone())),
            _ => None,
        };
        if !self.flow.is_committed() {
            self.stay = None;
        } else if self.stay.is_none() {
            self.stay = Some(self.underway.enter(true));
        }
        step
    }

    /// When the outstanding step is over, whatever comes of it.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.flow.deadline()
    }

    /// How long to go on waiting. A cancel that is due goes before a deadline; until it is told, a notice is left
    /// behind.
    pub(crate) fn patience(&self, now: Now, cancelled: bool) -> Patience {
        if self.takes(cancelled) {
            return Patience::Cancelled;
        }
        if cancelled && !self.told && self.is_telling {
            return Patience::TimedOut;
        }
        match self.deadline() {
            Some(deadline) if deadline <= now.tick => Patience::TimedOut,
            Some(deadline) => Patience::For(now.tick.until(deadline).min(GLANCE)),
            None => Patience::For(GLANCE),
        }
    }

    /// How long what is on its way may still take when the deadline has passed. A notice that a cancel meets is nearly
    /// told. A machine that slept in the middle of
    /// redeeming a token finds its deadline passed and perhaps the answer already there: it is worth a moment.
    pub(crate) fn grace(&self) -> Duration {
        if self.flow.interruptible() { Duration::ZERO } else { GLANCE }
    }

    /// What takes the outstanding question back, and says whether it may be suspended.
    pub(crate) fn dismiss(&self) -> Dismiss {
        let dismiss = Dismiss::new();
        if self.flow.suspendable() { dismiss.suspendable() } else { dismiss }
    }

    /// Gives back what was opened.
    pub(crate) fn close(&mut self, held: Held) -> Brought {
        self.guards.open.retain(|(open, _)| *open != held);
        Brought::Event(Event::Closed)
    }
}

#[derive(Default)]
struct Guards {
    open: Vec<(Held, Guard)>,
    given: u64,
}

impl Guards {
    fn keep(&mut self, guard: Box<dyn Send>) -> Held {
        self.given += 1;
        let held = Held(self.given);
        self.open.push((held, Arc::new(Mutex::new(guard))));
        held
    }
}

impl Drop for Guards {
    fn drop(&mut self) {
        while self.open.pop().is_some() {}
    }
}

/// Why a port gave no answer at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broke {
    /// It panicked.
    Panicked,
    /// It was not even asked: there is no thread to ask it on.
    NotStarted,
}

/// What a transport brought.
pub(crate) fn sent(result: Result<Result<Response, Unreachable>, Broke>) -> Brought {
    let unreachable = |fault, sent| Event::Unreachable { fault, sent };
    Brought::Event(match result {
        Ok(Ok(response)) => Event::Response(response),
        Ok(Err(Unreachable { fault, sent })) => unreachable(fault, sent),
        Err(Broke::Panicked) => unreachable(TransportFault::Closed, Sent::Maybe),
        Err(Broke::NotStarted) => unreachable(TransportFault::Connect, Sent::No),
    })
}

/// What a prompt brought. One that suspends a question that may not be has given it up.
pub(crate) fn asked(result: Result<Result<Answer, PromptFault>, Broke>, may_suspend: bool) -> Brought {
    Brought::Event(match result {
        Ok(Ok(answer)) => Event::Answer(answer),
        Ok(Err(PromptFault::Suspended)) if !may_suspend => Event::PromptFailed(PromptFault::Cancelled),
        Ok(Err(fault)) => Event::PromptFailed(fault),
        Err(_) => Event::PromptFailed(PromptFault::Cannot(CannotPrompt::HungUp)),
    })
}

/// A notice that was told, or not in time, or not at all: what cannot be told is dropped, whatever the reason.
pub(crate) fn told(_: Brought) -> Brought {
    Brought::Event(Event::Told)
}

/// What a store brought when it was asked for a session.
pub(crate) fn loaded(result: Result<Result<Loaded, StoreFault>, Broke>) -> Brought {
    Brought::Event(flat(result).map_or_else(Event::StoreFailed, Event::Loaded))
}

/// What a store brought when it was asked for a change.
pub(crate) fn applied(result: Result<Result<Applied, StoreFault>, Broke>) -> Brought {
    Brought::Event(match flat(result) {
        Ok(Applied::Done) => Event::Applied,
        Ok(Applied::Conflict(stored)) => Event::Conflict(stored),
        Err(fault) => Event::StoreFailed(fault),
    })
}

/// What a store brought when it was asked how the last question ended.
pub(crate) fn recalled(result: Result<Result<Asked, StoreFault>, Broke>) -> Brought {
    Brought::Event(flat(result).map_or_else(Event::StoreFailed, Event::Recalled))
}

/// What a store brought when it was told how a question ended.
pub(crate) fn noted(result: Result<Result<(), StoreFault>, Broke>) -> Brought {
    Brought::Event(flat(result).map_or_else(Event::StoreFailed, |()| Event::Applied))
}

/// What a store brought when it was asked for a lock.
pub(crate) fn locked(result: Result<Result<Locking, StoreFault>, Broke>) -> Brought {
    match flat(result) {
        Ok(Locking::Held(guard)) => Brought::Opened(guard),
        Ok(Locking::Busy(holder)) => Brought::Event(Event::Busy(holder)),
        Err(fault) => Brought::Event(Event::StoreFailed(fault)),
    }
}

fn flat<T>(result: Result<Result<T, StoreFault>, Broke>) -> Result<T, StoreFault> {
    result.unwrap_or_else(|broke| {
        let kind = match broke {
            Broke::Panicked => StoreFaultKind::Other("it stopped with a fault of its own".into()),
            Broke::NotStarted => StoreFaultKind::Exhausted,
        };
        Err(StoreFault { kind, path: Foreign::default() })
    })
}
