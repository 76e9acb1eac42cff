//! The one address that all methods are called at (spec: Shotgun, section 2).

use auth_core::time::Timestamp;
use serde_json::{Map, Value, json};

use super::auth::Refusal;
use super::{ShotgunSite, read};
use crate::message::{SiteRequest, SiteResponse};

/// The numbers of refusals that clients know, and one that they do not.
pub(super) const NOT_AUTHENTIC: i64 = 102;
pub(super) const CODE_MISSING: i64 = 106;
pub(super) const SSO: i64 = 108;
pub(super) const IDENTITY: i64 = 110;
pub(super) const OTHER: i64 = 104;

/// Why a call is refused. The message is for a person to read.
pub(super) struct Exception {
    pub(super) code: i64,
    pub(super) message: String,
}

impl Exception {
    pub(super) fn new(code: i64, message: &str) -> Self {
        Self { code, message: format!("SANDBOX: {message}") }
    }

    pub(super) fn other(message: &str) -> Self {
        Self::new(OTHER, message)
    }
}

impl ShotgunSite {
    /// Answers a call.
    pub(super) fn call(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        self.record.counters.calls += 1;
        match self.result(now, request) {
            Ok(results) => SiteResponse::json(200, &json!({ "results": results })),
            Err(Refusal::Exception(Exception { code, message })) => {
                self.record.counters.refused += 1;
                let body = json!({ "exception": true, "error_code": code, "message": message });
                SiteResponse::json(200, &body)
            }
            Err(Refusal::Unclaimed) => {
                self.record.counters.refused += 1;
                let root = self.base(request);
                let query = &self.config.claims_query;
                SiteResponse::empty(302)
                    .with_header("location", format!("{root}/saml/saml_login_request{query}"))
            }
        }
    }

    fn result(&mut self, now: Timestamp, request: &SiteRequest) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_str(request.body().expose())
            .map_err(|_| Exception::other("the request is not JSON"))?;
        let method = body.get("method_name").and_then(Value::as_str).unwrap_or_default();
        let params = match body.get("params") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(params)) => params.as_slice(),
            Some(_) => return Err(Exception::other("params is not a list").into()),
        };
        let (auth, args) = (params.first(), params.get(1));
        match method {
            "info" => {
                self.record.counters.infos += 1;
                Ok(self.info())
            }
            "get_session_token" => {
                let caller = self.caller(now, auth)?;
                if let Some(token) = caller.token {
                    return Ok(json!({ "session_id": token.expose() }));
                }
                let token = self.open(caller.who, now);
                self.record.counters.logins += 1;
                Ok(json!({ "session_id": token.expose() }))
            }
            "read" => {
                self.caller(now, auth)?;
                Ok(read::read(&self.config, args.unwrap_or(&Value::Null))?)
            }
            _ => Err(Exception::other("there is no such method").into()),
        }
    }

    fn info(&self) -> Value {
        let said = &self.config.info;
        let members = [
            ("version", said.version.as_ref().map(|version| json!(version))),
            ("full_version", said.full_version.as_ref().map(|version| json!(version))),
            ("user_authentication_method", said.authentication_method.as_ref().map(|method| json!(method))),
            ("unified_login_flow_enabled", said.unified_login.map(Value::from)),
            ("authentication_app_session_launcher_enabled", said.app_sessions.map(Value::from)),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(members.collect::<Map<_, _>>())
    }
}
