//! The same of the flows for Shotgun sites.

use super::*;
use crate::flow::shotgun::{AppSession, Call, ChooseSite, Discover, Login, LoginOptions, Password, Program};
use crate::shotgun::rpc::Credentials;
use crate::shotgun::{ShotgunSite, SignInMethod};

/// What may come of a request to a Shotgun site; nothing for any other.
pub(super) fn responses(request: &Request) -> Option<Vec<Event>> {
    let path = request.url.path();
    let content = request.content().map(|content| content.expose().to_owned()).unwrap_or_default();
    let bodies: Vec<(u16, String)> = if path.contains("/internal_api/") {
        if content.is_empty() {
            vec![
                (200, r#"{"approved":false}"#.to_owned()),
                (200, approved("ada")),
                (200, approved("eve")),
                (200, r#"{"approved":"yes"}"#.to_owned()),
                (404, "{}".to_owned()),
            ]
        } else {
            vec![
                (200, r#"{"sessionRequestId":"i","url":"http://127.0.0.1:8000/approve"}"#.to_owned()),
                (200, r#"{"sessionRequestId":"i","url":"https://pages.example/"}"#.to_owned()),
                (200, r#"{"sessionRequestId":"i","url":"http://evil.example/"}"#.to_owned()),
                (403, "{}".to_owned()),
            ]
        }
    } else if !path.contains("json") {
        return None;
    } else if content.contains("\"info\"") {
        let info = |kind: &str, app_session: bool| {
            format!(
                r#"{{"results":{{"version":[8,0,0],"user_authentication_method":"{kind}",
                    "authentication_app_session_launcher_enabled":{app_session}}}}}"#
            )
        };
        vec![
            (200, info("default", false)),
            (200, info("default", true)),
            (200, info("saml2", false)),
            (200, info("saml2", true)),
            (200, r#"{"results":{"version":[5,0,0]}}"#.to_owned()),
            (200, "<html>".to_owned()),
        ]
    } else {
        let token = format!(r#"{{"results":{{"session_id":"{}-new"}}}}"#, canary());
        let wants_token = content.contains("get_session_token");
        let results = if wants_token { token } else { r#"{"results":{"entities":[]}}"#.to_owned() };
        let mut bodies =
            vec![(200, results), (200, r#"{"results":7}"#.to_owned()), (200, "<html>".to_owned())];
        for code in [101, 102, 106, 108] {
            bodies.push((200, format!(r#"{{"exception":true,"error_code":{code},"message":"no"}}"#)));
        }
        bodies
    };
    let redirect = |status, to: &str| Event::Response(Response::new(status, [("location", to)], ""));
    let unreachable = |fault, sent| Event::Unreachable { fault, sent };
    let answers = bodies.into_iter().map(|(status, body)| Event::Response(Response::new(status, [], body)));
    let others = [
        Event::Response(Response::new(502, [], "")),
        Event::Response(Response::new(500, [], "{")),
        redirect(308, "/other/json"),
        redirect(308, "https://evil.example/json"),
        redirect(302, "/saml/saml_login_request?x"),
        unreachable(TransportFault::Connect, Sent::No),
        unreachable(TransportFault::Closed, Sent::Maybe),
        unreachable(TransportFault::Tls, Sent::No),
    ];
    Some(answers.chain(others).collect())
}

fn approved(login: &str) -> String {
    format!(r#"{{"approved":true,"userLogin":"{login}","sessionToken":"{}-new"}}"#, canary())
}

/// True if a session token was given for good.
pub(super) fn is_granted(response: &Response) -> bool {
    let body = response.body().expose();
    body.contains("session_id") || (body.contains("sessionToken") && body.contains("\"ada\""))
}

fn site() -> ShotgunSite {
    "http://127.0.0.1:8000".parse().unwrap()
}

fn program() -> Program {
    Program { product: "tool".into(), machine: "m".into() }
}

fn given() -> LoginOptions {
    LoginOptions {
        username: Some("ada".into()),
        password: Some(secret("password")),
        code: Some(secret("code")),
        ..LoginOptions::default()
    }
}

/// One event of each kind that leads elsewhere, for flows whose parts have walks of their own.
fn essential(event: &Event) -> bool {
    match event {
        Event::Response(response) => {
            let body = response.body().expose();
            response.status() == 502
                || (response.status() == 200
                    && ["new", "102", "106", "i\"", "default", "saml2", "false"]
                        .iter()
                        .any(|part| body.contains(part)))
        }
        Event::Unreachable { fault, .. } => *fault == TransportFault::Tls,
        Event::Loaded(Loaded::Found(stored)) => {
            stored.intent.is_none() && stored.session.facts.expires.is_none()
        }
        Event::Busy(_) => false,
        _ => true,
    }
}

#[test]
fn discover_every_state() {
    walk("shotgun discover", Discover::new(site(), seed()));
}

#[test]
fn choose_site_every_state() {
    walk("shotgun choose site", ChooseSite::new(&[site()], Some(&site())));
}

#[test]
fn password_every_state() {
    walk("shotgun password", Password::new(site(), None));
    let given =
        Password::new(site(), Some("ada".into())).given(Some(secret("password")), Some(secret("code")));
    walk("shotgun password given", given);
}

#[test]
fn app_session_every_state() {
    walk("shotgun app session", AppSession::new(site(), program(), Some("ada".into()), seed()));
}

#[test]
fn call_every_state() {
    let session = Credentials::Session { token: secret("token"), reject_if_expired: false };
    let args = Some(Secret::from("{}"));
    walk("shotgun call", Call::new(site(), "read", args.clone(), Some(session.clone()), seed()));
    walk("shotgun call once", Call::new(site(), "create", args, Some(session), seed()));
}

#[test]
fn login_every_state() {
    let login = |options| Login::new(site(), program(), options, seed());
    walk("shotgun login given", login(given()));
    let reuse = LoginOptions { reuse: true, username: Some("ada".into()), ..LoginOptions::default() };
    let method = Some(SignInMethod::Password);
    walk_with("shotgun login", login(LoginOptions { method, ..reuse.clone() }), essential);
    let old = session("old", 0, "p");
    let again = login(LoginOptions { method, ..reuse.clone() }).refused(&old);
    walk_with("shotgun login again", again.clone(), essential);
    walk_with("shotgun login governed", Governor::new(again).bounded(), essential);
    let never = LoginOptions { never_ask: true, ..reuse };
    walk("shotgun login never asking", login(never));
    walk(
        "shotgun login never asking for a code",
        login(LoginOptions { code: None, never_ask: true, ..given() }),
    );
    let in_clear = Login::new(
        "http://studio.example".parse().unwrap(),
        program(),
        LoginOptions { allow_http: true, ..given() },
        seed(),
    );
    walk("shotgun login in clear", in_clear.refused(&old));
}

#[test]
fn a_login_by_app_session_every_state() {
    let options = LoginOptions { method: Some(SignInMethod::AppSession), ..LoginOptions::default() };
    walk_with("shotgun login by app session", Login::new(site(), program(), options, seed()), essential);
}
