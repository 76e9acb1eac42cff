//! How a Tiled-shaped site is set up.

use core::time::Duration;

use auth_core::Secret;

/// How a site is set up. May be changed while it runs, as an operator would by starting it again.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who can sign in, at any of the providers that take a password.
    pub users: Vec<User>,
    /// The ways to sign in. Without any, the site has no accounts.
    pub providers: Vec<Provider>,
    /// True if nothing can be read without a credential.
    pub required: bool,
    /// The one key of a site without providers.
    pub single_user_key: Option<Secret>,
    /// How long what it issues lives.
    pub lifetimes: Lifetimes,
    /// How often a refresh token can be redeemed.
    pub refresh_rule: RefreshRule,
    /// True: no two tokens are the same (claim `jti`). False: two of the same second are, as Tiled's are. Always
    /// true where a refresh token can be redeemed once.
    pub unique_tokens: bool,
    /// The path in front of `/api/v1`; empty, or beginning with `/`.
    pub root_path: String,
    /// True: ending a session with an expired refresh token is answered with 500, as Tiled does. False: with 401.
    pub expired_revoke_fails: bool,
    /// The origin that all links in About are built on, in place of the one that was asked.
    pub links_on: Option<String>,
    /// What an answer to a password looks like.
    pub login_answer: TokenShape,
    /// What an answer to a refresh token looks like.
    pub refresh_answer: TokenShape,
}

impl Default for Config {
    /// No users, one provider `sandbox`, a credential required, and otherwise what Tiled does.
    fn default() -> Self {
        Self {
            users: Vec::new(),
            providers: vec![Provider::new("sandbox", Mode::Internal)],
            required: true,
            single_user_key: None,
            lifetimes: Lifetimes::default(),
            refresh_rule: RefreshRule::Reusable,
            unique_tokens: true,
            root_path: String::new(),
            expired_revoke_fails: true,
            links_on: None,
            login_answer: TokenShape::default(),
            refresh_answer: TokenShape::default(),
        }
    }
}

/// Somebody who can sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The name signed in with.
    pub name: String,
    /// The password.
    pub password: Secret,
}

impl User {
    /// Somebody with this name and password.
    pub fn new(name: &str, password: impl Into<Secret>) -> Self {
        Self { name: name.to_owned(), password: password.into() }
    }
}

/// A way to sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provider {
    /// What it is called.
    pub name: String,
    /// How it works.
    pub mode: Mode,
    /// What a client shows to somebody who has signed in, `{id}` standing for the name; `None` for nothing.
    pub confirmation_message: Option<String>,
}

impl Provider {
    /// A provider whose greeting says that this is a sandbox.
    pub fn new(name: &str, mode: Mode) -> Self {
        Self {
            name: name.to_owned(),
            mode,
            confirmation_message: Some("SANDBOX: you have logged in as {id}.".to_owned()),
        }
    }
}

/// How a provider works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It takes a password.
    Internal,
    /// The same under its old name.
    Password,
    /// It signs people in elsewhere, in a browser. About offers it; nothing is behind it.
    External,
    /// One that no client knows.
    Other(String),
}

impl Mode {
    /// True if it takes a password.
    pub(super) fn takes_password(&self) -> bool {
        matches!(self, Self::Internal | Self::Password)
    }
}

/// How long what a site issues lives; whole seconds count (spec: Tiled, section 19).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// An access token, from its issue.
    pub access: Duration,
    /// A refresh token, from its issue.
    pub refresh: Duration,
    /// A session, from signing in.
    pub session: Duration,
}

impl Default for Lifetimes {
    /// Tiled's: 15 minutes, 7 days, 365 days.
    fn default() -> Self {
        Self {
            access: Duration::from_mins(15),
            refresh: Duration::from_hours(7 * 24),
            session: Duration::from_hours(365 * 24),
        }
    }
}

/// How often a refresh token can be redeemed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshRule {
    /// Until it expires, as Tiled's.
    Reusable,
    /// Once. Presenting one that was replaced ends the session, as it may have been stolen (RFC 9700 section 4.14).
    SingleUse,
}

/// What an answer that brings tokens looks like.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TokenShape {
    /// True: no `refresh_token`. The one presented stays good.
    pub no_refresh_token: bool,
    /// What `expires_in` holds.
    pub expires_in: ExpiresIn,
    /// What `token_type` holds, in place of `bearer`.
    pub token_type: Option<String>,
}

/// What `expires_in` holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum ExpiresIn {
    /// The life of the token: a fraction after a password, a whole number after a refresh, as Tiled has it.
    #[default]
    Usual,
    /// Nothing: the member is absent.
    Absent,
    /// This number; `null` if JSON cannot hold it.
    Number(f64),
    /// This text.
    Text(String),
}
