//! A site, a store and a clock, and one command in them.

use std::sync::{Arc, Mutex};

use auth_core::flow::{Login, LoginOptions};
use auth_core::ports::{Change, Dismiss, Key, Loaded, Prompt, Replaces, SiteEntry, Store, Transport};
use auth_core::session::{Session, Tokens};
use auth_core::tiled::{TiledUri, refresh};
use auth_core::time::Timestamp;
use auth_core::wire::{Authorization, Request};
use auth_core::{Answer, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_http::nonblocking::Threaded;
use auth_http::{Cancel, blocking, nonblocking};
use auth_sandbox::{InProcess, Mode, Provider, RefreshRule, SiteClock, TiledSite, User};
use auth_store::{MemoryStore, TiledDirectory};
use tempfile::TempDir;

use crate::command::Command;
use crate::plan::Strike;
use crate::stage::{Run, Stage};

/// Where sessions are kept, and how often a refresh token is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// In memory; each refresh token once, and the session ends if one is presented again.
    Memory,
    /// In memory; refresh tokens until they expire.
    Reusable,
    /// In files; each refresh token once.
    Files,
    /// As [`Memory`](Self::Memory), by the driver that keeps no thread waiting.
    Async,
}

pub(crate) struct World {
    kind: Kind,
    pub(crate) uri: TiledUri,
    pub(crate) site: Arc<Mutex<TiledSite>>,
    pub(crate) clock: SiteClock,
    pub(crate) store: Arc<dyn Store>,
    /// Somebody else's session of the same site, which is not in the store.
    pub(crate) stranger: Session,
    password: Secret,
    _folder: Option<TempDir>,
}

/// Somebody who knows the password.
struct Knows(Secret);

impl Prompt for Knows {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Ok(match question {
            Question::Provider(_) => Answer::Provider(0),
            _ => Answer::Password { username: Foreign::from("demo"), password: self.0.clone() },
        })
    }

    fn tell(&self, _: &Notice) {}
}

impl World {
    /// As it is before a command: somebody else is signed in to another site, and perhaps somebody to this one.
    pub(crate) fn before(kind: Kind, command: Command) -> Self {
        let clock = SiteClock::standing(Timestamp(1_800_000_000));
        let mut site = TiledSite::demo([7; 32]);
        if kind != Kind::Reusable {
            site.config.refresh_rule = RefreshRule::SingleUse;
        }
        // With several there is one more question.
        site.config.providers.push(Provider::new("second", Mode::Internal));
        let password = site.config.users[0].password.clone();
        site.config.users.push(User::new("eve", "of eve"));
        let (store, folder): (Arc<dyn Store>, _) = if kind == Kind::Files {
            let folder = folder();
            let store = TiledDirectory::new(folder.path().join("cache"), folder.path().join("state"));
            (Arc::new(store), Some(folder))
        } else {
            (Arc::new(MemoryStore::new()), None)
        };
        let uri = "http://127.0.0.1:8000".parse().unwrap();
        let site = Arc::new(Mutex::new(site));
        let stranger = Session::default();
        let mut world = Self { kind, uri, site, clock, store, stranger, password, _folder: folder };
        let save = Change::Save {
            key: other_key(),
            session: Box::new(other_session()),
            replaces: Replaces::Anything,
        };
        world.store.apply(&save).unwrap();
        world.store.apply(&Change::Prefer(other_entry())).unwrap();
        if let Some(age) = command.age() {
            let signed_in = world.run(Command::Login, None, Vec::new()).report;
            assert_eq!((signed_in.error, signed_in.warnings), (None, Vec::new()));
            world.clock.advance(age);
        }
        world.stranger = world.sign_in_elsewhere("eve", "of eve");
        world
    }

