//! Parts that fall over in the middle of what several callers wait for: nobody waits for ever, and what can go on does.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;

use auth_core::error::{StoreFault, Trouble};
use auth_core::flow::{LoginOptions, Warning};
use auth_core::ports::{
    Applied, Asked, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store,
    Transport, Unreachable,
};
use auth_core::time::Now;
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret};

use super::rig::{LIFE, Rig, URL, secret};
use super::subject::{Authenticator, Connection};
use crate::{Error, SessionEvent};

/// Those who come while the first is at it.
pub(super) const OTHERS: usize = 8;
/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);

/// Nothing is written about it.
fn fall_over() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// Keeps the first that passes until the others have come.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    armed: bool,
    is_in: bool,
    others: usize,
}

impl Gate {
    fn arm(&self) {
        *self.state.lock().unwrap() = GateState { armed: true, ..GateState::default() };
    }

    /// True for the first, once the others have come.
    fn pass(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        if !core::mem::take(&mut state.armed) {
            return false;
        }
        state.is_in = true;
        self.changed.notify_all();
        let (state, over) =
            self.changed.wait_timeout_while(state, SOON, |state| state.others < OTHERS).unwrap();
        assert!(!over.timed_out(), "nobody came");
        drop(state);
        // Most of them wait by now. Whoever does not yet is served too.
        (0..500).for_each(|_| thread::yield_now());
        true
    }

    fn wait_for_the_first(&self) {
        let state = self.state.lock().unwrap();
        let (_state, over) = self.changed.wait_timeout_while(state, SOON, |state| !state.is_in).unwrap();
        assert!(!over.timed_out(), "the first did not come");
    }

    pub(super) fn is_passed(&self) -> bool {
        self.state.lock().unwrap().is_in
    }

    pub(super) fn come(&self) {
        self.state.lock().unwrap().others += 1;
        self.changed.notify_all();
    }
}

/// All parts, each of which falls over where it is told to.
#[derive(Default)]
pub(super) struct Falls {
    pub(super) rig: Rig,
    pub(super) gate: Gate,
    /// In the middle of sending a refresh token, before it is sent.
    transport: AtomicBool,
    /// In whatever thread it is read next, or in one called `first`, once the first was at the lock.
    clock: AtomicBool,
    any_thread: AtomicBool,
    /// At this call, counted from 1.
    store: AtomicUsize,
    prompt: AtomicBool,
    gate_at_lock: AtomicBool,
    clock_is_due: AtomicBool,
}

impl Transport for Falls {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let is_renewal = request.url.path().ends_with("/session/refresh");
        if is_renewal && self.transport.load(Ordering::SeqCst) && self.gate.pass() {
            fall_over();
        }
        self.rig.site.send(request)
    }
}

impl Clock for Falls {
    fn now(&self) -> Now {
        let is_first = self.any_thread.load(Ordering::SeqCst) || thread::current().name() == Some("first");
        if is_first && self.clock_is_due.swap(false, Ordering::SeqCst) {
            fall_over();
        }
        self.rig.clock.now()
    }
}

impl Falls {
    fn count(&self) {
        let left = self.store.load(Ordering::SeqCst);
        if left > 0 && self.store.fetch_sub(1, Ordering::SeqCst) == 1 {
            fall_over();
        }
    }
}

impl Store for Falls {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.count();
        self.rig.store.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        self.count();
        self.rig.store.apply(change)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.count();
        let locked = self.rig.store.lock(kind, key, wait);
        if self.gate_at_lock.load(Ordering::SeqCst) && self.gate.pass() {
            self.clock_is_due.store(self.clock.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        locked
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.rig.store.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.count();
        self.rig.store.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.count();
        self.rig.store.note_asked(key, asked)
    }
}

impl Prompt for Falls {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        if self.prompt.load(Ordering::SeqCst) {
            fall_over();
        }
        self.rig.person.ask(question, dismissed)
    }

    fn tell(&self, notice: &Notice) {
        if self.prompt.load(Ordering::SeqCst) {
            fall_over();
        }
        self.rig.person.tell(notice);
    }
}

/// What came of a call: nothing if it fell over.
type End = Option<Result<Secret, Error>>;

