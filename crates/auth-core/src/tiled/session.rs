//! Getting, renewing and ending a session: what is sent, and what each answer means (spec: Tiled, sections 5, 8, 12).

use core::time::Duration;

use super::{TiledUri, hints};
use crate::error::{Error, Peer, Trouble};
use crate::foreign::Foreign;
use crate::oauth::TokenAnswer;
use crate::secret::Secret;
use crate::session::{Facts, Identity, Links, Session};
use crate::site::Url;
use crate::time::{Now, Timestamp};
use crate::wire::json::{self, Json};
use crate::wire::{Body, Request, Response};

/// How many seconds clocks may differ without anything being said.
const TOLERATED_SKEW: i64 = 120;
/// How many seconds are corrected.
const MOST_SKEW: i64 = 86_400;

/// What the server made of a name and a password.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum GrantAnswer {
    /// They are right.
    Granted(Box<Session>),
    /// They are wrong; others may be right.
    Refused(Foreign),
    /// It will not go on, or cannot now.
    Failed(Error),
}

/// Reads the answer to [`oauth::password::request`](crate::oauth::password::request).
pub fn read_grant(now: Now, response: &Response) -> GrantAnswer {
    match response.status() {
        200 => match read_tokens(now, response, None) {
            Some(session) => GrantAnswer::Granted(Box::new(session)),
            None => GrantAnswer::Failed(Trouble::Unreadable.into()),
        },
        401 => GrantAnswer::Refused(detail(response)),
        400 | 403 | 404 | 405 | 409 | 410 | 415 | 422 => {
            GrantAnswer::Failed(Error::Rejected(detail(response)))
        }
        _ => GrantAnswer::Failed(failure(response)),
    }
}

/// Asks for new tokens. The old refresh token may be worth nothing once this was sent.
pub fn refresh(endpoint: Url, refresh_token: &Secret) -> Request {
    Request::token(endpoint, Body::Json(json::object(&[("refresh_token", refresh_token.expose())])))
}

/// What the server made of a refresh token.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RefreshAnswer {
    /// New tokens; what the answer left out is taken from the old session (RFC 6749 section 6).
    Renewed(Box<Session>),
    /// Definitely no, for good.
    Over(Error),
    /// No answer to the question: the session may be as good as before.
    Failed(Error),
}

/// Reads the answer to [`refresh`].
pub fn read_refresh(now: Now, old: &Session, response: &Response) -> RefreshAnswer {
    let invalid_grant = || {
        let json = Json::read_strict(response.body()).ok();
        json.is_some_and(|json| json.text("error") == Some("invalid_grant"))
    };
    match response.status() {
        200 => match read_tokens(now, response, Some(old)) {
            Some(session) => RefreshAnswer::Renewed(Box::new(session)),
            None => RefreshAnswer::Failed(Trouble::Unreadable.into()),
        },
        401 => {
            let detail = detail(response);
            let known = detail.raw().contains("expired");
            RefreshAnswer::Over(if known { Error::Expired(detail) } else { Error::Revoked(detail) })
        }
        400 if invalid_grant() => RefreshAnswer::Over(Error::Revoked(detail(response))),
        _ => RefreshAnswer::Failed(failure(response)),
    }
}

/// True if an answer says that a token has ended, by what can be seen before its content: a missing permission is a 401
/// too, and names the scopes that it wants (RFC 6750 section 3; spec: Tiled, section 8).
///
/// ```
/// use auth_core::tiled::has_ended;
/// assert!(has_ended(401, Some("Bearer")) && has_ended(401, None));
/// assert!(!has_ended(401, Some(r#"Bearer scope="write:data""#)) && !has_ended(403, None));
/// ```
pub fn has_ended(status: u16, www_authenticate: Option<&str>) -> bool {
    let wants_scopes = |challenge: &str| challenge.to_ascii_lowercase().contains("scope");
    status == 401 && !www_authenticate.is_some_and(wants_scopes)
}

/// Asks the server to end a session.
pub fn revoke(uri: &TiledUri, refresh_token: &Secret) -> Request {
    let body = json::object(&[("refresh_token", refresh_token.expose())]);
    Request::token(uri.below("auth/session/revoke"), Body::Json(body))
}

/// What became of a session that was to be ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RevokeAnswer {
    /// It is over; perhaps it was before.
    Over,
    /// The server did not end it.
    Failed(Error),
}

