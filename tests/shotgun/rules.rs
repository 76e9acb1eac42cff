//! A studio's rules that take long or panic, by both faces.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use auth_core::flow::{Outcome, Warning};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::time::Timestamp;
use auth_core::{Answer, Foreign, PromptFault, Question, Secret, Seed};
use auth_native::shotgun::{
    DefaultsManager, LoginOptions, Program, Remembered, SignInMethod, User, UserCredentials,
};
use auth_native::{Error, ProxyChoice, blocking, nonblocking};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;
use tokio::runtime::{Builder, Runtime};

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);

/// Rules that do something whenever one of them is asked for, by its name.
struct Rules {
    site: Site,
    does: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rules")
    }
}

impl DefaultsManager for Rules {
    fn is_host_fixed(&self) -> bool {
        (self.does)("is_host_fixed");
        true
    }

    fn host(&self, _: &Remembered) -> Option<Site> {
        (self.does)("host");
        Some(self.site.clone())
    }

    fn login(&self, _: &Site, _: &Remembered) -> Option<Foreign> {
        (self.does)("login");
        Some("ada".into())
    }

    fn http_proxy(&self) -> ProxyChoice {
        (self.does)("http_proxy");
        ProxyChoice::Environment
    }

    fn user_credentials(&self) -> UserCredentials {
        (self.does)("user_credentials");
        UserCredentials::Stored
    }

    fn signed_in(&self, _: &Site, _: &Foreign) {
        (self.does)("signed_in");
    }
}

enum Face {
    Blocking(blocking::shotgun::Authenticator),
    Nonblocking(Runtime, nonblocking::shotgun::Authenticator),
}

struct World {
    server: Server<ShotgunSite>,
    asked: Arc<AtomicUsize>,
}

fn answer(question: &Question) -> Result<Answer, PromptFault> {
    match question {
        Question::Password(_) => {
            Ok(Answer::Password { username: "ada".into(), password: Secret::from(plant("ada's password")) })
        }
        Question::Method(question) => {
            let by_password = |method: &SignInMethod| *method == SignInMethod::Password;
            Ok(Answer::Method(question.methods.iter().position(by_password).unwrap()))
        }
        _ => Err(PromptFault::Cancelled),
    }
}

impl World {
    fn new() -> Self {
        let people = vec![Person::new("ada", plant("ada's password"))];
        let site = ShotgunSite::new(ShotgunConfig { people, ..ShotgunConfig::default() }, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        Self { server, asked: Arc::default() }
    }

    /// Both faces, with rules that do this.
    fn face(&self, is_blocking: bool, does: impl Fn(&str) + Send + Sync + 'static) -> Result<Face, Error> {
        let rules = Arc::new(Rules { site: self.server.url().origin().clone().into(), does: Box::new(does) });
        let program = Program { product: "tool".into(), machine: "render07".into() };
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(self.server.clock().clone()));
        let asked = Arc::clone(&self.asked);
        let answers = move |question: Question| {
            asked.fetch_add(usize::from(matches!(question, Question::Password(_))), Ordering::SeqCst);
            answer(&question)
        };
        Ok(if is_blocking {
            let prompt = Arc::new(blocking::Asker::new(answers));
            let builder = blocking::Authenticator::builder().store(store).clock(clock).defaults(rules);
            Face::Blocking(builder.prompt(prompt).build_shotgun(program)?)
        } else {
            let prompt = nonblocking::Asker::new(move |question| {
                let answer = answers(question);
                async move { answer }
            });
            let builder = nonblocking::Authenticator::builder().store(store).clock(clock).defaults(rules);
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            Face::Nonblocking(runtime, builder.prompt(Arc::new(prompt)).build_shotgun(program)?)
        })
    }
}

impl Face {
    fn login(&self) -> Result<Outcome<User>, Error> {
        match self {
            Self::Blocking(auth) => auth.login(None, LoginOptions::default()),
            Self::Nonblocking(runtime, auth) => runtime.block_on(auth.login(None, LoginOptions::default())),
        }
    }

    fn user(&self) -> Result<Outcome<User>, Error> {
        match self {
            Self::Blocking(auth) => auth.user(None),
            Self::Nonblocking(runtime, auth) => runtime.block_on(auth.user(None)),
        }
    }

