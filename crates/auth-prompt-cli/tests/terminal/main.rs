//! The prompt in a process of its own, on a real terminal: what a person sees, and that the terminal is given back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod dialogue;
mod ends;
mod jobs;
mod rig;
mod shotgun;
mod signals;
mod suspended;
mod typing;
