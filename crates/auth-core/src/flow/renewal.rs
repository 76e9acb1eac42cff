use core::time::Duration;

use super::contract::{Machine, Nested, Pending, nest};
use super::revoke::Revoke;
use super::torn::Looks;
use super::{Discover, Event, Held, Outcome, Resource, Revocation, Step, Warning};
use crate::digest::Digest;
use crate::error::{Error, Misuse, Policy, Sent, StoreFault, StoreFaultKind, TransportFault, Trouble};
use crate::foreign::Foreign;
use crate::ports::{Change, Loaded, LockKind, Replaces, Stored};
use crate::question::{Holder, Notice};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::{Facts, Generation, Links, Session};
use crate::tiled::{Owner, RefreshAnswer, TiledUri, read_refresh, refresh, wrong_clock};
use crate::time::{Now, Tick};

/// How often a renewed session is tried to be saved: twice at once, and then, if the fault may pass, after pauses of 1, 2
/// and 4 s.
const SAVES: u8 = 5;
/// How many of these attempts come without a pause.
const SAVES_AT_ONCE: u8 = 2;
/// No further attempt begins so long after the first: each may take a minute, and others wait for the lock.
const SAVES_WITHIN: Duration = Duration::from_secs(10);
/// How often a session that changes under our hands is looked at before its refresh token is redeemed.
const INTENTS: u8 = 3;

/// A session that can be used now, without asking anyone: the stored one if it is good, else a renewed one.
///
/// ```text
/// Load ─ good ──────────────────────────────────────────────────────────▶ Done
///   └─ not good ─▶ Lock ─▶ Load ─ newer and good ─▶ Unlock ────────────▶ Done
///                            └─▶ Intent ─▶ Send ═▶ Save ─▶ Unlock ─────▶ Done     ═ cannot be interrupted
///                                   │       │       ├─ fails ═▶ again, at once and after pauses, for 10 s
///                                   │       │       └─ conflict ═▶ Unlock ═▶ what is stored decides, see below
///                                   │       ├─ definitely no ─▶ Load ─ newer ─▶ as above
///                                   │       │                    └─ same ─▶ ClearIf ─▶ Unlock ─▶ Expired, Revoked
///                                   │       ├─ not sent ─▶ Withdraw ─▶ Unlock ─▶ as with no answer
///                                   │       └─ no answer ─▶ Unlock ─▶ the old session if it lasts, with a warning
///                                   └─ conflict ─▶ as after the second Load
/// ```
///
/// If the store holds a newer valid session of the same principal, the flow uses it, no matter which program wrote it. A
/// refresh token is sent once; only a definite rejection ends a session.
///
/// A program that knows nothing of our locks may write while the server answers. The save is then refused, and what is
/// stored decides: another pair of the same session or user is used; another user's is left, ours is revoked, and the
/// error is [`Policy::AnotherUser`]; one whose user is unknown is left, and ours is used by this process only; where
/// nothing is stored any more, ours is revoked and the error is [`Error::Removed`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Renewal {
    uri: TiledUri,
    seed: Seed,
    need: Option<Duration>,
    /// The access token that the server has refused.
    refused: Option<Digest>,
    /// Whose session it is, as far as is known.
    owner: Facts,
    allow_http: bool,
    looks: Looks,
    saves: u8,
    /// When the first attempt began.
    saving: Option<Tick>,
    intents: u8,
    held: Option<Held>,
    /// A renewed session that is given up, to be revoked once the lock is given back.
    abandoned: Option<Session>,
    found: Option<Stored>,
    warnings: Vec<Warning>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    /// Looking at what is stored, before the lock.
    Looking,
    Pausing,
    Discovering(Box<Discover>),
    Locking,
    Telling(Holder),
    Waiting(Holder),
    /// Looking again, with the lock.
    Rereading,
    Intending,
    Redeeming,
    /// Taking the note back, because nothing was sent.
    Withdrawing(Error),
    Saving(Box<Session>),
    /// Waiting for what may pass, such as a full disk.
    Resaving(Box<Session>),
    /// Looking once more, because the server said no to what was read before.
    Rejected(Error),
    Repausing(Error),
    Clearing(Error),
    Closing(Box<Result<Renewed, Error>>),
    Revoking(Box<Revoke>, Error),
    /// Telling that it could not be revoked.
    Unrevoked(Error),
}

