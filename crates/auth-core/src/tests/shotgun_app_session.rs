use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::site::UrlError;
use crate::wire::TOKEN_BUDGET;

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html");

/// A status, headers and a content; and what they mean.
type Case<Meaning> = (u16, Vec<(&'static str, &'static str)>, &'static str, Meaning);

fn site() -> ShotgunSite {
    "https://studio.example".parse().unwrap()
}

fn created(status: u16, headers: &[(&str, &str)], body: &str) -> Created {
    read_created(&Response::new(status, headers.iter().copied(), body))
}

fn polled(status: u16, headers: &[(&str, &str)], body: &str) -> Polled {
    read_poll(&Response::new(status, headers.iter().copied(), body))
}

fn status(status: u16) -> Error {
    Trouble::Status { status, detail: Foreign::default(), retry_after: None }.into()
}

fn unreadable() -> Error {
    Trouble::Unreadable.into()
}

#[test]
fn a_request_is_made_with_a_form_and_asked_after_with_nothing() {
    let request = create(&site(), "Flow Production Tracking Toolkit", "lab&1=ü");
    assert_eq!((request.method, request.budget), (Method::Post, TOKEN_BUDGET));
    assert_eq!(request.url.to_request(), "https://studio.example/internal_api/app_session_request");
    assert_eq!(
        request.body,
        Some(Body::Form(Secret::from("appName=Flow+Production+Tracking+Toolkit&machineId=lab%261%3D%C3%BC")))
    );
    let request = poll(&site(), &Secret::from("abc-1"));
    assert_eq!((request.method, request.budget, &request.body), (Method::Put, READ_BUDGET, &None));
    assert_eq!(request.url.to_request(), "https://studio.example/internal_api/app_session_request/abc-1");
    assert_eq!(request.authorization, None);
}

#[test]
fn an_id_is_one_segment_whatever_is_in_it_and_is_not_shown_h11() {
    let path = "https://studio.example/internal_api/app_session_request";
    for (id, segment) in [("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"), ("%2e%2e", "%252e%252e"), ("é ", "%C3%A9%20")]
    {
        let request = poll(&site(), &Secret::from(id));
        assert_eq!(request.url.to_request(), format!("{path}/{segment}"));
        assert!(format!("{request:?} {}", request.url).contains("app_session_request/…"));
        assert!(!format!("{request:?} {}", request.url).contains(segment));
    }
    // No answer gives such an id.
    assert_eq!(poll(&site(), &Secret::from("..")).url.to_request(), path);
}

#[test]
fn a_page_to_approve_on_is_begun() {
    for page in
        ["https://studio.example/app_session/7?x=y", "https://login.example/", "http://127.0.0.1:8000/p"]
    {
        let body = json!({"sessionRequestId": "abc", "url": page, "more": 1}).to_string();
        let begun = Created::Begun { id: Secret::from("abc"), url: page.parse().unwrap() };
        assert_eq!(created(200, &[JSON], &body), begun, "{page}");
    }
}

#[test]
fn a_page_that_is_not_what_it_seems_is_not_opened_t3() {
    use PageFault::{Address, Exposed};
    let cases = [
        ("http://studio.example/p", Exposed),
        ("http://127.0.0.1.evil.example/p", Exposed),
        ("javascript:alert(1)", Address(UrlError::NotAbsolute)),
        ("javascript://x/%0aalert(1)", Address(UrlError::Scheme)),
        ("file:///etc/passwd", Address(UrlError::Scheme)),
        ("data:text/html,x", Address(UrlError::NotAbsolute)),
        ("ms-msdt:/id", Address(UrlError::NotAbsolute)),
        ("-flag", Address(UrlError::NotAbsolute)),
        ("/app_session/7", Address(UrlError::NotAbsolute)),
        ("https://good.example@evil.example/", Address(UrlError::Userinfo)),
        ("https://studio.example/\u{7}", Address(UrlError::Character)),
        ("https://stüdio.example/", Address(UrlError::NotAscii)),
        ("https:///x", Address(UrlError::Host)),
    ];
    for (page, why) in cases {
        let body = json!({"sessionRequestId": "abc", "url": page}).to_string();
        assert_eq!(created(200, &[JSON], &body), Created::Failed(Peer::BadPage { why }.into()), "{page}");
    }
}

#[test]
fn approval_that_names_a_member_twice_is_none_p9() {
    let twice = [
        r#"{"approved":false,"approved":true,"userLogin":"ada","sessionToken":"abc"}"#,
        r#"{"approved":true,"userLogin":"ada","userLogin":"bob","sessionToken":"abc"}"#,
        r#"{"approved":true,"userLogin":"ada","sessionToken":"abc","sessionToken":"def"}"#,
    ];
    for body in twice {
        assert_eq!(polled(200, &[JSON], body), Polled::Over(unreadable()), "{body}");
    }
    let body = r#"{"sessionRequestId":"abc","sessionRequestId":"def","url":"https://h/"}"#;
    assert_eq!(created(200, &[JSON], body), Created::Failed(unreadable()));
}

/// The column POST of the table of section 6.1.
#[test]
fn every_answer_to_the_first_request_has_its_meaning() {
    let again = |code| Created::Again(status(code));
    let failed = Created::Failed;
    let good = r#"{"sessionRequestId":"abc","url":"https://h/"}"#;
    let place = ("location", "https://other.example/x?id=abc");
    let redirected = || Error::from(Trouble::Redirected { to: "https://other.example/x".into() });
    let cases: Vec<Case<Created>> = vec![
        (500, vec![JSON], "{}", again(500)),
        (503, vec![HTML], "<p>", again(503)),
        // The Python client says of these that it cannot read them.
        (502, vec![JSON], "", again(502)),
        (504, vec![JSON], "{", again(504)),
        (403, vec![JSON], "{}", failed(Policy::NoAppSession.into())),
        (403, vec![JSON], "[]", failed(Policy::NoAppSession.into())),
        (403, vec![HTML], "<p>", failed(status(403))),
        (403, vec![JSON], "", failed(status(403))),
        (400, vec![JSON], "{}", failed(status(400))),
        (404, vec![JSON], "{}", failed(status(404))),
        (429, vec![], "", failed(status(429))),
        (301, vec![place], good, failed(redirected())),
        (302, vec![place], good, failed(redirected())),
        (303, vec![place], good, failed(redirected())),
        (307, vec![place], good, failed(redirected())),
        (308, vec![place], good, failed(redirected())),
        (302, vec![], good, failed(status(302))),
        (304, vec![place], good, failed(status(304))),
        (201, vec![JSON], good, failed(unreadable())),
        (202, vec![JSON], good, failed(unreadable())),
        (204, vec![], "", failed(unreadable())),
        (200, vec![HTML], good, failed(unreadable())),
        (200, vec![JSON], "", failed(unreadable())),
        (200, vec![JSON], "{", failed(unreadable())),
        (200, vec![JSON], "[]", failed(unreadable())),
        (200, vec![JSON], "null", failed(unreadable())),
        (200, vec![JSON], r#"{"url":"https://h/"}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":"","url":"https://h/"}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":7,"url":"https://h/"}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":"..","url":"https://h/"}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":"abc"}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":"abc","url":""}"#, failed(unreadable())),
        (200, vec![JSON], r#"{"sessionRequestId":"abc","url":null}"#, failed(unreadable())),
    ];
    for (code, headers, body, meaning) in cases {
        assert_eq!(created(code, &headers, body), meaning, "{code} {headers:?} {body}");
    }
}

/// The column PUT of the table of section 6.1.
#[test]
fn every_answer_to_a_poll_has_its_meaning() {
    let over = |error: Error| Polled::Over(error);
    let good = r#"{"approved":true,"userLogin":"ada","sessionToken":"tok"}"#;
    let place = ("location", "https://other.example/x?id=abc");
    let redirected = || Error::from(Trouble::Redirected { to: "https://other.example/x".into() });
    let approved = Polled::Approved { login: "ada".into(), token: Secret::from("tok") };
    let cases: Vec<Case<Polled>> = vec![
        (200, vec![JSON], good, approved),
        (500, vec![JSON], good, Polled::Again(status(500))),
        (502, vec![JSON], "", Polled::Again(status(502))),
        (503, vec![HTML], "<p>", Polled::Again(status(503))),
        (404, vec![JSON], "{}", over(NotApproved::Gone.into())),
        (404, vec![HTML], "<p>", over(status(404))),
        (404, vec![JSON], "", over(status(404))),
        (400, vec![JSON], "{}", over(status(400))),
        (403, vec![JSON], "{}", over(status(403))),
        (410, vec![JSON], "{}", over(status(410))),
        (301, vec![place], good, over(redirected())),
        (302, vec![place], good, over(redirected())),
        (303, vec![place], good, over(redirected())),
        (307, vec![place], good, over(redirected())),
        (308, vec![place], good, over(redirected())),
        (307, vec![], good, over(status(307))),
        (201, vec![JSON], good, over(NotApproved::Denied.into())),
        (202, vec![JSON], good, over(NotApproved::Denied.into())),
        (204, vec![], "", over(NotApproved::Denied.into())),
        (200, vec![HTML], good, over(unreadable())),
        (200, vec![JSON], "", over(unreadable())),
        (200, vec![JSON], "[]", over(unreadable())),
        (200, vec![JSON], r#""x""#, over(unreadable())),
        (200, vec![JSON], "{}", Polled::Pending),
        (200, vec![JSON], r#"{"approved":true}"#, over(unreadable())),
        (200, vec![JSON], r#"{"approved":true,"userLogin":"","sessionToken":"tok"}"#, over(unreadable())),
        (200, vec![JSON], r#"{"approved":true,"userLogin":"ada","sessionToken":""}"#, over(unreadable())),
        (200, vec![JSON], r#"{"approved":true,"userLogin":" ","sessionToken":"tok"}"#, over(unreadable())),
        (200, vec![JSON], r#"{"approved":true,"userLogin":7,"sessionToken":"tok"}"#, over(unreadable())),
        (200, vec![JSON], r#"{"approved":true,"userLogin":"ada","sessionToken":"a b"}"#, over(unreadable())),
    ];
    for (code, headers, body, meaning) in cases {
        assert_eq!(polled(code, &headers, body), meaning, "{code} {headers:?} {body}");
    }
}

#[test]
fn only_a_plain_true_is_a_yes() {
    for value in [json!("false"), json!("true"), json!(null), json!(1), json!(0), json!([]), json!({})] {
        let body = json!({"approved": value, "userLogin": "ada", "sessionToken": "tok"}).to_string();
        assert_eq!(polled(200, &[JSON], &body), Polled::Over(unreadable()), "{value}");
    }
    let body = json!({"approved": false, "userLogin": "ada", "sessionToken": "tok"}).to_string();
    assert_eq!(polled(200, &[JSON], &body), Polled::Pending);
}

proptest! {
    #[test]
    fn no_answer_stops_the_readers_p9(
        code in prop_oneof![Just(200_u16), any::<u16>()],
        body in prop::collection::vec(any::<u8>(), 0..64),
        page in any::<String>(),
    ) {
        let response = Response::new(code, [], body);
        let _ = (read_created(&response), read_poll(&response));
        let body = json!({"sessionRequestId": page, "url": page, "approved": Value::from(page.as_str())});
        let _ = (created(code, &[JSON], &body.to_string()), polled(code, &[JSON], &body.to_string()));
    }

    #[test]
    fn no_id_leads_to_another_place(id in any::<String>()) {
        let url = poll(&site(), &Secret::from(id.as_str())).url;
        let segment = url.path().strip_prefix(PATH).unwrap();
        let segment = segment.strip_prefix('/').unwrap_or(segment);
        prop_assert!(!segment.contains('/') && segment != ".." && segment != "." && url.query().is_none());
        if !matches!(id.as_str(), "." | "..") {
            prop_assert_eq!(form::percent_decode(segment), id);
        }
        prop_assert_eq!(url.origin().clone(), site().origin().clone());
    }
}
