//! A caller that leaves.

use std::sync::Arc;
use std::time::Duration;

use auth_core::error::{Misuse, StoreFault};
use auth_core::flow::{Event, Machine, Outcome, Pending, Step};
use auth_core::ports::{Applied, Change, Dismiss, Key, Loaded, LockKind, Locking, SiteEntry};
use auth_core::session::Session;
use auth_core::time::Now;
use auth_core::wire::{Body, Response};
use auth_core::{Answer, Notice, PromptFault, Secret};
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
                Step::Apply(Change::Save { key, session: Box::new(Session::default()) })
            }
            _ => Step::Done(Ok(Outcome::clean(()))),
        })
    }
}

/// Says when it is asked, and does nothing until it is let.
struct World {
    asked: mpsc::UnboundedSender<&'static str>,
    go_on: Arc<Notify>,
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
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, _: &Notice) {}
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
