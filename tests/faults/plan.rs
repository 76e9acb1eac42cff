//! What goes wrong, and when.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auth_core::error::{CannotPrompt, Sent, StoreFault, StoreFaultKind, TransportFault};
use auth_core::ports::LockKind;
use auth_core::{Foreign, Holder};
use auth_http::Cancel;

/// What a driver calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Port {
    Store,
    Transport,
    Clock,
    Prompt,
}

impl Port {
    pub(crate) const ALL: [Self; 4] = [Self::Store, Self::Transport, Self::Clock, Self::Prompt];

    /// All that can go wrong in one call of it.
    pub(crate) fn faults(self) -> Vec<Fault> {
        let common = [Fault::Panic, Fault::PanicAfter, Fault::Cancel, Fault::Stall];
        let mut faults: Vec<Fault> = match self {
            Self::Store => {
                let kept = [LockKind::Renewal, LockKind::Prompt].map(Fault::Kept);
                let kinds = store_kinds();
                let refused = kinds.iter().cloned().map(Fault::Refuse);
                let after = [StoreFaultKind::Full, StoreFaultKind::Timeout].map(Fault::DoneButRefused);
                refused.chain(after).chain(kept).chain([Fault::Torn, Fault::Busy]).collect()
            }
            Self::Transport => transport_faults(),
            // Days, and milliseconds.
            Self::Clock => {
                let day = 86_400;
                let leaps = [1_000, 31_000, 86_400_000].map(Fault::Leap);
                return [Fault::Wall(-day), Fault::Wall(day), Fault::Still(3)]
                    .into_iter()
                    .chain(leaps)
                    .collect();
            }
            Self::Prompt => {
                use CannotPrompt::{HungUp, NoTerminal, NotAllowed, Unanswered};
                let cannot = [HungUp, NoTerminal, NotAllowed, Unanswered].map(Fault::Cannot);
                [Fault::Dismissed, Fault::Nonsense].into_iter().chain(cannot).collect()
            }
        };
        faults.extend(common);
        faults
    }
}

/// One thing that goes wrong.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fault {
    /// A store says no.
    Refuse(StoreFaultKind),
    /// It does what it is asked, and says no.
    DoneButRefused(StoreFaultKind),
    /// It says that somebody is writing.
    Torn,
    /// It says that somebody else has the lock.
    Busy,
    /// Somebody else has this lock from then on, and does not give it back.
    Kept(LockKind),
    /// Before it is asked, somebody else signs in with a program that knows nothing of locks.
    Stranger,
    /// There is no answer, and the site did not act.
    Unreachable(TransportFault, Sent),
    /// The site acts, and there is no answer.
    LostReply(TransportFault),
    /// Somebody else answers with this status and content; the site does not act.
    Answer(u16, Content),
    /// The site acts, and half of its answer comes.
    Cut,
    /// The civil time is so many seconds wrong from then on.
    Wall(i64),
    /// The ticks are so many milliseconds further from then on.
    Leap(u64),
    /// So many readings are what the one before was.
    Still(u32),
    /// The person does not want to.
    Dismissed,
    /// Nobody can be asked.
    Cannot(CannotPrompt),
    /// The answer is to another question.
    Nonsense,
    /// The call panics, and nothing was done.
    Panic,
    /// What was asked for is done, and the call panics.
    PanicAfter,
    /// Somebody says stop meanwhile.
    Cancel,
    /// It is completed after its deadline: not done before the command has ended, and then it is.
    Stall,
    /// Whoever waits for the command drops it, and then the call is done.
    Leave,
    /// The call is done, and before it is over whoever waits for the command drops it.
    LeaveAfter,
}

/// What somebody else answers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Content {
    Nothing,
    Page,
    /// JSON, a mebibyte of it.
    Huge,
    Elsewhere,
    RetryAfter,
}

pub(crate) fn store_kinds() -> Vec<StoreFaultKind> {
    vec![
        StoreFaultKind::Denied,
        StoreFaultKind::ReadOnly,
        StoreFaultKind::Full,
        StoreFaultKind::NotA("directory"),
        StoreFaultKind::Untrusted("it is a folder of another user's"),
        StoreFaultKind::Locked(Holder::default()),
        StoreFaultKind::Timeout,
        StoreFaultKind::NoHome,
        StoreFaultKind::Other(Foreign::from("input/output error")),
    ]
}

