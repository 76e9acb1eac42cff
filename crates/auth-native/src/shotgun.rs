//! Shotgun sites, now Autodesk Flow Production Tracking: who somebody is there. Signing in to them is in
//! [`blocking::shotgun`](crate::blocking::shotgun) and [`nonblocking::shotgun`](crate::nonblocking::shotgun).

use std::fmt;

use auth_core::session::Session;
use auth_core::{Foreign, Secret};

#[doc(inline)]
pub use auth_core::flow::shotgun::{LoginOptions, Program};
#[doc(inline)]
pub use auth_core::shotgun::{AuthenticationKind, ShotgunSite, SignInMethod, SiteInfo};

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
    pub(crate) session: Session,
}

/// A script of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptUser {
    pub(crate) site: ShotgunSite,
    pub(crate) name: Foreign,
    pub(crate) key: Secret,
    pub(crate) sudo_as_login: Option<Foreign>,
}

impl ScriptUser {
    /// A script with its key. Nobody is asked whether they are right.
    pub fn new(site: ShotgunSite, name: impl Into<Foreign>, key: Secret) -> Self {
        Self { site, name: name.into(), key, sudo_as_login: None }
    }

    /// Acts for a person.
    #[must_use]
    pub fn sudo_as_login(mut self, login: impl Into<Foreign>) -> Self {
        self.sudo_as_login = Some(login.into());
        self
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
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display_name().fmt(f)
    }
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
