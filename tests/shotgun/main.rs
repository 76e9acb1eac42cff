//! Signing in to a site in the shape of Shotgun's server, and calling it, by both drivers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

mod again;
mod bad;
mod blank;
mod both;
mod clear;
mod clearing;
mod defaults;
mod facade;
mod meant;
mod pages;
mod processes;
mod questions;
mod renewals;
mod rules;
mod tasks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::error::Policy;
use auth_core::flow::shotgun::{Call, Called, Login, LoginOptions, Program, SignedIn};
use auth_core::flow::{Flow, Governor, Outcome};
use auth_core::ports::{Dismiss, Prompt, Transport};
use auth_core::session::Session;
use auth_core::shotgun::{Credentials, ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_http::blocking::UreqTransport;
use auth_http::nonblocking::{ReqwestTransport, Threaded};
use auth_http::{Cancel, blocking, nonblocking};
use auth_sandbox::{Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;

/// By what the flows are driven.
#[derive(Clone, Copy, Debug)]
enum Way {
    Ureq,
    Reqwest,
}

/// Answers as `ada`, and approves in the browser as whoever it is told to be.
struct Ada {
    site: Arc<Mutex<ShotgunSite>>,
    approves_as: String,
    asked: Mutex<Vec<&'static str>>,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let (name, answer) = match question {
            Question::Password(_) => (
                "password",
                Answer::Password { username: "ada".into(), password: Secret::from(plant("ada's password")) },
            ),
            Question::Code(_) => ("code", Answer::Code(Secret::from(plant("code")))),
            Question::Method(_) => ("method", Answer::Method(0)),
            Question::Browser(_) => ("browser", Answer::Proceed),
            _ => return Err(PromptFault::Cancelled),
        };
        self.asked.lock().unwrap().push(name);
        Ok(answer)
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Page { .. } = notice {
            let mut site = self.site.lock().unwrap();
            for waiting in site.pending() {
                assert_eq!((waiting.app_name.as_str(), waiting.machine_id.as_str()), ("tool", "render07"));
                site.approve(&waiting.id, &self.approves_as);
            }
        }
    }
}

struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
    person: Arc<Ada>,
    way: Way,
}

impl World {
    fn new(way: Way, approves_as: &str, set_up: impl FnOnce(&mut ShotgunConfig)) -> Self {
        canary::listen();
        let mut config = ShotgunConfig {
            people: vec![
                Person::new("ada", plant("ada's password")),
                Person::new("eve", plant("eve's password")),
            ],
            scripts: vec![Script::new("robot", plant("key"))],
            ..ShotgunConfig::default()
        };
        set_up(&mut config);
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let person =
            Ada { site: server.site(), approves_as: approves_as.to_owned(), asked: Mutex::default() };
        Self { server, store: Arc::default(), person: Arc::new(person), way }
    }

    fn run<F>(&self, flow: F) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        let clock = Arc::new(self.server.clock().clone());
        let (store, person) = (Arc::clone(&self.store), Arc::clone(&self.person));
        match self.way {
            Way::Ureq => {
                let transport: Arc<dyn Transport> = Arc::new(UreqTransport::new("conformance/0").unwrap());
                blocking::Driver::new(transport, store, person, clock).run(flow, &Cancel::new())
            }
            Way::Reqwest => {
                let transport = Arc::new(ReqwestTransport::new("conformance/0").unwrap());
                let person = Arc::new(Threaded::new(person));
                let driver = nonblocking::Driver::new(transport, store, person, clock);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(driver.run(flow, &Cancel::new()))
            }
        }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn login(&self, options: LoginOptions) -> Login {
        let program = Program { product: "tool".into(), machine: "render07".into() };
        Login::new(self.site(), program, options, Seed::new([9; 32]))
    }

    fn sign_in(&self, options: LoginOptions) -> Result<SignedIn, Error> {
        self.run(Governor::new(self.login(options))).map(|outcome| outcome.value)
    }

    fn read_with(&self, credentials: Credentials) -> Result<Called, Error> {
        let filters = r#"{"type":"HumanUser","return_fields":["id","login"],"filters":{"logical_operator":"and",
            "conditions":[{"path":"login","relation":"is","values":["ada"]}]},"return_only":"active",
            "paging":{"entities_per_page":1,"current_page":1}}"#;
        let args = Some(Secret::from(filters));
        let call = Call::new(self.site(), "read", args, Some(credentials), Seed::new([9; 32]));
        self.run(call).map(|outcome| outcome.value)
    }

    fn read(&self, session: &Session) -> Result<Called, Error> {
        let token = session.tokens.access.clone().unwrap();
        self.read_with(Credentials::Session { token, reject_if_expired: false })
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.person.asked.lock().unwrap())
    }
}

fn by(method: SignInMethod) -> LoginOptions {
    LoginOptions { method: Some(method), ..LoginOptions::default() }
}

fn reusing() -> LoginOptions {
    LoginOptions { reuse: true, username: Some("ada".into()), ..by(SignInMethod::Password) }
}

/// Each of them by each driver.
fn each(scene: impl Fn(Way)) {
    [Way::Ureq, Way::Reqwest].into_iter().for_each(scene);
}

