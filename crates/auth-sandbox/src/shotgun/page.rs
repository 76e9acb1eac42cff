//! The page on which a person approves of a program's session.

use auth_core::Secret;
use auth_core::wire::form;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ShotgunSite;
use super::app_session::{Decision, PendingApproval};
use super::sessions::Who;
use crate::message::{SiteRequest, SiteResponse};

/// The double-submit cookie: another site's page can send the form, and knows nothing to put into it.
const COOKIE: &str = "sandbox_csrf";

impl ShotgunSite {
    pub(super) fn show_approval(&mut self, request: &SiteRequest, id: &str) -> SiteResponse {
        let Some(pending) = self.undecided(id) else { return gone() };
        let (mark, fresh) = match request.cookie(COOKIE).filter(|mark| is_mark(mark)) {
            Some(mark) => (mark.to_owned(), false),
            None => (URL_SAFE_NO_PAD.encode(self.draw("csrf")), true),
        };
        let response = form_page(200, &pending, &mark, "");
        if !fresh {
            return response;
        }
        let cookie = format!("{COOKIE}={mark}; HttpOnly; Path=/; SameSite=strict");
        response.with_header("set-cookie", cookie)
    }

    pub(super) fn take_approval(&mut self, request: &SiteRequest, id: &str) -> SiteResponse {
        let fields: Vec<(String, Secret)> = form::decode(request.body().expose())
            .into_iter()
            .map(|(name, value)| (name, Secret::from(value)))
            .collect();
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.expose()).filter(|value| !value.is_empty())
        };
        let Some(mark) = request.cookie(COOKIE).filter(|mark| is_mark(mark) && field("csrf") == Some(*mark))
        else {
            return page(
                403,
                "Refused",
                "<p>This form did not come from this page. Open the page again.</p>",
            );
        };
        let Some(pending) = self.undecided(id) else { return gone() };
        match field("decision") {
            Some("deny") => {
                self.decide(id, Decision::Denied);
                page(200, "Denied", "<p>The program gets no session. You can close this page.</p>")
            }
            Some("approve") => {
                let (login, password) = (field("login"), field("password"));
                let person =
                    self.person(login.unwrap_or_default(), password.unwrap_or_default(), field("code"));
                match person {
                    Ok(Who::Person(login)) => {
                        self.decide(id, Decision::Approved(login));
                        page(200, "Approved", "<p>Go back to the program. You can close this page.</p>")
                    }
                    Ok(Who::Script(_)) => gone(),
                    Err(refused) => form_page(403, &pending, mark, &refused.message),
                }
            }
            _ => form_page(400, &pending, mark, "SANDBOX: approve or deny"),
        }
    }

    fn undecided(&self, id: &str) -> Option<PendingApproval> {
        let here = self.pending().into_iter().find(|pending| pending.id.expose() == id);
        here.filter(|_| self.config.app_sessions)
    }
}

/// True for what we could have given out; nothing else is written into a page.
fn is_mark(mark: &str) -> bool {
    mark.len() == 43 && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn form_page(status: u16, pending: &PendingApproval, mark: &str, message: &str) -> SiteResponse {
    let (app, machine) = (escaped(&pending.app_name), escaped(&pending.machine_id));
    let message = escaped(message);
    page(
        status,
        "Approve a session?",
        &format!(
            "<p>The program <b>{app}</b> on the machine <b>{machine}</b> wants to act for you.</p>\
             <p role=\"alert\">{message}</p>\
             <form method=\"post\" action=\"\"><input type=\"hidden\" name=\"csrf\" value=\"{mark}\">\
             <p><label>Login <input name=\"login\" autocomplete=\"username\"></label></p>\
             <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label></p>\
             <p><label>Code, if you have one <input name=\"code\" autocomplete=\"one-time-code\"></label></p>\
             <p><button name=\"decision\" value=\"approve\">Approve</button> \
             <button name=\"decision\" value=\"deny\">Deny</button></p></form>"
        ),
    )
}

fn gone() -> SiteResponse {
    page(404, "Nothing to approve", "<p>The request was decided on, has expired or never was.</p>")
}

/// A page that runs nothing, loads nothing, is framed nowhere and is not kept.
pub(super) fn page(status: u16, title: &str, content: &str) -> SiteResponse {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} - SANDBOX</title>\
         <h1>{title}</h1>{content}<p>A SANDBOX: nothing here is real.</p></html>"
    );
    SiteResponse::text(status, "text/html; charset=utf-8", html)
        .with_header(
            "content-security-policy",
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        )
        .with_header("cache-control", "no-store")
        .with_header("referrer-policy", "no-referrer")
        .with_header("x-content-type-options", "nosniff")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
