//! Renewing and ending sessions (spec: Tiled, sections 8, 12 and 19).

use super::*;

const OVER: &str = "Session has expired. Please re-authenticate.";
const BAD: &str = "Could not validate credentials";

fn detail(response: &SiteResponse) -> (u16, Value) {
    (response.status(), body(response)["detail"].clone())
}

#[test]
fn a_refresh_brings_new_tokens_of_the_same_session() {
    let mut rig = Rig::new();
    let first = rig.login();
    rig.pass(100);
    let second = Tokens::of(&rig.refresh(&first.refresh));
    let members: Vec<_> = second.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["access_token", "expires_in", "refresh_token", "refresh_token_expires_in", "token_type"]
    );
    assert!(second.body["expires_in"].is_u64() && second.body["refresh_token_expires_in"].is_u64());
    assert_eq!(claims(&second.refresh)["sid"], claims(&first.refresh)["sid"]);
    assert_eq!(claims(&second.refresh)["exp"], START.0 + 100 + 604_800);
    assert_eq!(rig.whoami(&first.access).status(), 200, "the old one lives on");
    assert_eq!(rig.refresh(&first.refresh).status(), 200, "and can be redeemed again");
    assert_eq!(
        rig.site.counters(),
        Counters { token_requests: 3, logins: 1, refreshes: 2, ..Counters::default() }
    );
}

#[test]
fn each_bad_refresh_is_refused_as_tiled_does() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    let invalid = |kind: &str, location: Value, message: &str, input: Value| {
        (422, json!([{ "type": kind, "loc": location, "msg": message, "input": input }]))
    };
    let member = json!(["body", "refresh_token"]);
    let not_an_object = "Input should be a valid dictionary or object to extract fields from";
    let path = "/api/v1/auth/session/refresh";
    let form = format!("refresh_token={}", tokens.refresh);
    let json_cases = [
        (r#"{"refresh_token":"garbage"}"#, (401, json!(BAD))),
        (r#"{"refresh_token":""}"#, (401, json!(BAD))),
        ("{}", invalid("missing", member.clone(), "Field required", json!({}))),
        (
            r#"{"refresh_token":null}"#,
            invalid("string_type", member.clone(), "Input should be a valid string", Value::Null),
        ),
        (
            r#"{"refresh_token":5}"#,
            invalid("string_type", member, "Input should be a valid string", json!(5)),
        ),
        ("[]", invalid("model_attributes_type", json!(["body"]), not_an_object, json!([]))),
        ("", invalid("missing", json!(["body"]), "Field required", Value::Null)),
    ];
    for (content, expected) in json_cases {
        assert_eq!(detail(&rig.post(path, "application/json", content)), expected, "{content}");
    }
    let sent_as_form = rig.post(path, "application/x-www-form-urlencoded", &form);
    let expected = invalid("model_attributes_type", json!(["body"]), not_an_object, json!(form));
    assert_eq!(detail(&sent_as_form), expected);
    let broken = rig.post(path, "application/json", "{bad");
    assert_eq!((broken.status(), &body(&broken)["detail"][0]["type"]), (422, &json!("json_invalid")));
    let access = tokens.access.clone();
    assert_eq!(detail(&rig.refresh(&access)), (500, json!("Internal server error")));
    assert_eq!(rig.site.counters().refreshes, 0);

    let bad = rig.refresh("garbage");
    assert_eq!((bad.header("www-authenticate"), bad.header("x-tiled-root")), (Some("Bearer"), None));
    let untyped = SiteRequest::new("POST", path)
        .with_body(Secret::from(json!({ "refresh_token": tokens.refresh, "x": 1 }).to_string()));
    assert_eq!(rig.ask(untyped).status(), 200, "without a type it is JSON, and more members do not matter");
}

#[test]
fn a_session_ends_in_each_of_its_ways_with_one_answer() {
    let lifetimes = Lifetimes {
        access: Duration::from_secs(10),
        refresh: Duration::from_secs(100),
        session: Duration::from_secs(1_000),
    };
    // Seconds between refreshes, and how many of them are good.
    let cases = [(100, 0), (99, 10), (500, 0), (50, 20)];
    for (step, good) in cases {
        let mut rig = Rig::with(Config { lifetimes, ..Config::default() });
        let mut token = rig.login().refresh;
        for _ in 0..good {
            rig.pass(step);
            token = Tokens::of(&rig.refresh(&token)).refresh;
        }
        rig.pass(step);
        let end = rig.refresh(&token);
        assert_eq!(detail(&end), (401, json!(OVER)), "every {step} s");
        assert_eq!(end.header("www-authenticate"), None);
    }

    let mut rig = Rig::new();
    let revoked = rig.login();
    assert_eq!(rig.present("revoke", &revoked.refresh).status(), 204);
    assert_eq!(detail(&rig.refresh(&revoked.refresh)), (401, json!(OVER)));
    assert_eq!(rig.whoami(&revoked.access).status(), 200, "an access token cannot be taken back");

    let forgotten = rig.login();
    rig.site.forget_principal("alice");
    assert_eq!(detail(&rig.refresh(&forgotten.refresh)), (401, json!(OVER)));
    assert_eq!(detail(&rig.whoami(&forgotten.access)), (401, json!("Principal no longer exists.")));

    let voided = rig.login();
    rig.site.change_keys();
    assert_eq!(detail(&rig.refresh(&voided.refresh)), (401, json!(BAD)));
    assert_eq!(detail(&rig.whoami(&voided.access)), (401, json!(BAD)));
}

#[test]
fn an_access_token_lives_as_long_as_configured() {
    let lifetimes = Lifetimes { access: Duration::from_secs(8), ..Lifetimes::default() };
    let mut rig = Rig::with(Config { lifetimes, ..Config::default() });
    let tokens = rig.login();
    rig.pass(7);
    assert_eq!(rig.whoami(&tokens.access).status(), 200);
    rig.pass(1);
    let expired = rig.whoami(&tokens.access);
    assert_eq!(detail(&expired), (401, json!("Access token has expired. Refresh token.")));
    assert_eq!(expired.header("www-authenticate"), Some("Bearer"));
    assert_eq!(expired.header("x-tiled-root"), Some("http://127.0.0.1:8000/api/v1"));
}

#[test]
fn ending_a_session_is_answered_as_tiled_does() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    assert_eq!(detail(&rig.present("revoke", "garbage")), (401, json!(BAD)));
    assert_eq!(
        rig.post("/api/v1/auth/session/revoke", "application/json", r#"{"refresh_token":null}"#).status(),
        422
    );
    let access = tokens.access.clone();
    assert_eq!(rig.present("revoke", &access).status(), 500);
    for _ in 0..2 {
        let done = rig.present("revoke", &tokens.refresh);
        assert_eq!((done.status(), done.body().is_empty()), (204, true));
    }
    assert_eq!(rig.site.counters().revocations, 2);

    for (fails, status) in [(true, 500), (false, 401)] {
        let mut rig = Rig::with(Config { expired_revoke_fails: fails, ..Config::default() });
        let tokens = rig.login();
        rig.pass(604_800);
        assert_eq!(rig.present("revoke", &tokens.refresh).status(), status);
    }
    let lifetimes = Lifetimes { session: Duration::from_secs(5), ..Lifetimes::default() };
    let mut rig = Rig::with(Config { lifetimes, ..Config::default() });
    let tokens = rig.login();
    rig.pass(6);
    let sid = claims(&tokens.refresh)["sid"].as_str().unwrap().to_owned();
    assert_eq!(detail(&rig.present("revoke", &tokens.refresh)), (409, json!(format!("No session {sid}"))));
}

#[test]
fn a_session_is_ended_by_its_name_by_its_owner_only() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    let bob = Tokens::of(&rig.password("username=bob&password=secret2"));
    let sid = claims(&tokens.refresh)["sid"].as_str().unwrap().to_owned();
    let dashed = accounts::Uuid::parse(&sid).unwrap().to_string();
    let unknown = "2630b95c-a603-458d-b1ba-0bc2a9298ac6";
    let (alice, bob) = (format!("Bearer {}", tokens.access), format!("Bearer {}", bob.access));
    let others = "Sessions does not exist or requester has insufficient permissions";
    let cases = [
        (unknown, &alice, 404, Some(format!("No session {unknown}"))),
        (&*sid, &bob, 404, Some(others.to_owned())),
        ("xx", &alice, 500, Some("Internal server error".to_owned())),
        (&*sid, &String::new(), 500, Some("Internal server error".to_owned())),
        (&*sid, &"Bearer garbage".to_owned(), 401, Some(BAD.to_owned())),
        (&*dashed, &alice, 204, None),
        (&*sid, &alice, 204, None),
    ];
    for (id, authorization, status, text) in cases {
        let response = rig.delete(id, authorization);
        assert_eq!(response.status(), status, "{id}");
        if let Some(text) = text {
            assert_eq!(body(&response)["detail"], text);
        }
    }
    assert_eq!(detail(&rig.refresh(&tokens.refresh)), (401, json!(OVER)));
}

