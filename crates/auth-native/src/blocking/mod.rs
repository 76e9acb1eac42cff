//! Signing in on the calling thread, which waits.
//!
//! Everything here can be used from several threads at once: an [`Authenticator`] is cheap to clone, and one
//! [`Connection`] serves any number of threads.

mod asker;
mod authenticator;
mod connection;
mod engine;
#[cfg(feature = "ureq")]
mod middleware;
#[cfg(feature = "shotgun")]
pub mod shotgun;

use std::sync::Arc;
use std::thread;

use auth_core::ports::{Prompt, Transport};
use auth_core::{Holder, Notice};

use self::engine::Threads;
use crate::Error;
use crate::builder::{Parts, default_prompt};
use crate::shared::{Settings, Shared};

#[doc(inline)]
pub use crate::{State, Status, User};
pub use asker::Asker;
#[doc(inline)]
pub use auth_http::Cancel;
#[doc(inline)]
pub use auth_http::blocking::{TransportError, UreqTransport};
#[doc(inline)]
pub use auth_http::{NoEntropy, SystemClock, Underway, seed};
pub use authenticator::Authenticator;
pub use connection::Connection;
#[cfg(feature = "ureq")]
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

    fn engine(mut self) -> Result<(Threads, Settings), Error> {
        let prompt = self.prompt.take().unwrap_or_else(default_prompt);
        let told = Arc::clone(&prompt);
        let told = move |holder: &Holder| {
            let (told, notice) = (Arc::clone(&told), Notice::Waiting(holder.clone()));
            // A prompt that hangs keeps no change of the store waiting.
            drop(thread::Builder::new().name("notice".to_owned()).spawn(move || told.tell(&notice)));
        };
        let Parts { user_agent, authorities, proxy, store, is_quick, clock, underway, settings } =
            self.parts(false, told)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(UreqTransport::with_authorities(&user_agent, &authorities)?.proxied(proxy)),
        };
        Ok((Threads::new(transport, store, prompt, clock, underway, is_quick), settings))
    }
}

/// What the tests of both engines are about.
#[cfg(test)]
mod subject {
    pub(super) use super::{Authenticator, Builder, Connection};

    impl Authenticator {
        pub(super) fn shared_mut(&mut self) -> &mut crate::shared::Shared<super::Threads> {
            &mut self.shared
        }
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
#[path = "../tests/quick.rs"]
mod quick_tests;
#[cfg(test)]
#[path = "../tests/refused.rs"]
mod refused_tests;
#[cfg(test)]
#[path = "../tests/rig.rs"]
mod rig;
