//! Shotgun sites, now Autodesk Flow Production Tracking: who somebody is there, and what is meant where nobody says.
//! Signing in to them is in [`blocking::shotgun`](crate::blocking::shotgun) and
//! [`nonblocking::shotgun`](crate::nonblocking::shotgun).

mod current;
mod defaults;
mod user;

#[doc(inline)]
pub use auth_core::flow::shotgun::{LoginOptions, Program};
#[doc(inline)]
pub use auth_core::shotgun::{AuthenticationKind, Proxy, ProxyError, ShotgunSite, SignInMethod, SiteInfo};
pub use current::CurrentUser;
pub use defaults::{CoreDefaults, Defaults, DefaultsManager, Remembered, UserCredentials};
pub use user::{Expired, HumanUser, ScriptUser, SessionDetails, User};
