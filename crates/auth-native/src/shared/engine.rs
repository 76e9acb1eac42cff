use core::time::Duration;
use std::sync::Arc;

use auth_core::Error as AuthError;
use auth_core::error::StoreFault;
use auth_core::flow::{Flow, Outcome};
use auth_core::ports::Store;
use auth_core::time::{Now, Timestamp};
use auth_http::{Cancel, Underway};

/// What carries flows out, with a transport, a store, a prompt and a clock.
pub(crate) trait Engine: Clone + Send + Sync + 'static {
    /// Runs a flow to its end.
    fn run<F>(
        &self,
        flow: F,
        cancel: &Cancel,
    ) -> impl Future<Output = Result<Outcome<F::Output>, AuthError>> + Send
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static;

    /// Asks the store something.
    fn look<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreFault> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreFault>> + Send;

    /// Does something beside its caller.
    fn beside(&self, work: impl Future<Output = ()> + Send + 'static);

    /// Calls code of the program that may take long, and keeps no task of a runtime waiting; `None` if it panicked.
    #[cfg(feature = "shotgun")]
    fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send;

    /// Runs work that goes on if the caller leaves or its runtime ends, and waits for its end. On threads, the caller
    /// runs it and cannot leave.
    fn detached(&self, work: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send;

    /// Waits for so long. Where threads wait, it never ends: nothing there waits beside something else.
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// What must not be cut short.
    fn underway(&self) -> &Underway;

    /// Both clocks, now.
    fn now(&self) -> Now;

    /// Civil time alone.
    fn wall(&self) -> Timestamp;

    /// The same with another store.
    fn with_store(&self, store: Arc<dyn Store>) -> Self;

    /// The same, reaching nobody.
    fn unplugged(&self) -> Self;

    /// True if the store can be read where one stands, without keeping anybody waiting.
    fn is_quick(&self) -> bool;
}
