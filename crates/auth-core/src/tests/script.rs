//! Conversations as data: what a flow should want next, and what to answer.

use core::fmt::Debug;
use core::ops::Range;
use core::time::Duration;

use super::{Event, Flow, Held, Outcome, Resource, Step};
use crate::Digest;
use crate::error::{Error, Misuse, Sent, StoreFault, StoreFaultKind, TransportFault, Trouble};
use crate::foreign::Foreign;
use crate::ports::{Change, Key, Loaded, LockKind, Replaces, SiteEntry, Stored};
use crate::question::{Answer, Holder, Notice, Question};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::{Facts, Links, Session, Tokens};
use crate::site::Url;
use crate::tiled::TiledUri;
use crate::time::{Now, Tick, Timestamp};
use crate::wire::{Authorization, Body, Request, Response};

/// The time at which every conversation begins.
pub(super) const WALL: i64 = 10_000;
/// The lock of every conversation.
pub(super) const HELD: Held = Held(7);
/// Where the sessions of [`session`] are renewed.
pub(super) const REFRESH: &str = "/custom/refresh";

/// One turn: what the flow should want, and what comes of it.
pub(super) type Turn = (Expected, Event);

/// What the flow should want next.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Exactly this; its `Done` is not used.
    Step(Step<()>),
    /// A wait this many milliseconds long.
    Pause(Range<u64>),
}

/// A conversation under way.
pub(super) struct Talk<F: Flow> {
    pub(super) flow: F,
    pub(super) now: Now,
    step: Step<F::Output>,
    turns: usize,
}

impl<F: Flow + Clone> Talk<F>
where
    F::Output: Clone + PartialEq + Debug,
{
    /// Starts the flow at tick 1,000 and [`WALL`].
    pub(super) fn start(mut flow: F) -> Self {
        let now = Now { tick: Tick(1_000), wall: Timestamp(WALL) };
        let step = flow.resume(now, Event::Start).unwrap();
        Self { flow, now, step, turns: 0 }
    }

    /// Asserts what is wanted, and answers. `TimedOut` comes when the deadline has passed, by both clocks.
    pub(super) fn turn(mut self, (expected, event): Turn) -> Self {
        self.assert_next(&expected);
        if event == Event::TimedOut {
            let deadline = self.flow.deadline().expect("a step without a deadline cannot time out");
            let passed = self.now.tick.until(deadline);
            self.now = Now { tick: self.now.tick.max(deadline), wall: self.now.wall.after(passed) };
        }
        self.step = match self.flow.resume(self.now, event) {
            Ok(step) => step,
            Err(misuse) => panic!("turn {}: {misuse}", self.turns),
        };
        self.turns += 1;
        self
    }

    /// Several turns.
    pub(super) fn follow(self, turns: impl IntoIterator<Item = Turn>) -> Self {
        turns.into_iter().fold(self, Self::turn)
    }

    /// What the flow makes of an event now, without taking it.
    pub(super) fn refuses(&self, event: Event) -> Option<Misuse> {
        self.flow.clone().resume(self.now, event).err()
    }

    /// What a cancel leads to now, without taking it: an error that ends the flow, or a refusal.
    pub(super) fn clone_and_cancel(&self) -> Result<Error, Misuse> {
        match self.flow.clone().resume(self.now, Event::Cancel)? {
            Step::Done(Err(error)) => Ok(error),
            step => panic!("an end with an error, not {step:?}"),
        }
    }

    /// Asserts what is wanted now.
    pub(super) fn assert_next(&self, expected: &Expected) {
        let turn = self.turns;
        match expected {
            Expected::Pause(range) => {
                let Step::Wait { until } = &self.step else {
                    panic!("turn {turn}: a pause, not {:?}", self.step)
                };
                let millis = until.0 - self.now.tick.0;
                assert!(range.contains(&millis), "turn {turn}: {millis} ms, not {range:?}");
            }
            Expected::Step(step) => {
                let found = untyped(&self.step);
                assert_eq!(found.as_ref(), Some(step), "turn {turn}: {} {}", sent(&self.step), sent(step));
            }
        }
    }

    /// Asserts that the flow has ended, and how it ended.
    pub(super) fn end(self) -> Result<Outcome<F::Output>, Error> {
        match self.step {
            Step::Done(result) => result,
            step => panic!("turn {}: the end, not {step:?} {}", self.turns, sent(&step)),
        }
    }
}

/// A whole conversation.
pub(super) fn run<F: Flow + Clone>(
    flow: F,
    turns: impl IntoIterator<Item = Turn>,
) -> Result<Outcome<F::Output>, Error>
where
    F::Output: Clone + PartialEq + Debug,
{
    Talk::start(flow).follow(turns).end()
}

/// Two parts of a conversation, one after the other.
pub(super) fn with(first: impl IntoIterator<Item = Turn>, more: impl IntoIterator<Item = Turn>) -> Vec<Turn> {
    first.into_iter().chain(more).collect()
}