/// A session that can be used now.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Renewed {
    /// The session.
    pub session: Session,
    /// True if it was renewed here and now, false if it was found good.
    pub fresh: bool,
}

impl Renewal {
    /// For the session of a server. It is good if it lasts longer than its [`margin`](Session::margin).
    pub fn new(uri: TiledUri, seed: Seed) -> Self {
        Self {
            uri,
            seed,
            need: None,
            refused: None,
            owner: Facts::default(),
            allow_http: false,
            looks: Looks::default(),
            saves: 0,
            saving: None,
            intents: 0,
            held: None,
            abandoned: None,
            found: None,
            warnings: Vec::new(),
            state: State::Looking,
            pending: Pending::default(),
        }
    }

    /// It is good only if it lasts at least this long, if one renewal can bring that about.
    #[must_use]
    pub fn lasting(mut self, need: Option<Duration>) -> Self {
        self.need = need;
        self
    }

    /// The server has refused this one's access token: any other that has not ended is good.
    #[must_use]
    pub fn refused(mut self, session: &Session) -> Self {
        self.refused = session.tokens.access.as_ref().map(Digest::of);
        self.owner.clone_from(&session.facts);
        self
    }

    /// See [`Discover::allow_http`].
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    fn look(&mut self, state: State) -> Step<Renewed> {
        self.state = state;
        Step::Load(self.uri.key())
    }

