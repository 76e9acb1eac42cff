//! What clients of one's own do with a connection, whichever they are.

use auth_core::tiled::has_ended;
use auth_core::wire::Authorization;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Puts a credential into a request's headers, in place of any other.
pub(super) fn show(headers: &mut HeaderMap, authorization: &Authorization) {
    // A token that no header can hold was never taken for one.
    if let Ok(mut value) = HeaderValue::from_str(authorization.header().expose()) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

/// True if an answer says that what was shown has ended.
pub(super) fn is_refused(status: StatusCode, headers: &HeaderMap) -> bool {
    has_ended(status.as_u16(), headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()))
}