#[test]
fn a_password_signs_in_and_the_session_is_found_again_in_any_spelling() {
    each(|way| {
        let world = World::new(way, "ada", |_| {});
        let signed_in = world.sign_in(by(SignInMethod::Password)).unwrap();
        assert_eq!((signed_in.login.raw(), signed_in.reused), ("ada", false));
        assert_eq!(world.asked(), ["password"]);
        let called = world.read(&signed_in.session).unwrap();
        assert!(called.results.unwrap().expose().contains("\"ada\"") && !called.has_ended);
        for username in [None, Some("ADA "), Some("ada")] {
            let options =
                LoginOptions { username: username.map(Foreign::from), never_ask: true, ..reusing() };
            let found = world.sign_in(options).unwrap();
            assert!(found.reused, "{username:?}");
            assert_eq!(found.session, signed_in.session);
        }
        assert_eq!(world.asked(), Vec::<&str>::new());
    });
}

#[test]
fn a_code_is_asked_for_where_the_site_wants_one() {
    each(|way| {
        let world = World::new(way, "ada", |config| {
            config.people = vec![Person::new("ada", plant("ada's password")).with_code(plant("code"))];
        });
        assert!(world.sign_in(by(SignInMethod::Password)).is_ok());
        assert_eq!(world.asked(), ["password", "code"]);
    });
}

#[test]
fn an_approval_in_the_browser_signs_in_and_anothers_is_refused() {
    each(|way| {
        let with_app_sessions = |config: &mut ShotgunConfig| {
            config.app_sessions = true;
            config.info.app_sessions = Some(true);
        };
        let world = World::new(way, "ada", with_app_sessions);
        let signed_in = world.sign_in(by(SignInMethod::AppSession)).unwrap();
        assert_eq!(signed_in.login.raw(), "ada");
        assert!(!world.read(&signed_in.session).unwrap().has_ended);
        let world = World::new(way, "eve", with_app_sessions);
        let options = LoginOptions { username: Some("ada".into()), ..by(SignInMethod::AppSession) };
        let error = world.sign_in(options.clone()).unwrap_err();
        assert_eq!(error, Policy::AnotherAccount { asked: "ada".into(), got: "eve".into() }.into());
        let never = LoginOptions { reuse: true, never_ask: true, ..options };
        assert_eq!(world.sign_in(never).unwrap_err(), Error::NotSignedIn);
    });
}

#[test]
fn a_session_that_has_ended_is_said_to_have_and_another_is_got() {
    each(|way| {
        let world = World::new(way, "ada", |_| {});
        let first = world.sign_in(by(SignInMethod::Password)).unwrap().session;
        world.server.clock().advance(Duration::from_hours(24 * 365));
        let called = world.read(&first).unwrap();
        assert!(called.has_ended && matches!(called.results, Err(Error::Expired(_))));
        world.asked();
        let again = Governor::new(world.login(reusing()).refused(&first));
        let second = world.run(again).unwrap().value;
        assert!(!second.reused && second.session.tokens.access != first.tokens.access);
        assert_eq!(world.asked(), ["password"]);
        // Whoever still has the first one finds the second, and asks nobody.
        let third = world.run(Governor::new(world.login(reusing()).refused(&first))).unwrap().value;
        assert_eq!((third.reused, third.session), (true, second.session));
        assert_eq!(world.asked(), Vec::<&str>::new());
    });
}

#[test]
fn claims_that_have_expired_end_a_session_too() {
    each(|way| {
        for query in ["", "?x=1"] {
            let world = World::new(way, "ada", |config| {
                config.claims_life = Some(Duration::from_mins(5));
                query.clone_into(&mut config.claims_query);
            });
            let session = world.sign_in(by(SignInMethod::Password)).unwrap().session;
            world.server.clock().advance(Duration::from_mins(6));
            let called = world.read(&session).unwrap();
            assert!(called.has_ended && matches!(called.results, Err(Error::Expired(_))), "{query:?}");
        }
    });
}

#[test]
fn a_script_reads_under_its_key_and_for_a_user() {
    each(|way| {
        let world = World::new(way, "ada", |_| {});
        for sudo in [None, Some("ada")] {
            let sudo_as_login = sudo.map(Foreign::from);
            let key = Secret::from(plant("key"));
            let called =
                world.read_with(Credentials::Script { name: "robot".into(), key, sudo_as_login }).unwrap();
            assert!(called.results.unwrap().expose().contains("\"ada\""), "{sudo:?}");
        }
        let key = Secret::from(plant("another key"));
        let wrong = Credentials::Script { name: "robot".into(), key, sudo_as_login: None };
        let called = world.read_with(wrong).unwrap();
        assert!(matches!(called.results, Err(Error::Rejected(_))) && !called.has_ended);
    });
}

#[test]
fn a_site_that_leaves_its_people_to_others_refuses_passwords_and_names_the_ways_that_work() {
    each(|way| {
        for kind in ["saml2", "oxygen"] {
            let world =
                World::new(way, "ada", |config| config.info.authentication_method = Some(kind.to_owned()));
            let error = world.sign_in(by(SignInMethod::Password)).unwrap_err();
            assert!(error.to_string().contains("app-session"), "{kind}: {error}");
        }
    });
}