    /// Lets a writer finish.
    fn pause(&mut self, now: Now, pause: Duration, state: State) -> Step<Renewed> {
        self.state = state;
        Step::Wait { until: now.tick.after(pause) }
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<Renewed> {
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: self.uri.key() }, wait }
    }

    /// Gives the lock back, then ends.
    fn end(&mut self, result: Result<Renewed, Error>) -> Step<Renewed> {
        if let Some(held) = self.held.take() {
            self.state = State::Closing(Box::new(result));
            return Step::Close(held);
        }
        let warnings = core::mem::take(&mut self.warnings);
        Step::Done(result.map(|value| Outcome { value, warnings }))
    }

    /// Ends with an error, and revokes a session that is given up.
    fn abandon(&mut self, now: Now, error: Error) -> Result<Step<Renewed>, Misuse> {
        match (self.held, self.abandoned.take()) {
            (None, Some(session)) => {
                let revoke = Revoke::new(self.uri.clone(), session.tokens.refresh);
                self.revoke(now, revoke, Event::Start, error)
            }
            (_, abandoned) => {
                self.abandoned = abandoned;
                Ok(self.end(Err(error)))
            }
        }
    }

    fn revoke(
        &mut self,
        now: Now,
        mut revoke: Revoke,
        event: Event,
        error: Error,
    ) -> Result<Step<Renewed>, Misuse> {
        Ok(match nest(&mut revoke, now, event)? {
            Nested::Step(step) => {
                self.state = State::Revoking(Box::new(revoke), error);
                step
            }
            Nested::Done(Ok(Outcome { value: Revocation::Failed(why), .. })) => {
                self.state = State::Unrevoked(error);
                Step::Tell(Notice::NotRevoked { origin: self.uri.origin().clone(), why: Box::new(why) })
            }
            Nested::Done(_) => self.end(Err(error)),
        })
    }

    fn good(&mut self, session: Session, fresh: bool) -> Step<Renewed> {
        self.end(Ok(Renewed { session, fresh }))
    }

    /// The old session if it can still be used, with a warning; else the error.
    fn make_do(&mut self, now: Now, error: Error) -> Step<Renewed> {
        match self.found.clone() {
            Some(found) if !self.is_refused(&found.session) && found.session.lasts(now, Duration::ZERO) => {
                self.warnings.push(Warning::NotRenewed(error));
                self.good(found.session, false)
            }
            _ => self.end(Err(error)),
        }
    }

    fn is_refused(&self, session: &Session) -> bool {
        // The token alone: whoever renews stores the refresh token first, and may be in between.
        self.refused.is_some() && self.refused == session.tokens.access.as_ref().map(Digest::of)
    }

    fn is_good(&self, now: Now, session: &Session, since: Option<Generation>) -> bool {
        // What somebody else renewed while we waited is as fresh as it gets: its margin does not matter.
        let newer = since.is_some_and(|since| since != session.tokens.generation());
        let need = if newer || self.refused.is_some() { Duration::ZERO } else { session.margin() };
        !self.is_refused(session) && session.lasts(now, self.need.map_or(need, |least| least.max(need)))
    }

    fn is_usable(&self, now: Now, session: &Session) -> bool {
        !self.is_refused(session) && session.lasts(now, Duration::ZERO)
    }

    fn is_of_another(&self, session: &Session) -> bool {
        let known = Session { facts: self.owner.clone(), ..Session::default() };
        Owner::compare(&known, session) == Owner::Another
    }

    fn looked(&mut self, now: Now, loaded: Loaded) -> Step<Renewed> {
        let mut stored = match loaded {
            Loaded::Found(stored) => *stored,
            Loaded::Torn => {
                return match self.looks.next() {
                    Some(pause) => self.pause(now, pause, State::Pausing),
                    // A writer that takes our locks has finished once the lock is ours.
                    None if self.held.is_none() => self.lock(State::Locking, false),
                    // A session that is still torn is damaged.
                    None => self.end(Err(Error::NotSignedIn)),
                };
            }
            Loaded::None => return self.end(Err(Error::NotSignedIn)),
        };
        if self.is_of_another(&stored.session) {
            return self.end(Err(Policy::AnotherUser.into()));
        }
        if self.owner.principal.is_none() {
            self.owner.principal.clone_from(&stored.session.facts.principal);
        }
        if self.owner.identity.is_none() {
            self.owner.identity.clone_from(&stored.session.facts.identity);
        }
        // What the server was asked for before the lock need not be asked for again.
        if let Some(found) = self.found.as_ref().filter(|_| stored.session.links == Links::default()) {
            stored.session.links.clone_from(&found.session.links);
        }
        let since = self
            .found
            .as_ref()
            .filter(|_| self.held.is_some())
            .map(|found| found.session.tokens.generation());
        if self.is_good(now, &stored.session, since) {
            return self.good(stored.session, false);
        }
        let has_refresh = stored.session.tokens.refresh.is_some();
        let knows_where = stored.session.links.refresh.is_some();
        self.found = Some(stored);
        if !has_refresh {
            return self.make_do(
                now,
                Error::Expired(Foreign::from("it cannot be renewed: there is no refresh token")),
            );
        }
        if self.uri.origin().is_exposed() && !self.allow_http {
            return self.make_do(now, Policy::PlainHttp(self.uri.origin().clone()).into());
        }
        if !knows_where {
            let discover = Discover::new(self.uri.clone(), self.seed.clone()).allow_http(self.allow_http);
            return self
                .nest(now, discover, Event::Start)
                .unwrap_or_else(|misuse| self.end(Err(misuse.into())));
        }
        if self.held.is_none() {
            return self.lock(State::Locking, false);
        }
        self.intend(now)
    }

    fn nest(&mut self, now: Now, mut discover: Discover, event: Event) -> Result<Step<Renewed>, Misuse> {
        Ok(match nest(&mut discover, now, event)? {
            Nested::Step(step) => {
                self.state = State::Discovering(Box::new(discover));
                step
            }
            Nested::Done(Ok(found)) => {
                let links = found.value.about.links;
                let Some(stored) = &mut self.found else { return Err(Misuse::Unexpected) };
                let by_custom = self.uri.below("auth/session/refresh").path().to_owned();
                stored.session.links.refresh = Some(links.refresh.unwrap_or(by_custom));
                stored.session.links.whoami = links.whoami;
                if self.held.is_some() { self.intend(now) } else { self.lock(State::Locking, false) }
            }
            Nested::Done(Err(Error::Cancelled)) => self.end(Err(Error::Cancelled)),
            Nested::Done(Err(error)) => self.make_do(now, error),
        })
    }

    fn token(&self) -> Option<(&Stored, &Secret)> {
        let found = self.found.as_ref()?;
        Some((found, found.session.tokens.refresh.as_ref()?))
    }

    fn intend(&mut self, now: Now) -> Step<Renewed> {
        let Some((_, token)) = self.token() else { return self.make_do(now, Error::NotSignedIn) };
        let redeeming = Digest::of(token);
        self.intents += 1;
        self.state = State::Intending;
        Step::Apply(Change::Intent { key: self.uri.key(), redeeming })
    }

    /// Something else is stored than what was read.
    fn forestalled(&mut self, now: Now, there: Option<Box<Stored>>) -> Step<Renewed> {
        match there {
            Some(_) if self.intents >= INTENTS => self.make_do(now, StoreFault::superseded().into()),
            Some(stored) => self.looked(now, Loaded::Found(stored)),
            None => self.looked(now, Loaded::None),
        }
    }

    /// Nothing was sent, so the note must not make a later end of the session look like a lost answer. A note that was
    /// there before is of an earlier renewal, and stays.
    fn withdraw(&mut self, now: Now, error: Error) -> Step<Renewed> {
        let Some((Stored { intent: None, .. }, token)) = self.token() else {
            return self.make_do(now, error);
        };
        let redeeming = Digest::of(token);
        self.state = State::Withdrawing(error);
        Step::Apply(Change::Withdraw { key: self.uri.key(), redeeming })
    }

    fn redeem(&mut self, now: Now) -> Step<Renewed> {
        let Some((found, token)) = self.token() else { return self.make_do(now, Error::NotSignedIn) };
        let path = found.session.links.refresh.as_deref().unwrap_or("/");
        let request = refresh(self.uri.api().at(path), token);
        self.state = State::Redeeming;
        Step::Send(request)
    }

    fn save(&mut self, now: Now, session: Session) -> Step<Renewed> {
        self.saving.get_or_insert(now.tick);
        // Nothing that is stored has no refresh token's digest, so without one nothing is replaced.
        let redeemed =
            self.token().map_or(Replaces::Found(None), |(_, token)| Replaces::Redeemed(Digest::of(token)));
        self.state = State::Saving(Box::new(session.clone()));
        Step::Apply(Change::Save { key: self.uri.key(), session: Box::new(session), replaces: redeemed })
    }

    /// Another program wrote while the server answered. What it wrote is left as it is.
    fn overtaken(
        &mut self,
        now: Now,
        ours: Session,
        there: Option<Box<Stored>>,
    ) -> Result<Step<Renewed>, Misuse> {
        let Some(stored) = there else {
            self.abandoned = Some(ours);
            return self.abandon(now, Error::Removed);
        };
        match Owner::compare(&stored.session, &ours) {
            Owner::Another => {
                self.abandoned = Some(ours);
                self.abandon(now, Policy::AnotherUser.into())
            }
            // What cannot be renewed is what somebody left half written or half removed.
            Owner::Same
                if stored.session.tokens.refresh.is_some() && self.is_usable(now, &stored.session) =>
            {
                Ok(self.good(stored.session, false))
            }
            Owner::Same | Owner::Unknown => {
                self.warnings.push(Warning::NotSaved(StoreFault::superseded()));
                Ok(self.saved(now, ours))
            }
        }
    }

    fn saved(&mut self, now: Now, session: Session) -> Step<Renewed> {
        if let (Some(need), Some(life)) = (self.need, session.remaining(now))
            && life <= need
        {
            self.warnings.push(Warning::TooShort(life));
        }
        self.good(session, true)
    }

    /// It is tried again only where the attempt before is over.
    fn not_saved(&mut self, now: Now, session: Session, fault: StoreFault, is_over: bool) -> Step<Renewed> {
        self.saves += 1;
        let took = self.saving.map_or(Duration::ZERO, |since| since.until(now.tick));
        let again = is_over && took < SAVES_WITHIN;
        if again && self.saves < SAVES_AT_ONCE {
            return self.save(now, session);
        }
        if again && self.saves < SAVES && may_pass(&fault) {
            let pause = Duration::from_secs(1 << (self.saves - SAVES_AT_ONCE));
            self.state = State::Resaving(Box::new(session));
            return Step::Wait { until: now.tick.after(pause) };
        }
        self.warnings.push(Warning::NotSaved(fault));
        self.saved(now, session)
    }

    /// The server said no. Somebody who knows nothing of our locks may have renewed meanwhile.
    fn rejected(&mut self, now: Now, error: Error, loaded: Loaded) -> Step<Renewed> {
        let Some(ours) = self.found.clone() else { return self.end(Err(error)) };
        match loaded {
            Loaded::Found(stored) if self.is_of_another(&stored.session) => {
                self.end(Err(Policy::AnotherUser.into()))
            }
            Loaded::Found(stored)
                if stored.session.tokens.generation() != ours.session.tokens.generation() =>
            {
                if self.is_good(now, &stored.session, Some(ours.session.tokens.generation())) {
                    return self.good(stored.session, false);
                }
                // Another refresh token, of a session that needs it, is tried once.
                let untried = stored.session.tokens.refresh != ours.session.tokens.refresh
                    && stored.session.tokens.refresh.is_some()
                    && self.looks.take_rest();
                if untried {
                    let links = ours.session.links;
                    self.found = Some(*stored);
                    if let Some(found) = &mut self.found {
                        found.session.links = links;
                    }
                    return self.intend(now);
                }
                self.end(Err(error))
            }
            Loaded::Found(_) => {
                let generation = ours.session.tokens.generation();
                self.state = State::Clearing(error);
                Step::Apply(Change::ClearIf { key: self.uri.key(), generation })
            }
            Loaded::Torn => match self.looks.next() {
                Some(pause) => self.pause(now, pause, State::Repausing(error)),
                None => self.end(Err(error)),
            },
            Loaded::None => self.end(Err(error)),
        }
    }
}