    fn default_user(&self) -> Result<Option<User>, Error> {
        match self {
            Self::Blocking(auth) => auth.default_user(None),
            Self::Nonblocking(runtime, auth) => runtime.block_on(auth.default_user(None)),
        }
    }

    fn default_host(&self) -> Result<Option<Site>, Error> {
        match self {
            Self::Blocking(auth) => auth.default_host(),
            Self::Nonblocking(runtime, auth) => runtime.block_on(auth.default_host()),
        }
    }
}

#[test]
fn rules_that_take_long_stop_no_other_task() {
    let world = World::new();
    let (entered, mut enters) = tokio::sync::mpsc::unbounded_channel();
    let (go, goes) = mpsc::channel();
    let goes = Mutex::new(goes);
    let is_free = Arc::new(AtomicUsize::new(0));
    let free = Arc::clone(&is_free);
    let face = world.face(false, move |rule| {
        if rule != "http_proxy" {
            entered.send(rule.to_owned()).unwrap();
            let other_task_ran = goes.lock().unwrap().recv_timeout(SOON / 4).is_ok();
            free.fetch_add(usize::from(other_task_ran), Ordering::SeqCst);
        }
    });
    let Ok(Face::Nonblocking(runtime, auth)) = face else { panic!("the face is another") };
    let asked = runtime.block_on(async {
        let user = tokio::spawn(async move { auth.user(None).await });
        let mut asked = Vec::new();
        while let Some(rule) = enters.recv().await {
            asked.push(rule);
            // Gone once the last rule was asked for.
            let _ = go.send(());
            if asked.last().is_some_and(|rule| rule == "signed_in") {
                break;
            }
        }
        assert_eq!(user.await.unwrap().unwrap().warnings, []);
        asked
    });
    for rule in ["is_host_fixed", "host", "login", "user_credentials", "signed_in"] {
        assert!(asked.iter().any(|asked| asked == rule), "{rule}: {asked:?}");
    }
    assert_eq!(is_free.load(Ordering::SeqCst), asked.len(), "{asked:?}");
    assert_eq!(world.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn rules_that_panic_are_an_error() {
    type Call = fn(&Face) -> Result<(), Error>;
    let login: Call = |face| face.login().map(drop);
    let user: Call = |face| face.user().map(drop);
    let default_user: Call = |face| face.default_user().map(drop);
    let default_host: Call = |face| face.default_host().map(drop);
    let cases: [(&str, &[Call]); 4] = [
        ("is_host_fixed", &[login, user]),
        ("host", &[login, user, default_user, default_host]),
        ("login", &[login, user, default_user]),
        ("user_credentials", &[user, default_user]),
    ];
    for is_blocking in [true, false] {
        let world = World::new();
        for (rule, calls) in cases {
            let panics = move |asked: &str| {
                if asked == rule {
                    resume_unwind(Box::new("on purpose"));
                }
            };
            let face = world.face(is_blocking, panics).unwrap();
            for call in calls {
                assert_eq!(call(&face), Err(Error::Defaults), "{rule}, blocking: {is_blocking}");
            }
        }
        let panics = |asked: &str| {
            if asked == "http_proxy" {
                resume_unwind(Box::new("on purpose"));
            }
        };
        assert_eq!(world.face(is_blocking, panics).err(), Some(Error::Defaults));
        assert_eq!(world.asked.load(Ordering::SeqCst), 0, "blocking: {is_blocking}");
    }
}

#[test]
fn a_sign_in_whose_handler_panics_is_kept_with_a_warning() {
    for is_blocking in [true, false] {
        let world = World::new();
        let panics = |asked: &str| {
            if asked == "signed_in" {
                resume_unwind(Box::new("on purpose"));
            }
        };
        let face = world.face(is_blocking, panics).unwrap();
        let Outcome { value: user, warnings } = face.login().unwrap();
        assert_eq!(warnings, [Warning::Callback("DefaultsManager::signed_in")], "blocking: {is_blocking}");
        assert_eq!(face.default_user().unwrap(), Some(user), "blocking: {is_blocking}");
        assert_eq!(world.asked.load(Ordering::SeqCst), 1, "blocking: {is_blocking}");
    }
}
