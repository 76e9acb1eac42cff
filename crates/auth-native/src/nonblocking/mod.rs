//! Signing in on a tokio runtime, without keeping a thread of it waiting.
//!
//! Everything here can be used from several tasks at once: an [`Authenticator`] is cheap to clone, and one
//! [`Connection`] serves any number of tasks.
//!
//! # Dropping a future
//!
//! A dropped future ends its caller's wait, and nothing that others wait for. Tokens that were redeemed or given are
//! saved all the same. A question to the user belongs to all callers that need a sign-in to the same site: when the last
//! of them is dropped, it stays open for 10 seconds ([`Builder::question_grace`](crate::Builder::question_grace)), and a
//! caller that comes meanwhile waits for the same answer. Questions and renewals run on a thread of this crate, so that a
//! caller's runtime that ends, or is not driven, holds up no caller on another runtime. The futures of a
//! [`Prompt`] run there too. A program that ends while a question is open calls [`Authenticator::finish`] first: it takes
//! the question back, and the prompt restores the terminal.

mod authenticator;
mod connection;
mod engine;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "reqwest-middleware")]
mod middleware;
#[cfg(feature = "shotgun")]
pub mod shotgun;

use std::sync::Arc;

use auth_core::{Holder, Notice};
use auth_http::nonblocking::beside;

use self::engine::Tasks;
use crate::Error;
use crate::builder::{Parts, default_prompt};
use crate::shared::{Settings, Shared};

#[doc(inline)]
pub use crate::{State, Status, User};
#[doc(inline)]
pub use auth_http::Cancel;
#[doc(inline)]
pub use auth_http::nonblocking::{
    Asker, Asking, Exchange, Prompt, ReqwestTransport, Telling, Threaded, Transport, TransportError,
};
#[doc(inline)]
pub use auth_http::{NoEntropy, SystemClock, Underway, seed};
pub use authenticator::Authenticator;
pub use connection::Connection;
#[cfg(feature = "tower")]
pub use layer::{AuthorizeError, AuthorizeLayer, AuthorizeService};
#[cfg(feature = "reqwest-middleware")]
pub use middleware::Authorize;

/// Puts an [`Authenticator`] together.
pub type Builder = crate::Builder<dyn Transport, dyn Prompt>;

impl Builder {
    /// Puts the parts together. Speaks to nobody, and reads nothing but the environment and the files of authorities.
    ///
    /// Fails if the `User-Agent` cannot be sent, if a file of authorities cannot be read, or if no folder is known to
    /// keep sessions in.
    pub fn build(self) -> Result<Authenticator, Error> {
        let (engine, settings) = self.engine()?;
        Ok(Authenticator { shared: Shared::new(engine, settings) })
    }

    /// The same for Shotgun sites, for a program that says who it is.
    #[cfg(feature = "shotgun")]
    pub fn build_shotgun(
        mut self,
        program: crate::shotgun::Program,
    ) -> Result<shotgun::Authenticator, Error> {
        self.keep_in_memory_if_it_forgets();
        let defaults = self.take_defaults();
        let proxy = self.choose_proxy(&*defaults)?;
        let (engine, settings) = self.engine()?;
        let studio = crate::shared::Studio::new(engine, settings, program, defaults, proxy);
        Ok(shotgun::Authenticator { studio })
    }

    fn engine(mut self) -> Result<(Tasks, Settings), Error> {
        let prompt = self.prompt.take().unwrap_or_else(|| Arc::new(Threaded::new(default_prompt())));
        let Parts { user_agent, authorities, proxy, store, clock, underway, settings, .. } =
            self.parts(true, telling(&prompt))?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(ReqwestTransport::with_authorities(&user_agent, &authorities)?.proxied(proxy)),
        };
        Ok((Tasks::new(transport, store, prompt, clock, underway), settings))
    }
}

/// Tells the prompt which process the store waits for. The store calls this in a thread that can reach the runtime.
fn telling(prompt: &Arc<dyn Prompt>) -> impl Fn(&Holder) + Send + Sync + 'static {
    let prompt = Arc::clone(prompt);
    move |holder| {
        let (prompt, notice) = (Arc::clone(&prompt), Notice::Waiting(holder.clone()));
        beside(async move { prompt.tell(&notice).await });
    }
}

#[cfg(test)]
#[path = "../tests/authenticator.rs"]
mod authenticator_tests;
#[cfg(test)]
#[path = "../tests/connection.rs"]
mod connection_tests;
#[cfg(test)]
#[path = "../tests/environment_key.rs"]
mod environment_key_tests;
#[cfg(test)]
#[path = "../tests/notices.rs"]
mod notices_tests;
#[cfg(test)]
#[path = "../tests/panics.rs"]
mod panics_tests;
#[cfg(test)]
#[path = "../tests/refused.rs"]
mod refused_tests;
#[cfg(test)]
#[path = "../tests/rig.rs"]
mod rig;
#[cfg(test)]
#[path = "../tests/runtimes.rs"]
mod runtimes_tests;
#[cfg(test)]
mod subject;
#[cfg(test)]
#[path = "../tests/panics_of_tasks.rs"]
mod tasks_tests;
#[cfg(test)]
#[path = "../tests/told_of_waits.rs"]
mod waits_tests;
