//! A site of either kind, a user whose answers are held back, and connections whose sessions end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::time::Timestamp;
use auth_native::nonblocking::{self, Asker};
use auth_native::shotgun::{Program, SignInMethod};
use auth_native::{Answer, Error, MemoryStore, PromptFault, Question, Secret};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, Site, SiteClock, TiledSite};
use canary::plant;
use tokio::sync::Semaphore;

pub(crate) const USER: &str = "demo";
/// Longer than any session lives.
const AGES: Duration = Duration::from_hours(24 * 400);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Tiled,
    Shotgun,
}

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Tiled, Protocol::Shotgun];

/// The user who is prompted. Each answer waits for a permit.
pub(crate) struct User {
    asked: AtomicUsize,
    withdrawn: AtomicUsize,
    answers: Semaphore,
    /// The site that is meant where none is named.
    site: String,
}

impl User {
    pub(crate) fn new(site: &str) -> Arc<Self> {
        let (asked, withdrawn) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { asked, withdrawn, answers: Semaphore::new(0), site: site.to_owned() })
    }

    /// How often a password was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How often such a question was taken back.
    pub(crate) fn withdrawn(&self) -> usize {
        self.withdrawn.load(Ordering::SeqCst)
    }

    /// Lets the user answer so many questions.
    pub(crate) fn answer(&self, questions: usize) {
        self.answers.add_permits(questions);
    }

    pub(crate) async fn ask(self: Arc<Self>, question: Question) -> Result<Answer, PromptFault> {
        /// Counts a question that is dropped.
        struct Open(Option<Arc<User>>);
        impl Drop for Open {
            fn drop(&mut self) {
                if let Some(user) = self.0.take() {
                    user.withdrawn.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        if let Question::Site(_) = question {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.answers.acquire().await.unwrap().forget();
            return Ok(Answer::Site(self.site.as_str().into()));
        }
        if let Question::Method(question) = question {
            let by_password = question.methods.iter().position(|method| *method == SignInMethod::Password);
            return Ok(Answer::Method(by_password.unwrap()));
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut open = Open(Some(Arc::clone(&self)));
        self.answers.acquire().await.unwrap().forget();
        open.0 = None;
        Ok(Answer::Password { username: USER.into(), password: password() })
    }
}

fn password() -> Secret {
    Secret::from(plant("the password of demo"))
}

/// A server of either kind, and the clock that it shares with its clients.
pub(crate) struct Rig {
    pub(crate) protocol: Protocol,
    pub(crate) clock: SiteClock,
    pub(crate) url: String,
    pub(crate) user: Arc<User>,
    pub(crate) servers: Servers,
}

pub(crate) enum Servers {
    Tiled(Server<TiledSite>),
    Shotgun(Server<ShotgunSite>),
}

fn start<S: Site>(site: S, clock: &SiteClock) -> (Server<S>, String) {
    let server = Server::start(site, clock.clone()).unwrap();
    let url = server.url().origin().to_string();
    (server, url)
}

impl Rig {
    pub(crate) fn new(protocol: Protocol) -> Self {
        canary::listen();
        let clock = SiteClock::standing(Timestamp(1_800_000_000));
        let (servers, url) = match protocol {
            Protocol::Tiled => {
                let mut site = TiledSite::demo([7; 32]);
                site.config.users[0].password = password();
                let (server, url) = start(site, &clock);
                (Servers::Tiled(server), url)
            }
            Protocol::Shotgun => {
                let people = vec![Person::new(USER, plant("the password of demo"))];
                let config = ShotgunConfig { people, ..ShotgunConfig::default() };
                let (server, url) = start(ShotgunSite::new(config, auth_core::Seed::new([7; 32])), &clock);
                (Servers::Shotgun(server), url)
            }
        };
        let user = User::new(&url);
        Self { protocol, clock, url, user, servers }
    }

    pub(crate) fn builder(&self) -> nonblocking::Builder {
        let user = Arc::clone(&self.user);
        let prompt = Asker::new(move |question| Arc::clone(&user).ask(question));
        nonblocking::Authenticator::builder()
            .store(Arc::new(MemoryStore::new()))
            .prompt(Arc::new(prompt))
            .clock(Arc::new(self.clock.clone()))
            .renew_in_background(false)
            .ignore_environment_key()
    }

    pub(crate) fn build(&self, builder: nonblocking::Builder) -> Auth {
        match self.protocol {
            Protocol::Tiled => Auth::Tiled(builder.build().unwrap(), self.url.clone()),
            Protocol::Shotgun => {
                let program = Program { product: "tool".into(), machine: "render07".into() };
                let auth = builder.build_shotgun(program).unwrap();
                Auth::Shotgun(auth, self.url.parse().unwrap())
            }
        }
    }

    /// A connection whose session is over, and nothing was asked yet.
    pub(crate) async fn over(&self, auth: &Auth) -> Link {
        self.user.answer(1);
        let link = auth.connect().await.unwrap();
        self.clock.advance(AGES);
        self.user.asked.store(0, Ordering::SeqCst);
        link
    }

    /// Removes the stored session, as another program does.
    pub(crate) async fn forget(&self, auth: &Auth) {
        match auth {
            Auth::Tiled(auth, url) => drop(auth.logout(url).await),
            Auth::Shotgun(auth, site) => drop(auth.clear_default_user(site).await.unwrap()),
        }
    }

    /// How often a password was accepted.
    pub(crate) fn logins(&self) -> u64 {
        match &self.servers {
            Servers::Tiled(server) => server.site().lock().unwrap().counters().logins,
            Servers::Shotgun(server) => server.site().lock().unwrap().counters().logins,
        }
    }
}

#[derive(Clone)]
pub(crate) enum Auth {
    Tiled(nonblocking::Authenticator, String),
    Shotgun(nonblocking::shotgun::Authenticator, auth_native::shotgun::ShotgunSite),
}

impl Auth {
    pub(crate) async fn connect(&self) -> Result<Link, Error> {
        Ok(match self {
            Self::Tiled(auth, url) => Link::Tiled(Arc::new(auth.connect(url).await?)),
            Self::Shotgun(auth, site) => Link::Shotgun(Arc::new(auth.connect(auth.user(site).await?.value))),
        })
    }
}

#[derive(Clone)]
pub(crate) enum Link {
    Tiled(Arc<nonblocking::Connection>),
    Shotgun(Arc<nonblocking::shotgun::Connection>),
}

impl Link {
    /// A read, which needs a session that is accepted.
    pub(crate) async fn read(self) -> Result<(), Error> {
        match self {
            Self::Tiled(connection) => connection.get("auth/whoami").await.map(drop),
            Self::Shotgun(connection) => connection.resolve_entity().await.map(drop),
        }
    }
}

/// Waits until something is so, 20 s at most.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let mut looks = 0;
    while !is_so() {
        looks += 1;
        assert!(looks < 2_000, "it takes too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A runtime of several threads.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