impl Falls {
    fn connected() -> (Arc<Self>, Arc<Connection>) {
        let parts = Arc::new(Self::default());
        let auth = parts.auth();
        parts.rig.person.answers("alice", "sesame");
        let connection = Arc::new(auth.connect(URL).unwrap());
        parts.rig.site.log();
        (parts, connection)
    }

    fn auth(self: &Arc<Self>) -> Authenticator {
        Authenticator::builder()
            .transport(Arc::clone(self) as Arc<dyn Transport>)
            .prompt(Arc::clone(self) as Arc<dyn Prompt>)
            .clock(Arc::clone(self) as Arc<dyn Clock>)
            .store(Arc::clone(self) as Arc<dyn Store>)
            .ignore_environment_key()
            .build()
            .unwrap()
    }

    /// The first at the lock waits there for the others; then the clock falls over, or not: in the thread called
    /// `first`, or in any.
    pub(super) fn fall_at_the_lock(&self, falls: bool, any_thread: bool) {
        self.gate.arm();
        self.gate_at_lock.store(true, Ordering::SeqCst);
        self.clock.store(falls, Ordering::SeqCst);
        self.any_thread.store(any_thread, Ordering::SeqCst);
    }

    pub(super) fn refreshes(&self) -> usize {
        let log = self.rig.site.log();
        log.iter().filter(|line| line.starts_with("POST") && line.contains("/session/refresh")).count()
    }
}

/// Somebody wants a token, on a thread of this name.
fn want(
    name: &str,
    connection: &Arc<Connection>,
    before: impl FnOnce() + Send + 'static,
) -> mpsc::Receiver<End> {
    let (tell, hear) = mpsc::channel();
    let connection = Arc::clone(connection);
    let work = move || {
        before();
        let end = catch_unwind(AssertUnwindSafe(|| connection.token(None))).ok();
        let _ = tell.send(end);
    };
    thread::Builder::new().name(name.to_owned()).spawn(work).unwrap();
    hear
}

/// The first is at it when the others come. Nobody waits for ever.
fn first_and_others(parts: &Arc<Falls>, connection: &Arc<Connection>) -> (End, Vec<End>) {
    parts.gate.arm();
    let first = want("first", connection, || ());
    parts.gate.wait_for_the_first();
    let others: Vec<_> = (0..OTHERS)
        .map(|_| {
            let parts = Arc::clone(parts);
            want("other", connection, move || parts.gate.come())
        })
        .collect();
    let end = |hear: mpsc::Receiver<End>| hear.recv_timeout(SOON).expect("somebody waits for ever");
    (end(first), others.into_iter().map(end).collect())
}

/// So many at once, with nobody at it.
fn all_at_once(connection: &Arc<Connection>) -> Vec<End> {
    let all: Vec<_> = (0..OTHERS).map(|_| want("caller", connection, || ())).collect();
    all.into_iter().map(|hear| hear.recv_timeout(SOON).expect("somebody waits for ever")).collect()
}

fn is_token(end: &End, name: &str) -> bool {
    matches!(end, Some(Ok(token)) if *token == secret(name))
}

#[test]
fn a_leader_that_falls_over_is_replaced_and_the_others_are_served_h15() {
    let (parts, connection) = Falls::connected();
    parts.rig.clock.turn(LIFE);
    parts.fall_at_the_lock(true, false);
    let (first, others) = first_and_others(&parts, &connection);
    assert!(parts.gate.is_passed());
    assert!(first.is_none(), "{first:?}");
    assert!(others.iter().all(|end| is_token(end, "access-2")), "{others:?}");
    assert_eq!(parts.refreshes(), 1);
    // Whoever fell over can come again.
    assert_eq!(connection.token(None).unwrap(), secret("access-2"));
}

