//! The double-submit cookie (spec: Tiled, section 3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::message::{SiteRequest, SiteResponse};

const COOKIE: &str = "tiled_csrf";
/// The only cookie that is a credential, and so the only one that must not be used by another site's page.
pub(super) const KEY_COOKIE: &str = "tiled_api_key";

/// The answer to a change that shows a credential as a cookie and not the token that goes with it.
pub(super) fn refusal(request: &SiteRequest) -> Option<SiteResponse> {
    let safe = matches!(request.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
    if safe || request.cookie(KEY_COOKIE).is_none() {
        return None;
    }
    let Some(cookie) = request.cookie(COOKIE).filter(|cookie| !cookie.is_empty()) else {
        return Some(SiteResponse::plain(403, "Expected tiled_csrf_token cookie"));
    };
    match request.header("x-csrf").filter(|token| !token.is_empty()) {
        None => Some(SiteResponse::plain(403, "Expected csrf query parameter or x-csrf header")),
        Some(token) if token != cookie => {
            Some(SiteResponse::plain(403, "Double-submit CSRF tokens do not match"))
        }
        Some(_) => None,
    }
}

/// Gives a client without the cookie one.
pub(super) fn give(request: &SiteRequest, response: SiteResponse, random: [u8; 32]) -> SiteResponse {
    if request.cookie(COOKIE).is_some_and(|cookie| !cookie.is_empty()) {
        return response;
    }
    let value = URL_SAFE_NO_PAD.encode(random);
    response.with_header("set-cookie", format!("{COOKIE}={value}; HttpOnly; Path=/; SameSite=lax"))
}
