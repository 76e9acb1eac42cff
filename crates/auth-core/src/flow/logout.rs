use super::contract::{Machine, Nested, Pending, nest};
use super::revoke::Revoke;
use super::torn::Looks;
use super::{Event, Held, Outcome, Resource, Revocation, Step};
use crate::error::{Error, Misuse, StoreFault};
use crate::ports::{Change, Loaded, LockKind, Stored};
use crate::question::Notice;
use crate::session::{Generation, Session};
use crate::tiled::{Owner, TiledUri};
use crate::time::Now;

/// How often a session that changes under our hands is removed again.
const CLEARS: u8 = 3;

/// Ends a session on the server and removes it here (spec: Tiled, section 12).
///
/// It is removed here whatever the server says; what the server said is the outcome. A cancel before the server was
/// asked leaves everything as it was, one after that does not wait for the answer.
///
/// A renewal that is under way is waited for. If its lock is kept too long, the flow goes on without it: a renewal that
/// is saved later finds nothing to replace, and ends its own session.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Logout {
    uri: TiledUri,
    held: Option<Held>,
    looks: Looks,
    clears: u8,
    /// What was found, and is to go.
    found: Session,
    /// What became of a session before it, if that lives on.
    failed: Option<Revocation>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    Locking,
    Telling,
    Waiting,
    Looking,
    Pausing,
    Revoking(Box<Revoke>),
    Clearing(Revocation),
    Closing(Result<LoggedOut, Error>),
}

/// Nobody is signed in here any more.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LoggedOut {
    /// What became of the session on the server.
    pub revocation: Revocation,
}

impl Logout {
    /// For the session stored for a server.
    pub fn new(uri: TiledUri) -> Self {
        Self {
            uri,
            held: None,
            looks: Looks::default(),
            clears: 0,
            found: Session::default(),
            failed: None,
            state: State::Locking,
            pending: Pending::default(),
        }
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<LoggedOut> {
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: self.uri.key() }, wait }
    }

    fn look(&mut self, held: Option<Held>) -> Step<LoggedOut> {
        self.held = held;
        self.state = State::Looking;
        Step::Load(self.uri.key())
    }

    /// Lets a writer finish.
    fn pause(&mut self, now: Now) -> Step<LoggedOut> {
        let Some(pause) = self.looks.next() else { return self.end(Err(StoreFault::timed_out().into())) };
        self.state = State::Pausing;
        Step::Wait { until: now.tick.after(pause) }
    }

    fn end(&mut self, result: Result<LoggedOut, Error>) -> Step<LoggedOut> {
        if let Some(held) = self.held.take() {
            self.state = State::Closing(result);
            return Step::Close(held);
        }
        Step::Done(result.map(Outcome::clean))
    }

    fn begin(&mut self, now: Now, stored: Stored) -> Result<Step<LoggedOut>, Misuse> {
        self.found = stored.session;
        let revoke = Revoke::new(self.uri.clone(), self.found.tokens.refresh.clone());
        self.revoke(now, revoke, Event::Start)
    }

    fn revoke(&mut self, now: Now, mut revoke: Revoke, event: Event) -> Result<Step<LoggedOut>, Misuse> {
        Ok(match nest(&mut revoke, now, event)? {
            Nested::Step(step) => {
                self.state = State::Revoking(Box::new(revoke));
                step
            }
            Nested::Done(Ok(Outcome { value, .. })) => {
                // Of several sessions that went, one that lives on is what has to be told.
                let worst = self.failed.take().unwrap_or(value);
                if worst != Revocation::Revoked {
                    self.failed = Some(worst.clone());
                }
                self.clear(self.found.tokens.generation(), worst)
            }
            Nested::Done(Err(error)) => self.end(Err(error)),
        })
    }

    fn clear(&mut self, generation: Generation, revocation: Revocation) -> Step<LoggedOut> {
        self.clears += 1;
        self.state = State::Clearing(revocation);
        Step::Apply(Change::ClearIf { key: self.uri.key(), generation })
    }
}

impl Machine for Logout {
    type Output = LoggedOut;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<LoggedOut>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Revoking(revoke), event) => return self.revoke(now, *revoke, event),
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),
            (State::Locking, Event::Start) => self.lock(State::Locking, false),
            (State::Locking | State::Waiting, Event::Opened(held)) => self.look(Some(held)),
            (State::Locking, Event::Busy(holder)) => {
                self.state = State::Telling;
                Step::Tell(Notice::Waiting(holder))
            }
            (State::Telling, _) => self.lock(State::Waiting, true),
            (State::Locking | State::Waiting | State::Looking, Event::StoreFailed(fault)) => {
                self.end(Err(fault.into()))
            }
            (State::Locking | State::Waiting, _) => self.look(None),
            (State::Looking, Event::Loaded(Loaded::Found(stored))) => return self.begin(now, *stored),
            (State::Looking, Event::Loaded(Loaded::None)) => self.end(Err(Error::NotSignedIn)),
            (State::Looking, Event::Loaded(Loaded::Torn)) => self.pause(now),
            (State::Pausing, _) => self.look(self.held),
            (State::Clearing(revocation), Event::Conflict(Some(stored))) => {
                match Owner::compare(&stored.session, &self.found) {
                    // Renewed, or signed in to anew, by a program that knows nothing of our locks: it goes too, here and on
                    // the server.
                    Owner::Same if self.clears < CLEARS => return self.begin(now, *stored),
                    // Another user signed in meanwhile: that session is not ours to remove.
                    Owner::Another => self.end(Ok(LoggedOut { revocation })),
                    Owner::Same | Owner::Unknown => self.end(Err(StoreFault::superseded().into())),
                }
            }
            (State::Clearing(_), Event::StoreFailed(fault)) => self.end(Err(fault.into())),
            (State::Looking, _) | (State::Clearing(_), Event::TimedOut) => {
                self.end(Err(StoreFault::timed_out().into()))
            }
            (State::Clearing(revocation), _) => self.end(Ok(LoggedOut { revocation })),
            (State::Closing(result), _) => self.end(result),
        })
    }
}

#[cfg(test)]
#[path = "../tests/logout.rs"]
mod tests;
