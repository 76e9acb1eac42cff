//! Every command, as flows on the real driver, with a fault at the k-th call of its store, its transport, its clock or
//! its prompt, for every k; with two faults at once; with a lock that is kept; and with its future dropped at every await.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why by panicking")]

mod check;
mod command;
mod dropped;
mod kept;
mod pairs;
mod plan;
mod ports;
mod single;
mod stage;
mod stranger;
mod studio;
mod world;
