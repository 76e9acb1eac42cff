//! Names that are empty or only white space. A program that gives one gets an error, and a user who types one cancels.

use std::sync::{Arc, Mutex};

use auth_core::error::{Policy, StoreFault, StoreFaultKind};
use auth_core::ports::{Change, Dismiss, Loaded, Prompt, Replaces, SiteEntry, Store as _};
use auth_core::session::{Identity, Session};
use auth_core::shotgun::{PROVIDER, ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_native::Error;
use auth_native::shotgun::{
    Defaults, DefaultsManager, LoginOptions, Remembered, ScriptUser, SessionDetails, User, UserCredentials,
};
use auth_sandbox::{Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;

use super::both::Auth;
use super::{Way, each};

const BLANKS: [&str; 6] = ["", " ", "\n", "\u{a0}", "\u{2003}\t", "\u{1c}"];

/// A user who types this login, and Ada's password.
struct Types {
    login: Mutex<String>,
    asked: Mutex<usize>,
}

impl Prompt for Types {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        *self.asked.lock().unwrap() += 1;
        let Question::Password(_) = question else { return Err(PromptFault::Cancelled) };
        let username = self.login.lock().unwrap().as_str().into();
        Ok(Answer::Password { username, password: Secret::from(plant("ada's password")) })
    }

    fn tell(&self, _: &Notice) {}
}

/// Ada is signed in, and her session is the last one of the site.
struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
    user: Arc<Types>,
    way: Way,
}

impl World {
    fn new(way: Way) -> Self {
        canary::listen();
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            scripts: vec![Script::new("robot", plant("key"))],
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let user = Arc::new(Types { login: Mutex::new("ada".to_owned()), asked: Mutex::default() });
        let world = Self { server, store: Arc::default(), user, way };
        world.auth(Defaults::new()).login(&world.site(), by_password()).unwrap();
        assert_eq!(world.asked(), 1);
        world
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn auth(&self, defaults: impl DefaultsManager + 'static) -> Auth {
        Auth::new(self.way, (&self.user, &self.store), self.server.clock(), defaults)
    }

    /// How many questions were asked since this was last called.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.user.asked.lock().unwrap())
    }

    /// How many passwords the site was given.
    fn logins(&self) -> u64 {
        self.server.site().lock().unwrap().counters().logins
    }

    fn stored(&self) -> (Loaded, Vec<SiteEntry>) {
        (self.store.load(&self.site().site_key()).unwrap(), self.store.sites().unwrap())
    }
}

fn by_password() -> LoginOptions {
    LoginOptions { method: Some(SignInMethod::Password), ..LoginOptions::default() }
}

fn blank() -> Error {
    Policy::BlankName.into()
}

/// Rules that mean one login, or this user.
#[derive(Clone, Debug)]
struct Means {
    login: Option<Foreign>,
    user: UserCredentials,
}

impl DefaultsManager for Means {
    fn login(&self, site: &Site, remembered: &Remembered) -> Option<Foreign> {
        self.login.clone().or_else(|| remembered.login(site))
    }

    fn user_credentials(&self) -> UserCredentials {
        self.user.clone()
    }
}