fn untyped<T>(step: &Step<T>) -> Option<Step<()>> {
    Some(match step {
        Step::Send(request) => Step::Send(request.clone()),
        Step::Ask(question) => Step::Ask(question.clone()),
        Step::Tell(notice) => Step::Tell(notice.clone()),
        Step::Load(key) => Step::Load(key.clone()),
        Step::Apply(change) => Step::Apply(change.clone()),
        Step::Recall(key) => Step::Recall(key.clone()),
        Step::Note { key, asked } => Step::Note { key: key.clone(), asked: *asked },
        Step::Open { what, wait } => Step::Open { what: what.clone(), wait: *wait },
        Step::Close(held) => Step::Close(*held),
        Step::Wait { until } => Step::Wait { until: *until },
        Step::Done(_) => return None,
    })
}

/// What a request holds, with the names of secrets: for the message of an assertion that fails.
fn sent<T>(step: &Step<T>) -> String {
    let Step::Send(request) = step else { return String::new() };
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
    let content = request.content().map(Secret::expose);
    canary::named(&format!("[{} {headers:?} {content:?}]", request.url.to_request()))
}

pub(super) fn uri() -> TiledUri {
    "http://127.0.0.1:8000".parse().unwrap()
}

pub(super) fn seed() -> Seed {
    Seed::new([7; 32])
}

pub(super) fn key() -> Key {
    Key { site: "http://127.0.0.1:8000/api/v1/".to_owned(), slot: String::new() }
}

/// A URL on the server of [`uri`].
pub(super) fn at(path: &str) -> Url {
    format!("http://127.0.0.1:8000{path}").parse().unwrap()
}

pub(super) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The secret that is called so.
pub(super) fn secret(name: &str) -> Secret {
    Secret::from(canary::plant(name))
}

/// A session of the principal `p` with the tokens called `NAME` and `r-NAME`, of a life of 900 s with `left` to go.
pub(super) fn session(name: &str, left: i64) -> Session {
    Session {
        tokens: Tokens {
            access: Some(secret(name)),
            refresh: Some(refresh_of(name)),
            id: None,
            ..Tokens::default()
        },
        facts: Facts {
            received: Some(Timestamp(WALL + left - 900)),
            expires: Some(Timestamp(WALL + left)),
            principal: Some(Foreign::from("p")),
            ..Facts::default()
        },
        links: Links { whoami: None, refresh: Some(REFRESH.to_owned()) },
    }
}

/// The same session of somebody else.
pub(super) fn of(principal: &str, session: Session) -> Session {
    Session { facts: Facts { principal: Some(Foreign::from(principal)), ..session.facts.clone() }, ..session }
}

pub(super) fn without_refresh(session: Session) -> Session {
    Session { tokens: Tokens { refresh: None, ..session.tokens.clone() }, ..session }
}

pub(super) fn without_links(session: Session) -> Session {
    Session { links: Links::default(), ..session }
}

pub(super) fn of_unknown_life(session: Session) -> Session {
    let facts = Facts { received: None, expires: None, ..session.facts.clone() };
    Session { facts, ..session }
}

fn refresh_of(name: &str) -> Secret {
    secret(&format!("r-{name}"))
}

/// What [`session`] `old` becomes by the answer [`tokens`] received at [`WALL`].
pub(super) fn renewed(name: &str, life: i64) -> Session {
    let mut renewed = session(name, life);
    renewed.facts.received = Some(Timestamp(WALL));
    renewed
}

/// The tokens called `NAME` and `r-NAME` as a server gives them, and more in its answer.
pub(super) fn tokens_and(name: &str, life: i64, more: &str) -> Event {
    let (access, refresh) = (secret(name), refresh_of(name));
    let body = format!(
        r#"{{"access_token":"{}","refresh_token":"{}","expires_in":{life},"token_type":"bearer"{more}}}"#,
        access.expose(),
        refresh.expose()
    );
    reply(200, &body)
}

/// The same, and no more.
pub(super) fn tokens(name: &str, life: i64) -> Event {
    tokens_and(name, life, "")
}

