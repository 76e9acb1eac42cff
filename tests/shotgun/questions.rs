//! One question at a time for all logins of a site.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_native::nonblocking::Threaded;
use auth_native::shotgun::{LoginOptions, Program, SignInMethod, User};
use auth_native::{Error, blocking, nonblocking};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;

use super::{Way, each};

/// A step that takes longer has failed.
const LONG: Duration = Duration::from_secs(20);
const LOGINS: [&str; 3] = ["ada", "bob", "eve"];

#[derive(Default)]
struct Seen {
    asked: usize,
    open: usize,
    most_open: usize,
    waiting: usize,
}

/// A user who answers the first question only when the two other programs wait for it, or ask beside it.
struct OneUser {
    declines: bool,
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Prompt for OneUser {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
        let mut seen = self.seen.lock().unwrap();
        seen.asked += 1;
        seen.open += 1;
        seen.most_open = seen.most_open.max(seen.open);
        self.changed.notify_all();
        let is_alone = |seen: &mut Seen| seen.waiting + seen.most_open < LOGINS.len();
        let (mut seen, timeout) = self.changed.wait_timeout_while(seen, LONG, is_alone).unwrap();
        assert!(!timeout.timed_out(), "the other programs neither wait nor ask");
        seen.open -= 1;
        if self.declines {
            return Err(PromptFault::Cancelled);
        }
        let username = question.username.clone().unwrap();
        let password = Secret::from(plant(&format!("{}'s password", username.raw())));
        Ok(Answer::Password { username, password })
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Waiting(_) = notice {
            self.seen.lock().unwrap().waiting += 1;
            self.changed.notify_all();
        }
    }
}

/// Signs in as a login, in a program of its own that shares the store with the others.
fn sign_in(
    way: Way,
    (site, clock): (&Site, &SiteClock),
    store: Arc<MemoryStore>,
    user: Arc<OneUser>,
    login: &str,
) -> Result<User, Error> {
    let program = Program { product: "tool".into(), machine: "render07".into() };
    let (username, method) = (Some(Foreign::from(login)), Some(SignInMethod::Password));
    let options = LoginOptions { reuse: true, username, method, ..LoginOptions::default() };
    let clock = Arc::new(clock.clone());
    match way {
        Way::Ureq => {
            let builder = blocking::Authenticator::builder().store(store).prompt(user).clock(clock);
            builder.build_shotgun(program)?.login(site, options)
        }
        Way::Reqwest => {
            let prompt = Arc::new(Threaded::new(user));
            let builder = nonblocking::Authenticator::builder().store(store).prompt(prompt).clock(clock);
            let auth = builder.build_shotgun(program)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(auth.login(site, options))
        }
    }
    .map(|outcome| outcome.value)
}

/// Signs in three logins at one time. Returns the errors, how often the user was asked, and how many questions were
/// open at one time.
fn three_logins(way: Way, declines: bool) -> (Vec<Error>, usize, usize) {
    canary::listen();
    let person = |name: &str| Person::new(name, plant(&format!("{name}'s password")));
    let config = ShotgunConfig { people: LOGINS.map(person).into(), ..ShotgunConfig::default() };
    let server = ShotgunSite::new(config, Seed::new([7; 32]));
    let server = Server::start(server, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
    let site = Site::from(server.url().origin().clone());
    let store = Arc::new(MemoryStore::new());
    let user = Arc::new(OneUser { declines, seen: Mutex::default(), changed: Condvar::new() });
    let errors = thread::scope(|scope| {
        let programs = LOGINS.map(|login| {
            let (site, clock, store, user) = (&site, server.clock(), store.clone(), user.clone());
            scope.spawn(move || sign_in(way, (site, clock), store, user, login))
        });
        let ends = programs.map(|program| program.join().unwrap());
        ends.into_iter().filter_map(Result::err).collect()
    });
    let seen = user.seen.lock().unwrap();
    (errors, seen.asked, seen.most_open)
}

#[test]
fn logins_of_one_site_are_asked_one_at_a_time() {
    each(|way| assert_eq!(three_logins(way, false), (vec![], 3, 1), "{way:?}"));
}

#[test]
fn a_decline_holds_for_all_logins_of_the_site() {
    each(|way| {
        let (mut errors, asked, most_open) = three_logins(way, true);
        errors.sort_by_key(|error| *error != AuthError::Cancelled.into());
        let declined = || CannotPrompt::Declined;
        let expected = [AuthError::Cancelled, declined().into(), declined().into()].map(Error::from);
        assert_eq!((errors, asked, most_open), (expected.to_vec(), 1, 1), "{way:?}");
    });
}
