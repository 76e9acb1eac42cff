//! Running a flow: sockets, threads, clocks and chance for the conversations that `auth-core` describes as values.
//!
//! A driver takes a [`Flow`](auth_core::flow::Flow), carries out each of its steps, and gives it what came of it.
//! It decides nothing that belongs to the flow: it follows no redirect, repeats nothing and adds no credential.
//!
//! Features: `blocking` runs flows on threads, with ureq; `async` runs them on a tokio runtime, with reqwest. Without
//! either there is only what every driver needs: [`Cancel`], [`SystemClock`] and [`seed`].
//!
//! With `blocking`, records of the `log` facade below the level `debug` are left out of the whole program: at `trace`
//! the HTTP client would write every byte of every message, tokens and passwords included.

#![cfg_attr(test, allow(clippy::duplicate_mod, reason = "both drivers pass the same tests"))]

#[cfg(any(feature = "blocking", feature = "async"))]
mod bounds;
mod cancel;
mod clock;
mod entropy;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "blocking", feature = "async"))]
mod drive;
#[cfg(feature = "async")]
pub mod nonblocking;
#[cfg(any(feature = "blocking", feature = "async"))]
mod proxy;
#[cfg(any(feature = "blocking", feature = "async"))]
mod telling;
#[cfg(any(feature = "blocking", feature = "async"))]
mod tls;
mod underway;
#[cfg(any(feature = "blocking", feature = "async"))]
mod user_agent;
#[cfg(any(feature = "blocking", feature = "async"))]
mod waiters;
#[cfg(any(feature = "blocking", feature = "async"))]
mod wiped;

// What `cancel` and `waiters` share and wait with. They name it by their parent, and so are tried with another.
use std::sync;
#[cfg(any(feature = "blocking", feature = "async"))]
use std::thread;

pub use cancel::Cancel;
pub use clock::SystemClock;
pub use entropy::{NoEntropy, seed};
#[cfg(any(feature = "blocking", feature = "async"))]
pub use proxy::ProxyChoice;
pub use underway::{Lingering, Underway};
#[cfg(any(feature = "blocking", feature = "async"))]
pub use user_agent::TransportError;
#[cfg(any(feature = "blocking", feature = "async"))]
pub use waiters::{Place, Turn, Waiters, Work, wait_for};

#[cfg(test)]
#[path = "tests/cancel.rs"]
mod cancelling;
#[cfg(test)]
#[cfg(any(feature = "blocking", feature = "async"))]
#[path = "tests/orders.rs"]
mod orders;
#[cfg(test)]
#[cfg(any(feature = "blocking", feature = "async"))]
#[path = "tests/waiters.rs"]
mod waiting;
