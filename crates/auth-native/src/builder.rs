use std::fmt;
#[cfg(feature = "shotgun")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::flow::COOL_DOWN;
use auth_core::ports::{Clock, Store};
use auth_core::{Holder, Secret};
use auth_http::{Cancel, ProxyChoice, SystemClock, Underway};

use crate::Error;
use crate::shared::{QUESTION_GRACE, Settings};
#[cfg(feature = "shotgun")]
use crate::shotgun::{Defaults, DefaultsManager};

/// Puts an `Authenticator` together; made by its `builder`. `T` and `P` are the transports and prompts that it takes.
///
/// Each part has a default, which follows from the features that are on: sessions are kept in Tiled's token directory
/// with `file`, else in memory; questions are asked at the terminal with `terminal`, else they are not asked.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[must_use = "nothing happens until `build` is called"]
pub struct Builder<T: ?Sized, P: ?Sized> {
    user_agent: Option<String>,
    authorities: Vec<PathBuf>,
    pub(crate) proxy: Option<ProxyChoice>,
    #[cfg(feature = "shotgun")]
    defaults: Option<Arc<dyn DefaultsManager>>,
    store: Option<Arc<dyn Store>>,
    pub(crate) prompt: Option<Arc<P>>,
    pub(crate) transport: Option<Arc<T>>,
    clock: Option<Arc<dyn Clock>>,
    cancel: Option<Cancel>,
    underway: Underway,
    never_ask: bool,
    cool_down: Duration,
    question_grace: Duration,
    ahead: Option<bool>,
    allow_http: bool,
    forgets: bool,
    ignores_environment: bool,
}

/// What a builder brought, or what stands in for it.
pub(crate) struct Parts {
    pub(crate) user_agent: String,
    pub(crate) authorities: Vec<PathBuf>,
    pub(crate) proxy: ProxyChoice,
    pub(crate) store: Arc<dyn Store>,
    /// True for the store of this crate's choice, which keeps nobody waiting.
    #[cfg_attr(not(feature = "blocking"), expect(dead_code, reason = "a runtime waits for no file"))]
    pub(crate) is_quick: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) underway: Underway,
    pub(crate) settings: Settings,
}

impl<T: ?Sized, P: ?Sized> Builder<T, P> {
    pub(crate) fn new() -> Self {
        Self {
            user_agent: None,
            authorities: Vec::new(),
            proxy: None,
            #[cfg(feature = "shotgun")]
            defaults: None,
            store: None,
            prompt: None,
            transport: None,
            clock: None,
            cancel: None,
            underway: Underway::new(),
            never_ask: false,
            cool_down: COOL_DOWN,
            question_grace: QUESTION_GRACE,
            ahead: None,
            allow_http: false,
            forgets: false,
            ignores_environment: false,
        }
    }

    /// What the program calls itself towards servers, as in `mytool/1.0` (RFC 9110 section 10.1.5). Without it this
    /// crate's own name and version are given. A transport of your own does not see it.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// A file of authorities, in PEM, to trust besides those of the system: a studio's own. More than one can be
    /// given. The file that `SHOTGUN_API_CACERTS` names is trusted too; that of `SSL_CERT_FILE` as well, on
    /// Linux instead of the system's. A transport of your own
    /// does not see it.
    pub fn authorities(mut self, file: impl Into<PathBuf>) -> Self {
        self.authorities.push(file.into());
        self
    }

    /// The proxy that everything goes through, in place of the environment's. A transport of your own does not see it.
    pub fn proxy(mut self, proxy: ProxyChoice) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// What is meant where the program says nothing: for Shotgun sites.
    #[cfg(feature = "shotgun")]
    pub fn defaults(mut self, defaults: Arc<dyn DefaultsManager>) -> Self {
        self.defaults = Some(defaults);
        self
    }

    #[cfg(feature = "shotgun")]
    pub(crate) fn take_defaults(&mut self) -> Arc<dyn DefaultsManager> {
        self.defaults.take().unwrap_or_else(|| Arc::new(Defaults::new()))
    }

    /// The proxy that was chosen, else the one that is meant.
    #[cfg(feature = "shotgun")]
    pub(crate) fn choose_proxy(&mut self, defaults: &dyn DefaultsManager) -> Result<ProxyChoice, Error> {
        let proxy = match self.proxy.take() {
            Some(proxy) => proxy,
            None => catch_unwind(AssertUnwindSafe(|| defaults.http_proxy())).map_err(|_| Error::Defaults)?,
        };
        Ok(self.proxy.insert(proxy).clone())
    }

    #[cfg(feature = "shotgun")]
    pub(crate) fn keep_in_memory_if_it_forgets(&mut self) {
        if self.forgets {
            self.store = Some(Arc::new(auth_store::MemoryStore::new()));
        }
    }

