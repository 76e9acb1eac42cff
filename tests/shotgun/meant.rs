//! Whom a studio's rules mean, where others sign in to the same site at the same moment.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_native::shotgun::{
    Defaults, DefaultsManager, LoginOptions, Program, Remembered, User, UserCredentials,
};
use auth_native::{Error, blocking};
use auth_sandbox::{Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock, SiteInfo};
use auth_store::MemoryStore;
use canary::plant;

/// What takes longer has gone wrong.
const LONG: Duration = Duration::from_mins(1);

/// Answers as one person, or says no.
struct Somebody {
    is: Option<&'static str>,
    asked: AtomicU32,
    /// Holds the answer back until something is heard.
    until: Mutex<Option<mpsc::Receiver<()>>>,
    /// Where it is said that this one has been asked, or waits for another program's question.
    says: Mutex<Option<mpsc::Sender<()>>>,
}

impl Somebody {
    fn new(is: Option<&'static str>) -> Arc<Self> {
        let (asked, until, says) = (AtomicU32::new(0), Mutex::default(), Mutex::default());
        Arc::new(Self { is, asked, until, says })
    }

    fn say(&self) {
        if let Some(says) = self.says.lock().unwrap().take() {
            says.send(()).unwrap();
        }
    }
}

impl Prompt for Somebody {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let Question::Password(_) = question else { return Err(PromptFault::Cancelled) };
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.say();
        if let Some(until) = self.until.lock().unwrap().take() {
            until.recv_timeout(LONG).unwrap();
        }
        let name = self.is.ok_or(PromptFault::Cancelled)?;
        let password = Secret::from(plant(&format!("{name}'s password")));
        Ok(Answer::Password { username: name.into(), password })
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Waiting(_) = notice {
            self.say();
        }
    }
}

struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
}

