//! A site that is called in clear over a network.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use auth_core::error::Policy;
use auth_core::ports::{Change, Dismiss, Prompt, SiteEntry, Store as _, Transport, Unreachable};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret};
use auth_native::nonblocking::Threaded;
use auth_native::shotgun::{Expired, Program, ScriptUser, User};
use auth_native::{blocking, nonblocking};
use auth_store::MemoryStore;
use canary::plant;

/// What takes longer has gone wrong.
const LONG: Duration = Duration::from_mins(1);

/// Keeps what it is told, and how many requests with a key had been sent then.
#[derive(Default)]
struct Told {
    notices: Mutex<Vec<(Notice, usize)>>,
    sent: Arc<AtomicUsize>,
    /// What telling takes.
    takes: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

impl Told {
    fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().unwrap()).into_iter().map(|(notice, _)| notice).collect()
    }
}

impl Prompt for Told {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, notice: &Notice) {
        if let Some(takes) = &mut *self.takes.lock().unwrap() {
            takes();
        }
        self.notices.lock().unwrap().push((notice.clone(), self.sent.load(Ordering::SeqCst)));
    }
}

/// A site that nobody can reach from here.
struct Studio(Arc<AtomicUsize>);

impl Transport for Studio {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let is_info = request.content().is_some_and(|body| body.expose().contains("\"info\""));
        // What a site is, it is asked by nobody in particular.
        self.0.fetch_add(usize::from(!is_info), Ordering::SeqCst);
        let body = if is_info { r#"{"version":[8,60,0]}"# } else { r#"{"results":{"entities":[]}}"# };
        Ok(Response::new(200, [("content-type", "application/json")], body))
    }
}

/// A site in clear that others than this machine may listen to.
fn site() -> Site {
    "http://studio.example".parse().unwrap()
}

fn program(allow: bool, told: &Arc<Told>, store: &Arc<MemoryStore>) -> blocking::shotgun::Authenticator {
    blocking::Authenticator::builder()
        .store(store.clone())
        .prompt(told.clone())
        .transport(Arc::new(Studio(told.sent.clone())))
        .allow_http(allow)
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap()
}

fn robot() -> User {
    User::Script(ScriptUser::new(site(), "robot", Secret::from(plant("key"))))
}

fn refusal() -> AuthError {
    Policy::PlainHttp(site().origin().clone()).into()
}

fn warning() -> Notice {
    Notice::PlainHttp(site().origin().clone())
}

#[test]
fn what_each_call_risks_is_told_once_for_each_connection_n1() {
    let told = Arc::default();
    let refused = program(false, &told, &Arc::default()).connect(robot()).resolve_entity().unwrap_err();
    assert_eq!((refused.as_auth(), told.take()), (Some(&refusal()), vec![]));
    let auth = program(true, &told, &Arc::default());
    for _ in 0..2 {
        let connection = auth.connect(robot());
        for _ in 0..3 {
            assert_eq!(connection.resolve_entity(), Ok(None));
            assert_eq!(connection.are_credentials_expired(), Expired::No);
        }
        assert_eq!(told.take(), [warning()]);
    }
}

#[test]
fn what_is_allowed_by_another_program_after_a_refusal_is_told_too_n1() {
    let (told, store) = (Arc::default(), Arc::default());
    let connection = program(false, &told, &store).connect(robot());
    let find = || connection.call("read", None);
    assert_eq!((find().unwrap_err().as_auth(), told.take()), (Some(&refusal()), vec![]));
    let key = site().key("ada").unwrap();
    let entry = SiteEntry { key, user: Some("ada".into()), allow_http: true, method: None, pages: None };
    store.apply(&Change::Prefer(entry)).unwrap();
    find().unwrap();
    assert_eq!(told.take(), [warning()]);
    find().unwrap();
    assert_eq!(told.take(), []);
}

#[test]
fn nothing_is_sent_by_any_thread_before_the_person_has_been_told_n1() {
    let told: Arc<Told> = Arc::default();
    *told.takes.lock().unwrap() = Some(Box::new(|| (0..10_000).for_each(|_| thread::yield_now())));
    let connection = program(true, &told, &Arc::default()).connect(robot());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| connection.resolve_entity().unwrap());
        }
    });
    assert_eq!(*told.notices.lock().unwrap(), [(warning(), 0)]);
}

#[test]
fn a_call_that_was_dropped_while_the_person_was_told_has_told_nobody_n1() {
    let told: Arc<Told> = Arc::default();
    let (starts, started) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    *told.takes.lock().unwrap() = Some(Box::new(move || {
        starts.send(()).unwrap();
        goes.recv_timeout(LONG).unwrap();
    }));
    let auth = nonblocking::Authenticator::builder()
        .store(Arc::new(MemoryStore::new()))
        .prompt(Arc::new(Threaded::new(told.clone())))
        .transport(Arc::new(Threaded::new(Arc::new(Studio(told.sent.clone())))))
        .allow_http(true)
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = Arc::new(auth.connect(robot()));
        let resolves = |connection: &Arc<nonblocking::shotgun::Connection>| {
            let connection = Arc::clone(connection);
            tokio::spawn(async move { connection.resolve_entity().await })
        };
        let first = resolves(&connection);
        let started = tokio::task::spawn_blocking(move || started.recv_timeout(LONG).map(|()| started)).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let second = resolves(&connection);
        go.send(()).unwrap();
        let _started =
            tokio::task::spawn_blocking(move || started.unwrap().map(|started| started.recv_timeout(LONG)));
        go.send(()).unwrap();
        assert_eq!(second.await.unwrap(), Ok(None));
    });
    let notices = std::mem::take(&mut *told.notices.lock().unwrap());
    assert_eq!(notices, [(warning(), 0), (warning(), 0)]);
}
