//! `authctl` and a real Tiled server, and the Python client on the same files.

mod expiry;
mod python;
mod servers;
mod signing_in;
