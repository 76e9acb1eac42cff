use core::fmt;
use core::str::FromStr;

use super::SiteInfo;

/// A way to sign in to a Shotgun site (spec: Shotgun, section 4).
///
/// It is read by our names and by those that the Python client stores and takes from the environment.
///
/// ```
/// use auth_core::shotgun::SignInMethod;
/// assert_eq!("app-session".parse(), Ok(SignInMethod::AppSession));
/// assert_eq!("qt_web_login".parse(), Ok(SignInMethod::Web));
/// assert_eq!(SignInMethod::Password.stored_name(), "credentials");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SignInMethod {
    /// A login and a password, and perhaps a code.
    Password,
    /// The site's own pages, in a browser that is part of the program.
    Web,
    /// The person's browser, where they say that this program may go on (app session launcher).
    AppSession,
}

impl SignInMethod {
    const ALL: [Self; 3] = [Self::Password, Self::Web, Self::AppSession];

    /// Our name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Web => "web",
            Self::AppSession => "app-session",
        }
    }

    /// The name in `authentication.yml` (section 11.2).
    pub fn stored_name(self) -> &'static str {
        match self {
            Self::Password => "credentials",
            Self::Web => "qt_web_login",
            Self::AppSession => "app_session_launcher",
        }
    }
}

impl fmt::Display for SignInMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SignInMethod {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let is_called = |method: &Self| method.as_str() == text || method.stored_name() == text;
        Self::ALL.into_iter().find(is_called).ok_or(MethodError)
    }
}

/// What is no name of a [`SignInMethod`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[error("not a way to sign in: write password, web or app-session")]
pub struct MethodError;

/// How to sign in at a terminal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Console {
    /// There is one way.
    Only(SignInMethod),
    /// A person chooses.
    Ask {
        /// What from.
        methods: Vec<SignInMethod>,
        /// Which of them, by its place, is meant by an empty answer.
        suggested: usize,
    },
    /// There is no way ([`Policy::NoConsoleWay`](crate::error::Policy::NoConsoleWay)).
    NoWay,
}

/// Which ways a site has at a terminal; `preferred` is what was chosen last (section 4.1).
pub fn on_console(info: &SiteInfo, preferred: Option<SignInMethod>) -> Console {
    match (info.app_session, info.is_sso()) {
        (false, true) => Console::NoWay,
        (false, false) => Console::Only(SignInMethod::Password),
        (true, true) => Console::Only(SignInMethod::AppSession),
        (true, false) => {
            let methods = vec![SignInMethod::AppSession, SignInMethod::Password];
            let at = preferred.and_then(|preferred| methods.iter().position(|method| *method == preferred));
            Console::Ask { methods, suggested: at.unwrap_or(0) }
        }
    }
}

/// What a choice in a window depends on, besides the site (section 4.2). `None` where nothing was said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
pub struct Gui {
    /// There is a browser that can be part of the program.
    pub web_engine: bool,
    /// The program is the vendor's desktop application.
    pub desktop: bool,
    /// The program wants signing in on the site's own pages.
    pub opted_in: bool,
    /// The environment wants the plain dialog (`SGTK_FORCE_STANDARD_LOGIN_DIALOG`).
    pub plain: bool,
    /// What the person has just chosen in the menu.
    pub picked: Option<SignInMethod>,
    /// What was chosen for this site the last time.
    pub preferred: Option<SignInMethod>,
    /// What the environment wants (`SGTK_DEFAULT_AUTH_METHOD`).
    pub fallback: Option<SignInMethod>,
}

/// How to sign in in a window.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GuiChoice {
    /// The way to show.
    pub chosen: SignInMethod,
    /// All ways that a menu has; a menu of one is hidden.
    pub offered: Vec<SignInMethod>,
}

impl Gui {
    /// Chooses for a site.
    pub fn choose(&self, info: &SiteInfo) -> GuiChoice {
        let unasked = (self.desktop && info.is_identity()) || (self.opted_in && info.unified_login);
        let can_web = self.web_engine && (info.is_sso() || (!self.plain && unasked));
        let offered: Vec<_> = [
            info.app_session.then_some(SignInMethod::AppSession),
            can_web.then_some(SignInMethod::Web),
            Some(SignInMethod::Password),
        ]
        .into_iter()
        .flatten()
        .collect();
        let possible = |method: &SignInMethod| offered.contains(method);
        let plain = self.plain.then_some(SignInMethod::Password);
        let wanted = self.picked.or(plain).or(self.preferred).filter(possible);
        let wanted = wanted.or(self.fallback.filter(possible)).or(offered.first().copied());
        GuiChoice { chosen: wanted.unwrap_or(SignInMethod::Password), offered }
    }
}

#[cfg(test)]
#[path = "../tests/shotgun_method.rs"]
mod tests;
