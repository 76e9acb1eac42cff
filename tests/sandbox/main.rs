//! `authctl` and the crates on the sandbox, which needs nothing but this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

mod captures;
mod netrc;
mod same_requests;
#[cfg(target_os = "linux")]
mod slow_disk;
mod suspended;
mod terminal;
