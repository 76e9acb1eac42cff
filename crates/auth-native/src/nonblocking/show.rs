//! What clients of one's own do with a connection, whichever they are.

use auth_core::tiled::has_ended;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

/// True if an answer says that what was shown has ended.
pub(super) fn is_refused(status: StatusCode, headers: &HeaderMap) -> bool {
    has_ended(status.as_u16(), headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()))
}
