//! Tokens: the password grant, and what every answer that brings tokens looks like (spec: Tiled, section 5).

use core::time::Duration;

use auth_core::time::Timestamp;
use auth_core::wire::form;
use auth_core::{Digest, Secret};
use serde_json::{Value, json};

use super::TiledSite;
use super::access::USER;
use super::accounts::{Principal, Session, Uuid};
use super::config::{ExpiresIn, RefreshRule, TokenShape};
use crate::jwt;
use crate::message::{SiteRequest, SiteResponse};

/// How many sessions one account may have open.
const MOST_SESSIONS: usize = 200;

/// Two tokens that go together.
pub(super) struct Pair {
    access: Secret,
    pub(super) refresh: Secret,
}

impl TiledSite {
    /// Answers a password.
    pub(super) fn password_grant(
        &mut self,
        now: Timestamp,
        request: &SiteRequest,
        provider: &str,
    ) -> SiteResponse {
        self.record.counters.token_requests += 1;
        let (username, password) = match credentials(request) {
            Ok(given) => given,
            Err(refusal) => return refusal,
        };
        let user = self.config.users.iter().find(|user| user.name == username);
        if user.is_none_or(|user| user.password != password) {
            return SiteResponse::detail(401, "Incorrect username or password")
                .with_header("www-authenticate", "Bearer");
        }
        let fresh = Uuid::new(self.draw("principal"));
        let principal = self.accounts.sign_in(&username, provider, fresh, now);
        let count = self.accounts.sessions_of(principal.uuid, now).len();
        if count >= MOST_SESSIONS {
            return SiteResponse::detail(
                400,
                format!(
                    "This Principal already has {count} sessions which is greater than or equal to the maximum number \
                     allowed, {MOST_SESSIONS}. Some Sessions must be closed before creating new ones."
                ),
            );
        }
        let uuid = Uuid::new(self.draw("session"));
        let pair = self.issue(now, &principal, uuid);
        self.accounts.open(Session {
            uuid,
            principal: principal.uuid,
            expires: now.after(self.config.lifetimes.session),
            revoked: false,
            newest: Digest::of(&pair.refresh),
        });
        self.record.counters.logins += 1;
        let fraction = |life: Duration| json!(Duration::from_secs(life.as_secs()).as_secs_f64());
        let mut answer = self.token_answer(&pair, &self.config.login_answer, fraction);
        answer["identity"] = json!({ "id": username, "provider": provider });
        answer["principal"] = json!(principal.uuid.hex());
        SiteResponse::json(200, &answer)
    }

    /// Makes two tokens for a session.
    pub(super) fn issue(&mut self, now: Timestamp, principal: &Principal, session: Uuid) -> Pair {
        let lifetimes = self.config.lifetimes;
        let mut access = json!({
            "sub": principal.uuid.hex(),
            "sub_typ": "user",
            "scp": USER,
            "state": {},
            "ids": [{ "id": principal.id, "idp": principal.provider }],
            "exp": now.after(lifetimes.access).0,
            "type": "access",
            "sandbox": true,
        });
        let mut refresh = json!({
            "type": "refresh",
            "sid": session.hex(),
            "exp": now.after(lifetimes.refresh).0,
            "sandbox": true,
        });
        if self.config.unique_tokens || self.config.refresh_rule == RefreshRule::SingleUse {
            access["jti"] = json!(Uuid::new(self.draw("jti")).hex());
            refresh["jti"] = json!(Uuid::new(self.draw("jti")).hex());
        }
        let key = self.key();
        Pair { access: jwt::sign(&key, &access), refresh: jwt::sign(&key, &refresh) }
    }

    /// The answer that brings these tokens, in the shape asked for.
    pub(super) fn token_answer(
        &self,
        pair: &Pair,
        shape: &TokenShape,
        seconds: impl Fn(Duration) -> Value,
    ) -> Value {
        let lifetimes = self.config.lifetimes;
        let mut answer = json!({
            "access_token": pair.access.expose(),
            "token_type": shape.token_type.as_deref().unwrap_or("bearer"),
        });
        match &shape.expires_in {
            ExpiresIn::Usual => answer["expires_in"] = seconds(lifetimes.access),
            ExpiresIn::Absent => {}
            ExpiresIn::Number(number) => answer["expires_in"] = json!(number),
            ExpiresIn::Text(text) => answer["expires_in"] = json!(text),
        }
        if !shape.no_refresh_token {
            answer["refresh_token"] = json!(pair.refresh.expose());
            answer["refresh_token_expires_in"] = seconds(lifetimes.refresh);
        }
        answer
    }
}

/// The name and password of a form; of a field given twice the last counts, and an empty one is missing.
fn credentials(request: &SiteRequest) -> Result<(String, Secret), SiteResponse> {
    let is_form = request.content_type().as_deref() == Some("application/x-www-form-urlencoded");
    let mut fields = if is_form { form::decode(request.body().expose()) } else { Vec::new() };
    let mut field = |wanted: &str| {
        let at = fields.iter().rposition(|(name, value)| name == wanted && !value.is_empty())?;
        Some(fields.remove(at).1)
    };
    let (grant_type, username, password) = (field("grant_type"), field("username"), field("password"));
    let mut errors = Vec::new();
    if let Some(other) = grant_type.filter(|grant_type| grant_type != "password") {
        errors.push(json!({
            "type": "string_pattern_mismatch",
            "loc": ["body", "grant_type"],
            "msg": "String should match pattern '^password$'",
            "input": other,
            "ctx": { "pattern": "^password$" },
        }));
    }
    for (name, value) in [("username", &username), ("password", &password)] {
        if value.is_none() {
            errors.push(
                json!({ "type": "missing", "loc": ["body", name], "msg": "Field required", "input": null }),
            );
        }
    }
    match (username, password) {
        (Some(username), Some(password)) if errors.is_empty() => Ok((username, Secret::from(password))),
        _ => Err(SiteResponse::detail(422, errors)),
    }
}
