//! What the conformance tests share: a terminal, a home of their own, the peers that were started for them.

#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on says why by panicking")]

pub mod cases;
mod home;
mod peers;
mod pty;
pub mod recorder;

pub use home::{Home, Run, authctl};
pub use peers::{python, tiled};
pub use pty::Terminal;
