//! Sessions that a person approves of in a browser (spec: Shotgun, section 6).

use auth_core::Secret;
use auth_core::time::Timestamp;
use auth_core::wire::form;
use serde_json::json;

use super::ShotgunSite;
use super::sessions::Who;
use crate::message::{SiteRequest, SiteResponse};

/// How many may wait at one time. Nobody is signed in who asks, so the oldest give way.
const MOST: usize = 1_024;

/// A session that a program asks for and nobody has decided on yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingApproval {
    /// What it is asked after by. Whoever knows it can take the session.
    pub id: Secret,
    /// The program, in its own words.
    pub app_name: String,
    /// The machine it runs on, in its own words.
    pub machine_id: String,
}

/// One request and what became of it; it goes when the session is taken.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) pending: PendingApproval,
    since: Timestamp,
    pub(super) decision: Decision,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Decision {
    None,
    /// By whom.
    Approved(String),
    Denied,
}

impl ShotgunSite {
    pub(super) fn ask_for_session(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        self.record.counters.app_session_requests += 1;
        if !self.config.app_sessions {
            return failed(403, "the app session launcher is off");
        }
        let fields = form::decode(request.body().expose());
        let field = |name: &str| {
            let found = fields.iter().find(|(known, value)| known == name && !value.is_empty());
            found.map(|(_, value)| value.chars().take(200).collect::<String>())
        };
        let (Some(app_name), Some(machine_id)) = (field("appName"), field("machineId")) else {
            return failed(400, "appName and machineId are wanted");
        };
        // Longer than what a log would show of a path.
        let id = hex(&self.draw("app session"));
        let base = self.config.app_session_pages.clone().unwrap_or_else(|| self.base(request));
        let url = format!("{base}/app_session_request/{id}");
        if self.asked.len() >= MOST {
            self.asked.remove(0);
        }
        let pending = PendingApproval { id: Secret::from(id.as_str()), app_name, machine_id };
        self.asked.push(Asked { pending, since: now, decision: Decision::None });
        SiteResponse::json(200, &json!({ "sessionRequestId": id, "url": url }))
    }

    pub(super) fn poll_for_session(&mut self, now: Timestamp, id: &str) -> SiteResponse {
        if !self.config.app_sessions {
            return failed(403, "the app session launcher is off");
        }
        let Some(at) = self.asked.iter().position(|asked| asked.pending.id.expose() == id) else {
            return failed(404, "the request was denied, has expired or never was");
        };
        match self.asked.get(at).map(|asked| asked.decision.clone()) {
            Some(Decision::None) => SiteResponse::json(200, &json!({ "approved": false })),
            Some(Decision::Approved(login)) => {
                self.asked.remove(at);
                let token = self.open(Who::Person(login.clone()), now);
                let body = json!({ "approved": true, "sessionToken": token.expose(), "userLogin": login });
                SiteResponse::json(200, &body)
            }
            _ => failed(404, "the request was denied, has expired or never was"),
        }
    }

    /// Forgets what was asked for too long ago.
    pub(super) fn forget_late(&mut self, now: Timestamp) {
        let wait = self.config.app_session_wait;
        self.asked.retain(|asked| now < asked.since.after(wait));
    }

    pub(super) fn decide(&mut self, id: &str, decision: Decision) -> bool {
        let open = |asked: &&mut Asked| asked.pending.id.expose() == id && asked.decision == Decision::None;
        let Some(asked) = self.asked.iter_mut().find(open) else { return false };
        self.record.counters.approvals += u64::from(decision != Decision::Denied);
        asked.decision = decision;
        true
    }
}

fn failed(status: u16, why: &str) -> SiteResponse {
    SiteResponse::json(status, &json!({ "error": format!("SANDBOX: {why}") }))
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |&digit| char::from(digit));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