#[test]
fn a_single_use_token_presented_again_ends_the_session() {
    let mut rig = Rig::with(Config { refresh_rule: RefreshRule::SingleUse, ..Config::default() });
    let first = rig.login();
    let second = Tokens::of(&rig.refresh(&first.refresh));
    let third = Tokens::of(&rig.refresh(&second.refresh));
    let other = rig.login();
    assert_eq!(detail(&rig.refresh(&first.refresh)), (401, json!(OVER)));
    assert_eq!(detail(&rig.refresh(&third.refresh)), (401, json!(OVER)), "the whole family is gone");
    assert_eq!(rig.refresh(&other.refresh).status(), 200, "another session is not");
    let counters = rig.site.counters();
    assert_eq!((counters.refreshes, counters.replays), (3, 1));
}

#[test]
fn of_many_who_redeem_one_token_at_once_one_gets_new_ones_h15() {
    use std::sync::{Arc, Barrier, Mutex};

    let mut rig = Rig::with(Config { refresh_rule: RefreshRule::SingleUse, ..Config::default() });
    let token = rig.login().refresh;
    let rig = Arc::new(Mutex::new(rig));
    let barrier = Arc::new(Barrier::new(32));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (rig, barrier, token) = (Arc::clone(&rig), Arc::clone(&barrier), token.clone());
            std::thread::spawn(move || {
                barrier.wait();
                rig.lock().unwrap().refresh(&token).status()
            })
        })
        .collect();
    let statuses: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 31);
    let counters = rig.lock().unwrap().site.counters();
    assert_eq!((counters.token_requests, counters.refreshes, counters.replays), (33, 1, 31));
}
