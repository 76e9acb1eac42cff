//! What keeps a thread waiting, on a thread of its own.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::job::Job;
use super::{background, runtime};

/// A blocking transport or prompt, with a thread for each exchange or question.
pub struct Threaded<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Threaded<T> {
    /// Takes one.
    pub fn new(inner: Arc<T>) -> Self {
        Self(inner)
    }

    pub(super) fn share(&self) -> Arc<T> {
        Arc::clone(&self.0)
    }
}

/// Does something that may keep its thread waiting, such as asking a store, on a thread of its own; `None` if no
/// thread could be had or it panicked. If this is dropped, it is left behind.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    Job::start(work).end().await.ok()
}

/// Does something beside its caller, on the runtime that this is called on, as long as that lives. Outside a runtime it
/// is dropped.
pub fn beside(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(work));
    }
}

/// Runs work that callers on several runtimes wait for, on a runtime of this crate, and waits for its end. If this is
/// dropped, or the caller's runtime ends, the work goes on.
///
/// Without a thread or a descriptor for that runtime, the work runs on a task of the caller's. Outside a runtime with
/// timers it runs in place, where a flow ends with an error.
///
/// # Panics
///
/// Panics if the work does.
pub async fn detached(work: impl Future<Output = ()> + Send + 'static) {
    if runtime::check(false).is_err() {
        return work.await;
    }
    let runtime = background::handle().unwrap_or_else(Handle::current);
    let ended = runtime.spawn(work).await;
    if let Err(Ok(panic)) = ended.map_err(tokio::task::JoinError::try_into_panic) {
        resume_unwind(panic);
    }
}

/// Waits for so long, on a runtime whose timer is enabled.
pub async fn sleep(length: Duration) {
    tokio::time::sleep(length).await;
}
