//! A process that is stopped, as by Ctrl-Z, in the middle of a renewal, with the lock.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auth_native::error::{AuthError, StoreFault, StoreFaultKind};
use auth_native::ports::{
    Applied, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store,
};
use auth_native::{
    Answer, Error, Holder, LoginOptions, Notice, Outcome, PromptFault, Question, Renewed, Secret,
    TiledDirectory, Warning, blocking, nonblocking,
};
use auth_sandbox::{RefreshRule, Server, SiteClock, TiledSite};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);
/// An access token lives 15 minutes. After more than a minute of waiting this one still lasts, though not as long as is
/// needed.
const TOO_SHORT: Duration = Duration::from_mins(10);
const NEED: Duration = Duration::from_mins(7);
const OVER: Duration = Duration::from_secs(15 * 60 + 1);
/// Longer than anybody waits for a lock.
const LONGER: Duration = Duration::from_secs(76);

/// A process. It is killed if the test fails while it is stopped.
struct Client(Child);

impl Client {
    fn start(home: &TempDir, url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_renewal_client"));
        command.arg(url).env_clear().env("HOME", home.path()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Returns once it has stopped.
    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    fn end(mut self) -> (bool, String) {
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().success(), said)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// Somebody who is told for whom we wait.
#[derive(Default)]
struct Listener(Mutex<Vec<Holder>>);

impl Prompt for Listener {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Waiting(holder) = notice {
            self.0.lock().unwrap().push(holder.clone());
        }
    }
}

/// A store where more time than anybody has passes while a lock is waited for.
struct Slow {
    below: TiledDirectory,
    clock: SiteClock,
}

impl Store for Slow {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.below.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        self.below.apply(change)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        if !wait.is_zero() {
            self.clock.advance(LONGER);
        }
        self.below.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.below.sites()
    }
}

struct World {
    server: Server,
    home: TempDir,
    store: TiledDirectory,
}

impl World {
    /// Somebody has just signed in; each refresh token is good once.
    fn new() -> Self {
        canary::listen();
        let mut site = TiledSite::demo([7; 32]);
        site.config.refresh_rule = RefreshRule::SingleUse;
        let password = canary::plant("the password of demo");
        site.config.users[0].password = password.as_str().into();
        let server = Server::start(site, SiteClock::running()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let store = TiledDirectory::new(
            home.path().join(".cache/tiled"),
            home.path().join(".local/state/auth-native"),
        );
        let world = Self { server, home, store };
        let options = LoginOptions {
            username: Some("demo".into()),
            password: Some(Secret::from(password)),
            ..LoginOptions::default()
        };
        let auth = blocking::Authenticator::builder().store(Arc::new(world.store.clone())).never_ask();
        auth.ignore_environment_key().build().unwrap().login(&world.url(), options).unwrap();
        world
    }

    fn url(&self) -> String {
        self.server.url().origin().to_string()
    }

    fn key(&self) -> Key {
        self.store.sites().unwrap().remove(0).key
    }

    /// What a program gets to which the session is so old, and who it was told has the lock.
    fn token(&self, age: Duration, driver: Driver) -> (Result<Outcome<Renewed>, Error>, Vec<Option<u32>>) {
        let need = (age == TOO_SHORT).then_some(NEED);
        let clock = SiteClock::running();
        clock.advance(age);
        let listener = Arc::new(Listener::default());
        let store: Arc<dyn Store> = Arc::new(Slow { below: self.store.clone(), clock: clock.clone() });
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let got = match driver {
            Driver::Blocking => {
                let prompt: Arc<dyn Prompt> = Arc::clone(&listener) as _;
                let auth = blocking::Authenticator::builder().store(store).clock(clock).prompt(prompt);
                auth.ignore_environment_key().build().unwrap().token(&self.url(), need)
            }
            Driver::Async => {
                let prompt = Arc::new(nonblocking::Threaded::new(Arc::clone(&listener)));
                let auth = nonblocking::Authenticator::builder().store(store).clock(clock).prompt(prompt);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let auth = auth.ignore_environment_key().build().unwrap();
                runtime.block_on(auth.token(&self.url(), need))
            }
        };
        let told = listener.0.lock().unwrap().iter().map(|holder| holder.pid).collect();
        (got, told)
    }

    fn access(&self) -> Option<Secret> {
        let Loaded::Found(stored) = self.store.load(&self.key()).unwrap() else { return None };
        stored.session.tokens.access
    }

    /// True once somebody has noted that they redeem the token, and has reached the server.
    fn is_redeeming(&self, connections: u64) -> bool {
        let Loaded::Found(stored) = self.store.load(&self.key()).unwrap() else { return false };
        stored.intent.is_some() && self.server.connections() > connections
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Driver {
    Blocking,
    Async,
}

#[test]
fn while_the_holder_of_the_lock_is_stopped_nobody_else_redeems_and_afterwards_all_is_well_h15_f7() {
    let world = World::new();
    let before = world.access();
    assert!(before.is_some());
    let connections = world.server.connections();

    // While the site is held it answers nobody.
    let site = world.server.site();
    let held = site.lock().unwrap();
    let client = Client::start(&world.home, &world.url());
    let begun = Instant::now();
    while !world.is_redeeming(connections) {
        assert!(begun.elapsed() < SOON, "it did not come that far");
        std::thread::yield_now();
    }
    client.stop();
    let holder = u32::try_from(client.pid().as_raw_nonzero().get()).unwrap();
    let lock = world.store.lock(LockKind::Renewal, &world.key(), Duration::ZERO).unwrap();
    assert!(matches!(&lock, Locking::Busy(busy) if busy.pid == Some(holder)), "{lock:?}");

    let is_kept = |error: &AuthError| matches!(error, AuthError::Store(fault) if matches!(fault.kind, StoreFaultKind::Locked(_)));
    let reached = world.server.connections();
    for driver in [Driver::Blocking, Driver::Async] {
        // With a while to go when the wait is over.
        let (got, told) = world.token(TOO_SHORT, driver);
        let got = got.unwrap();
        assert_eq!(got.value.session.tokens.access, before, "{driver:?}");
        assert!(
            matches!(&got.warnings[..], [Warning::NotRenewed(error)] if is_kept(error)),
            "{:?}",
            got.warnings
        );
        assert_eq!(told, [Some(holder)], "{driver:?}");

        // Over.
        let (got, told) = world.token(OVER, driver);
        let error = got.unwrap_err();
        assert!(error.as_auth().is_some_and(is_kept), "{error}");
        assert_eq!(told, [Some(holder)], "{driver:?}");
    }
    assert_eq!(world.server.connections(), reached, "nobody else went there");
    assert_eq!(held.counters().refreshes, 0);
    assert_eq!(world.access(), before);

    client.go_on();
    drop(held);
    assert_eq!(client.end(), (true, "renewed\n".to_owned()));
    let counters = site.lock().unwrap().counters();
    assert_eq!((counters.refreshes, counters.replays), (1, 0));
    assert_ne!(world.access(), before);
    // Those who waited too long and got the lock then gave it back at once.
    let lock = world.store.lock(LockKind::Renewal, &world.key(), SOON).unwrap();
    assert!(matches!(lock, Locking::Held(_)), "{lock:?}");
    drop(lock);
    for driver in [Driver::Blocking, Driver::Async] {
        let (got, told) = world.token(Duration::ZERO, driver);
        let got = got.unwrap();
        assert_eq!((got.value.session.tokens.access, got.warnings, told), (world.access(), vec![], vec![]));
    }
    assert_eq!(site.lock().unwrap().counters().refreshes, 1);
}

#[test]
fn a_holder_of_the_lock_that_is_killed_while_it_is_stopped_frees_it_f7() {
    let world = World::new();
    let connections = world.server.connections();
    let site = world.server.site();
    let held = site.lock().unwrap();
    let mut client = Client::start(&world.home, &world.url());
    let begun = Instant::now();
    while !world.is_redeeming(connections) {
        assert!(begun.elapsed() < SOON, "it did not come that far");
        std::thread::yield_now();
    }
    client.stop();
    client.0.kill().unwrap();
    client.0.wait().unwrap();
    let lock = world.store.lock(LockKind::Renewal, &world.key(), Duration::ZERO).unwrap();
    assert!(matches!(lock, Locking::Held(_)), "{lock:?}");
    drop((lock, held));
}
