//! `authctl` and a real Tiled server, and the Python client on the same files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

mod expiry;
mod kinds;
mod proxy;
mod python;
mod servers;
mod signing_in;
mod storm;
