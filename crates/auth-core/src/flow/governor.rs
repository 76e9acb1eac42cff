use core::time::Duration;

use super::contract::{ASK_DEADLINE, Machine, Nested, Pending, nest};
use super::torn::Looks;
use super::{Event, Held, Outcome, Resource, Step};
use crate::error::{CannotPrompt, Error, Misuse, StoreFault, StoreFaultKind};
use crate::ports::{Asked, Key, Loaded, LockKind};
use crate::question::{Holder, Notice, PromptFault, Question};
use crate::session::{Generation, Session};
use crate::time::{Now, Timestamp};

/// How long a person who said no is not asked again, if nothing else is chosen.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// So many questions in a row that nobody answered are enough.
pub const QUOTA: u8 = 3;
/// How long nobody is asked then.
pub const MUTED_FOR: Duration = Duration::from_hours(1);
/// How long an explicit sign-in waits for a stopped process before it asks beside it.
pub const STOPPED_WAIT: Duration = Duration::from_secs(5);
/// How often one sign-in may be suspended. From then on its prompt stops while it asks, and others wait for it.
const SUSPENSIONS: u8 = u8::MAX;
/// The pause between the first and the second attempt to take the lock for questions. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to take the lock for questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The number of pauses before a waiter gives up. Together they last as long as a question may take, [`ASK_DEADLINE`].
const PAUSES: u16 = pauses_until(ASK_DEADLINE);

const fn pauses_until(deadline: Duration) -> u16 {
    let (mut pause, mut waited, mut count) = (FIRST_PAUSE.as_millis(), 0, 0);
    while waited < deadline.as_millis() {
        waited += pause;
        pause = if 2 * pause < LONGEST_PAUSE.as_millis() { 2 * pause } else { LONGEST_PAUSE.as_millis() };
        count += 1;
    }
    count
}

/// A sign-in that asks a person.
pub trait Asks: Machine {
    /// Names the site. Its users are prompted one at a time, and a decline holds for all of them.
    fn site(&self) -> Key;

    /// Names the session that is used if it is stored.
    ///
    /// # Errors
    ///
    /// An error that ends the sign-in, if its login names no session.
    fn session(&self) -> Result<Key, Error>;

    /// True if a session that is stored will do; false if somebody wants to be asked.
    fn reuses(&self) -> bool;

    /// Says what is stored at the moment when the user is prompted; `None` for nothing. The sign-in replaces only that,
    /// unless it was asked for.
    fn replaces(&mut self, stored: Option<Generation>);

    /// What it comes to with a session that somebody else has got meanwhile; nothing, if that will not do.
    fn adopt(&self, now: Now, session: Session) -> Option<Self::Output>;
}

/// A sign-in that prompts the user only while no other program on the machine prompts for the same site. It waits for the
/// other program, and goes on with the session which that one got.
///
/// ```text
/// Login ─ Ask ─▶ Lock ─▶ Recall ─▶ Load ─ somebody signed in meanwhile ─▶ Unlock ───▶ Done
///                  │        │        └─ nobody ─▶ Ask ─▶ … ─▶ Note ─▶ Unlock ──────▶ Done
///                  │        │        └─ half written ─▶ Wait ─▶ Load, again ─▶ as above
///                  │        └─ somebody said no, or nobody answers ─▶ Unlock ────────▶ Declined, Muted
///                  ├─ busy ─▶ Tell ─▶ Wait ─▶ Lock, again ─▶ as above
///                  └─ no answer, or no descriptor or thread for it: where a session will do ─▶ Done(StoreFault)
///
///        Ask ─ suspended ─▶ Unlock ─▶ Tell(Suspend): stopped and continued ─▶ Lock, as above, and the same question
/// ```
///
/// The lock for questions is held from the first question to the end, but not while the program is stopped by Ctrl-Z at
/// a question. While another process has it, it is tried again after pauses that grow from 50 ms to 1 s, so that no
/// thread and no descriptor waits for it. Where it cannot be known whether the lock is free, a second question is not
/// risked: that is an error, unless the sign-in is explicit. Where there are no such locks, a person is asked without.
/// Where its holder is stopped in another way, an explicit sign-in waits for [`STOPPED_WAIT`] and then asks
/// without the lock; others wait for it. Who may not be asked never waits for it. A person
/// who said no, to whatever program, is not asked again for a [`COOL_DOWN`]; where [`QUOTA`] questions in a row were not
/// answered, nobody is for [`MUTED_FOR`]. An explicit sign-in, one that reuses no session, asks all the same.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Governor<L, T> {
    login: L,
    cool_down: Duration,
    parked: Option<Question>,
    held: Option<Held>,
    /// How the last question before ours ended.
    before: Asked,
    /// How ours ended.
    ours: Option<Asked>,
    /// True once the question may be put.
    admitted: bool,
    /// True once a stopped holder was waited for.
    paused: bool,
    /// Whom the person was told that we wait for.
    told: Option<Holder>,
    /// How many pauses are made for the lock, and how many were made.
    pauses: u16,
    paused_for: u16,
    suspensions: u8,
    looks: Looks,
    state: State<T>,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State<T> {
    Going,
    Trying,
    Telling(Holder),
    /// The lock is left alone for a moment.
    Pausing,
    Recalling,
    Looking,
    /// Another program is writing the session.
    AwaitingWriter,
    /// The lock is given back before this program stops.
    Suspending,
    Stopping,
    Noting(Box<Result<Outcome<T>, Error>>),
    Closing(Box<Result<Outcome<T>, Error>>),
}