fn transport_faults() -> Vec<Fault> {
    use TransportFault::{Closed, Connect, NotHttp, Resolve, Timeout, Tls, TooLarge};
    let before = [Resolve, Connect, Tls].map(|fault| Fault::Unreachable(fault, Sent::No));
    let maybe = [Timeout, Closed, TooLarge, NotHttp].map(|fault| Fault::Unreachable(fault, Sent::Maybe));
    let after = [Timeout, Closed, TooLarge, NotHttp].map(Fault::LostReply);
    let answers = [
        Fault::Answer(500, Content::Nothing),
        Fault::Answer(502, Content::Page),
        Fault::Answer(503, Content::RetryAfter),
        Fault::Answer(429, Content::RetryAfter),
        Fault::Answer(403, Content::Page),
        Fault::Answer(200, Content::Page),
        Fault::Answer(200, Content::Huge),
        Fault::Answer(204, Content::Nothing),
        Fault::Answer(307, Content::Elsewhere),
        Fault::Cut,
    ];
    before.into_iter().chain(maybe).chain(after).chain(answers).collect()
}

pub(crate) fn refused(kind: &StoreFaultKind) -> StoreFault {
    StoreFault { kind: kind.clone(), path: Foreign::from("/somewhere") }
}

/// Which call of which port meets what; calls are counted from zero.
pub(crate) type Strike = (Port, usize, Fault);

const LEFT_WITHIN: Duration = Duration::from_secs(30);

/// The plan of one command, and how far it is.
#[derive(Clone, Default)]
pub(crate) struct Plan(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    strikes: Vec<Strike>,
    counted: HashMap<Port, usize>,
    cancel: Option<Cancel>,
    released: bool,
    kept: Vec<LockKind>,
    leaving: Leaving,
    /// Whoever waits for the command.
    waiting: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Leaving {
    #[default]
    No,
    Asked,
    Done,
}

impl Plan {
    pub(crate) fn new(strikes: Vec<Strike>, cancel: Cancel) -> Self {
        let state = State { strikes, cancel: Some(cancel), ..State::default() };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to this call of a port.
    pub(crate) fn next(&self, port: Port) -> Option<Fault> {
        let mut state = self.state();
        let number = *state.counted.entry(port).and_modify(|count| *count += 1).or_default();
        let strike = state.strikes.iter().find(|(on, at, _)| (*on, *at) == (port, number));
        strike.map(|(_, _, fault)| fault.clone())
    }

    /// True if somebody else has this lock.
    pub(crate) fn is_kept(&self, kind: LockKind) -> bool {
        self.state().kept.contains(&kind)
    }

    pub(crate) fn keep(&self, kind: LockKind) {
        self.state().kept.push(kind);
    }

    /// Has whoever waits for the command drop it, and waits until that is done.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        state.leaving = Leaving::Asked;
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
        let (_, changed) = &*self.0;
        let left = changed.wait_timeout_while(state, LEFT_WITHIN, |state| state.leaving == Leaving::Asked);
        assert!(!left.unwrap().1.timed_out(), "nobody left");
    }

    /// Ready once the command is to be dropped.
    pub(crate) fn poll_leave(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.leaving == Leaving::Asked {
            return Poll::Ready(());
        }
        state.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    /// It was dropped.
    pub(crate) fn left(&self) {
        self.state().leaving = Leaving::Done;
        self.0.1.notify_all();
    }

    /// How often a port was called.
    pub(crate) fn calls(&self, port: Port) -> usize {
        self.state().counted.get(&port).map_or(0, |last| last + 1)
    }

    /// Says stop.
    pub(crate) fn cancel(&self) {
        let cancel = self.state().cancel.clone();
        if let Some(cancel) = cancel {
            cancel.cancel();
        }
    }

    /// Waits until the command has ended.
    pub(crate) fn stall(&self) {
        let (_, changed) = &*self.0;
        let waited =
            changed.wait_timeout_while(self.state(), Duration::from_secs(30), |state| !state.released);
        assert!(!waited.unwrap().1.timed_out(), "the command never ended");
    }

    /// The command has ended: what was stalled goes on.
    pub(crate) fn release(&self) {
        self.state().released = true;
        self.0.1.notify_all();
    }
}
