use std::fmt;

use auth_core::ports::SiteEntry;
use auth_core::shotgun::ShotgunSite;
use auth_core::{Foreign, Secret};
use auth_http::ProxyChoice;

/// What is meant where a program says nothing: the studio's own rules (spec: Shotgun, sections 16 and 17).
///
/// Nothing in it is asked of a site or a disk: what is remembered of earlier sign-ins is given to it. On a runtime its
/// methods are called on threads of their own, so one that waits keeps no task waiting but its caller's; only
/// [`http_proxy`](Self::http_proxy) is called where the authenticator is built. A method that panics is
/// [`Error::Defaults`](crate::Error::Defaults), but for [`signed_in`](Self::signed_in), which is a
/// [warning](crate::Warning::Callback): the session is kept by then.
///
/// ```
/// use auth_native::Foreign;
/// use auth_native::shotgun::{Defaults, DefaultsManager, Remembered, ShotgunSite};
///
/// #[derive(Debug)]
/// struct Studio;
///
/// impl DefaultsManager for Studio {
///     fn is_host_fixed(&self) -> bool {
///         true
///     }
///
///     fn host(&self, _: &Remembered) -> Option<ShotgunSite> {
///         "studio.example".parse().ok()
///     }
/// }
///
/// let nothing = Remembered::default();
/// assert_eq!(Studio.host(&nothing).unwrap().to_string(), "https://studio.example");
/// assert_eq!(Defaults::new().host(&nothing), None);
/// ```
pub trait DefaultsManager: fmt::Debug + Send + Sync {
    /// True if [`host`](Self::host) is the only site there is, and nobody is asked for one.
    fn is_host_fixed(&self) -> bool {
        false
    }

    /// The site that is meant where none is named, or suggested where somebody is asked for one.
    fn host(&self, remembered: &Remembered) -> Option<ShotgunSite> {
        remembered.site()
    }

    /// The login that is suggested in a prompt, and whose stored session is used first. `None` stands for the user who
    /// signed in last; a blank login is an error ([`Policy::BlankName`](crate::error::Policy::BlankName)).
    fn login(&self, site: &ShotgunSite, remembered: &Remembered) -> Option<Foreign> {
        remembered.login(site)
    }

    /// The proxy that everything goes through.
    fn http_proxy(&self) -> ProxyChoice {
        ProxyChoice::Environment
    }

    /// Who is there without being asked, on any site; what is for one site alone says which.
    fn user_credentials(&self) -> UserCredentials {
        UserCredentials::Stored
    }

    /// Somebody has signed in (`set_host`, `set_login`). The store remembers that by itself.
    fn signed_in(&self, site: &ShotgunSite, login: &Foreign) {
        let _ = (site, login);
    }
}

/// Who is there without being asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum UserCredentials {
    /// Whoever signed in last and whose session is kept.
    #[default]
    Stored,
    /// Nobody.
    Nobody,
    /// A script.
    Script {
        /// Its site: no other is shown the key.
        site: ShotgunSite,
        /// Its name.
        name: Foreign,
        /// Its key.
        key: Secret,
    },
    /// A person. What they have is not kept, but what is got in its place.
    Session {
        /// Their site: no other is shown the token.
        site: ShotgunSite,
        /// Who.
        login: Foreign,
        /// Their session token.
        token: Secret,
        /// What came with it.
        metadata: Option<Secret>,
    },
}

/// What is remembered of earlier sign-ins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remembered {
    entries: Vec<SiteEntry>,
}

impl Remembered {
    pub(crate) fn new(mut entries: Vec<SiteEntry>) -> Self {
        // The others are Tiled servers.
        entries.retain(|entry| !entry.key.site.ends_with('/'));
        Self { entries }
    }

    /// The sites, the last one first.
    pub fn sites(&self) -> Vec<ShotgunSite> {
        let mut sites = Vec::new();
        for site in self.entries.iter().filter_map(|entry| entry.key.site.parse().ok()) {
            if !sites.contains(&site) {
                sites.push(site);
            }
        }
        sites
    }

    /// The site that somebody signed in to last.
    pub fn site(&self) -> Option<ShotgunSite> {
        self.sites().into_iter().next()
    }

