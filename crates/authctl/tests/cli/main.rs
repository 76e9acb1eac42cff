//! The built command, in a home of its own, against a sandbox site.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod exec;
#[cfg(target_os = "linux")]
mod folders;
mod private;
mod profiles;
#[cfg(target_os = "linux")]
mod quiet;
mod refusals;
mod rig;
#[cfg(feature = "sandbox")]
mod sandbox;
mod session;
mod shotgun;
mod signals;
mod stores;
mod streams;
mod terminal;
