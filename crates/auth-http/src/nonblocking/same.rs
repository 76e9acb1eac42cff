//! What the blocking driver promises, this one promises too.

use std::sync::Arc;

use auth_core::Error;
use auth_core::flow::{Flow, Outcome};
use auth_core::ports::{Clock, Prompt, Store, Transport};

use super::Threaded;
use crate::Cancel;

/// The driver, as the tests of the blocking one see it.
struct Driver(super::Driver);

impl Driver {
    fn new(
        transport: Arc<dyn Transport>,
        store: Arc<dyn Store>,
        prompt: Arc<dyn Prompt>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (transport, prompt) = (Threaded::new(transport), Threaded::new(prompt));
        Self(super::Driver::new(Arc::new(transport), store, Arc::new(prompt), clock))
    }

    fn counted(self, underway: crate::Underway) -> Self {
        Self(self.0.counted(underway))
    }

    fn run<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(self.0.run(flow, cancel))
    }
}

#[path = "../tests/driver.rs"]
mod tests;
