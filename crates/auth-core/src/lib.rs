//! Signing in, as pure values.
//!
//! This crate knows the protocols: what to send, what an answer means, what to ask, what to keep, and in which order.
//! It does not know a clock, chance, a file, a socket, a thread or an async runtime: those are arguments, or steps
//! that somebody else carries out ([`flow`]), behind the traits of [`ports`].
//!
//! Most programs want the crate `auth-native`, which puts the pieces together.

mod digest;
pub mod error;
pub mod flow;
mod foreign;
pub mod oauth;
pub mod ports;
mod question;
mod secret;
mod seed;
pub mod session;
pub mod shotgun;
pub mod site;
pub mod tiled;
pub mod time;
pub mod wire;

pub use digest::Digest;
pub use error::Error;
pub use foreign::Foreign;
pub use question::{
    Answer, BrowserQuestion, CodeQuestion, Holder, KeyQuestion, MethodQuestion, Notice, PageQuestion,
    PasswordQuestion, PromptFault, ProviderQuestion, Question, SiteQuestion,
};
pub use secret::Secret;
pub use seed::Seed;
