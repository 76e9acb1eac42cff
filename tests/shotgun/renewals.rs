//! What is sent, and who is asked, when a site accepts a session no more (spec: Shotgun, section 21), by the facade on
//! both drivers. The sequences are those of the Python client, without its faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::error::Policy;
use auth_core::ports::{Change, Dismiss, Loaded, Prompt, Replaces, Store as _};
use auth_core::session::Session;
use auth_core::shotgun::{Proxy, ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret, Seed};
use auth_native::nonblocking::Threaded;
use auth_native::shotgun::{Program, User};
use auth_native::{Error, blocking, nonblocking};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;
use conformance::recorder::Recorder;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Way, each};

const YEAR: Duration = Duration::from_hours(24 * 365);

/// What a person does the next time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Does {
    Signs(&'static str),
    Mistypes,
    Cancels,
    ApprovesAs(&'static str),
}

struct Somebody {
    site: Arc<Mutex<ShotgunSite>>,
    does: Mutex<VecDeque<Does>>,
}

impl Prompt for Somebody {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        // Who was not to be asked has nothing to do.
        let next = self.does.lock().unwrap().front().copied().unwrap();
        if let Question::Method(question) = question {
            let wanted = match next {
                Does::ApprovesAs(_) => SignInMethod::AppSession,
                _ => SignInMethod::Password,
            };
            return Ok(Answer::Method(question.methods.iter().position(|method| *method == wanted).unwrap()));
        }
        if matches!(question, Question::Browser(_)) {
            return Ok(Answer::Proceed);
        }
        self.does.lock().unwrap().pop_front();
        let password = match next {
            Does::Signs(name) => Secret::from(plant(&format!("{name}'s password"))),
            Does::Mistypes => Secret::from("wrong"),
            Does::Cancels | Does::ApprovesAs(_) => return Err(PromptFault::Cancelled),
        };
        let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
        let username = match next {
            Does::Signs(name) => name.into(),
            _ => question.username.clone().unwrap(),
        };
        Ok(Answer::Password { username, password })
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Page { .. } = notice {
            let Some(Does::ApprovesAs(name)) = self.does.lock().unwrap().pop_front() else { return };
            let mut site = self.site.lock().unwrap();
            for waiting in site.pending() {
                assert!(site.approve(&waiting.id, name));
            }
        }
    }
}

enum Auth {
    Blocking(blocking::shotgun::Authenticator),
    Async(nonblocking::shotgun::Authenticator, Arc<Runtime>),
}

enum Connection {
    Blocking(blocking::shotgun::Connection),
    Async(nonblocking::shotgun::Connection, Arc<Runtime>),
}

impl Auth {
    fn user(&self, site: &Site) -> User {
        match self {
            Self::Blocking(auth) => auth.user(site),
            Self::Async(auth, runtime) => runtime.block_on(auth.user(site)),
        }
        .unwrap()
        .value
    }

    fn login(&self, site: &Site) -> User {
        let options = auth_native::shotgun::LoginOptions::default();
        match self {
            Self::Blocking(auth) => auth.login(site, options),
            Self::Async(auth, runtime) => runtime.block_on(auth.login(site, options)),
        }
        .unwrap()
        .value
    }

    fn connect(&self, user: User) -> Connection {
        match self {
            Self::Blocking(auth) => Connection::Blocking(auth.connect(user)),
            Self::Async(auth, runtime) => Connection::Async(auth.connect(user), Arc::clone(runtime)),
        }
    }
}

impl Connection {
    fn read(&self) -> Result<(), Error> {
        match self {
            Self::Blocking(connection) => connection.resolve_entity().map(drop),
            Self::Async(connection, runtime) => runtime.block_on(connection.resolve_entity()).map(drop),
        }
    }

    fn user(&self) -> User {
        match self {
            Self::Blocking(connection) => connection.user(),
            Self::Async(connection, _) => connection.user(),
        }
    }
}

struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
    person: Arc<Somebody>,
    recorder: Recorder,
    way: Way,
}

