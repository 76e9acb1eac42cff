use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auth_core::Error as AuthError;
use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::flow::{Flow, Outcome};
use auth_core::ports::{Clock, Prompt, Store, Transport};
use auth_core::time::{Now, Timestamp};
use auth_http::blocking::Driver;
use auth_http::{Cancel, Underway, wait_for};

use crate::shared::{Engine, Unplugged};

/// Carries flows out on the calling thread.
#[derive(Clone)]
pub(super) struct Threads {
    transport: Arc<dyn Transport>,
    store: Arc<dyn Store>,
    prompt: Arc<dyn Prompt>,
    clock: Arc<dyn Clock>,
    underway: Underway,
    pub(super) is_quick: bool,
}

impl Threads {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        store: Arc<dyn Store>,
        prompt: Arc<dyn Prompt>,
        clock: Arc<dyn Clock>,
        underway: Underway,
        is_quick: bool,
    ) -> Self {
        Self { transport, store, prompt, clock, underway, is_quick }
    }
}

impl Engine for Threads {
    async fn run<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, AuthError>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        let Self { transport, store, prompt, clock, underway, .. } = self.clone();
        Driver::new(transport, store, prompt, clock).counted(underway).run(flow, cancel)
    }

    async fn look<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let asked = catch_unwind(AssertUnwindSafe(|| ask(&*self.store)));
        asked.unwrap_or_else(|_| {
            let kind = StoreFaultKind::Other("it fell over".into());
            Err(StoreFault { kind, path: auth_core::Foreign::default() })
        })
    }

    fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Where no thread can be had, it is done when it must be.
        drop(thread::Builder::new().name("renewal".to_owned()).spawn(|| wait_for(work)));
    }

    fn detached(&self, work: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send {
        work
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    #[cfg(feature = "shotgun")]
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        catch_unwind(AssertUnwindSafe(work)).ok()
    }

    fn underway(&self) -> &Underway {
        &self.underway
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    fn with_store(&self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self.clone() }
    }

    fn unplugged(&self) -> Self {
        Self { transport: Arc::new(Unplugged), ..self.clone() }
    }

    fn is_quick(&self) -> bool {
        self.is_quick
    }
}
