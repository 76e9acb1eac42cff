use std::fmt;

use auth_core::ports::Key;
use auth_core::session::Session;
use auth_core::shotgun::ShotgunSite;
use auth_core::{Foreign, Secret};
use auth_http::ProxyChoice;

/// Who calls a site: a person who is signed in, or a script.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum User {
    /// A person.
    Human(HumanUser),
    /// A script.
    Script(ScriptUser),
}

/// A person who is signed in to a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HumanUser {
    pub(crate) site: ShotgunSite,
    pub(crate) login: Foreign,
    /// Names the stored session.
    pub(crate) key: Box<Key>,
    pub(crate) session: Session,
    pub(crate) proxy: ProxyChoice,
}

/// A script of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptUser {
    pub(crate) site: ShotgunSite,
    pub(crate) name: Foreign,
    pub(crate) key: Secret,
    pub(crate) sudo_as_login: Option<Foreign>,
    pub(crate) proxy: ProxyChoice,
}

impl ScriptUser {
    /// A script with its key. Performs no I/O; a blank name is an error of the first call.
    pub fn new(site: ShotgunSite, name: impl Into<Foreign>, key: Secret) -> Self {
        Self { site, name: name.into(), key, sudo_as_login: None, proxy: ProxyChoice::default() }
    }

    /// Acts for a person.
    #[must_use]
    pub fn sudo_as_login(mut self, login: impl Into<Foreign>) -> Self {
        self.sudo_as_login = Some(login.into());
        self
    }
}

impl HumanUser {
    /// Who they are.
    pub fn login(&self) -> &Foreign {
        &self.login
    }

    /// What is shown to the site.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl User {
    /// The site.
    pub fn site(&self) -> &ShotgunSite {
        match self {
            Self::Human(human) => &human.site,
            Self::Script(script) => &script.site,
        }
    }

    /// The person's login; none of a script.
    pub fn login(&self) -> Option<&Foreign> {
        match self {
            Self::Human(human) => Some(&human.login),
            Self::Script(_) => None,
        }
    }

    /// The login, or the script's name.
    pub fn display_name(&self) -> &Foreign {
        match self {
            Self::Human(human) => &human.login,
            Self::Script(script) => &script.name,
        }
    }

    /// The proxy of the authenticator that this user came from.
    pub fn proxy(&self) -> &ProxyChoice {
        match self {
            Self::Human(human) => &human.proxy,
            Self::Script(script) => &script.proxy,
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display_name().fmt(f)
    }
}

/// Somebody to be made a user without a question; see `session_user` of an `Authenticator`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionDetails {
    /// Where; else the site of the [`DefaultsManager`](super::DefaultsManager).
    pub site: Option<ShotgunSite>,
    /// The user's login. A blank one is an error ([`Policy::BlankName`](crate::error::Policy::BlankName)).
    pub login: Foreign,
    /// A session token of theirs, which is kept and not tried.
    pub token: Option<Secret>,
    /// What came with the token (`session_metadata`).
    pub metadata: Option<Secret>,
    /// Else their password, which is presented once.
    pub password: Option<Secret>,
    /// The code to the password, where the site wants one.
    pub code: Option<Secret>,
}

/// Whether what a user shows is still accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expired {
    /// It is not.
    Yes,
    /// It is.
    No,
    /// The site cannot be reached, or has a fault.
    Unknown(crate::Error),
}
