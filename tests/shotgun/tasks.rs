//! The facade on a runtime.

use std::sync::Arc;
use std::time::Duration;

use auth_core::time::Timestamp;
use auth_core::{Answer, PromptFault, Question, Secret, Seed};
use auth_native::nonblocking::{Asker, Authenticator};
use auth_native::shotgun::{Expired, Program, SignInMethod};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;

#[test]
fn a_session_that_has_ended_is_replaced_once_for_all_tasks() {
    let people = vec![Person::new("ada", plant("ada's password"))];
    let site = ShotgunSite::new(ShotgunConfig { people, ..ShotgunConfig::default() }, Seed::new([7; 32]));
    let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
    let prompt = Asker::new(|question| async move {
        match question {
            Question::Password(_) => Ok(Answer::Password {
                username: "ada".into(),
                password: Secret::from(plant("ada's password")),
            }),
            Question::Method(question) => {
                let by_password =
                    question.methods.iter().position(|method| *method == SignInMethod::Password);
                Ok(Answer::Method(by_password.unwrap()))
            }
            _ => Err(PromptFault::Cancelled),
        }
    });
    let auth = Authenticator::builder()
        .store(Arc::new(MemoryStore::new()))
        .prompt(Arc::new(prompt))
        .clock(Arc::new(server.clock().clone()))
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap();
    let at: auth_native::shotgun::ShotgunSite = server.url().origin().clone().into();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let logins = || server.site().lock().unwrap().counters().logins;
    runtime.block_on(async {
        let user = auth.user(&at).await.unwrap().value;
        let connection = Arc::new(auth.connect(user));
        assert_eq!(connection.are_credentials_expired().await, Expired::No);
        server.clock().advance(Duration::from_hours(24 * 365));
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let connection = Arc::clone(&connection);
                tokio::spawn(async move { connection.resolve_entity().await.unwrap().unwrap() })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap()["type"], "HumanUser");
        }
    });
    assert_eq!(logins(), 2);
}