/// Whether the same save may succeed a moment later.
fn may_pass(fault: &StoreFault) -> bool {
    matches!(fault.kind, StoreFaultKind::Full | StoreFaultKind::Locked(_))
}

fn locked(holder: Holder) -> StoreFault {
    StoreFault { kind: StoreFaultKind::Locked(holder), path: Foreign::default() }
}

impl Machine for Renewal {
    type Output = Renewed;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        // One that is given up is not forgotten before the server was told.
        let gives_up = self.abandoned.is_some() || matches!(self.state, State::Revoking(..));
        gives_up || matches!(self.state, State::Redeeming | State::Saving(_) | State::Resaving(_))
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Renewed>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Discovering(discover), event) => return self.nest(now, *discover, event),
            (State::Revoking(revoke, error), event) => return self.revoke(now, *revoke, event, error),
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),

            (State::Looking, Event::Start) => self.look(State::Looking),
            (State::Looking | State::Rereading, Event::Loaded(loaded)) => self.looked(now, loaded),
            (State::Pausing, _) => {
                let state = if self.held.is_some() { State::Rereading } else { State::Looking };
                self.look(state)
            }
            // It may be noted all the same.
            (State::Intending, Event::StoreFailed(fault)) => self.withdraw(now, fault.into()),
            (
                State::Looking | State::Rereading | State::Locking | State::Waiting(_),
                Event::StoreFailed(fault),
            ) => self.make_do(now, fault.into()),
            (State::Looking | State::Rereading | State::Intending, Event::TimedOut) => {
                self.make_do(now, StoreFault::timed_out().into())
            }

            (State::Locking | State::Waiting(_), Event::Opened(held)) => {
                self.held = Some(held);
                self.looks = Looks::default();
                self.look(State::Rereading)
            }
            (State::Locking, Event::Busy(holder)) => {
                self.state = State::Telling(holder.clone());
                Step::Tell(Notice::Waiting(holder))
            }
            (State::Telling(holder), _) => self.lock(State::Waiting(holder), true),
            (State::Waiting(_), Event::Busy(holder)) | (State::Waiting(holder), _) => {
                self.make_do(now, locked(holder).into())
            }
            (State::Locking, _) => self.make_do(now, locked(Holder::default()).into()),

            (State::Intending, Event::Conflict(there)) => self.forestalled(now, there),
            (State::Intending, _) => self.redeem(now),
            (State::Redeeming, Event::Response(response)) => {
                let Some(ours) = self.found.clone() else { return Err(Misuse::Unexpected) };
                match read_refresh(now, &ours.session, &response) {
                    RefreshAnswer::Renewed(session) => {
                        self.warnings.extend(wrong_clock(now, &response).map(Warning::Clock));
                        self.save(now, *session)
                    }
                    // Somebody set out to redeem it before, and what they were given is nowhere.
                    RefreshAnswer::Over(_) if ours.intent.is_some() => {
                        self.look(State::Rejected(Error::Lost))
                    }
                    RefreshAnswer::Over(error) => self.look(State::Rejected(error)),
                    RefreshAnswer::Failed(error) => self.make_do(now, error),
                }
            }
            (State::Redeeming, Event::Unreachable { fault, sent: Sent::No }) => {
                self.withdraw(now, Trouble::Unreachable(fault).into())
            }
            (State::Withdrawing(error), _) => self.make_do(now, error),
            (State::Redeeming, Event::Unreachable { fault, .. }) => {
                self.make_do(now, Trouble::Unreachable(fault).into())
            }
            (State::Redeeming, _) => self.make_do(now, Trouble::Unreachable(TransportFault::Timeout).into()),
            (State::Saving(session), Event::StoreFailed(fault)) => self.not_saved(now, *session, fault, true),
            (State::Saving(session), Event::TimedOut) => {
                self.not_saved(now, *session, StoreFault::timed_out(), false)
            }
            (State::Saving(session), Event::Conflict(there)) => return self.overtaken(now, *session, there),
            (State::Saving(session), _) => self.saved(now, *session),
            (State::Resaving(session), _) => self.save(now, *session),

            (State::Repausing(error), _) => self.look(State::Rejected(error)),
            (State::Rejected(error), Event::Loaded(loaded)) => self.rejected(now, error, loaded),
            (State::Clearing(error), Event::Conflict(Some(stored))) => {
                let since = self.found.as_ref().map(|found| found.session.tokens.generation());
                if self.is_of_another(&stored.session) {
                    self.end(Err(Policy::AnotherUser.into()))
                } else if self.is_good(now, &stored.session, since) {
                    self.good(stored.session, false)
                } else {
                    self.end(Err(error))
                }
            }
            // What the store cannot show is not cleared either.
            (State::Rejected(error) | State::Clearing(error) | State::Unrevoked(error), _) => {
                self.end(Err(error))
            }
            (State::Closing(result), _) => match *result {
                Err(error) => return self.abandon(now, error),
                result => self.end(result),
            },
            (State::Looking | State::Rereading, _) => return Err(Misuse::Unexpected),
        })
    }
}

#[cfg(test)]
#[path = "../tests/renewal.rs"]
mod tests;