    /// Where sessions are kept.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Who is asked.
    pub fn prompt(mut self, prompt: Arc<P>) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// How servers are reached.
    pub fn transport(mut self, transport: Arc<T>) -> Self {
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

    /// Counts what is under way together with other authenticators, so that a program that has several waits once
    /// before it exits. See [`Authenticator::finish`](crate::blocking::Authenticator::finish).
    pub fn underway(mut self, underway: Underway) -> Self {
        self.underway = underway;
        self
    }

    /// Asks nobody: where a question would be needed, the answer is
    /// [`CannotPrompt`](crate::error::CannotPrompt::NotAllowed) at once. Notices are still told.
    pub fn never_ask(mut self) -> Self {
        self.never_ask = true;
        self
    }

    /// How long a person who has said no is not asked again, by this program or another: [`COOL_DOWN`] if nothing is
    /// said. Until then the answer is [`CannotPrompt`](crate::error::CannotPrompt::Declined) at once. An explicit
    /// [`login`](crate::LoginOptions::reuse), one that reuses no session, asks all the same.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// How long a question stays open after the last caller that waits for its answer has left. Defaults to 10 seconds.
    ///
    /// On a runtime a caller leaves by dropping its future, as a time limit around it does. All callers that need a
    /// sign-in to the same site share one question, so that only the last one to leave matters. A caller that comes
    /// within this time finds the question still open and waits for the same answer. After it the question is taken
    /// back. With threads a caller waits until the end.
    pub fn question_grace(mut self, grace: Duration) -> Self {
        self.question_grace = grace;
        self
    }

    /// Whether a session in use is renewed ahead of its end beside what it is used for, so that nobody waits for that.
    /// On a runtime it is, unless this says no; with threads, only if this says so: then on a thread of its own, for whose
    /// end a connection waits when it is dropped. A session that nobody uses is not renewed.
    pub fn renew_in_background(mut self, renew: bool) -> Self {
        self.ahead = Some(renew);
        self
    }

    /// Lets credentials go over a network in clear, to every server. A warning is told each time.
    ///
    /// For one server, [`LoginOptions::allow_http`](crate::LoginOptions::allow_http) does it and is remembered.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// With `false`, sessions are kept in memory only, for as long as a connection lives; none that is stored is used,
    /// and what is stored for a site is removed once somebody has signed in to it. For Shotgun sites sessions, and who
    /// signed in where, are kept for as long as the authenticator lives, and what is stored stays as it is.
    pub fn remember_me(mut self, remember: bool) -> Self {
        self.forgets = !remember;
        self
    }

    /// Does not read `TILED_API_KEY`, which is otherwise taken for the first site that is connected to (spec: Tiled,
    /// section 10).
    pub fn ignore_environment_key(mut self) -> Self {
        self.ignores_environment = true;
        self
    }

    /// What was chosen; `ahead` stands in for a choice about renewing in the background.
    /// `told` is for the store of this crate's choice: for whom a change of the stored sessions waits.
    pub(crate) fn parts(
        &mut self,
        ahead: bool,
        told: impl Fn(&Holder) + Send + Sync + 'static,
    ) -> Result<Parts, Error> {
        let ours = concat!("auth-native/", env!("CARGO_PKG_VERSION"));
        let (store, is_quick) = match self.store.take() {
            Some(store) => (store, false),
            None => (default_store(told)?, true),
        };
        Ok(Parts {
            user_agent: self.user_agent.take().unwrap_or_else(|| ours.to_owned()),
            authorities: std::mem::take(&mut self.authorities),
            proxy: self.proxy.take().unwrap_or_default(),
            store,
            is_quick,
            clock: self.clock.take().unwrap_or_else(|| Arc::new(SystemClock)),
            underway: self.underway.clone(),
            settings: Settings {
                cancel: self.cancel.take().unwrap_or_default(),
                never_ask: self.never_ask,
                cool_down: self.cool_down,
                question_grace: self.question_grace,
                ahead: self.ahead.unwrap_or(ahead),
                allow_http: self.allow_http,
                forgets: self.forgets,
                key: if self.ignores_environment { None } else { environment_key() },
            },
        })
    }
}

/// An empty one is none (spec: Tiled, section 10).
fn environment_key() -> Option<Secret> {
    std::env::var("TILED_API_KEY").ok().filter(|key| !key.is_empty()).map(Secret::from)
}

#[cfg(feature = "file")]
fn default_store(told: impl Fn(&Holder) + Send + Sync + 'static) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(auth_store::TiledDirectory::from_env()?.on_long_wait(told)))
}

#[cfg(not(feature = "file"))]
#[allow(clippy::unnecessary_wraps, reason = "finding the folders of the feature `file` can fail")]
fn default_store(_: impl Fn(&Holder) + Send + Sync + 'static) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(auth_store::MemoryStore::new()))
}

/// Who is asked if the program does not say.
#[cfg(feature = "terminal")]
pub(crate) fn default_prompt() -> Arc<dyn auth_core::ports::Prompt> {
    Arc::new(auth_prompt_cli::TerminalPrompt::new())
}

/// Who is asked if the program does not say: nobody.
#[cfg(not(feature = "terminal"))]
pub(crate) fn default_prompt() -> Arc<dyn auth_core::ports::Prompt> {
    Arc::new(crate::shared::Silent)
}

impl<T: ?Sized, P: ?Sized> fmt::Debug for Builder<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("user_agent", &self.user_agent)
            .field("never_ask", &self.never_ask)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}
