//! Signing in to Shotgun sites on a tokio runtime.

use std::fmt;

use auth_core::flow::shotgun::LoginOptions;
use auth_core::flow::{Outcome, Warning};
use auth_core::shotgun::{ShotgunSite, SiteInfo};
use auth_core::{Foreign, Secret};
use auth_http::ProxyChoice;
use serde_json::Value;

use super::engine::Tasks;
use crate::Error;
use crate::shared::{Caller, Studio};
#[doc(inline)]
pub use crate::shotgun::{Expired, HumanUser, ScriptUser, SessionDetails, User};

/// Signs in to Shotgun sites, and keeps, replaces and removes the sessions.
#[derive(Clone)]
pub struct Authenticator {
    pub(super) studio: Studio<Tasks>,
}

impl Authenticator {
    /// Who is there without being asked ([`default_user`](Self::default_user)), else somebody who is asked. Without a
    /// site the one that is meant ([`default_host`](Self::default_host)), or one that a person names.
    pub async fn user<'a>(&self, site: impl Into<Option<&'a ShotgunSite>>) -> Result<Outcome<User>, Error> {
        self.studio.user(site.into()).await
    }

    /// Signs somebody in and keeps the session. Asks even if somebody is signed in, unless [`LoginOptions::reuse`] is
    /// set. Without a site a person is asked for one, unless it is fixed.
    pub async fn login<'a>(
        &self,
        site: impl Into<Option<&'a ShotgunSite>>,
        options: LoginOptions,
    ) -> Result<Outcome<User>, Error> {
        self.studio.sign_in(site.into(), options).await
    }

    /// Who is there without being asked, by the [`DefaultsManager`](crate::shotgun::DefaultsManager): mostly whoever signed in to a site last and whose
    /// session is kept. It is not asked whether it is still good.
    pub async fn default_user<'a>(
        &self,
        site: impl Into<Option<&'a ShotgunSite>>,
    ) -> Result<Option<User>, Error> {
        self.studio.default_user(site.into()).await
    }

    /// Removes the session that [`default_user`](Self::default_user) gives, and gives it. Who it was stays known, to be
    /// suggested the next time. A script is not kept, and so not removed.
    pub async fn clear_default_user<'a>(
        &self,
        site: impl Into<Option<&'a ShotgunSite>>,
    ) -> Result<Option<User>, Error> {
        let Some(User::Human(human)) = self.studio.default_user(site.into()).await? else {
            return Ok(None);
        };
        self.studio.clear(&human).await?;
        Ok(Some(User::Human(human)))
    }

    /// Removes the session that is kept of a user, this one or another. Who it was stays known. A script is not kept, and
    /// so not removed.
    pub async fn clear_user(&self, user: &User) -> Result<(), Error> {
        match user {
            User::Human(human) => self.studio.clear(human).await,
            User::Script(_) => Ok(()),
        }
    }

    /// Strikes a site off the list of sites, whoever signed in to it. Their sessions are not touched.
    pub async fn forget(&self, site: &ShotgunSite) -> Result<(), Error> {
        self.studio.forget(site, None).await
    }

    /// Strikes one login of a site off the list of sites. Their session is not touched.
    pub async fn forget_login(&self, site: &ShotgunSite, login: &Foreign) -> Result<(), Error> {
        self.studio.forget(site, Some(login)).await
    }

    /// Makes somebody a user without a question: by a session token, else by a password, else by what is kept of them.
    /// What they have is kept.
    pub async fn session_user(&self, details: SessionDetails) -> Result<Outcome<User>, Error> {
        self.studio.session_user(details).await
    }

    /// A script, on this site or else on the one that is meant. Nobody is asked whether name and key are right, and
    /// nothing is kept.
    pub async fn script_user(
        &self,
        site: Option<ShotgunSite>,
        name: impl Into<Foreign>,
        key: Secret,
    ) -> Result<User, Error> {
        self.studio.script_user(site, name.into(), key).await
    }

    /// The site that is meant where none is named.
    pub async fn default_host(&self) -> Result<Option<ShotgunSite>, Error> {
        self.studio.host().await
    }

    /// The proxy that everything goes through.
    pub fn default_http_proxy(&self) -> &ProxyChoice {
        &self.studio.proxy
    }

    /// The sites somebody signed in to, the last one first.
    pub async fn recent_sites(&self) -> Result<Vec<ShotgunSite>, Error> {
        Ok(self.studio.remembered().await?.sites())
    }

    /// Asks a site what it is and how one signs in to it; half a minute long it is not asked again.
    pub async fn discover(&self, site: &ShotgunSite) -> Result<SiteInfo, Error> {
        self.studio.discover(site).await
    }

    /// A connection of a user's.
    pub fn connect(&self, user: User) -> Connection {
        Connection { caller: Caller::new(self.studio.clone(), user) }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("program", &self.studio.program).finish_non_exhaustive()
    }
}

/// A user who calls a site. One serves any number of tasks.
///
/// A session that the site accepts no more is replaced: by what another program has got meanwhile, else by asking the
/// person, whose login it must be. All that wait for the same get the same.
pub struct Connection {
    caller: Caller<Tasks>,
}

impl Connection {
    /// The user as they are now.
    pub fn user(&self) -> User {
        self.caller.user()
    }

    /// What went less well than it should since this was last asked: a session that could not be saved, for example.
    pub fn warnings(&self) -> Vec<Warning> {
        self.caller.warnings()
    }

    /// Names the run of the program that its calls belong to, so that its events are told from others (`session_uuid`).
    pub fn set_session_uuid(&self, uuid: Option<Foreign>) {
        self.caller.tag(uuid);
    }

    /// Calls a method of the site's API.
    pub async fn call(&self, method: &str, args: Option<&Value>) -> Result<Value, Error> {
        self.caller.call(method, args).await
    }

    /// The first entity of a kind whose fields have these values, with these fields of it.
    pub async fn find_one(
        &self,
        kind: &str,
        filters: &[(&str, &str)],
        fields: &[&str],
    ) -> Result<Option<Value>, Error> {
        self.caller.find_one(kind, filters, fields).await
    }

    /// Whether what the user shows is still accepted. Nobody is asked.
    pub async fn are_credentials_expired(&self) -> Expired {
        self.caller.is_expired().await
    }

    /// Makes sure that what the user shows is accepted, which may ask a person.
    pub async fn refresh_credentials(&self) -> Result<(), Error> {
        self.caller.refresh().await
    }

    /// The site's entity of the user, if it has one.
    pub async fn resolve_entity(&self) -> Result<Option<Value>, Error> {
        self.caller.resolve().await
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("user", &self.user()).finish_non_exhaustive()
    }
}
