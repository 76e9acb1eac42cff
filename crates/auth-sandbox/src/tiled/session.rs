//! Sessions: redeeming refresh tokens, and ending sessions (spec: Tiled, sections 8 and 12).

use core::time::Duration;

use auth_core::time::Timestamp;
use auth_core::{Digest, Secret};
use serde_json::{Value, json};

use super::TiledSite;
use super::access::{bad_token, caller, stumble};
use super::accounts::Uuid;
use super::config::RefreshRule;
use crate::jwt::{self, Refusal};
use crate::message::{SiteRequest, SiteResponse};

impl TiledSite {
    /// Answers a refresh token with new tokens.
    pub(super) fn refresh(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        self.record.counters.token_requests += 1;
        let token = match presented(request) {
            Ok(token) => token,
            Err(refusal) => return refusal,
        };
        let claims = match jwt::read(&self.key(), token.expose(), now) {
            Ok(claims) => claims,
            Err(Refusal::Expired) => return over(),
            Err(Refusal::Bad) => return bad_token(),
        };
        // An access token names no session, and the server stumbles over it.
        let Some(uuid) = claims.get("sid").and_then(Value::as_str).and_then(Uuid::parse) else {
            return stumble();
        };
        let single_use = self.config.refresh_rule == RefreshRule::SingleUse;
        let Some(session) = self.accounts.session_mut(uuid, now) else { return over() };
        if single_use && session.newest != Digest::of(&token) {
            session.revoked = true;
            self.record.counters.replays += 1;
            return over();
        }
        if session.revoked {
            return over();
        }
        let owner = session.principal;
        let Some(principal) = self.accounts.principal_mut(owner) else { return over() };
        principal.latest_activity = now;
        let principal = principal.clone();
        let pair = self.issue(now, &principal, uuid);
        let shape = self.config.refresh_answer.clone();
        if !shape.no_refresh_token
            && let Some(session) = self.accounts.session_mut(uuid, now)
        {
            session.newest = Digest::of(&pair.refresh);
        }
        self.record.counters.refreshes += 1;
        let whole = |life: Duration| json!(life.as_secs());
        SiteResponse::json(200, &self.token_answer(&pair, &shape, whole))
    }

    /// Ends the session of a refresh token.
    pub(super) fn revoke(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        let token = match presented(request) {
            Ok(token) => token,
            Err(refusal) => return refusal,
        };
        let claims = match jwt::read(&self.key(), token.expose(), now) {
            Ok(claims) => claims,
            Err(Refusal::Expired) if self.config.expired_revoke_fails => return stumble(),
            Err(Refusal::Expired) => return over(),
            Err(Refusal::Bad) => return bad_token(),
        };
        let Some(uuid) = claims.get("sid").and_then(Value::as_str).and_then(Uuid::parse) else {
            return stumble();
        };
        let Some(session) = self.accounts.session_mut(uuid, now) else {
            return SiteResponse::detail(409, format!("No session {}", uuid.hex()));
        };
        session.revoked = true;
        self.record.counters.revocations += 1;
        SiteResponse::empty(204)
    }

    /// Ends a session by its name, for its owner.
    pub(super) fn revoke_by_id(&mut self, now: Timestamp, request: &SiteRequest, id: &str) -> SiteResponse {
        let caller = match caller(self, now, request) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let Some(uuid) = Uuid::parse(id) else { return stumble() };
        let Some(session) = self.accounts.session_mut(uuid, now) else {
            return SiteResponse::detail(404, format!("No session {id}"));
        };
        match caller.principal {
            None => stumble(),
            Some(principal) if principal != session.principal => {
                SiteResponse::detail(404, "Sessions does not exist or requester has insufficient permissions")
            }
            Some(_) => {
                session.revoked = true;
                self.record.counters.revocations += 1;
                SiteResponse::empty(204)
            }
        }
    }
}

/// The one answer to a session that is expired, ended, forgotten or past its age: which of them is not told.
fn over() -> SiteResponse {
    SiteResponse::detail(401, "Session has expired. Please re-authenticate.")
}

/// The member `refresh_token` of a JSON content. As with the real server, a refusal repeats what was sent.
fn presented(request: &SiteRequest) -> Result<Secret, SiteResponse> {
    let invalid = |error: Value| Err(SiteResponse::detail(422, vec![error]));
    let body = request.body();
    if body.is_empty() {
        return invalid(
            json!({ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null }),
        );
    }
    let not_an_object = |input: &Value| {
        json!({
            "type": "model_attributes_type",
            "loc": ["body"],
            "msg": "Input should be a valid dictionary or object to extract fields from",
            "input": input,
        })
    };
    // Without a type it is taken for JSON.
    let is_json =
        request.content_type().is_none_or(|kind| kind == "application/json" || kind.ends_with("+json"));
    if !is_json {
        return invalid(not_an_object(&json!(body.expose())));
    }
    let Ok(value) = serde_json::from_str::<Value>(body.expose()) else {
        return invalid(json!({
            "type": "json_invalid",
            "loc": ["body", 1],
            "msg": "JSON decode error",
            "input": {},
            "ctx": { "error": "Expecting value" },
        }));
    };
    let Value::Object(members) = &value else { return invalid(not_an_object(&value)) };
    match members.get("refresh_token") {
        Some(Value::String(token)) => Ok(Secret::from(token.as_str())),
        Some(other) => invalid(json!({
            "type": "string_type",
            "loc": ["body", "refresh_token"],
            "msg": "Input should be a valid string",
            "input": other,
        })),
        None => invalid(json!({
            "type": "missing",
            "loc": ["body", "refresh_token"],
            "msg": "Field required",
            "input": value,
        })),
    }
}