/// An access token without a refresh token.
pub(super) fn access_token(name: &str, life: i64) -> Event {
    reply(200, &format!(r#"{{"access_token":"{}","expires_in":{life}}}"#, secret(name).expose()))
}

pub(super) fn send(request: Request) -> Expected {
    Expected::Step(Step::Send(request))
}

/// A GET without a credential.
pub(super) fn get(url: Url) -> Expected {
    send(Request::get(url))
}

/// A GET on our server that shows the token `NAME`.
pub(super) fn get_with(path: &str, name: &str) -> Expected {
    send(Request::get(at(path)).authorized(Authorization::Bearer(secret(name))))
}

/// A POST of just the refresh token of the session `NAME`.
pub(super) fn post_refresh_token(path: &str, name: &str) -> Expected {
    let body = format!(r#"{{"refresh_token":"{}"}}"#, refresh_of(name).expose());
    send(Request::token(at(path), Body::Json(Secret::from(body))))
}

pub(super) fn redeem(name: &str) -> Expected {
    post_refresh_token(REFRESH, name)
}

pub(super) fn ask(question: Question) -> Expected {
    Expected::Step(Step::Ask(question))
}

pub(super) fn tell(notice: Notice) -> Expected {
    Expected::Step(Step::Tell(notice))
}

pub(super) fn load() -> Expected {
    Expected::Step(Step::Load(key()))
}

fn apply(change: Change) -> Expected {
    Expected::Step(Step::Apply(change))
}

/// Saves what an explicit sign-in was given.
pub(super) fn save(session: &Session) -> Expected {
    save_over(session, Replaces::Anything)
}

pub(super) fn save_over(session: &Session, replaces: Replaces) -> Expected {
    apply(Change::Save { key: key(), session: Box::new(session.clone()), replaces })
}

/// Saves what the refresh token of the session `NAME` was redeemed for.
pub(super) fn save_redeemed(session: &Session, name: &str) -> Expected {
    save_over(session, Replaces::Redeemed(Digest::of(&refresh_of(name))))
}

pub(super) fn withdraw(name: &str) -> Expected {
    apply(Change::Withdraw { key: key(), redeeming: Digest::of(&refresh_of(name)) })
}

pub(super) fn intent(name: &str) -> Expected {
    apply(Change::Intent { key: key(), redeeming: Digest::of(&refresh_of(name)) })
}

pub(super) fn clear_if(session: &Session) -> Expected {
    apply(Change::ClearIf { key: key(), generation: session.tokens.generation() })
}

pub(super) fn prefer(user: Option<&str>) -> Expected {
    apply(Change::Prefer(SiteEntry {
        key: key(),
        user: user.map(Foreign::from),
        allow_http: false,
        method: None,
        pages: None,
    }))
}

fn open(wait: bool) -> Expected {
    Expected::Step(Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: key() }, wait })
}

/// Takes the renewal lock if it is free.
pub(super) fn try_lock() -> Expected {
    open(false)
}

/// Waits for the renewal lock.
pub(super) fn lock() -> Expected {
    open(true)
}

pub(super) fn opened() -> Event {
    Event::Opened(HELD)
}

/// The turn that gives the lock back.
pub(super) fn unlock() -> Turn {
    (Expected::Step(Step::Close(HELD)), Event::Closed)
}

pub(super) fn holder() -> Holder {
    Holder { pid: Some(41), host: Some(Foreign::from("farm-3")), stopped: false }
}

pub(super) fn pause(range: Range<u64>) -> Turn {
    (Expected::Pause(range), Event::TimedOut)
}

pub(super) fn reply(status: u16, body: &str) -> Event {
    Event::Response(Response::new(status, [("content-type", "application/json")], body))
}

pub(super) fn redirect(status: u16, to: &str) -> Event {
    Event::Response(Response::new(status, [("location", to)], ""))
}

pub(super) fn unreachable(fault: TransportFault) -> Event {
    let sent = match fault {
        TransportFault::Resolve | TransportFault::Connect | TransportFault::Tls => Sent::No,
        _ => Sent::Maybe,
    };
    Event::Unreachable { fault, sent }
}

pub(super) fn stored(session: &Session) -> Box<Stored> {
    Box::new(Stored { session: session.clone(), intent: None })
}

pub(super) fn found(session: &Session) -> Event {
    Event::Loaded(Loaded::Found(stored(session)))
}

/// The session `NAME`, whose refresh token somebody set out to redeem and did not report on.
pub(super) fn found_interrupted(session: &Session) -> Event {
    let intent = session.tokens.refresh.as_ref().map(Digest::of);
    Event::Loaded(Loaded::Found(Box::new(Stored { session: session.clone(), intent })))
}

pub(super) fn nothing() -> Event {
    Event::Loaded(Loaded::None)
}

pub(super) fn conflict(session: &Session) -> Event {
    Event::Conflict(Some(stored(session)))
}

pub(super) fn store_fault(kind: StoreFaultKind) -> StoreFault {
    StoreFault { kind, path: Foreign::default() }
}

pub(super) fn full() -> StoreFault {
    StoreFault { kind: StoreFaultKind::Full, path: Foreign::from("/home/a/.cache") }
}

/// A fault that does not pass.
pub(super) fn denied() -> StoreFault {
    StoreFault { kind: StoreFaultKind::Denied, path: Foreign::from("/home/a/.cache") }
}

pub(super) fn timed_out() -> Error {
    Trouble::Unreachable(TransportFault::Timeout).into()
}

pub(super) fn status(status: u16, detail: &str) -> Error {
    Trouble::Status { status, detail: Foreign::from(detail), retry_after: None }.into()
}

/// A person's answer, with the password that is called so.
pub(super) fn password(username: &str, password: &str) -> Event {
    typed(username, secret(password))
}

pub(super) fn typed(username: &str, password: Secret) -> Event {
    Event::Answer(Answer::Password { username: Foreign::from(username), password })
}
