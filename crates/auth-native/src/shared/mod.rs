//! What signing in is, whether threads wait or a runtime does: written once, as futures.

mod authenticator;
mod connection;
mod engine;
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
mod header;
mod place;
mod silent;
mod subscribers;

pub(crate) use authenticator::{Settings, Shared, is_good, seed};
pub(crate) use connection::Link;
pub(crate) use engine::Engine;
pub(crate) use place::Place;
#[cfg(not(feature = "terminal"))]
pub(crate) use silent::Silent;
pub(crate) use silent::Unplugged;
pub(crate) use subscribers::Subscribers;
pub use subscribers::{SessionEvent, Subscription};
