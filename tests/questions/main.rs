//! One question for all callers of a site: who shares it, and what a caller that gives up means to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

mod dropped;
mod explicit;
mod given;
mod redeemed;
mod rig;
mod unsaved;

/// A runtime that runs its tasks only while it is driven.
fn resting_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
