//! What no answer may exceed (N6).

use std::time::Duration;

/// How long connecting may take, TLS included.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How many bytes of headers are taken.
pub(crate) const HEADER_LIMIT: usize = 64 << 10;
/// How many bytes of content are taken.
pub(crate) const BODY_LIMIT: u64 = 1 << 20;
