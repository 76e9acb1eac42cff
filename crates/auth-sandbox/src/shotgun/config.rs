//! How a Shotgun-shaped site is set up.

use core::time::Duration;

use auth_core::Secret;

/// How a site is set up. May be changed while it runs, as an operator would by starting it again.
#[derive(Clone, Debug)]
pub struct ShotgunConfig {
    /// Who can sign in.
    pub people: Vec<Person>,
    /// The programs that can.
    pub scripts: Vec<Script>,
    /// What it says of itself. Where the method is `saml2` or `oxygen`, passwords are refused by the API.
    pub info: SiteInfo,
    /// True if signing in by a browser that is already signed in is possible, whatever `info` says of it.
    pub app_sessions: bool,
    /// Where the pages are said to be on which people approve, `https://pages.example` say; `None` for where it serves.
    pub app_session_pages: Option<String>,
    /// How long somebody may take to approve of one.
    pub app_session_wait: Duration,
    /// How long a session lives.
    pub session_life: SessionLife,
    /// How long what the identity provider said of a person is believed; `None` for ever.
    pub claims_life: Option<Duration>,
    /// What follows the address that a session with claims which expired is sent to: empty, or beginning with `?`.
    pub claims_query: String,
    /// The path in front of `/api3/json`; empty, or beginning with `/`.
    pub root_path: String,
}

impl Default for ShotgunConfig {
    /// Nobody can sign in yet; sessions live a day from their last use.
    fn default() -> Self {
        Self {
            people: Vec::new(),
            scripts: Vec::new(),
            info: SiteInfo::default(),
            app_sessions: true,
            app_session_pages: None,
            app_session_wait: Duration::from_mins(5),
            session_life: SessionLife::Idle(Duration::from_hours(24)),
            claims_life: None,
            claims_query: String::new(),
            root_path: String::new(),
        }
    }
}

/// What a site says of itself. What is `None` is left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiteInfo {
    /// Three numbers, as a rule.
    pub version: Option<Vec<u64>>,
    /// The version in words.
    pub full_version: Option<String>,
    /// `default`, `ldap`, `saml2` or `oxygen`.
    pub authentication_method: Option<String>,
    /// Whether one page signs everybody in.
    pub unified_login: Option<bool>,
    /// Whether a browser can approve of a program's session.
    pub app_sessions: Option<bool>,
}

impl Default for SiteInfo {
    fn default() -> Self {
        Self {
            version: Some(vec![8, 60, 0]),
            full_version: Some("8.60.0.0 SANDBOX".to_owned()),
            authentication_method: Some("default".to_owned()),
            unified_login: Some(false),
            app_sessions: Some(true),
        }
    }
}

/// Somebody who can sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The name signed in with.
    pub login: String,
    /// The password.
    pub password: Secret,
    /// What is asked for besides.
    pub second_factor: Option<SecondFactor>,
    /// True if the account is closed.
    pub disabled: bool,
}

impl Person {
    /// Somebody with this name and password, and nothing besides.
    pub fn new(login: &str, password: impl Into<Secret>) -> Self {
        Self { login: login.to_owned(), password: password.into(), second_factor: None, disabled: false }
    }

    /// The same person, with this code to be shown besides.
    #[must_use]
    pub fn with_code(self, code: impl Into<Secret>) -> Self {
        Self { second_factor: Some(SecondFactor { code: code.into(), backup: Vec::new() }), ..self }
    }
}

/// The codes that are taken besides a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecondFactor {
    /// Good each time: a site has no telephone to agree with.
    pub code: Secret,
    /// Each is good once and is gone then.
    pub backup: Vec<Secret>,
}

/// A program that can sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Secret,
}

impl Script {
    /// A program with this name and key.
    pub fn new(name: &str, key: impl Into<Secret>) -> Self {
        Self { name: name.to_owned(), key: key.into() }
    }
}

/// How long a session lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionLife {
    /// So long from its last use.
    Idle(Duration),
    /// So long from its beginning.
    Absolute(Duration),
}
