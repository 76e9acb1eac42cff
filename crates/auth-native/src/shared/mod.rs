//! What signing in is, whether threads wait or a runtime does: written once, as futures.

mod ahead;
mod authenticator;
mod binding;
#[cfg(feature = "shotgun")]
mod caller;
mod connection;
mod engine;
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
mod header;
mod place;
mod renewals;
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
mod shown;
mod signed;
mod silent;
#[cfg(feature = "shotgun")]
mod studio;
mod subscribers;
mod together;
mod unsaved;

pub(crate) use ahead::Ahead;
pub(crate) use authenticator::{Settings, Shared, is_good, seed};
#[cfg(feature = "shotgun")]
pub(crate) use caller::Caller;
pub(crate) use connection::Link;
pub(crate) use engine::Engine;
pub(crate) use place::Place;
pub(crate) use renewals::Renewals;
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
pub(crate) use shown::Shown;
#[cfg(not(feature = "terminal"))]
pub(crate) use silent::Silent;
pub(crate) use silent::Unplugged;
#[cfg(feature = "shotgun")]
pub(crate) use studio::{Asked, Studio};
pub(crate) use subscribers::Subscribers;
pub use subscribers::{SessionEvent, Subscription};
pub(crate) use together::{QUESTION_GRACE, Together};
