//! What keeps no thread waiting, waited for, so that the tests of both engines are the same.

use core::time::Duration;
use std::sync::{Arc, LazyLock};

use auth_core::Secret;
use auth_core::flow::{Discovered, LoggedOut, LoginOptions, Outcome, Renewed, SignedIn, Warning};
use auth_core::ports::{self, Clock, SiteEntry, Store};
use auth_core::session::Session;
use auth_core::tiled::{SessionEntry, TiledUri};
use auth_core::wire::{Authorization, Response};
use auth_http::Cancel;
use auth_http::nonblocking::Threaded;

use super::engine::Tasks;
use crate::shared::Shared;
#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
use crate::shared::Shown;
use crate::{Access, Error, SessionEvent, Status, Subscription, User};

fn wait<T>(future: impl Future<Output = T>) -> T {
    // One for all tests: what goes on in the background outlives a call.
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    RUNTIME.block_on(future)
}

#[derive(Debug)]
pub(super) struct Builder(super::Builder);

impl Builder {
    pub(super) fn user_agent(self, name: &str) -> Self {
        Self(self.0.user_agent(name))
    }

    pub(super) fn transport(self, transport: Arc<dyn ports::Transport>) -> Self {
        Self(self.0.transport(Arc::new(Threaded::new(transport))))
    }

    pub(super) fn prompt(self, prompt: Arc<dyn ports::Prompt>) -> Self {
        Self(self.0.prompt(Arc::new(Threaded::new(prompt))))
    }

    pub(super) fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self(self.0.clock(clock))
    }

    pub(super) fn store(self, store: Arc<dyn Store>) -> Self {
        Self(self.0.store(store))
    }

    pub(super) fn cancel(self, cancel: Cancel) -> Self {
        Self(self.0.cancel(cancel))
    }

    pub(super) fn never_ask(self) -> Self {
        Self(self.0.never_ask())
    }

    pub(super) fn renew_in_background(self, renew: bool) -> Self {
        Self(self.0.renew_in_background(renew))
    }

    pub(super) fn cool_down(self, cool_down: Duration) -> Self {
        Self(self.0.cool_down(cool_down))
    }

    pub(super) fn remember_me(self, remember: bool) -> Self {
        Self(self.0.remember_me(remember))
    }

    pub(super) fn ignore_environment_key(self) -> Self {
        Self(self.0.ignore_environment_key())
    }

    pub(super) fn build(self) -> Result<Authenticator, Error> {
        self.0.build().map(Authenticator)
    }
}

#[derive(Debug)]
pub(super) struct Authenticator(super::Authenticator);

impl Authenticator {
    pub(super) fn builder() -> Builder {
        Builder(super::Authenticator::builder())
    }

    pub(super) fn shared_mut(&mut self) -> &mut Shared<Tasks> {
        &mut self.0.shared
    }

    pub(super) fn connect(&self, url: &str) -> Result<Connection, Error> {
        wait(self.0.connect(url)).map(Connection)
    }

    pub(super) fn connect_with(&self, url: &str, options: LoginOptions) -> Result<Connection, Error> {
        wait(self.0.connect_with(url, options)).map(Connection)
    }

    pub(super) fn connect_with_key(&self, url: &str, key: Secret) -> Result<Connection, Error> {
        wait(self.0.connect_with_key(url, key)).map(Connection)
    }

    pub(super) fn login(&self, url: &str, options: LoginOptions) -> Result<Outcome<SignedIn>, Error> {
        wait(self.0.login(url, options))
    }

    pub(super) fn token(&self, url: &str, need: Option<Duration>) -> Result<Outcome<Renewed>, Error> {
        wait(self.0.token(url, need))
    }

    pub(super) fn whoami(&self, url: &str) -> Result<Outcome<User>, Error> {
        wait(self.0.whoami(url))
    }

    pub(super) fn logout(&self, url: &str) -> Result<LoggedOut, Error> {
        wait(self.0.logout(url))
    }

    pub(super) fn status(&self, url: &str) -> Result<Status, Error> {
        wait(self.0.status(url))
    }

    pub(super) fn sites(&self) -> Result<Vec<SiteEntry>, Error> {
        wait(self.0.sites())
    }

    pub(super) fn forget(&self, url: &str) -> Result<(), Error> {
        wait(self.0.forget(url))
    }

    pub(super) fn discover(&self, url: &str) -> Result<Outcome<Discovered>, Error> {
        wait(self.0.discover(url))
    }
}

#[derive(Debug)]
pub(super) struct Connection(super::Connection);

impl Connection {
    pub(super) fn uri(&self) -> &TiledUri {
        self.0.uri()
    }

    pub(super) fn access(&self) -> Access {
        self.0.access()
    }

    pub(super) fn session(&self) -> Session {
        self.0.session()
    }

    pub(super) fn warnings(&self) -> Vec<Warning> {
        self.0.warnings()
    }

    pub(super) fn subscribe(&self, told: impl Fn(&SessionEvent) + Send + Sync + 'static) -> Subscription {
        self.0.subscribe(told)
    }

    pub(super) fn whoami(&self) -> Result<User, Error> {
        wait(self.0.whoami())
    }

    pub(super) fn get(&self, path: &str) -> Result<Response, Error> {
        wait(self.0.get(path))
    }

    pub(super) fn token(&self, need: Option<Duration>) -> Result<Secret, Error> {
        wait(self.0.token(need))
    }

    pub(super) fn authorization(&self) -> Result<Option<Authorization>, Error> {
        wait(self.0.authorization())
    }

    pub(super) fn refused(&self, shown: &Authorization) -> Result<Option<Authorization>, Error> {
        wait(self.0.refused(shown))
    }

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn show(&self, headers: &mut http::HeaderMap) -> Result<Option<Shown>, Error> {
        wait(self.0.show(headers))
    }

    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn show_another(
        &self,
        shown: &mut Shown,
        status: http::StatusCode,
        headers: &http::HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        wait(self.0.show_another(shown, status, headers))
    }

    pub(super) fn sessions(&self) -> Result<Vec<SessionEntry>, Error> {
        wait(self.0.sessions())
    }

    pub(super) fn revoke_session(&self, uuid: &str) -> Result<(), Error> {
        wait(self.0.revoke_session(uuid))
    }

    pub(super) fn logout(&self) -> Result<LoggedOut, Error> {
        wait(self.0.logout())
    }
}