/// Calls this with each blank name by each face, and compares what is stored, the questions and the passwords sent.
fn each_blank(scene: impl Fn(&World, &'static str)) {
    each(|way| {
        let world = World::new(way);
        let before = (world.stored(), world.logins());
        for name in BLANKS {
            scene(&world, name);
            assert_eq!((world.stored(), world.logins()), before, "{name:?} {way:?}");
            assert_eq!(world.asked(), 0, "{name:?} {way:?}");
        }
    });
}

#[test]
fn a_blank_login_is_an_error_for_each_way_to_sign_in() {
    each_blank(|world, name| {
        let (auth, site) = (world.auth(Defaults::new()), world.site());
        let details =
            || SessionDetails { site: Some(site.clone()), login: name.into(), ..SessionDetails::default() };
        let password = || Some(Secret::from(plant("ada's password")));
        let (by_token, by_password) = (Some(Secret::from(plant("token"))), password());
        assert_eq!(auth.session_user(details()), Err(blank()), "{name:?}");
        assert_eq!(
            auth.session_user(SessionDetails { token: by_token, ..details() }),
            Err(blank()),
            "{name:?}"
        );
        assert_eq!(
            auth.session_user(SessionDetails { password: by_password, ..details() }),
            Err(blank()),
            "{name:?}"
        );
        for reuse in [false, true] {
            let named = LoginOptions { reuse, username: Some(name.into()), ..self::by_password() };
            assert_eq!(auth.login(&site, named.clone()), Err(blank()), "{name:?}");
            assert_eq!(
                auth.login(&site, LoginOptions { password: password(), ..named }),
                Err(blank()),
                "{name:?}"
            );
            let suggested = LoginOptions { reuse, suggested: Some(name.into()), ..self::by_password() };
            assert_eq!(auth.login(&site, suggested), Err(blank()), "{name:?}");
        }
        assert_eq!(auth.forget_login(&site, &name.into()), Err(blank()), "{name:?}");
    });
}

#[test]
fn a_blank_login_of_the_defaults_is_an_error_at_once() {
    each_blank(|world, name| {
        let site = world.site();
        let session = |login: &str| UserCredentials::Session {
            site: world.site(),
            login: login.into(),
            token: Secret::from(plant("token")),
            metadata: None,
        };
        let script = |name: &str| UserCredentials::Script {
            site: world.site(),
            name: name.into(),
            key: Secret::from(plant("key")),
        };
        let rules = [
            Means { login: Some(name.into()), user: UserCredentials::Stored },
            Means { login: None, user: session(name) },
            Means { login: None, user: script(name) },
        ];
        for means in rules {
            let auth = world.auth(means.clone());
            assert_eq!(auth.default_user(&site), Err(blank()), "{means:?}");
            assert_eq!(auth.user(&site), Err(blank()), "{means:?}");
            assert_eq!(auth.clear_default_user(&site), Err(blank()), "{means:?}");
        }
    });
}

#[test]
fn a_blank_name_of_a_script_or_its_user_is_never_sent() {
    each_blank(|world, name| {
        let (auth, site) = (world.auth(Defaults::new()), world.site());
        let key = || Secret::from(plant("key"));
        assert_eq!(auth.script_user(&site, name, key()), Err(blank()), "{name:?}");
        let scripts = [
            ScriptUser::new(site.clone(), name, key()),
            ScriptUser::new(site.clone(), "robot", key()).sudo_as_login(name),
        ];
        for script in scripts {
            assert_eq!(auth.read_as(User::Script(script)), Err(blank()), "{name:?}");
        }
    });
}

#[test]
fn a_blank_login_typed_at_a_prompt_is_a_cancel() {
    each(|way| {
        for name in BLANKS {
            let world = World::new(way);
            let before = (world.stored(), world.logins());
            name.clone_into(&mut world.user.login.lock().unwrap());
            let end = world.auth(Defaults::new()).login(&world.site(), by_password());
            assert_eq!(end, Err(AuthError::Cancelled.into()), "{name:?}");
            assert_eq!((world.asked(), (world.stored(), world.logins())), (1, before), "{name:?}");
        }
    });
}

#[test]
fn a_stored_session_with_a_blank_login_is_an_error_at_once() {
    each(|way| {
        for name in BLANKS {
            let world = World::new(way);
            let Loaded::Found(stored) = world.stored().0 else { panic!("Ada is signed in") };
            let mut session: Session = stored.session;
            session.facts.identity = Some(Identity { id: name.into(), provider: PROVIDER.into() });
            let key = world.stored().1.remove(0).key;
            let save = Change::Save { key, session: Box::new(session), replaces: Replaces::Anything };
            world.store.apply(&save).unwrap();
            let (auth, site) = (world.auth(Defaults::new()), world.site());
            let fault = StoreFault { kind: StoreFaultKind::NoLogin, path: Foreign::default() };
            let expected = Error::from(AuthError::from(fault));
            assert_eq!(auth.default_user(&site), Err(expected.clone()), "{name:?}");
            assert_eq!(auth.user(&site), Err(expected.clone()), "{name:?}");
            let ada =
                SessionDetails { site: Some(site.clone()), login: "ada".into(), ..SessionDetails::default() };
            assert_eq!(auth.session_user(ada), Err(expected), "{name:?}");
            assert_eq!(world.asked(), 0, "{name:?}");
            // A sign-in replaces it.
            auth.login(&site, by_password()).unwrap();
            assert_eq!(auth.default_user(&site).unwrap().unwrap().to_string(), "ada");
        }
    });
}