    /// Runs a command with faults.
    pub(crate) fn run(&self, command: Command, held: Option<Session>, strikes: Vec<Strike>) -> Run {
        let stage = Stage {
            is_async: self.kind == Kind::Async,
            way: Arc::new(self.way()),
            store: &self.store,
            person: Arc::new(Knows(self.password.clone())),
            clock: &self.clock,
            stranger: Change::Save {
                key: self.key(),
                session: Box::new(self.stranger.clone()),
                replaces: Replaces::Anything,
            },
        };
        stage.play(strikes, |driver, cancel| command.run(self, driver, held, cancel))
    }

    /// A driver of tasks without faults, by which nobody is asked.
    pub(crate) fn calm_driver(&self) -> nonblocking::Driver {
        let transport = Arc::new(Threaded::new(Arc::new(self.way())));
        let person = Arc::new(Knows(Secret::default()));
        let (store, clock) = (Arc::clone(&self.store), Arc::new(self.clock.clone()));
        nonblocking::Driver::new(transport, store, Arc::new(Threaded::new(person)), clock)
    }

    /// Signs somebody in, and keeps the session nowhere.
    fn sign_in_elsewhere(&self, name: &str, password: &str) -> Session {
        let options = LoginOptions {
            never_ask: true,
            provider: Some(Foreign::from("sandbox")),
            username: Some(Foreign::from(name)),
            password: Some(Secret::from(password)),
            ..LoginOptions::default()
        };
        let person = Knows(Secret::default());
        let store = Arc::new(MemoryStore::new());
        let driver = blocking::Driver::new(
            Arc::new(self.way()),
            store,
            Arc::new(person),
            Arc::new(self.clock.clone()),
        );
        let login = Login::new(self.uri.clone(), options, Seed::new([5; 32]));
        driver.run(login, &Cancel::new()).unwrap().value.session
    }

    fn way(&self) -> InProcess {
        InProcess::new(Arc::clone(&self.site), self.clock.clone(), self.uri.origin().clone())
    }

    pub(crate) fn key(&self) -> Key {
        self.uri.key()
    }

    /// What is stored.
    pub(crate) fn stored(&self) -> Loaded {
        self.store.load(&self.key()).unwrap()
    }

    pub(crate) fn stored_session(&self) -> Option<Session> {
        match self.stored() {
            Loaded::Found(stored) => Some(stored.session),
            Loaded::None => None,
            Loaded::Torn => panic!("torn, and nobody writes"),
        }
    }

    /// True if the site would renew this session. It is asked in a copy of the site, which forgets that it was.
    pub(crate) fn can_renew(&self, session: &Session) -> bool {
        let Some(token) = &session.tokens.refresh else { return false };
        self.ask_a_copy(&refresh(self.uri.below("auth/session/refresh"), token))
    }

    /// True if the site would let this session in, in the same way.
    pub(crate) fn lets_in(&self, session: &Session) -> bool {
        let Some(token) = session.tokens.access.clone() else { return false };
        let request = Request::get(self.uri.below("metadata/"));
        self.ask_a_copy(&request.authorized(Authorization::Bearer(token)))
    }

    fn ask_a_copy(&self, request: &Request) -> bool {
        let copy = Arc::new(Mutex::new(self.site.lock().unwrap().clone()));
        let way = InProcess::new(copy, self.clock.clone(), self.uri.origin().clone());
        way.send(request).is_ok_and(|answer| answer.is_success())
    }
}

pub(crate) fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

pub(crate) fn other_key() -> Key {
    Key { site: "http://other/api/v1/".to_owned(), slot: String::new() }
}

pub(crate) fn other_session() -> Session {
    let token = |text: &str| Some(Secret::from(text));
    let tokens = Tokens {
        access: token("other-access"),
        refresh: token("other-refresh"),
        id: None,
        ..Tokens::default()
    };
    Session { tokens, ..Session::default() }
}

pub(crate) fn other_entry() -> SiteEntry {
    SiteEntry {
        key: other_key(),
        user: Some(Foreign::from("bob")),
        allow_http: false,
        method: None,
        pages: None,
    }
}
