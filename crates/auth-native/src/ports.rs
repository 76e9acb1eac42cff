//! What a program can bring of its own: a store, a prompt, a transport, a clock.

#[doc(inline)]
pub use auth_core::ports::{
    Applied, Asked, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, Replaces, SiteEntry,
    Store, Stored, Transport, Unreachable,
};