impl World {
    fn new(way: Way, set_up: impl FnOnce(&mut ShotgunConfig)) -> Self {
        canary::listen();
        let person = |name: &str| Person::new(name, plant(&format!("{name}'s password")));
        let mut config =
            ShotgunConfig { people: ["ada", "bob", "eve"].map(person).into(), ..ShotgunConfig::default() };
        set_up(&mut config);
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let person = Somebody { site: server.site(), does: Mutex::default() };
        let recorder = Recorder::start().unwrap();
        Self { server, store: Arc::default(), person: Arc::new(person), recorder, way }
    }

    /// One program: what another has got meanwhile it finds in the store.
    fn program(&self) -> Auth {
        let program = Program { product: "tool".into(), machine: "render07".into() };
        let clock = Arc::new(self.server.clock().clone());
        let proxy = Proxy::read(&self.recorder.place()).unwrap();
        match self.way {
            Way::Ureq => {
                let prompt: Arc<dyn Prompt> = self.person.clone();
                let builder = blocking::Authenticator::builder().prompt(prompt).store(self.store.clone());
                let builder = builder.clock(clock).proxy(proxy.into()).cool_down(Duration::ZERO);
                Auth::Blocking(builder.build_shotgun(program).unwrap())
            }
            Way::Reqwest => {
                let prompt = Arc::new(Threaded::new(self.person.clone()));
                let builder = nonblocking::Authenticator::builder().prompt(prompt).store(self.store.clone());
                let builder = builder.clock(clock).proxy(proxy.into()).cool_down(Duration::ZERO);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                Auth::Async(builder.build_shotgun(program).unwrap(), Arc::new(runtime))
            }
        }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn then(&self, does: impl IntoIterator<Item = Does>) {
        let mut queue = self.person.does.lock().unwrap();
        assert_eq!(*queue, [], "somebody was not asked");
        queue.extend(does);
    }

    /// Ada's connection, in a program of its own, with nothing noted yet.
    fn ada(&self) -> (Auth, Connection) {
        let auth = self.program();
        self.then([Does::Signs("ada")]);
        let connection = auth.connect(auth.login(&self.site()));
        connection.read().unwrap();
        self.recorder.take();
        (auth, connection)
    }

    fn kept(&self, login: &str) -> Option<Session> {
        match self.store.load(&self.site().key(login).unwrap()).unwrap() {
            Loaded::Found(stored) => Some(stored.session),
            _ => None,
        }
    }

    /// The methods that were called since this was last asked, and the pages that were; what a site is has been asked
    /// once at most.
    fn sent(&self) -> Vec<String> {
        self.then([]);
        let seen = self.recorder.take();
        let name = |body: &str| {
            let body = serde_json::from_str::<Value>(body).ok()?;
            body["method_name"].as_str().map(str::to_owned)
        };
        let names: Vec<_> =
            seen.iter().map(|seen| name(&seen.body).unwrap_or_else(|| seen.method.clone())).collect();
        assert!(names.iter().filter(|name| *name == "info").count() <= 1, "{names:?}");
        names.into_iter().filter(|name| name != "info").collect()
    }
}

const TOKEN: &str = "get_session_token";

#[test]
fn a_session_that_has_ended_is_got_again_with_one_password() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (_, connection) = world.ada();
        let before = connection.user();
        world.server.clock().advance(YEAR);
        world.then([Does::Signs("ada")]);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read", TOKEN, "read"]);
        assert_ne!(connection.user(), before);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read"]);
    });
}

#[test]
fn a_token_that_another_program_has_got_is_used_and_nobody_is_asked() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (_, connection) = world.ada();
        world.server.clock().advance(YEAR);
        world.ada();
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read", "read"]);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read"]);
    });
}

#[test]
fn a_stored_token_that_has_ended_too_is_tried_once_and_then_somebody_is_asked() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (_, connection) = world.ada();
        world.ada();
        world.server.clock().advance(YEAR);
        world.then([Does::Signs("ada")]);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read", "read", TOKEN, "read"]);
    });
}

