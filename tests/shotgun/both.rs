//! An authenticator of either face, for tests that call both in the same way.

use std::sync::Arc;

use auth_core::flow::Outcome;
use auth_core::ports::{Prompt, Store};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::{Foreign, Secret};
use auth_native::nonblocking::Threaded;
use auth_native::shotgun::{DefaultsManager, LoginOptions, Program, SessionDetails, User};
use auth_native::{Error, blocking, nonblocking};
use auth_sandbox::SiteClock;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::Way;

pub(crate) enum Auth {
    Blocking(blocking::shotgun::Authenticator),
    Async(nonblocking::shotgun::Authenticator, Runtime),
}

/// The same call of either face.
macro_rules! call {
    ($auth:expr, $call:ident($($argument:expr),*)) => {
        match $auth {
            Auth::Blocking(auth) => auth.$call($($argument),*),
            Auth::Async(auth, runtime) => runtime.block_on(auth.$call($($argument),*)),
        }
    };
}

impl Auth {
    pub(crate) fn new<P: Prompt + 'static, S: Store + 'static>(
        way: Way,
        (prompt, store): (&Arc<P>, &Arc<S>),
        clock: &SiteClock,
        defaults: impl DefaultsManager + 'static,
    ) -> Self {
        let program = Program { product: "tool".into(), machine: "render07".into() };
        let (store, clock, defaults) = (store.clone(), Arc::new(clock.clone()), Arc::new(defaults));
        match way {
            Way::Ureq => {
                let builder = blocking::Authenticator::builder().prompt(prompt.clone());
                let builder = builder.store(store).clock(clock).defaults(defaults);
                Self::Blocking(builder.build_shotgun(program).unwrap())
            }
            Way::Reqwest => {
                let prompt = Arc::new(Threaded::new(prompt.clone()));
                let builder = nonblocking::Authenticator::builder().prompt(prompt);
                let builder = builder.store(store).clock(clock).defaults(defaults);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                Self::Async(builder.build_shotgun(program).unwrap(), runtime)
            }
        }
    }

    pub(crate) fn login(&self, site: &Site, options: LoginOptions) -> Result<User, Error> {
        call!(self, login(site, options)).map(|Outcome { value, .. }| value)
    }

    pub(crate) fn user(&self, site: &Site) -> Result<User, Error> {
        call!(self, user(site)).map(|Outcome { value, .. }| value)
    }

    pub(crate) fn default_user(&self, site: &Site) -> Result<Option<User>, Error> {
        call!(self, default_user(site))
    }

    pub(crate) fn clear_default_user(&self, site: &Site) -> Result<Option<User>, Error> {
        call!(self, clear_default_user(site))
    }

    pub(crate) fn clear_user(&self, user: &User) -> Result<(), Error> {
        call!(self, clear_user(user))
    }

    pub(crate) fn forget_login(&self, site: &Site, login: &Foreign) -> Result<(), Error> {
        call!(self, forget_login(site, login))
    }

    pub(crate) fn session_user(&self, details: SessionDetails) -> Result<User, Error> {
        call!(self, session_user(details)).map(|Outcome { value, .. }| value)
    }

    pub(crate) fn script_user(&self, site: &Site, name: &str, key: Secret) -> Result<User, Error> {
        call!(self, script_user(Some(site.clone()), name, key))
    }

    /// Reads the user's own entity.
    pub(crate) fn read_as(&self, user: User) -> Result<Option<Value>, Error> {
        match self {
            Self::Blocking(auth) => auth.connect(user).resolve_entity(),
            Self::Async(auth, runtime) => runtime.block_on(auth.connect(user).resolve_entity()),
        }
    }
}
