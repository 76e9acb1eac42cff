//! A caller that leaves.

use std::sync::Arc;
use std::time::Duration;

use auth_core::error::{Misuse, StoreFault};
use auth_core::flow::{Event, Machine, Outcome, Pending, Step};
use auth_core::ports::{Applied, Change, Dismiss, Key, Loaded, LockKind, Locking, Replaces, SiteEntry};
use auth_core::session::Session;
use auth_core::site::Url;
use auth_core::time::Now;
use auth_core::wire::{Body, Response};
use auth_core::{Answer, Notice, PasswordQuestion, PromptFault, Secret};
use tokio::sync::mpsc;

use super::*;
use crate::SystemClock;

/// Redeems a token, and saves what comes.
#[derive(Clone, Default)]
struct Redeem {
    pending: Pending,
}

impl Machine for Redeem {
    type Output = ();

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        true
    }

    fn advance(&mut self, _: Now, event: Event) -> Result<Step<()>, Misuse> {
        Ok(match event {
            Event::Start => {
                let url = "http://127.0.0.1:1/token".parse().unwrap();
                Step::Send(Request::token(url, Body::Json(Secret::from("{}"))))
            }
            Event::Response(_) => {
                let key = Key { site: "http://127.0.0.1:1/".to_owned(), slot: String::new() };
                Step::Apply(Change::Save {
                    key,
                    session: Box::new(Session::default()),
                    replaces: Replaces::Anything,
                })
            }
            _ => Step::Done(Ok(Outcome::clean(()))),
        })
    }
}

/// Says when it is asked, and does nothing until it is let.
pub(super) struct World {
    pub(super) asked: mpsc::UnboundedSender<&'static str>,
    pub(super) go_on: Arc<Notify>,
}

impl Transport for World {
    fn send<'a>(&'a self, _: &'a Request) -> Exchange<'a> {
        Box::pin(async {
            let _ = self.asked.send("send");
            self.go_on.notified().await;
            Ok(Response::new(200, [], "ok"))
        })
    }
}

impl Store for World {
    fn load(&self, _: &Key) -> Result<Loaded, StoreFault> {
        Ok(Loaded::None)
    }

    fn apply(&self, _: &Change) -> Result<Applied, StoreFault> {
        let _ = self.asked.send("save");
        Ok(Applied::Done)
    }

    fn lock(&self, _: LockKind, _: &Key, _: Duration) -> Result<Locking, StoreFault> {
        Ok(Locking::Held(Box::new(())))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        Ok(Vec::new())
    }
}

impl Prompt for World {
    fn ask<'a>(&'a self, _: &'a Question, _: &'a Dismiss) -> Asking<'a> {
        Box::pin(async { Err(PromptFault::Cancelled) })
    }

    fn tell<'a>(&'a self, _: &'a Notice) -> Telling<'a> {
        Box::pin(async {})
    }
}

/// Asks for a password, whatever comes of it.
#[derive(Clone, Default)]
struct Asks {
    pending: Pending,
}

impl Machine for Asks {
    type Output = Answer;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, _: Now, event: Event) -> Result<Step<Answer>, Misuse> {
        Ok(match event {
            Event::Start => Step::Ask(Question::Password(PasswordQuestion {
                origin: "http://127.0.0.1:1/".parse::<Url>().unwrap().origin().clone(),
                provider: "toy".into(),
                username: None,
                suggested: None,
                refused: false,
                left: 1,
            })),
            Event::Answer(answer) => Step::Done(Ok(Outcome::clean(answer))),
            _ => Step::Done(Err(Error::Cancelled)),
        })
    }
}

fn driver_asking(world: Arc<World>, prompt: Arc<dyn Prompt>) -> Driver {
    Driver::new(Arc::clone(&world) as _, world, prompt, Arc::new(SystemClock))
}

/// Says when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_closure_that_awaits_answers_and_is_dropped_when_the_question_is_taken_back() {
    let (asked, _none) = mpsc::unbounded_channel();
    let world = Arc::new(World { asked, go_on: Arc::default() });
    let answer = Answer::Password { username: "alice".into(), password: Secret::from("sesame") };
    let given = answer.clone();
    let prompt = Asker::new(move |_| {
        let given = given.clone();
        async move {
            tokio::task::yield_now().await;
            Ok(given)
        }
    });
    let driver = driver_asking(Arc::clone(&world), Arc::new(prompt));
    assert_eq!(driver.run(Asks::default(), &Cancel::new()).await.unwrap().value, answer);

    let (tell, mut events) = mpsc::unbounded_channel();
    let prompt = Asker::new(move |_| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(());
            let _guard = Dropped(tell);
            std::future::pending().await
        }
    });
    let driver = driver_asking(world, Arc::new(prompt));
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let run = tokio::spawn(async move { driver.run(Asks::default(), &stop).await });
    events.recv().await.unwrap();
    cancel.cancel();
    assert_eq!(run.await.unwrap().unwrap_err(), Error::Cancelled);
    events.recv().await.unwrap();
}

#[tokio::test]
async fn what_was_redeemed_is_saved_although_the_caller_left_h15() {
    let (tell, mut asked) = mpsc::unbounded_channel();
    let go_on = Arc::new(Notify::new());
    let world = Arc::new(World { asked: tell, go_on: Arc::clone(&go_on) });
    let driver = Driver::new(Arc::clone(&world) as _, Arc::clone(&world) as _, world, Arc::new(SystemClock));
    let cancel = Cancel::new();
    {
        let mut run = Box::pin(driver.run(Redeem::default(), &cancel));
        tokio::select! {
            biased;
            _ = &mut run => panic!("it ended while its request was on its way"),
            what = asked.recv() => assert_eq!(what, Some("send")),
        }
        // Dropped here, with the request on its way.
    }
    go_on.notify_one();
    assert_eq!(asked.recv().await, Some("save"));
}

#[test]
fn what_was_redeemed_is_saved_although_the_runtime_ended_h15() {
    let (tell, mut asked) = mpsc::unbounded_channel();
    let go_on = Arc::new(Notify::new());
    let world = Arc::new(World { asked: tell, go_on: Arc::clone(&go_on) });
    let underway = Underway::new();
    let driver = Driver::new(Arc::clone(&world) as _, Arc::clone(&world) as _, world, Arc::new(SystemClock))
        .counted(underway.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move { driver.run(Redeem::default(), &Cancel::new()).await });
    assert_eq!(asked.blocking_recv(), Some("send"));
    // With the request on its way, and everything that ran on it dropped.
    runtime.shutdown_timeout(Duration::from_secs(20));
    assert!(!underway.is_idle());
    go_on.notify_one();
    assert_eq!(asked.blocking_recv(), Some("save"));
    assert!(underway.finish(Duration::from_secs(20)));
}
