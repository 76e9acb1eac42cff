use core::time::Duration;

use super::contract::{Machine, Nested, Pending, nest};
use super::{Event, Held, Login, Outcome, Resource, SignedIn, Step};
use crate::error::{CannotPrompt, Error, Misuse};
use crate::ports::{Loaded, LockKind};
use crate::question::{Notice, Question};
use crate::time::Now;

/// A sign-in that asks a person only when nobody else on the machine is asking for the same site: it waits for whoever
/// does, and goes on with what they got.
///
/// ```text
/// Login ─ Ask ─▶ Lock ─▶ Load ─ somebody signed in meanwhile ─▶ Unlock ─▶ Done
///                  │       └─ nobody ─▶ Ask ─▶ … ─▶ Unlock ─────────────▶ Done
///                  └─ busy ─▶ Tell ─▶ Lock, waiting ─▶ as above
/// ```
///
/// The lock for questions is held from the first question to the end. Who may not be asked never waits for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Governor {
    login: Login,
    parked: Option<Question>,
    held: Option<Held>,
    /// True once the question may be put.
    admitted: bool,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    Going,
    Trying,
    Telling,
    Waiting,
    Looking,
    Closing(Box<Result<Outcome<SignedIn>, Error>>),
}

impl Governor {
    /// Governs a sign-in. One that is to use a stored session uses what is stored while it waits.
    pub fn new(login: Login) -> Self {
        Self {
            login,
            parked: None,
            held: None,
            admitted: false,
            state: State::Going,
            pending: Pending::default(),
        }
    }

    fn go(&mut self, now: Now, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match nest::<_, SignedIn>(&mut self.login, now, event)? {
            Nested::Step(Step::Ask(question)) if !self.admitted => {
                self.parked = Some(question);
                self.lock(State::Trying, false)
            }
            Nested::Step(step) => step,
            Nested::Done(result) => self.end(result),
        })
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<SignedIn> {
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Prompt, key: self.login.uri().key() }, wait }
    }

    fn admit(&mut self, held: Option<Held>) -> Step<SignedIn> {
        self.held = held;
        self.admitted = true;
        if self.login.reuses() {
            self.state = State::Looking;
            return Step::Load(self.login.uri().key());
        }
        self.ask()
    }

    fn ask(&mut self) -> Step<SignedIn> {
        self.state = State::Going;
        match self.parked.take() {
            Some(question) => Step::Ask(question),
            // It is parked before the lock is asked for.
            None => self.end(Err(Error::Cancelled)),
        }
    }

    fn looked(&mut self, now: Now, loaded: Loaded) -> Step<SignedIn> {
        match loaded {
            Loaded::Found(stored) if stored.session.lasts(now, Duration::ZERO) => {
                let value = SignedIn { uri: self.login.uri().clone(), session: stored.session, reused: true };
                self.end(Ok(Outcome::clean(value)))
            }
            _ => self.ask(),
        }
    }

    fn end(&mut self, result: Result<Outcome<SignedIn>, Error>) -> Step<SignedIn> {
        match self.held.take() {
            Some(held) => {
                self.state = State::Closing(Box::new(result));
                Step::Close(held)
            }
            None => Step::Done(result),
        }
    }
}

impl Machine for Governor {
    type Output = SignedIn;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        self.state == State::Going && self.login.is_redeeming()
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Going, event) => return self.go(now, event),
            (State::Closing(result), _) => Step::Done(*result),
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),
            (State::Trying | State::Waiting, Event::Opened(held)) => self.admit(Some(held)),
            (State::Trying, Event::Busy(holder)) => {
                self.state = State::Telling;
                Step::Tell(Notice::Waiting(holder))
            }
            (State::Telling, _) => self.lock(State::Waiting, true),
            (State::Waiting, Event::Busy(_) | Event::TimedOut) => {
                self.end(Err(CannotPrompt::Unanswered.into()))
            }
            // Without the lock a person is asked all the same: twice at worst.
            (State::Trying | State::Waiting, _) => self.admit(None),
            (State::Looking, Event::Loaded(loaded)) => self.looked(now, loaded),
            (State::Looking, _) => self.ask(),
        })
    }
}

#[cfg(test)]
#[path = "../tests/governor.rs"]
mod tests;
