//! A Shotgun-shaped site and somebody who calls it, for the tests of what it answers.

#[path = "shotgun/app_session.rs"]
mod app_session;
#[path = "shotgun/page.rs"]
mod page;
#[path = "shotgun/read.rs"]
mod read;
#[path = "shotgun/signing_in.rs"]
mod signing_in;
#[path = "shotgun/site.rs"]
mod site;

use core::time::Duration;

use auth_core::wire::form;
use canary::plant;
use serde_json::{Value, json};

use super::*;

/// When these tests happen.
const START: Timestamp = Timestamp(1_800_000_000);

struct Rig {
    site: ShotgunSite,
    now: Timestamp,
}

impl Rig {
    fn new() -> Self {
        Self::with(ShotgunConfig::default())
    }

    /// Ada has a password, Grace a second factor besides, and Alan's account is closed; one script.
    fn with(config: ShotgunConfig) -> Self {
        let mut grace = Person::new("grace", plant("grace's password")).with_code(plant("code"));
        grace.second_factor.as_mut().unwrap().backup = vec![Secret::from(plant("backup"))];
        let alan = Person { disabled: true, ..Person::new("alan", plant("alan's password")) };
        let people = vec![Person::new("ada", plant("ada's password")), grace, alan];
        let scripts = vec![Script::new("robot", plant("key"))];
        let config = ShotgunConfig { people, scripts, ..config };
        Self { site: ShotgunSite::new(config, Seed::new([5; 32])), now: START }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    fn ask(&mut self, request: SiteRequest) -> SiteResponse {
        self.site.answer(self.now, &request.with_header("host", "127.0.0.1:8000"))
    }

    fn post(&mut self, body: &str) -> SiteResponse {
        let request = SiteRequest::new("POST", "/api3/json")
            .with_header("content-type", "application/json; charset=utf-8")
            .with_body(Secret::from(body));
        self.ask(request)
    }

    /// Calls a method with these params, and what came with status 200.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.post(&json!({ "method_name": method, "params": params }).to_string());
        assert_eq!(answer.status(), 200);
        body(&answer)
    }

    /// The number of the refusal; 0 if there is none.
    fn refusal(&mut self, method: &str, params: &Value) -> i64 {
        let body = self.call(method, params);
        assert_eq!(body["exception"].as_bool().unwrap_or(false), body["results"].is_null(), "{body}");
        if let Some(message) = body["message"].as_str() {
            assert!(message.starts_with("SANDBOX: "), "{message}");
        }
        body["error_code"].as_i64().unwrap_or(0)
    }

    fn token(&mut self, auth: &Value) -> String {
        let body = self.call("get_session_token", &json!([auth]));
        body["results"]["session_id"].as_str().unwrap().to_owned()
    }

    /// A request for a session, and its id.
    fn asked(&mut self) -> Secret {
        let answer =
            self.form("/internal_api/app_session_request", &[("appName", "App"), ("machineId", "box")]);
        assert_eq!(answer.status(), 200);
        Secret::from(body(&answer)["sessionRequestId"].as_str().unwrap())
    }

    fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> SiteResponse {
        let request = SiteRequest::new("POST", path)
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_body(form::encode(fields));
        self.ask(request)
    }

    fn poll(&mut self, id: &Secret) -> SiteResponse {
        let path = format!("/internal_api/app_session_request/{}", id.expose());
        self.ask(SiteRequest::new("PUT", &path))
    }
}

fn body(answer: &SiteResponse) -> Value {
    serde_json::from_str(answer.body().expose()).unwrap()
}

fn ada() -> Value {
    json!({ "user_login": "ada", "user_password": plant("ada's password") })
}

fn robot() -> Value {
    json!({ "script_name": "robot", "script_key": plant("key") })
}

/// A token as clients of a server of this age show it.
fn shown(token: &str) -> Value {
    json!({ "session_token": token, "reject_if_expired": true })
}