#[test]
fn a_cancel_and_a_wrong_password_leave_what_is_stored() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (_, connection) = world.ada();
        let (kept, user) = (world.kept("ada"), connection.user());
        world.server.clock().advance(YEAR);
        world.then([Does::Cancels]);
        assert_eq!(connection.read().unwrap_err(), AuthError::Cancelled.into());
        assert_eq!(world.sent(), ["read"]);
        world.then([Does::Mistypes, Does::Mistypes, Does::Mistypes]);
        assert!(matches!(connection.read().unwrap_err(), Error::Auth(AuthError::Rejected(_))));
        assert_eq!(world.sent(), ["read", TOKEN, TOKEN, TOKEN]);
        assert_eq!((world.kept("ada"), connection.user()), (kept, user));
        world.then([Does::Mistypes, Does::Signs("ada")]);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read", TOKEN, TOKEN, "read"]);
    });
}

#[test]
fn another_accounts_approval_is_refused_and_touches_nobodys_session() {
    each(|way| {
        let world = World::new(way, |config| {
            config.app_sessions = true;
            config.info.app_sessions = Some(true);
        });
        let (_, connection) = world.ada();
        let (kept, user) = (world.kept("ada"), connection.user());
        world.server.clock().advance(YEAR);
        world.then([Does::ApprovesAs("eve")]);
        let refused = Policy::AnotherAccount { asked: "ada".into(), got: "eve".into() };
        assert_eq!(connection.read().unwrap_err(), AuthError::Policy(refused).into());
        assert_eq!(world.sent(), ["read", "POST", "PUT"]);
        assert_eq!((world.kept("ada"), world.kept("eve"), connection.user()), (kept, None, user));
        world.then([Does::ApprovesAs("ada")]);
        connection.read().unwrap();
        assert_eq!(world.sent(), ["read", "POST", "PUT", "read"]);
    });
}

#[test]
fn expired_claims_are_a_session_that_has_ended_wherever_they_are_found() {
    each(|way| {
        for query in ["", "?x=1"] {
            let world = World::new(way, |config| {
                config.claims_life = Some(Duration::from_mins(5));
                query.clone_into(&mut config.claims_query);
            });
            let (_, connection) = world.ada();
            // Another of Ada's sessions, which has lost its claims as well.
            world.ada();
            world.server.clock().advance(Duration::from_mins(6));
            world.then([Does::Signs("ada")]);
            connection.read().unwrap();
            assert_eq!(world.sent(), ["read", "read", TOKEN, "read"], "{query:?}");
        }
    });
}

#[test]
fn who_signs_in_again_touches_no_other_user() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (auth, ada) = world.ada();
        world.then([Does::Signs("bob")]);
        let bob = auth.connect(auth.login(&world.site()));
        bob.read().unwrap();
        world.recorder.take();
        let theirs = world.kept("bob");
        world.server.site().lock().unwrap().revoke_all("ada");
        world.then([Does::Signs("ada")]);
        ada.read().unwrap();
        bob.read().unwrap();
        assert_eq!(world.sent(), ["read", TOKEN, "read", "read"]);
        assert_eq!(world.kept("bob"), theirs);
        assert_eq!(bob.user().login().unwrap().raw(), "bob");
        assert_eq!(auth.user(&world.site()).login().unwrap().raw(), "ada");
    });
}

#[test]
fn what_came_with_a_token_is_kept_with_it_and_goes_with_it() {
    each(|way| {
        let world = World::new(way, |_| {});
        let (auth, connection) = world.ada();
        let mut session = world.kept("ada").unwrap();
        session.tokens.metadata = Some(Secret::from(plant("metadata")));
        let key = world.site().key("ada").unwrap();
        world
            .store
            .apply(&Change::Save { key, session: Box::new(session.clone()), replaces: Replaces::Anything })
            .unwrap();
        drop(connection);
        let connection = auth.connect(auth.user(&world.site()));
        world.server.clock().advance(YEAR);
        world.then([Does::Signs("ada")]);
        connection.read().unwrap();
        // A new token without metadata does not go on with that of the old one.
        assert_eq!(world.kept("ada").unwrap().tokens.metadata, None);
    });
}
