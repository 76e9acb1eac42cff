//! One thing done beside a flow, which can be left behind.

use std::future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::drive::Broke;

/// Something being done. Dropping this leaves it behind: a thread ends by itself, and what it brings is dropped there;
/// a task ends at once.
pub(super) struct Job<T> {
    over: Option<oneshot::Receiver<Result<T, Broke>>>,
    task: Option<AbortHandle>,
}

impl<T: Send + 'static> Job<T> {
    /// Begins something that keeps its thread waiting, on a thread of its own. It can spawn tasks on the runtime of
    /// this thread.
    pub(super) fn start(job: impl FnOnce() -> T + Send + 'static) -> Self {
        let (tell, over) = oneshot::channel();
        let runtime = Handle::try_current();
        let run = move || {
            let _entered = runtime.as_ref().map(Handle::enter);
            let _ = tell.send(catch_unwind(AssertUnwindSafe(job)).map_err(|_| Broke::Panicked));
        };
        if thread::Builder::new().name("auth-http".to_owned()).spawn(run).is_err() {
            return Self::broken(Broke::NotStarted);
        }
        Self { over: Some(over), task: None }
    }

    fn broken(why: Broke) -> Self {
        let (tell, over) = oneshot::channel();
        let _ = tell.send(Err(why));
        Self { over: Some(over), task: None }
    }

    /// Begins something that waits by giving way.
    pub(super) fn spawn(job: impl Future<Output = T> + Send + 'static) -> Self {
        let (tell, over) = oneshot::channel();
        let task = tokio::spawn(async move {
            let _ = tell.send(Ok(job.await));
        });
        Self { over: Some(over), task: Some(task.abort_handle()) }
    }

    /// Lets it go on once it is left behind.
    pub(super) fn outliving(self) -> Self {
        let mut this = self;
        this.task = None;
        this
    }

    /// Nothing to do.
    pub(super) fn nothing() -> Self {
        Self { over: None, task: None }
    }

    /// Waits until it is over. It is over once.
    pub(super) async fn end(&mut self) -> Result<T, Broke> {
        match &mut self.over {
            // Its task fell over, and took the channel with it.
            Some(over) => over.await.unwrap_or(Err(Broke::Panicked)),
            None => future::pending().await,
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
