//! A Shotgun-shaped site, a store and a clock, and one command in them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::flow::Governor;
use auth_core::flow::shotgun::{Call, Login, LoginOptions, Program};
use auth_core::ports::{Change, Dismiss, Key, Loaded, Prompt, Replaces, Store, Transport};
use auth_core::session::Session;
use auth_core::shotgun::{Credentials, ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_http::Cancel;
use auth_sandbox::{InProcess, Person, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::{MemoryStore, TiledDirectory};
use tempfile::TempDir;

use crate::command::{Driver, Report, run};
use crate::plan::Strike;
use crate::stage::{Run, Stage};
use crate::world::{Kind, folder, other_entry, other_key, other_session};

const LIFE: Duration = Duration::from_hours(24);

/// One thing a person or a program does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Signing in by a password and a code, with nothing there.
    Password,
    /// Signing in by a browser, with nothing there.
    AppSession,
    /// Signing in where a session would be used, with nothing there.
    Asked,
    /// Signing in where a session is there.
    Reuse,
    /// Signing in again, in place of a session that the site has ended.
    Again,
    /// Calling a method with a session that is good.
    Call,
    /// Calling a method with a session that has ended.
    CallLate,
}

impl Command {
    pub(crate) const ALL: [Self; 7] =
        [Self::Password, Self::AppSession, Self::Asked, Self::Reuse, Self::Again, Self::Call, Self::CallLate];

    /// How long before it somebody signed in, if anybody did.
    fn age(self) -> Option<Duration> {
        match self {
            Self::Password | Self::AppSession | Self::Asked => None,
            Self::Reuse | Self::Call => Some(Duration::from_mins(5)),
            Self::Again | Self::CallLate => Some(LIFE * 2),
        }
    }

    pub(crate) fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::CallLate)
    }

    fn options(self) -> LoginOptions {
        let is_browser = self == Self::AppSession;
        let method = if is_browser { SignInMethod::AppSession } else { SignInMethod::Password };
        LoginOptions {
            reuse: matches!(self, Self::Asked | Self::Reuse | Self::Again),
            username: Some(Foreign::from("ada")),
            method: Some(method),
            ..LoginOptions::default()
        }
    }
}

/// Ada, who knows her password, has a device for her code, and approves in her browser.
struct Ada {
    site: Arc<Mutex<ShotgunSite>>,
    /// How often she gave her password or a code.
    given: AtomicUsize,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        if matches!(question, Question::Password(_) | Question::Code(_)) {
            self.given.fetch_add(1, Ordering::SeqCst);
        }
        match question {
            Question::Password(_) => {
                Ok(Answer::Password { username: "ada".into(), password: Secret::from("of ada") })
            }
            Question::Code(_) => Ok(Answer::Code(Secret::from("271828"))),
            Question::Browser(_) | Question::Page(_) => Ok(Answer::Proceed),
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Page { .. } = notice {
            let mut site = self.site.lock().unwrap();
            for waiting in site.pending() {
                site.approve(&waiting.id, "ada");
            }
        }
    }
}

pub(crate) struct World {
    kind: Kind,
    pub(crate) site: Site,
    server: Arc<Mutex<ShotgunSite>>,
    pub(crate) clock: SiteClock,
    pub(crate) store: Arc<dyn Store>,
    ada: Arc<Ada>,
    _folder: Option<TempDir>,
}

