//! Connections in use, over sockets: clients of one's own, and servers that want to have what is not theirs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

mod adapters;
mod damaged;
mod rig;
mod stampede;
mod stopped;
