//! Every command, as flows on the real driver, with a fault at the k-th call of its store, its transport, its clock or
//! its prompt, for every k; and with two faults at once.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why by panicking")]

mod check;
mod command;
mod pairs;
mod plan;
mod ports;
mod single;
mod stranger;
mod world;
