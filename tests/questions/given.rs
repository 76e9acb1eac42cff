//! A site that accepts a password and gives a token that it refuses.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use auth_native::ports::{Dismiss, Prompt};
use auth_native::shotgun::{Program, ShotgunSite, SignInMethod};
use auth_native::{Answer, MemoryStore, Notice, PromptFault, Question, Secret, blocking};
use auth_sandbox::{Entry, Fault, Faults, Which};
use canary::plant;

use super::rig::{PROTOCOLS, Protocol, Rig, Servers, USER, runtime, until};

const CALLS: usize = 16;
/// How often the user is asked in all. A call that is refused before the answer, and asks for a sign-in only just after
/// it, may open one more question.
const AGAIN: RangeInclusive<usize> = 2..=3;

/// The same tokens for every password.
fn give_the_same(rig: &Rig) {
    match &rig.servers {
        Servers::Tiled(server) => {
            let body = format!(
                r#"{{"access_token":"{}","refresh_token":"{}","expires_in":900,"token_type":"bearer"}}"#,
                plant("the access token"),
                plant("the refresh token")
            );
            server.site().lock().unwrap().faults =
                Faults::none().always(Which::ending("/token"), Fault::json(200, body));
        }
        Servers::Shotgun(server) => {
            let body = format!(r#"{{"results":{{"session_id":"{}"}}}}"#, plant("the session"));
            server.site().lock().unwrap().faults =
                Faults::none().always(Which::calling("get_session_token"), Fault::json(200, body));
        }
    }
}

/// How often a read was refused for its token.
fn refusals(rig: &Rig) -> usize {
    match &rig.servers {
        Servers::Tiled(server) => {
            let log = server.site().lock().unwrap().log();
            let is_refused =
                |entry: &&Entry| entry.path.ends_with("/auth/whoami") && entry.status == Some(401);
            log.iter().filter(is_refused).count()
        }
        Servers::Shotgun(server) => {
            usize::try_from(server.site().lock().unwrap().counters().refused).unwrap()
        }
    }
}

#[test]
fn one_answer_serves_all_tasks_even_if_it_is_refused() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            give_the_same(&rig);
            let auth = rig.build(rig.builder());
            rig.user.answer(1);
            let link = auth.connect().await.unwrap();
            assert_eq!(rig.user.asked(), 1);
            let calls: Vec<_> = (0..CALLS).map(|_| tokio::spawn(link.clone().read())).collect();
            until(|| refusals(&rig) >= CALLS).await;
            rig.user.answer(CALLS);
            for call in calls {
                // What a refusal comes to is each protocol's own.
                drop(call.await.unwrap());
            }
            assert!(AGAIN.contains(&rig.user.asked()), "{protocol:?}: {}", rig.user.asked());
        });
    }
}

/// Answers at once, once the gate is open.
struct Quick {
    asked: AtomicUsize,
    gate: Mutex<bool>,
    opened: Condvar,
}

impl Quick {
    fn open(&self, is_open: bool) {
        *self.gate.lock().unwrap() = is_open;
        self.opened.notify_all();
    }
}

impl Prompt for Quick {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        if let Question::Method(question) = question {
            let by_password = question.methods.iter().position(|method| *method == SignInMethod::Password);
            return Ok(Answer::Method(by_password.unwrap()));
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        drop(self.opened.wait_while(self.gate.lock().unwrap(), |is_open| !*is_open).unwrap());
        let password = Secret::from(plant("the password of demo"));
        Ok(Answer::Password { username: USER.into(), password })
    }

    fn tell(&self, _: &Notice) {}
}

#[test]
fn one_answer_serves_all_threads_even_if_it_is_refused() {
    for protocol in PROTOCOLS {
        let rig = Rig::new(protocol);
        give_the_same(&rig);
        let user =
            Arc::new(Quick { asked: AtomicUsize::new(0), gate: Mutex::new(true), opened: Condvar::new() });
        let asked = || user.asked.load(Ordering::SeqCst);
        let prompt: Arc<dyn Prompt> = user.clone();
        let builder = blocking::Authenticator::builder()
            .store(Arc::new(MemoryStore::new()))
            .prompt(prompt)
            .clock(Arc::new(rig.clock.clone()))
            .ignore_environment_key();
        let read: Box<dyn Fn() + Sync> = match protocol {
            Protocol::Tiled => {
                let connection = builder.build().unwrap().connect(&rig.url).unwrap();
                Box::new(move || drop(connection.get("auth/whoami")))
            }
            Protocol::Shotgun => {
                let program = Program { product: "tool".into(), machine: "render07".into() };
                let auth = builder.build_shotgun(program).unwrap();
                let user = auth.user(&rig.url.parse::<ShotgunSite>().unwrap()).unwrap().value;
                let connection = auth.connect(user);
                Box::new(move || drop(connection.resolve_entity()))
            }
        };
        assert_eq!(asked(), 1);
        user.open(false);
        std::thread::scope(|scope| {
            for _ in 0..CALLS {
                scope.spawn(&read);
            }
            runtime().block_on(until(|| refusals(&rig) >= CALLS));
            user.open(true);
        });
        assert!(AGAIN.contains(&asked()), "{protocol:?}: {}", asked());
    }
}