/// Reads the answer to [`revoke`].
pub fn read_revoke(response: &Response) -> RevokeAnswer {
    match response.status() {
        // 401, 404, 409: it was never known, or it has outlived itself, so nobody can use it.
        200..=299 | 401 | 404 | 409 => RevokeAnswer::Over,
        _ => RevokeAnswer::Failed(failure(response)),
    }
}

fn read_tokens(now: Now, response: &Response, old: Option<&Session>) -> Option<Session> {
    let json = Json::read_strict(response.body()).ok()?;
    let answer = TokenAnswer::read(&json)?;
    let facts = answer.facts(now);
    let mut hinted = answer.tokens.access.as_ref().map(hints).unwrap_or_default();
    // What the token says of its end is by the server's clock.
    let skew = skew(now, response, hinted.received);
    hinted.expires = hinted.expires.map(|end| Timestamp(end.0.saturating_add(skew)));
    let told = json.value().get("identity").and_then(|identity| {
        let text = |name: &str| identity.get(name)?.as_str().map(Foreign::new);
        Some(Identity { id: text("id")?, provider: text("provider").unwrap_or_default() })
    });
    let mut tokens = answer.tokens;
    let (mut known, mut links) = (Facts::default(), Links::default());
    if let Some(old) = old {
        tokens.refresh = tokens.refresh.or_else(|| old.tokens.refresh.clone());
        tokens.id = tokens.id.or_else(|| old.tokens.id.clone());
        known = old.facts.clone();
        links = old.links.clone();
    }
    let facts = Facts {
        expires: facts.expires.or(hinted.expires),
        refresh_expires: facts.refresh_expires,
        received: facts.received,
        identity: told.or(hinted.identity).or(known.identity),
        principal: json.text("principal").map(Foreign::new).or(hinted.principal).or(known.principal),
    };
    Some(Session { tokens, facts, links })
}

/// An answer that means nothing to the question asked.
pub(crate) fn failure(response: &Response) -> Error {
    match response.status() {
        301 | 302 | 303 | 307 | 308 => {
            let to = Foreign::new(response.header("location").unwrap_or_default());
            Trouble::Redirected { to: without_query(&to) }.into()
        }
        200..=299 => Trouble::Unreadable.into(),
        status => {
            Trouble::Status { status, detail: detail(response), retry_after: retry_after(response) }.into()
        }
    }
}

/// How many seconds this machine's clock is ahead of the server's, by what a server says of its time when it answers:
/// the header `Date`, or when a token that it has just given was issued.
fn ahead(now: Now, response: &Response, issued: Option<Timestamp>) -> i64 {
    let theirs = response.header("date").and_then(Timestamp::parse_http).or(issued);
    theirs.map_or(0, |theirs| now.wall.0.saturating_sub(theirs.0))
}

/// What to add to a moment of the server's clock to have it by ours. A clock that is further away than a day is not
/// believed.
fn skew(now: Now, response: &Response, issued: Option<Timestamp>) -> i64 {
    let ahead = ahead(now, response, issued);
    if ahead.abs() <= MOST_SKEW { ahead } else { 0 }
}

/// The seconds by which this machine's clock is ahead of a server's, if that is worth saying (N9).
pub(crate) fn wrong_clock(now: Now, response: &Response) -> Option<i64> {
    let ahead = ahead(now, response, None);
    (ahead.abs() > TOLERATED_SKEW).then_some(ahead)
}

/// The header `Retry-After` (RFC 9110 section 10.2.3), of which a moment is taken by the server's clock.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let theirs = response.header("date").and_then(Timestamp::parse_http)?;
    Some(theirs.until(Timestamp::parse_http(value)?))
}

fn without_query(place: &Foreign) -> Foreign {
    Foreign::new(place.raw().split(['?', '#']).next().unwrap_or_default())
}

/// The server's own words, if it has any that are for people.
pub(crate) fn detail(response: &Response) -> Foreign {
    Json::read(response.body()).ok().and_then(|json| json.detail()).unwrap_or_default()
}

/// A server that sends its clients elsewhere before they have said anything.
pub(crate) fn elsewhere(from: &Url, to: &str) -> Peer {
    Peer::Elsewhere { from: from.origin().clone(), to: without_query(&Foreign::new(to)) }
}

#[cfg(test)]
#[path = "../tests/session.rs"]
mod tests;
