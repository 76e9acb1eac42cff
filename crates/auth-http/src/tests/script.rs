//! A flow that follows a script and remembers what it was given, and ports that do as they are told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use auth_core::Foreign;
use auth_core::error::Misuse;
use auth_core::flow::{Event, Held, Machine, Outcome, Pending, Resource, Step};
use auth_core::ports::{
    Applied, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store, Transport,
    Unreachable,
};
use auth_core::time::{Now, Tick, Timestamp};
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Notice, PromptFault, ProviderQuestion, Question};
use auth_core::{error::StoreFault, session::Generation};

use super::super::Driver;

/// How long a test waits for what must come.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// One line of a script.
#[derive(Clone)]
pub(super) enum Line {
    /// Take this step.
    Do(Step<Vec<Event>>),
    /// Take it, and from now on until something is saved do not be interrupted.
    Redeem(Step<Vec<Event>>),
    /// Close what was opened first of what is open.
    Close,
    /// End, whatever is open.
    Leave,
    /// Refuse the event.
    Refuse,
    /// Fall over.
    Panic,
}

/// The flow. Its value is every event it was given. After a cancel it closes what is open and ends well.
#[derive(Clone)]
pub(super) struct Script {
    pending: Pending,
    lines: VecDeque<Line>,
    seen: Vec<Event>,
    open: VecDeque<Held>,
    redeeming: bool,
    deaf: bool,
    suspends: bool,
}

impl Script {
    /// Goes on after a cancel as if nothing had happened.
    pub(super) fn deaf(self) -> Self {
        Self { deaf: true, ..self }
    }

    /// Its questions may be suspended.
    pub(super) fn suspends(self, suspends: bool) -> Self {
        Self { suspends, ..self }
    }
}

pub(super) fn script(lines: impl IntoIterator<Item = Line>) -> Script {
    Script {
        pending: Pending::default(),
        lines: lines.into_iter().collect(),
        seen: Vec::new(),
        open: VecDeque::new(),
        redeeming: false,
        deaf: false,
        suspends: false,
    }
}

impl Machine for Script {
    type Output = Vec<Event>;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        self.redeeming
    }

    fn can_suspend(&self) -> bool {
        self.suspends
    }

    fn advance(&mut self, _: Now, event: Event) -> Result<Step<Vec<Event>>, Misuse> {
        match &event {
            Event::Opened(held) => self.open.push_back(*held),
            Event::Applied => self.redeeming = false,
            Event::Cancel if !self.deaf => self.lines.clear(),
            _ => {}
        }
        self.seen.push(event);
        Ok(match self.lines.pop_front() {
            Some(Line::Do(step)) => step,
            Some(Line::Redeem(step)) => {
                self.redeeming = true;
                step
            }
            Some(Line::Refuse) => return Err(Misuse::BadAnswer),
            Some(Line::Panic) => panic!("the script says so"),
            Some(Line::Leave) => Step::Done(Ok(Outcome::clean(self.seen.clone()))),
            Some(Line::Close) | None => match self.open.pop_front() {
                Some(held) => Step::Close(held),
                None => Step::Done(Ok(Outcome::clean(self.seen.clone()))),
            },
        })
    }
}

pub(super) fn key() -> Key {
    Key { site: "http://127.0.0.1:1/api/v1/".to_owned(), slot: String::new() }
}

pub(super) fn site() -> SiteEntry {
    SiteEntry { key: key(), user: None, allow_http: false, method: None, pages: None }
}

pub(super) fn send() -> Step<Vec<Event>> {
    Step::Send(Request::get("http://127.0.0.1:1/".parse().unwrap()))
}

pub(super) fn ask() -> Step<Vec<Event>> {
    let origin = "http://127.0.0.1:1/".parse::<auth_core::site::Url>().unwrap().origin().clone();
    Step::Ask(Question::Provider(ProviderQuestion { origin, providers: vec![Foreign::from("a")] }))
}

pub(super) fn tell() -> Step<Vec<Event>> {
    Step::Tell(Notice::Confirmation(Foreign::from("hello")))
}

pub(super) fn load() -> Step<Vec<Event>> {
    Step::Load(key())
}

pub(super) fn apply() -> Step<Vec<Event>> {
    Step::Apply(Change::Prefer(site()))
}

pub(super) fn clear(generation: Generation) -> Step<Vec<Event>> {
    Step::Apply(Change::ClearIf { key: key(), generation })
}

pub(super) fn lock(wait: bool) -> Step<Vec<Event>> {
    Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: key() }, wait }
}

type Port<In, Out> = Box<dyn Fn(In) -> Out + Send + Sync>;

/// All ports. Each does what its closure says; what is not set answers at once and well.
pub(super) struct Ports {
    pub(super) clock: Arc<HandClock>,
    pub(super) send: Port<Request, Result<Response, Unreachable>>,
    pub(super) ask: Port<Dismiss, Result<Answer, PromptFault>>,
    pub(super) tell: Port<Notice, ()>,
    pub(super) load: Port<Key, Result<Loaded, StoreFault>>,
    pub(super) apply: Port<Change, Result<Applied, StoreFault>>,
    pub(super) lock: Port<Duration, Result<Locking, StoreFault>>,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            clock: Arc::default(),
            send: Box::new(|_| Ok(Response::new(200, [], "ok"))),
            ask: Box::new(|_| Ok(Answer::Provider(0))),
            tell: Box::new(|_| ()),
            load: Box::new(|_| Ok(Loaded::None)),
            apply: Box::new(|_| Ok(Applied::Done)),
            lock: Box::new(|_| Ok(Locking::Held(Box::new(())))),
        }
    }
}

impl Ports {
    pub(super) fn driver(self) -> Driver {
        let clock = Arc::clone(&self.clock);
        self.driver_with(clock)
    }

    pub(super) fn driver_with(self, clock: Arc<dyn Clock>) -> Driver {
        let ports = Arc::new(self);
        Driver::new(Arc::clone(&ports) as _, Arc::clone(&ports) as _, ports, clock)
    }
}

impl Transport for Ports {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        (self.send)(request.clone())
    }
}

impl Prompt for Ports {
    fn ask(&self, _: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        (self.ask)(dismissed.clone())
    }

    fn tell(&self, notice: &Notice) {
        (self.tell)(notice.clone());
    }
}

impl Store for Ports {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        (self.load)(key.clone())
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        (self.apply)(change.clone())
    }

    fn lock(&self, _: LockKind, _: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        (self.lock)(wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        Ok(vec![site()])
    }
}

/// A clock that stands still until it is turned.
#[derive(Default)]
pub(super) struct HandClock(AtomicU64);

impl HandClock {
    pub(super) fn forward(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Now {
        Now { tick: Tick(self.0.load(Ordering::SeqCst)), wall: Timestamp(0) }
    }

    fn turn(&self, until: Tick) -> bool {
        self.0.fetch_max(until.0, Ordering::SeqCst);
        true
    }
}

/// Opens once, and lets everybody through from then on.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(super) fn is_open(&self) -> bool {
        *self.0.0.lock().unwrap()
    }

    /// True once it is open, false if that took too long.
    pub(super) fn pass(&self) -> bool {
        self.pass_within(SOON)
    }

    pub(super) fn pass_within(&self, time: Duration) -> bool {
        let (open, opened) = &*self.0;
        let (open, _) = opened.wait_timeout_while(open.lock().unwrap(), time, |open| !*open).unwrap();
        *open
    }
}

/// Opens its gate when it is dropped.
pub(super) struct OnDrop(pub(super) Gate);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}