    /// The login of the user who signed in to a site last.
    pub fn login(&self, site: &ShotgunSite) -> Option<Foreign> {
        self.of(site).find_map(|entry| entry.user.clone().filter(|login| !login.is_blank()))
    }

    /// What is remembered of a site, the last sign-in first.
    pub(crate) fn of(&self, site: &ShotgunSite) -> impl Iterator<Item = &SiteEntry> {
        let name = site.site_key().site;
        self.entries.iter().filter(move |entry| entry.key.site == name)
    }
}

/// The rules of a program that has none of its own: what was used last, else what is configured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Defaults {
    fixed: Option<ShotgunSite>,
    site: Option<ShotgunSite>,
    login: Option<Foreign>,
    proxy: ProxyChoice,
}

impl Defaults {
    /// Nothing is fixed or configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// This is the only site there is.
    #[must_use]
    pub fn fixed_host(mut self, site: ShotgunSite) -> Self {
        self.fixed = Some(site);
        self
    }

    /// The site to begin with, where nobody has signed in yet (`default_site`).
    #[must_use]
    pub fn default_site(mut self, site: ShotgunSite) -> Self {
        self.site = Some(site);
        self
    }

    /// The login to begin with (`default_login`).
    #[must_use]
    pub fn default_login(mut self, login: impl Into<Foreign>) -> Self {
        self.login = Some(login.into());
        self
    }

    /// The proxy, in place of the environment's (`http_proxy`).
    #[must_use]
    pub fn with_http_proxy(mut self, proxy: ProxyChoice) -> Self {
        self.proxy = proxy;
        self
    }
}

impl DefaultsManager for Defaults {
    fn is_host_fixed(&self) -> bool {
        self.fixed.is_some()
    }

    fn host(&self, remembered: &Remembered) -> Option<ShotgunSite> {
        self.fixed.clone().or_else(|| remembered.site()).or_else(|| self.site.clone())
    }

    fn login(&self, site: &ShotgunSite, remembered: &Remembered) -> Option<Foreign> {
        remembered.login(site).or_else(|| self.login.clone())
    }

    fn http_proxy(&self) -> ProxyChoice {
        self.proxy.clone()
    }
}

/// The rules of a pipeline's core configuration (`shotgun.yml`): its site is fixed, and its script is the user unless
/// that is masked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoreDefaults {
    site: ShotgunSite,
    script: Option<(Foreign, Secret)>,
    proxy: Option<ProxyChoice>,
    defaults: Defaults,
}

impl CoreDefaults {
    /// The configuration's site (`host`); what it does not say follows from `defaults`.
    pub fn new(site: ShotgunSite, defaults: Defaults) -> Self {
        Self { site, script: None, proxy: None, defaults }
    }

    /// The configuration's script (`api_script`, `api_key`). A program that wants a person leaves it out.
    #[must_use]
    pub fn script(mut self, name: impl Into<Foreign>, key: Secret) -> Self {
        self.script = Some((name.into(), key));
        self
    }

    /// The configuration's proxy (`http_proxy`), which goes before that of the defaults even if it says none.
    #[must_use]
    pub fn with_http_proxy(mut self, proxy: ProxyChoice) -> Self {
        self.proxy = Some(proxy);
        self
    }
}

impl DefaultsManager for CoreDefaults {
    fn is_host_fixed(&self) -> bool {
        true
    }

    fn host(&self, _: &Remembered) -> Option<ShotgunSite> {
        Some(self.site.clone())
    }

    fn login(&self, site: &ShotgunSite, remembered: &Remembered) -> Option<Foreign> {
        self.defaults.login(site, remembered)
    }

    fn http_proxy(&self) -> ProxyChoice {
        self.proxy.clone().unwrap_or_else(|| self.defaults.http_proxy())
    }

    fn user_credentials(&self) -> UserCredentials {
        match self.script.clone() {
            Some((name, key)) => UserCredentials::Script { site: self.site.clone(), name, key },
            None => self.defaults.user_credentials(),
        }
    }
}

#[cfg(test)]
#[path = "../tests/defaults.rs"]
mod tests;
