//! Signing in to Shotgun sites, and calling them.

mod app_session;
mod call;
mod choose_site;
mod discover;
mod login;
mod password;

pub use app_session::{AppSession, Program};
pub use call::{Call, Called};
pub use choose_site::ChooseSite;
pub use discover::Discover;
pub use login::{Login, LoginOptions, SignedIn};
pub use password::Password;

use crate::foreign::Foreign;
use crate::session::Session;

/// A session that was given and is not saved yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Granted {
    /// Whose, as they were asked for or as the site has it.
    pub login: Foreign,
    /// The session.
    pub session: Session,
}

#[cfg(test)]
#[path = "../tests/shotgun_script.rs"]
mod script;
