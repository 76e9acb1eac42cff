use std::fmt;
use std::sync::Arc;

use auth_core::ports::{Clock, Prompt, Store, Transport};
use auth_http::blocking::{Driver, UreqTransport};
use auth_http::{Cancel, SystemClock};

use super::Authenticator;
#[cfg(not(feature = "terminal"))]
use super::silent::Silent;
use crate::Error;

/// Puts an [`Authenticator`] together; made by [`Authenticator::builder`].
///
/// Each part has a default, which follows from the features that are on: sessions are kept in Tiled's token directory
/// with `file`, else in memory; questions are asked at the terminal with `terminal`, else they are not asked.
#[derive(Default)]
#[must_use = "nothing happens until `build` is called"]
pub struct Builder {
    user_agent: Option<String>,
    store: Option<Arc<dyn Store>>,
    prompt: Option<Arc<dyn Prompt>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Option<Arc<dyn Clock>>,
    cancel: Option<Cancel>,
    never_ask: bool,
    allow_http: bool,
}

impl Builder {
    /// What the program calls itself towards servers, as in `mytool/1.0` (RFC 9110 section 10.1.5). Without it this
    /// crate's own name and version are given. A transport of your own does not see it.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Where sessions are kept.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Who is asked.
    pub fn prompt(mut self, prompt: Arc<dyn Prompt>) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// How servers are reached.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// What tells the time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What stops everything that this authenticator does; see [`Cancel`]. Once cancelled it does nothing more.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Asks nobody: where a question would be needed, the answer is
    /// [`CannotPrompt`](crate::error::CannotPrompt::NotAllowed) at once. Notices are still told.
    pub fn never_ask(mut self) -> Self {
        self.never_ask = true;
        self
    }

    /// Lets credentials go over a network in clear, to every server. A warning is told each time.
    ///
    /// For one server, [`LoginOptions::allow_http`](crate::LoginOptions::allow_http) does it and is remembered.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Puts the parts together. Speaks to nobody, and reads nothing but the environment.
    ///
    /// Fails if the `User-Agent` cannot be sent, or if no folder is known to keep sessions in.
    pub fn build(self) -> Result<Authenticator, Error> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(self.user_agent.as_deref())?,
        };
        let (store, is_quick) = match self.store {
            Some(store) => (store, false),
            None => (default_store()?, true),
        };
        let prompt = self.prompt.unwrap_or_else(default_prompt);
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let driver =
            Driver::new(Arc::clone(&transport), Arc::clone(&store), Arc::clone(&prompt), Arc::clone(&clock));
        Ok(Authenticator {
            driver,
            transport,
            store,
            is_quick,
            prompt,
            clock,
            cancel: self.cancel.unwrap_or_default(),
            never_ask: self.never_ask,
            allow_http: self.allow_http,
        })
    }
}

fn default_transport(user_agent: Option<&str>) -> Result<Arc<dyn Transport>, Error> {
    let ours = concat!("auth-native/", env!("CARGO_PKG_VERSION"));
    // Nothing else is given to it that could be wrong.
    let transport = UreqTransport::new(user_agent.unwrap_or(ours)).map_err(|_| Error::UserAgent)?;
    Ok(Arc::new(transport))
}

#[cfg(feature = "file")]
fn default_store() -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(auth_store::TiledDirectory::from_env()?))
}

#[cfg(not(feature = "file"))]
#[allow(clippy::unnecessary_wraps, reason = "finding the folders of the feature `file` can fail")]
fn default_store() -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(auth_store::MemoryStore::new()))
}

#[cfg(feature = "terminal")]
fn default_prompt() -> Arc<dyn Prompt> {
    Arc::new(auth_prompt_cli::TerminalPrompt::new())
}

#[cfg(not(feature = "terminal"))]
fn default_prompt() -> Arc<dyn Prompt> {
    Arc::new(Silent)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("user_agent", &self.user_agent)
            .field("never_ask", &self.never_ask)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}