impl<L: Asks<Output = T>, T: Clone> Governor<L, T> {
    /// Governs a sign-in. One that is to use a stored session uses what is stored while it waits.
    pub fn new(login: L) -> Self {
        Self {
            login,
            cool_down: COOL_DOWN,
            parked: None,
            held: None,
            before: Asked::default(),
            ours: None,
            admitted: false,
            paused: false,
            told: None,
            pauses: PAUSES,
            paused_for: 0,
            suspensions: SUSPENSIONS,
            looks: Looks::default(),
            state: State::Going,
            pending: Pending::default(),
        }
    }

    /// How long a person who said no is not asked again; zero asks at once.
    #[must_use]
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    #[cfg(test)]
    pub(super) fn bounded(mut self) -> Self {
        (self.suspensions, self.pauses, self.looks) = (1, 1, Looks::one_left());
        self
    }

    /// What an event says of our question, if one is outstanding.
    fn hear(&mut self, now: Now, event: &Event) {
        if !self.admitted || !self.login.outstanding().is_ask() {
            return;
        }
        self.ours = match (event, self.before) {
            (Event::Answer(_), _) => Some(Asked::Answered),
            (Event::PromptFailed(PromptFault::Cancelled), _) => Some(Asked::Declined { at: now.wall }),
            (Event::TimedOut, Asked::Unanswered { times, .. }) => {
                Some(Asked::Unanswered { times: times.saturating_add(1), at: now.wall })
            }
            (Event::TimedOut, _) => Some(Asked::Unanswered { times: 1, at: now.wall }),
            // Nobody was there to say anything.
            _ => None,
        };
    }

    fn go(&mut self, now: Now, event: Event) -> Result<Step<T>, Misuse> {
        if event == Event::PromptFailed(PromptFault::Suspended) {
            return Ok(self.suspend());
        }
        self.hear(now, &event);
        self.parked = None;
        Ok(match nest::<_, T>(&mut self.login, now, event)? {
            Nested::Step(Step::Ask(question)) => {
                self.parked = Some(question);
                if self.admitted { self.ask() } else { self.lock() }
            }
            Nested::Step(step) => step,
            Nested::Done(result) => self.end(result),
        })
    }

    /// Gives the lock back. The question is put again after the stop: that is no answer to it.
    fn suspend(&mut self) -> Step<T> {
        self.suspensions = self.suspensions.saturating_sub(1);
        self.admitted = false;
        match self.held.take() {
            Some(held) => {
                self.state = State::Suspending;
                Step::Close(held)
            }
            None => self.stop(),
        }
    }

    fn stop(&mut self) -> Step<T> {
        self.state = State::Stopping;
        Step::Tell(Notice::Suspend)
    }

    /// Another process asks. Of one that is stopped nobody knows when it goes on.
    fn busy(&mut self, now: Now, holder: Holder) -> Step<T> {
        if holder.stopped && self.paused {
            return self.recall(None);
        }
        self.paused = false;
        if self.told.as_ref() == Some(&holder) {
            return self.wait(now, &holder);
        }
        self.told = Some(holder.clone());
        self.state = State::Telling(holder.clone());
        Step::Tell(Notice::Waiting(holder))
    }

    fn wait(&mut self, now: Now, holder: &Holder) -> Step<T> {
        if holder.stopped && !self.login.reuses() {
            self.paused = true;
            return self.pause(now, STOPPED_WAIT);
        }
        if self.paused_for == self.pauses {
            return self.end(Err(CannotPrompt::Unanswered.into()));
        }
        let doublings = u32::from(self.paused_for.min(8));
        self.paused_for += 1;
        self.pause(now, (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE))
    }

    fn pause(&mut self, now: Now, length: Duration) -> Step<T> {
        self.state = State::Pausing;
        Step::Wait { until: now.tick.after(length) }
    }

    fn lock(&mut self) -> Step<T> {
        self.state = State::Trying;
        let what = Resource::Lock { kind: LockKind::Prompt, key: self.login.site() };
        Step::Open { what, wait: false }
    }

