use core::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Read, json};

use super::*;

fn site() -> ShotgunSite {
    "https://studio.example".parse().unwrap()
}

fn sent(method: &str, envelope: &Envelope, args: Option<&str>) -> String {
    let args = args.map(Secret::from);
    let request = request(&site(), method, envelope, args.as_ref());
    request.content().unwrap().expose().to_owned()
}

fn session(reject_if_expired: bool) -> Envelope {
    Credentials::Session { token: Secret::from("tok"), reject_if_expired }.into()
}

#[test]
fn the_envelope_has_the_python_client_s_order() {
    let uuid = Some(Foreign::from("u-1"));
    let password = |code: Option<&str>| Envelope {
        credentials: Some(Credentials::Password {
            login: Foreign::from("ada"),
            password: Secret::from("p\"w\\\n"),
            code: code.map(Secret::from),
        }),
        session_uuid: uuid.clone(),
    };
    let script = |sudo: Option<&str>| Envelope {
        credentials: Some(Credentials::Script {
            name: Foreign::from("robot"),
            key: Secret::from("kéy 日"),
            sudo_as_login: sudo.map(Foreign::from),
        }),
        session_uuid: uuid.clone(),
    };
    let cases = [
        (
            "read",
            session(true),
            Some(r#"{"a":1.50}"#),
            r#"{"method_name": "read", "params": [{"session_token": "tok", "reject_if_expired": true}, {"a":1.50}]}"#,
        ),
        ("read", session(false), None, r#"{"method_name": "read", "params": [{"session_token": "tok"}]}"#),
        (
            GET_SESSION_TOKEN,
            password(Some("123 456")),
            None,
            r#"{"method_name": "get_session_token", "params": [{"user_login": "ada", "user_password": "p\"w\\\u000a", "auth_token": "123 456", "session_uuid": "u-1"}]}"#,
        ),
        (
            "x",
            password(None),
            None,
            r#"{"method_name": "x", "params": [{"user_login": "ada", "user_password": "p\"w\\\u000a", "session_uuid": "u-1"}]}"#,
        ),
        (
            "x",
            script(Some("bo")),
            None,
            r#"{"method_name": "x", "params": [{"script_name": "robot", "script_key": "kéy 日", "session_uuid": "u-1", "sudo_as_login": "bo"}]}"#,
        ),
        (
            "x",
            script(None),
            Some("[1]"),
            r#"{"method_name": "x", "params": [{"script_name": "robot", "script_key": "kéy 日", "session_uuid": "u-1"}, [1]]}"#,
        ),
        ("x", Envelope::default(), Some("{}"), r#"{"method_name": "x", "params": [{}]}"#),
    ];
    for (method, envelope, args, body) in cases {
        assert_eq!(sent(method, &envelope, args), body);
    }
}

#[test]
fn an_old_server_is_not_shown_what_it_does_not_know() {
    use crate::shotgun::AuthenticationKind::Default;
    let info = |version| SiteInfo {
        version,
        authentication: Default,
        unified_login: false,
        app_session: false,
        page: 500,
    };
    let script = |sudo: Option<&str>| Credentials::Script {
        name: Foreign::from("robot"),
        key: Secret::from("k"),
        sudo_as_login: sudo.map(Foreign::from),
    };
    let session = Credentials::Session { token: Secret::from("tok"), reject_if_expired: false };
    let cases = [
        (&session, [5, 2, 99], Some("5.3.0")),
        (&session, [5, 3, 0], None),
        (&script(Some("bo")), [5, 3, 11], Some("5.3.12")),
        (&script(Some("bo")), [5, 3, 12], None),
        (&script(None), [2, 4, 0], None),
    ];
    for (credentials, version, needs) in cases {
        assert_eq!(credentials.lacks(&info(version)), needs, "{version:?}");
    }
}

#[test]
fn info_shows_no_credential() {
    assert_eq!(sent(INFO, &session(true), None), r#"{"method_name": "info", "params": []}"#);
}

#[test]
fn a_call_is_a_post_of_json_with_nothing_in_its_headers() {
    for (method, budget) in [("read", READ_BUDGET), (INFO, READ_BUDGET), (GET_SESSION_TOKEN, TOKEN_BUDGET)] {
        let request = request(&site(), method, &session(true), None);
        assert_eq!((request.method, request.budget), (Method::Post, budget));
        assert_eq!(request.url.to_request(), "https://studio.example/api3/json");
        assert_eq!(request.authorization, None);
        assert!(matches!(request.body, Some(Body::Json(_))));
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> RpcReply {
    read(&Response::new(status, headers.iter().copied(), body))
}

#[test]
fn results_are_the_text_that_came() {
    let json = [("content-type", "application/json; charset=utf-8")];
    let cases = [
        (r#"{"results": {"id" : 1.50, "a": "}]\""} }"#, r#"{"id" : 1.50, "a": "}]\""}"#),
        (r#"{"results":null}"#, "null"),
        (r#"{"a":{"results":1},"results":[]}"#, "[]"),
        (r#"{"exception":false,"results":true}"#, "true"),
        (r#"{"exception":null,"error_code":102,"results":7}"#, "7"),
        (r#"{"exception":0,"results":7}"#, "7"),
        (r#"{"other":1}"#, r#"{"other":1}"#),
        ("[1]", "[1]"),
        ("\"text\"", "\"text\""),
    ];
    for (body, results) in cases {
        assert_eq!(answer(200, &json, body), RpcReply::Results(Secret::from(results)), "{body}");
    }
    for kind in ["application/json", "APPLICATION/JSON;x", "text/javascript", "application/json-rpc"] {
        assert_eq!(
            answer(200, &[("content-type", kind)], r#"{"results":1}"#),
            RpcReply::Results(Secret::from("1"))
        );
    }
    assert_eq!(answer(201, &[], r#"{"results":1}"#), RpcReply::Results(Secret::from("1")));
}

#[test]
fn what_is_not_json_cannot_be_understood() {
    let json = ("content-type", "application/json");
    let cases = [
        (("content-type", "text/html"), r#"{"results":1}"#),
        (("content-type", "text/plain"), "1"),
        (("content-type", ""), "1"),
        (json, ""),
        (json, "<html>"),
        (json, r#"{"results":"#),
        (json, "\u{feff}{}"),
    ];
    for (kind, body) in cases {
        assert_eq!(
            answer(200, &[kind], body),
            RpcReply::Failed(Trouble::Unreadable.into()),
            "{kind:?} {body}"
        );
    }
    let deep = format!(r#"{{"results":{}{}}}"#, "[".repeat(80), "]".repeat(80));
    assert_eq!(answer(200, &[], &deep), RpcReply::Failed(Trouble::Unreadable.into()));
}

#[test]
fn faults_are_told_apart_by_numbers_alone() {
    let cases = [
        (json!(102), Some(102), FaultKind::Authentication),
        (json!(106), Some(106), FaultKind::MissingTwoFactor),
        (json!(108), Some(108), FaultKind::NoPasswordsSso),
        (json!(110), Some(110), FaultKind::NoPasswordsIdentity),
        (json!(103), Some(103), FaultKind::Other),
        (json!("102"), None, FaultKind::Other),
        (json!(102.5), None, FaultKind::Other),
        (json!([102]), None, FaultKind::Other),
        (json!(true), None, FaultKind::Other),
        (json!(null), None, FaultKind::Other),
    ];
    for (number, code, kind) in cases {
        let body = json!({"exception": true, "error_code": number, "message": "no", "results": 1});
        let fault = Fault { code, message: Foreign::from("no") };
        assert_eq!(fault.kind(), kind, "{number}");
        assert_eq!(answer(200, &[], &body.to_string()), RpcReply::Fault(fault), "{number}");
    }
    for truthy in [json!(1), json!("x"), json!([0]), json!({"a": 0}), json!(-0.5)] {
        let body = json!({"exception": truthy, "message": 7}).to_string();
        let fault = Fault { code: None, message: Foreign::default() };
        assert_eq!(answer(200, &[], &body), RpcReply::Fault(fault), "{truthy}");
    }
    for falsy in [json!(""), json!([]), json!({}), json!(0.0)] {
        let body = json!({"exception": falsy, "results": 1}).to_string();
        assert_eq!(answer(200, &[], &body), RpcReply::Results(Secret::from("1")), "{falsy}");
    }
}

#[test]
fn expired_claims_are_one_redirect_and_no_other_is_followed_n2() {
    let claims = [
        "/saml/saml_login_request",
        "https://studio.example/saml/saml_login_request",
        "https://studio.example/saml/saml_login_request?back=/x",
        "/saml/saml_login_request#x",
    ];
    for place in claims {
        assert_eq!(answer(302, &[("location", place)], ""), RpcReply::ClaimsExpired, "{place}");
    }
    let cases = [
        (301, claims[0], claims[0]),
        (302, "/saml/saml_login_request/x", "/saml/saml_login_request/x"),
        (302, "https://other/?to=/saml/saml_login_request", "https://other/"),
        (303, "/x?token=t", "/x"),
        (307, "https://other/api3/json", "https://other/api3/json"),
        (308, "https://other/api3/json", "https://other/api3/json"),
    ];
    for (status, place, to) in cases {
        let redirected = Trouble::Redirected { to: Foreign::from(to) };
        assert_eq!(
            answer(status, &[("location", place)], r#"{"results":1}"#),
            RpcReply::Failed(redirected.into()),
            "{status} {place}"
        );
    }
}

#[test]
fn a_status_is_kept_with_what_was_said_of_it() {
    let status = |status, detail: &str, seconds: Option<u64>| {
        let (detail, retry_after) = (Foreign::from(detail), seconds.map(Duration::from_secs));
        RpcReply::Failed(Trouble::Status { status, detail, retry_after }.into())
    };
    let fault = r#"{"exception":true,"error_code":102,"message":"no"}"#;
    assert_eq!(answer(503, &[("retry-after", "7")], "<p>maintenance"), status(503, "", Some(7)));
    assert_eq!(answer(500, &[], fault), status(500, "no", None));
    assert_eq!(answer(403, &[("content-type", "text/html")], fault), status(403, "", None));
    assert_eq!(answer(302, &[], ""), status(302, "", None));
    assert_eq!(answer(304, &[("location", "/x")], ""), status(304, "", None));
    assert_eq!(answer(401, &[], ""), status(401, "", None));
}

#[test]
fn nothing_but_reads_is_repeated_n8() {
    for method in ["info", "read", "summarize", "schema_read", "schema_field_read"] {
        assert!(is_read(method), "{method}");
    }
    for method in
        ["get_session_token", "create", "update", "delete", "batch", "schema_field_create", "Read", ""]
    {
        assert!(!is_read(method), "{method}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\x00-\\x20\"\\\\]{0,10}"]
}

fn credentials() -> impl Strategy<Value = Credentials> {
    prop_oneof![
        (text(), text(), prop::option::of(text())).prop_map(|(login, password, code)| {
            Credentials::Password {
                login: Foreign::new(login),
                password: Secret::from(password),
                code: code.map(Secret::from),
            }
        }),
        (text(), text(), prop::option::of(text())).prop_map(|(name, key, sudo)| Credentials::Script {
            name: Foreign::new(name),
            key: Secret::from(key),
            sudo_as_login: sudo.map(Foreign::new),
        }),
        (text(), any::<bool>()).prop_map(|(token, reject_if_expired)| Credentials::Session {
            token: Secret::from(token),
            reject_if_expired
        }),
    ]
}

/// What the wire should hold, made without the code under test.
fn intended(envelope: &Envelope) -> Read {
    let mut members = match envelope.credentials.as_ref().unwrap() {
        Credentials::Password { login, password, code } => {
            let mut members = json!({"user_login": login.raw(), "user_password": password.expose()});
            if let Some(code) = code {
                members["auth_token"] = json!(code.expose());
            }
            members
        }
        Credentials::Script { name, key, sudo_as_login } => {
            let mut members = json!({"script_name": name.raw(), "script_key": key.expose()});
            if let Some(login) = sudo_as_login {
                members["sudo_as_login"] = json!(login.raw());
            }
            members
        }
        Credentials::Session { token, reject_if_expired: true } => {
            json!({"session_token": token.expose(), "reject_if_expired": true})
        }
        Credentials::Session { token, .. } => json!({"session_token": token.expose()}),
    };
    if let Some(uuid) = &envelope.session_uuid {
        members["session_uuid"] = json!(uuid.raw());
    }
    members
}

proptest! {
    #[test]
    fn what_is_sent_is_json_and_what_was_meant(
        credentials in credentials(),
        uuid in prop::option::of(text()),
        method in text(),
        args in prop::option::of(text()),
    ) {
        prop_assume!(method != INFO);
        let envelope = Envelope { credentials: Some(credentials), session_uuid: uuid.map(Foreign::new) };
        let args = args.map(|text| json!({"filters": [text, 1.5]}));
        let sent = sent(&method, &envelope, args.as_ref().map(Read::to_string).as_deref());
        let mut params = vec![intended(&envelope)];
        params.extend(args);
        let sent: Read = serde_json::from_str(&sent).unwrap();
        prop_assert_eq!(sent, json!({"method_name": method, "params": params}));
    }

    #[test]
    fn no_answer_stops_the_reader_p9(
        status in prop_oneof![Just(200_u16), Just(302), any::<u16>()],
        kind in prop_oneof![Just("application/json".to_owned()), any::<String>()],
        place in any::<String>(),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let _ = read(&Response::new(status, [("content-type", kind.as_str()), ("location", &place)], body));
    }

    #[test]
    fn no_json_stops_the_reader_p9(
        exception in "(true|null|1|\"\"|\\[\\])",
        code in "(102|\"102\"|-1|1e99|\\{\\})",
        message in any::<String>(),
    ) {
        let message = Read::from(message);
        let body = format!(r#"{{"exception":{exception},"error_code":{code},"message":{message}}}"#);
        let reply = answer(200, &[], &body);
        prop_assert!(!matches!(reply, RpcReply::Failed(_)), "{:?}", reply);
    }
}
