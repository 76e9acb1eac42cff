//! `authctl` and the crates on the sandbox, which needs nothing but this machine.

mod same_requests;
mod terminal;