impl World {
    fn new() -> Self {
        let person = |name: &str| Person::new(name, plant(&format!("{name}'s password")));
        let config = ShotgunConfig {
            people: ["ada", "bob", "carol"].map(person).into(),
            scripts: vec![Script::new("robot", plant("key"))],
            info: SiteInfo { app_sessions: Some(false), ..SiteInfo::default() },
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        Self { server, store: Arc::default() }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    /// One program of many.
    fn program(
        &self,
        somebody: &Arc<Somebody>,
        defaults: Arc<dyn DefaultsManager>,
    ) -> blocking::shotgun::Authenticator {
        blocking::Authenticator::builder()
            .store(self.store.clone())
            .prompt(somebody.clone())
            // Who waits for another program waits in real time.
            .clock(Arc::new(auth_http::SystemClock))
            .defaults(defaults)
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap()
    }

    /// Signs somebody in, in a program of their own.
    fn signs_in(&self, name: &'static str) -> User {
        let auth = self.program(&Somebody::new(Some(name)), Arc::new(Defaults::new()));
        auth.login(&self.site(), LoginOptions::default()).unwrap().value
    }
}

/// Rules of a studio that say one thing and leave the rest.
#[derive(Clone, Debug)]
enum Rules {
    Login(&'static str),
    Credentials(UserCredentials),
}

impl DefaultsManager for Rules {
    fn login(&self, site: &Site, remembered: &Remembered) -> Option<Foreign> {
        match self {
            Self::Login(login) => Some((*login).into()),
            Self::Credentials(_) => Defaults::new().login(site, remembered),
        }
    }

    fn user_credentials(&self) -> UserCredentials {
        match self {
            Self::Login(_) => UserCredentials::Stored,
            Self::Credentials(credentials) => credentials.clone(),
        }
    }
}

fn nobody() -> Arc<dyn DefaultsManager> {
    Arc::new(Rules::Credentials(UserCredentials::Nobody))
}

#[test]
fn what_rules_give_is_shown_to_its_own_site_alone_whichever_was_used_last_p6() {
    let (theirs, other) = (World::new(), World::new());
    let key = Secret::from(plant("key"));
    let token = Secret::from(plant("token"));
    let (site, login) = (theirs.site(), Foreign::from("bob"));
    let script = UserCredentials::Script { site: site.clone(), name: "robot".into(), key };
    let session = UserCredentials::Session { site, login, token, metadata: None };
    for credentials in [script, session] {
        let auth =
            other.program(&Somebody::new(Some("ada")), Arc::new(Rules::Credentials(credentials.clone())));
        for has_signed_in in [false, true] {
            assert_eq!(auth.default_user(&other.site()).unwrap().is_some(), has_signed_in);
            for named in [None, Some(theirs.site())] {
                let user = auth.default_user(named.as_ref()).unwrap().unwrap();
                assert_eq!(user.site(), &theirs.site(), "{credentials:?}");
                assert_eq!(auth.user(named.as_ref()).unwrap().value, user);
            }
            assert_eq!(auth.user(&other.site()).unwrap().value.login(), Some(&"ada".into()));
        }
        auth.clear_default_user(&other.site()).unwrap().unwrap();
    }
}

#[test]
fn of_all_programs_whose_rules_mean_somebody_who_is_not_there_one_asks_h15() {
    const PROGRAMS: u32 = 8;
    let rules: [fn() -> Arc<dyn DefaultsManager>; 2] = [|| Arc::new(Rules::Login("bob")), nobody];
    for rules in rules {
        for answer in [Some("bob"), None] {
            let world = World::new();
            world.signs_in("ada");
            let somebody = Somebody::new(answer);
            let start = Barrier::new(PROGRAMS as usize);
            let ends: Vec<_> = std::thread::scope(|scope| {
                let program = || {
                    let auth = world.program(&somebody, rules());
                    start.wait();
                    auth.user(&world.site()).map(|outcome| outcome.value.to_string())
                };
                let programs: Vec<_> = (0..PROGRAMS).map(|_| scope.spawn(program)).collect();
                programs.into_iter().map(|program| program.join().unwrap()).collect()
            });
            assert_eq!(somebody.asked.load(Ordering::SeqCst), 1, "{answer:?}: {ends:?}");
            let no = [AuthError::Cancelled, CannotPrompt::Declined.into()].map(Error::from);
            for end in ends {
                match answer {
                    Some(name) => assert_eq!(end, Ok(name.to_owned())),
                    None => assert!(no.contains(&end.clone().unwrap_err()), "{end:?}"),
                }
            }
        }
    }
}

#[test]
fn who_signs_in_while_another_program_waits_to_ask_is_its_user_only_if_the_rules_mean_them() {
    let stored = || -> Arc<dyn DefaultsManager> { Arc::new(Defaults::new()) };
    let ada: fn() -> Arc<dyn DefaultsManager> = || Arc::new(Rules::Login("ada"));
    let cases = [("carol", 0, stored as fn() -> _), ("carol", 0, nobody), ("ada", 1, ada)];
    for was_there in [false, true] {
        for (expected, questions, rules) in cases {
            let world = World::new();
            if was_there {
                let ada = world.signs_in("ada");
                world.program(&Somebody::new(None), stored()).clear_user(&ada).unwrap();
            }
            let (carol, person) = (Somebody::new(Some("carol")), Somebody::new(Some("ada")));
            let (says, hears) = mpsc::channel();
            let (waits, waiting) = mpsc::channel();
            *carol.says.lock().unwrap() = Some(says);
            *carol.until.lock().unwrap() = Some(waiting);
            *person.says.lock().unwrap() = Some(waits);
            let user = std::thread::scope(|scope| {
                scope.spawn(|| {
                    let auth = world.program(&carol, stored());
                    auth.login(&world.site(), LoginOptions::default()).unwrap();
                });
                hears.recv_timeout(LONG).unwrap();
                world.program(&person, rules()).user(&world.site()).unwrap().value
            });
            assert_eq!(user.to_string(), expected);
            assert_eq!(person.asked.load(Ordering::SeqCst), questions, "{expected}");
        }
    }
}

#[test]
fn whose_rules_mean_somebody_who_is_not_there_and_must_not_ask_is_not_signed_in() {
    let world = World::new();
    world.signs_in("ada");
    let auth = blocking::Authenticator::builder()
        .store(world.store.clone())
        .defaults(Arc::new(Rules::Login("bob")))
        .never_ask()
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap();
    assert_eq!(auth.user(&world.site()), Err(AuthError::NotSignedIn.into()));
}
