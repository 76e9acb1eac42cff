//! Signing in to Shotgun sites on a tokio runtime.

use std::fmt;

use auth_core::flow::Outcome;
use auth_core::flow::shotgun::{LoginOptions, SignedIn};
use auth_core::shotgun::{ShotgunSite, SiteInfo};
use serde_json::Value;

use super::engine::Tasks;
use crate::Error;
use crate::shared::{Caller, Studio};
#[doc(inline)]
pub use crate::shotgun::{Expired, HumanUser, ScriptUser, User};

/// Signs in to Shotgun sites, and keeps, replaces and removes the sessions.
#[derive(Clone)]
pub struct Authenticator {
    pub(super) studio: Studio<Tasks>,
}

impl Authenticator {
    /// Who is signed in to a site; else somebody is asked.
    pub async fn user(&self, site: &ShotgunSite) -> Result<User, Error> {
        let options = LoginOptions { reuse: true, ..LoginOptions::default() };
        Ok(self.login(site, options).await?.value)
    }

    /// Signs somebody in and keeps the session. Asks even if somebody is signed in, unless [`LoginOptions::reuse`] is
    /// set.
    pub async fn login(&self, site: &ShotgunSite, options: LoginOptions) -> Result<Outcome<User>, Error> {
        let Outcome { value, warnings } = self.studio.sign_in(site, options).await?;
        let SignedIn { login, session, .. } = value;
        Ok(Outcome { value: User::Human(HumanUser { site: site.clone(), login, session }), warnings })
    }

    /// Whoever signed in to a site last and whose session is kept. It is not asked whether it is still good.
    pub async fn default_user(&self, site: &ShotgunSite) -> Result<Option<User>, Error> {
        Ok(self.studio.stored(site, "").await?.map(User::Human))
    }

    /// Removes the session that [`default_user`](Self::default_user) gives, and gives it. Who it was stays known, to be
    /// suggested the next time.
    pub async fn clear_default_user(&self, site: &ShotgunSite) -> Result<Option<User>, Error> {
        let Some(human) = self.studio.stored(site, "").await? else { return Ok(None) };
        self.studio.clear(&human).await?;
        Ok(Some(User::Human(human)))
    }

    /// The sites somebody signed in to, the last one first.
    pub async fn recent_sites(&self) -> Result<Vec<ShotgunSite>, Error> {
        self.studio.recent().await
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

    /// Calls a method of the site's API.
    pub async fn call(&self, method: &str, args: Option<&Value>) -> Result<Value, Error> {
        self.caller.call(method, args).await
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