#[test]
fn a_transport_that_falls_over_is_an_answer_that_did_not_come_h15() {
    let (parts, connection) = Falls::connected();
    parts.rig.clock.turn(LIFE);
    parts.transport.store(true, Ordering::SeqCst);
    let (first, others) = first_and_others(&parts, &connection);
    // It may have been sent: those who waited are told so, and nothing is sent again for them. Whoever came later has
    // sent it.
    let is_unreachable =
        |end: &End| matches!(end, Some(Err(Error::Auth(AuthError::Transient(Trouble::Unreachable(_))))));
    assert!(is_unreachable(&first), "{first:?}");
    assert!(others.iter().all(|end| is_unreachable(end) || is_token(end, "access-2")), "{others:?}");
    assert!(parts.refreshes() <= 1);
    // With the next call all is well.
    let again = all_at_once(&connection);
    assert!(again.iter().all(|end| is_token(end, "access-2")), "{again:?}");
    assert!(parts.refreshes() <= 1);
}

#[test]
fn a_transport_that_falls_over_costs_no_session_that_still_lasts_h17() {
    let (parts, connection) = Falls::connected();
    parts.rig.clock.turn(LIFE.checked_sub(Duration::from_secs(30)).unwrap());
    parts.transport.store(true, Ordering::SeqCst);
    let (first, others) = first_and_others(&parts, &connection);
    assert!(is_token(&first, "access-1"), "{first:?}");
    let is_good = |end: &End| is_token(end, "access-1") || is_token(end, "access-2");
    assert!(others.iter().all(is_good), "{others:?}");
    assert!(parts.refreshes() <= 1);
}

#[test]
fn a_store_that_falls_over_at_any_call_keeps_nobody_waiting_h17() {
    // A renewal looks, locks, looks, notes and saves.
    for at in 1..=6 {
        let (parts, connection) = Falls::connected();
        parts.rig.clock.turn(LIFE);
        parts.store.store(at, Ordering::SeqCst);
        let ends = all_at_once(&connection);
        assert!(ends.iter().all(Option::is_some), "at {at}: {ends:?}");
        parts.store.store(0, Ordering::SeqCst);
        let again = all_at_once(&connection);
        assert!(again.iter().all(|end| is_token(end, "access-2")), "at {at}: {again:?}");
        assert_eq!(parts.refreshes(), 1, "at {at}");
    }
}

#[test]
fn a_prompt_that_falls_over_keeps_nobody_waiting() {
    let (parts, connection) = Falls::connected();
    parts.rig.site.forget_everybody();
    parts.rig.clock.turn(LIFE);
    parts.prompt.store(true, Ordering::SeqCst);
    let ends = all_at_once(&connection);
    assert!(ends.iter().all(|end| matches!(end, Some(Err(_)))), "{ends:?}");
    parts.prompt.store(false, Ordering::SeqCst);
    // One answer: whoever asked a second time would have none.
    parts.rig.person.answers("alice", "sesame");
    let again = all_at_once(&connection);
    assert!(again.iter().all(|end| is_token(end, "access-2")), "{again:?}");
}

#[test]
fn a_subscriber_that_panics_is_a_warning_and_fails_no_call() {
    let (parts, connection) = Falls::connected();
    parts.rig.clock.turn(LIFE);
    let falls = AtomicBool::new(true);
    let subscription = connection.subscribe(move |event| {
        if *event == SessionEvent::Changed && falls.swap(false, Ordering::SeqCst) {
            fall_over();
        }
    });
    let ends = all_at_once(&connection);
    assert!(ends.iter().all(|end| is_token(end, "access-2")), "{ends:?}");
    assert_eq!(parts.refreshes(), 1);
    assert_eq!(connection.warnings(), [Warning::Callback("a session subscriber")]);
    assert_eq!(connection.warnings(), []);
    let again = all_at_once(&connection);
    assert!(again.iter().all(|end| is_token(end, "access-2")), "{again:?}");
    drop(subscription);
}

#[test]
fn a_sign_in_whose_parts_fall_over_gives_every_lock_back() {
    let (parts, connection) = Falls::connected();
    parts.prompt.store(true, Ordering::SeqCst);
    assert!(parts.auth().login(URL, LoginOptions::default()).is_err());
    for kind in [LockKind::Prompt, LockKind::Renewal] {
        let lock = parts.rig.store.lock(kind, &connection.uri().key(), Duration::ZERO).unwrap();
        assert!(matches!(lock, Locking::Held(_)), "{kind:?}");
    }
}
