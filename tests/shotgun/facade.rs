//! The same by the facade: users and connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::flow::Warning;
use auth_core::ports::{
    Applied, Asked, Change, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store,
};
use auth_core::shotgun::{ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_native::shotgun::{Expired, LoginOptions, Program, ScriptUser, User};
use auth_native::{Error, blocking};
use auth_sandbox::{Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;
use serde_json::json;

#[derive(Default)]
struct Ada {
    asked: AtomicU32,
    suggested: std::sync::Mutex<Option<Foreign>>,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let question = match question {
            Question::Password(question) => question,
            Question::Method(question) => {
                let by_password =
                    question.methods.iter().position(|method| *method == SignInMethod::Password);
                return Ok(Answer::Method(by_password.unwrap()));
            }
            _ => return Err(PromptFault::Cancelled),
        };
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.suggested.lock().unwrap().clone_from(&question.suggested);
        let username = question.username.clone().unwrap_or_else(|| "ada".into());
        Ok(Answer::Password { username, password: Secret::from(plant("ada's password")) })
    }

    fn tell(&self, _: &Notice) {}
}

struct World {
    server: Server<ShotgunSite>,
    ada: Arc<Ada>,
    auth: blocking::shotgun::Authenticator,
}

impl World {
    fn new() -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            scripts: vec![Script::new("robot", plant("key"))],
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let ada = Arc::new(Ada::default());
        let auth = blocking::Authenticator::builder()
            .store(Arc::new(MemoryStore::new()))
            .prompt(ada.clone())
            .clock(Arc::new(server.clock().clone()))
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap();
        Self { server, ada, auth }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn asked(&self) -> u32 {
        self.ada.asked.load(Ordering::SeqCst)
    }

    fn logins(&self) -> u64 {
        self.server.site().lock().unwrap().counters().logins
    }
}

#[test]
fn a_user_is_asked_for_once_and_stays_suggested_after_signing_out() {
    let world = World::new();
    assert_eq!(world.auth.default_user(&world.site()).unwrap(), None);
    let user = world.auth.user(&world.site()).unwrap().value;
    assert_eq!((user.to_string().as_str(), world.asked()), ("ada", 1));
    assert_eq!(world.auth.user(&world.site()).unwrap().value, user);
    assert_eq!(world.auth.default_user(&world.site()).unwrap(), Some(user.clone()));
    assert_eq!(world.auth.recent_sites().unwrap(), [world.site()]);
    assert_eq!(world.asked(), 1);
    assert_eq!(world.auth.clear_default_user(&world.site()).unwrap(), Some(user));
    assert_eq!(world.auth.default_user(&world.site()).unwrap(), None);
    world.auth.user(&world.site()).unwrap();
    assert_eq!(world.asked(), 2);
    assert_eq!(*world.ada.suggested.lock().unwrap(), Some("ada".into()));
}

#[test]
fn a_session_that_has_ended_is_replaced_once_for_all_threads() {
    let world = World::new();
    let user = world.auth.user(&world.site()).unwrap().value;
    let connection = world.auth.connect(user.clone());
    let entity = connection.resolve_entity().unwrap().unwrap();
    assert_eq!(entity["type"], json!("HumanUser"));
    assert_eq!(connection.are_credentials_expired(), Expired::No);
    world.server.clock().advance(Duration::from_hours(24 * 365));
    assert_eq!(connection.are_credentials_expired(), Expired::Yes);
    assert_eq!((world.asked(), world.logins()), (1, 1));
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| connection.resolve_entity().unwrap().unwrap());
        }
    });
    assert_eq!((world.asked(), world.logins()), (2, 2));
    assert_ne!(connection.user(), user);
    // Another connection of the old user finds what is kept.
    let other = world.auth.connect(user);
    other.refresh_credentials().unwrap();
    assert_eq!((world.asked(), world.logins()), (2, 2));
    assert_eq!(other.user(), connection.user());
}

#[test]
fn a_script_calls_under_its_key_and_never_expires() {
    let world = World::new();
    let script = ScriptUser::new(world.site(), "robot", Secret::from(plant("key")));
    let connection = world.auth.connect(User::Script(script));
    assert_eq!(connection.resolve_entity().unwrap().unwrap()["type"], json!("ApiUser"));
    assert_eq!(connection.are_credentials_expired(), Expired::No);
    connection.refresh_credentials().unwrap();
    assert_eq!((world.asked(), connection.user().login()), (0, None));
}

#[test]
fn who_cannot_be_reached_says_nothing_of_a_session() {
    let world = World::new();
    let user = world.auth.user(&world.site()).unwrap().value;
    let connection = world.auth.connect(user);
    drop(world.server);
    assert!(matches!(connection.are_credentials_expired(), Expired::Unknown(_)));
}

#[test]
fn a_given_password_asks_nobody() {
    let world = World::new();
    let options = LoginOptions {
        username: Some("ada".into()),
        password: Some(Secret::from(plant("ada's password"))),
        ..LoginOptions::default()
    };
    assert_eq!(world.auth.login(&world.site(), options).unwrap().value.to_string(), "ada");
    assert_eq!(world.asked(), 0);
}

/// A store that keeps nothing more from some moment on.
#[derive(Default)]
struct Full {
    below: MemoryStore,
    is_full: std::sync::atomic::AtomicBool,
}

impl Store for Full {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.below.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        if self.is_full.load(Ordering::SeqCst) && matches!(change, Change::Save { .. }) {
            return Err(StoreFault { kind: StoreFaultKind::Full, path: "/home/ada".into() });
        }
        self.below.apply(change)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.below.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.below.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.below.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.below.note_asked(key, asked)
    }
}

#[test]
fn a_session_that_could_not_be_saved_is_used_and_warned_of() {
    let world = World::new();
    let store = Arc::new(Full::default());
    let auth = blocking::Authenticator::builder()
        .store(store.clone())
        .prompt(world.ada.clone())
        .clock(Arc::new(world.server.clock().clone()))
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap();
    let connection = auth.connect(auth.user(&world.site()).unwrap().value);
    store.is_full.store(true, Ordering::SeqCst);
    world.server.clock().advance(Duration::from_hours(24 * 365));
    assert!(connection.resolve_entity().unwrap().is_some());
    assert!(matches!(connection.warnings()[..], [Warning::NotSaved(_)]));
    assert_eq!(connection.warnings(), []);
    // It is in hand all the same.
    assert!(connection.resolve_entity().unwrap().is_some());
    assert_eq!(world.asked(), 2);
}

#[test]
fn who_must_not_be_asked_learns_that_the_session_has_ended() {
    let world = World::new();
    let store = Arc::new(MemoryStore::new());
    let build = |never_ask: bool| {
        let builder = blocking::Authenticator::builder().store(store.clone()).prompt(world.ada.clone());
        let builder = builder.clock(Arc::new(world.server.clock().clone()));
        let builder = if never_ask { builder.never_ask() } else { builder };
        let program = Program { product: "tool".into(), machine: "render07".into() };
        builder.build_shotgun(program).unwrap()
    };
    let user = build(false).user(&world.site()).unwrap().value;
    world.server.clock().advance(Duration::from_hours(24 * 365));
    let error = build(true).connect(user).resolve_entity().unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::Expired(_))), "{error}");
    assert_eq!(world.asked(), 1);
}