    /// The lock could not be had, and no holder of it is known.
    fn without_lock(&mut self, fault: StoreFault) -> Step<T> {
        let may_be_held = matches!(fault.kind, StoreFaultKind::Timeout | StoreFaultKind::Exhausted);
        if may_be_held && self.login.reuses() {
            return self.end(Err(fault.into()));
        }
        self.recall(None)
    }

    fn recall(&mut self, held: Option<Held>) -> Step<T> {
        self.held = held;
        (self.told, self.paused, self.paused_for) = (None, false, 0);
        self.state = State::Recalling;
        Step::Recall(self.login.site())
    }

    fn admit(&mut self, now: Now, asked: Asked) -> Step<T> {
        self.before = asked;
        let why = quiet(asked, now.wall, self.cool_down).filter(|_| self.login.reuses());
        if let Some(why) = why {
            return self.end(Err(why.into()));
        }
        self.admitted = true;
        if self.login.reuses() {
            return self.look();
        }
        self.ask()
    }

    fn look(&mut self) -> Step<T> {
        match self.login.session() {
            Ok(key) => {
                self.state = State::Looking;
                Step::Load(key)
            }
            Err(error) => self.end(Err(error)),
        }
    }

    fn ask(&mut self) -> Step<T> {
        self.state = State::Going;
        // It is kept for as long as it may be suspended.
        match self.parked.clone() {
            Some(question) => Step::Ask(question),
            // It is parked before the lock is asked for.
            None => self.end(Err(Error::Cancelled)),
        }
    }

    fn looked(&mut self, now: Now, loaded: Loaded) -> Step<T> {
        let adopted = match loaded {
            Loaded::Found(stored) => {
                self.login.replaces(Some(stored.session.tokens.generation()));
                self.login.adopt(now, stored.session)
            }
            Loaded::None => {
                self.login.replaces(None);
                None
            }
            Loaded::Torn => match self.looks.next() {
                Some(pause) => {
                    self.state = State::AwaitingWriter;
                    return Step::Wait { until: now.tick.after(pause) };
                }
                None => None,
            },
        };
        match adopted {
            Some(value) => self.end(Ok(Outcome::clean(value))),
            None => self.ask(),
        }
    }

    fn end(&mut self, result: Result<Outcome<T>, Error>) -> Step<T> {
        if let Some(asked) = self.ours.take().filter(|asked| *asked != self.before) {
            self.state = State::Noting(Box::new(result));
            return Step::Note { key: self.login.site(), asked };
        }
        match self.held.take() {
            Some(held) => {
                self.state = State::Closing(Box::new(result));
                Step::Close(held)
            }
            None => Step::Done(result),
        }
    }
}

impl<L: Asks<Output = T>, T: Clone> Machine for Governor<L, T> {
    type Output = T;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        matches!(self.state, State::Going) && self.login.is_redeeming()
    }

    fn can_suspend(&self) -> bool {
        self.admitted && self.suspensions > 0 && matches!(self.state, State::Going)
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<T>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Going, event) => return self.go(now, event),
            // What cannot be kept is not shared.
            (State::Noting(result), _) => self.end(*result),
            (State::Closing(result), _) => Step::Done(*result),
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),
            (State::Trying, Event::Opened(held)) => self.recall(Some(held)),
            (State::Trying, Event::Busy(holder)) => self.busy(now, holder),
            (State::Trying, Event::StoreFailed(fault)) => self.without_lock(fault),
            (State::Trying, _) => self.without_lock(StoreFault::timed_out()),
            (State::Telling(holder), _) => self.wait(now, &holder),
            (State::Pausing | State::Stopping, _) => self.lock(),
            (State::Suspending, _) => self.stop(),
            (State::Recalling, Event::Recalled(asked)) => self.admit(now, asked),
            (State::Recalling, _) => self.admit(now, Asked::default()),
            (State::Looking, Event::Loaded(loaded)) => self.looked(now, loaded),
            (State::Looking, _) => self.ask(),
            (State::AwaitingWriter, _) => self.look(),
        })
    }
}

/// Why nobody is to be asked now. A moment that is yet to come is of another clock, and says nothing.
fn quiet(asked: Asked, now: Timestamp, cool_down: Duration) -> Option<CannotPrompt> {
    let is_within = |at: Timestamp, length: Duration| at <= now && at.until(now) < length;
    match asked {
        Asked::Declined { at } if is_within(at, cool_down) => Some(CannotPrompt::Declined),
        Asked::Unanswered { times, at } if times >= QUOTA && is_within(at, MUTED_FOR) => {
            Some(CannotPrompt::Muted)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "../tests/governor.rs"]
mod tests;