impl World {
    /// As it is before a command: somebody else is signed in elsewhere, and perhaps Ada here.
    pub(crate) fn before(kind: Kind, command: Command) -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", "of ada").with_code("271828"), Person::new("eve", "of eve")],
            app_session_pages: Some("https://pages.example".to_owned()),
            ..ShotgunConfig::default()
        };
        let server = Arc::new(Mutex::new(ShotgunSite::new(config, Seed::new([7; 32]))));
        let (store, folder): (Arc<dyn Store>, _) = if kind == Kind::Files {
            let folder = folder();
            let store = TiledDirectory::new(folder.path().join("cache"), folder.path().join("state"));
            (Arc::new(store), Some(folder))
        } else {
            (Arc::new(MemoryStore::new()), None)
        };
        let clock = SiteClock::standing(Timestamp(1_800_000_000));
        let ada = Arc::new(Ada { site: Arc::clone(&server), given: AtomicUsize::default() });
        let site = "http://127.0.0.1:8001".parse().unwrap();
        let world = Self { kind, site, server, clock, store, ada, _folder: folder };
        let save = Change::Save {
            key: other_key(),
            session: Box::new(other_session()),
            replaces: Replaces::Anything,
        };
        world.store.apply(&save).unwrap();
        world.store.apply(&Change::Prefer(other_entry())).unwrap();
        if let Some(age) = command.age() {
            let signed_in = world.run(Command::Password, None, Vec::new()).report;
            assert_eq!((signed_in.error, signed_in.warnings), (None, Vec::new()));
            world.clock.advance(age);
        }
        world
    }

    /// Runs a command with faults; `held` is the session that a program has in hand.
    pub(crate) fn run(&self, command: Command, held: Option<Session>, strikes: Vec<Strike>) -> Run {
        self.ada.given.store(0, Ordering::SeqCst);
        let stage = Stage {
            is_async: self.kind == Kind::Async,
            way: Arc::new(self.way()),
            store: &self.store,
            person: self.ada.clone(),
            clock: &self.clock,
            stranger: Change::Save {
                key: other_key(),
                session: Box::new(other_session()),
                replaces: Replaces::Anything,
            },
        };
        stage.play(strikes, |driver, cancel| self.drive(command, &held.unwrap_or_default(), driver, cancel))
    }

    fn drive(&self, command: Command, held: &Session, driver: &Driver, cancel: &Cancel) -> Report {
        let seed = Seed::new([9; 32]);
        if command.is_call() {
            let call = self.call(held, seed);
            return run(driver, cancel, call, |called| {
                let over = called.has_ended.then_some(Error::NotSignedIn);
                (None, over.or(called.results.err()))
            });
        }
        let program = Program { product: "tool".into(), machine: "render07".into() };
        let login = Login::new(self.site.clone(), program, command.options(), seed);
        let login = if command == Command::Again { login.refused(held) } else { login };
        run(driver, cancel, Governor::new(login), |done| (Some(done.session), None))
    }

    fn call(&self, session: &Session, seed: Seed) -> Call {
        let token = session.tokens.access.clone().unwrap_or_default();
        let credentials = Credentials::Session { token, reject_if_expired: false };
        let args = Some(Secret::from(
            r#"{"type":"HumanUser","return_fields":["id"],"filters":{"logical_operator":"and","conditions":[]},
                "return_only":"active","paging":{"entities_per_page":1,"current_page":1}}"#,
        ));
        Call::new(self.site.clone(), "read", args, Some(credentials), seed)
    }

    fn way(&self) -> InProcess<ShotgunSite> {
        InProcess::new(Arc::clone(&self.server), self.clock.clone(), self.site.origin().clone())
    }

    pub(crate) fn key(&self) -> Key {
        self.site.key("ada").unwrap()
    }

    pub(crate) fn site_key(&self) -> Key {
        self.site.site_key()
    }

    /// How often Ada gave her password or a code.
    pub(crate) fn given(&self) -> usize {
        self.ada.given.load(Ordering::SeqCst)
    }

    pub(crate) fn stored_session(&self) -> Option<Session> {
        match self.store.load(&self.key()).unwrap() {
            Loaded::Found(stored) => Some(stored.session),
            Loaded::None => None,
            Loaded::Torn => panic!("torn, and nobody writes"),
        }
    }

    /// True if the site would let this session in. It is asked in a copy of the site, which forgets that it was.
    pub(crate) fn lets_in(&self, session: &Session) -> bool {
        use auth_core::shotgun::rpc::{Envelope, request};

        let Some(token) = session.tokens.access.clone() else { return false };
        let copy = Arc::new(Mutex::new(self.server.lock().unwrap().clone()));
        let way = InProcess::new(copy, self.clock.clone(), self.site.origin().clone());
        let credentials = Some(Credentials::Session { token, reject_if_expired: true });
        let args = Secret::from(
            r#"{"type":"HumanUser","return_fields":["id"],"filters":{"logical_operator":"and","conditions":[]},"return_only":"active","paging":{"entities_per_page":1,"current_page":1}}"#,
        );
        let request = request(&self.site, "read", &Envelope { credentials, session_uuid: None }, Some(&args));
        way.send(&request).is_ok_and(|answer| answer.body().expose().contains("\"results\""))
    }
}
