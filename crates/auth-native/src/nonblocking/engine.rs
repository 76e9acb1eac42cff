use std::sync::Arc;
use std::time::Duration;

use auth_core::Error as AuthError;
use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::flow::{Flow, Outcome};
use auth_core::ports::{Clock, Store};
use auth_core::time::{Now, Timestamp};
use auth_http::nonblocking::{Driver, Prompt, Threaded, Transport, aside, beside, detached, sleep};
use auth_http::{Cancel, Underway};

use crate::shared::{Engine, Unplugged};

/// Carries flows out on a tokio runtime, and asks stores on threads of their own.
#[derive(Clone)]
pub(super) struct Tasks {
    transport: Arc<dyn Transport>,
    store: Arc<dyn Store>,
    prompt: Arc<dyn Prompt>,
    clock: Arc<dyn Clock>,
    underway: Underway,
}

impl Tasks {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        store: Arc<dyn Store>,
        prompt: Arc<dyn Prompt>,
        clock: Arc<dyn Clock>,
        underway: Underway,
    ) -> Self {
        Self { transport, store, prompt, clock, underway }
    }
}

impl Engine for Tasks {
    async fn run<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, AuthError>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        let Self { transport, store, prompt, clock, underway } = self.clone();
        Driver::new(transport, store, prompt, clock).counted(underway).run(flow, cancel).await
    }

    async fn look<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let store = Arc::clone(&self.store);
        let broken = || {
            let kind = StoreFaultKind::Other("it fell over, or no thread could be had".into());
            Err(StoreFault { kind, path: auth_core::Foreign::default() })
        };
        aside(move || ask(&*store)).await.unwrap_or_else(broken)
    }

    fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        beside(work);
    }

    fn detached(&self, work: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send {
        detached(work)
    }

    fn sleep(&self, length: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(length)
    }

    #[cfg(feature = "shotgun")]
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        aside(work).await
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
        let nobody: Arc<Unplugged> = Arc::new(Unplugged);
        Self { transport: Arc::new(Threaded::new(nobody)), ..self.clone() }
    }

    fn is_quick(&self) -> bool {
        false
    }
}
