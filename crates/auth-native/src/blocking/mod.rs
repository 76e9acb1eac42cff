//! Signing in on the calling thread, which waits.
//!
//! Everything here can be used from several threads at once: an [`Authenticator`] is cheap to clone, and one
//! [`Connection`] serves any number of threads.

mod authenticator;
mod builder;
mod connection;
mod silent;
mod status;
mod user;

#[doc(inline)]
pub use auth_http::Cancel;
#[doc(inline)]
pub use auth_http::blocking::{TransportError, UreqTransport};
#[doc(inline)]
pub use auth_http::{NoEntropy, SystemClock, seed};
pub use authenticator::Authenticator;
pub use builder::Builder;
pub use connection::Connection;
pub use status::{State, Status};
pub use user::User;

#[cfg(test)]
#[path = "../tests/rig.rs"]
mod rig;
