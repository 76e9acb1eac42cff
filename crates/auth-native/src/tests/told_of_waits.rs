use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{Holder, Notice, PromptFault, Question};
use auth_http::nonblocking::aside;
use tokio::sync::Notify;

use super::{Asking, Prompt, Telling, telling};

/// A prompt that needs the runtime to tell something.
#[derive(Default)]
struct OnTheRuntime {
    told: Mutex<Vec<Notice>>,
    one_more: Notify,
}

impl Prompt for OnTheRuntime {
    fn ask<'a>(&'a self, _: &'a Question, _: &'a auth_core::ports::Dismiss) -> Asking<'a> {
        Box::pin(async { Err(PromptFault::Cancelled) })
    }

    fn tell<'a>(&'a self, notice: &'a Notice) -> Telling<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let _ = tokio::spawn(async {}).await;
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
            self.one_more.notify_one();
        })
    }
}

#[tokio::test]
async fn a_store_that_waits_on_its_own_thread_tells_the_prompt_f7() {
    let prompt = Arc::new(OnTheRuntime::default());
    let shared: Arc<dyn Prompt> = prompt.clone();
    let tell = telling(&shared);
    let holder = Holder::default();
    let held = holder.clone();
    assert_eq!(aside(move || tell(&held)).await, Some(()));
    prompt.one_more.notified().await;
    assert_eq!(*prompt.told.lock().unwrap(), [Notice::Waiting(holder)]);
}
