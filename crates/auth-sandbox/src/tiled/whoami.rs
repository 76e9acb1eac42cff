//! Who is signed in (spec: Tiled, section 12).

use auth_core::time::Timestamp;
use serde_json::{Value, json};

use super::TiledSite;
use super::access::{USER, caller};
use crate::message::{SiteRequest, SiteResponse, naive};

impl TiledSite {
    /// The account of the caller; `null` for nobody.
    pub(super) fn whoami(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        let uuid = match caller(self, now, request) {
            Ok(caller) => caller.principal,
            Err(refusal) => return refusal,
        };
        let Some(uuid) = uuid else { return SiteResponse::json(200, &Value::Null) };
        let Some(principal) = self.accounts.principal(uuid).cloned() else {
            return SiteResponse::detail(401, "Principal no longer exists.");
        };
        let sessions = self.accounts.sessions_of(uuid, now).into_iter().map(|session| {
            json!({
                "uuid": session.uuid.to_string(),
                "expiration_time": naive(session.expires),
                "revoked": session.revoked,
                "state": {},
            })
        });
        let sessions: Vec<_> = sessions.collect();
        SiteResponse::json(
            200,
            &json!({
                "uuid": principal.uuid.to_string(),
                "type": "user",
                "identities": [{
                    "id": principal.id,
                    "provider": principal.provider,
                    "latest_login": naive(principal.latest_login),
                }],
                "roles": [{ "name": "user", "scopes": USER }],
                "api_keys": [],
                "sessions": sessions,
                "latest_activity": naive(principal.latest_activity),
            }),
        )
    }
}
