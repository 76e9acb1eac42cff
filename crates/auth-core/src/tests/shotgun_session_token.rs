use SessionTokenAnswer::{Failed, Granted, NeedsCode, Refused};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::time::{Tick, Timestamp};
use crate::wire::TOKEN_BUDGET;

const NOW: Now = Now { tick: Tick(5), wall: Timestamp(1_000) };

fn answer(status: u16, body: &str) -> SessionTokenAnswer {
    read(NOW, &Foreign::from("Ada"), &Response::new(status, [("content-type", "application/json")], body))
}

#[test]
fn a_code_goes_beside_the_password() {
    let site: ShotgunSite = "studio.example".parse().unwrap();
    let credentials = |code: Option<&str>| Credentials::Password {
        login: Foreign::from("Ada"),
        password: Secret::from("pw"),
        code: code.map(Secret::from),
    };
    let cases = [
        (None, r#"{"user_login": "Ada", "user_password": "pw"}"#),
        (Some("1"), r#"{"user_login": "Ada", "user_password": "pw", "auth_token": "1"}"#),
    ];
    for (code, shown) in cases {
        let request = request(&site, credentials(code));
        let body = format!(r#"{{"method_name": "get_session_token", "params": [{shown}]}}"#);
        assert_eq!(request.content().unwrap().expose(), body);
        assert_eq!(request.budget, TOKEN_BUDGET);
    }
}

#[test]
fn a_session_is_its_token_and_who_asked_for_it() {
    let Granted(session) = answer(200, r#"{"results":{"session_id":"0123456789abcdef"}}"#) else { panic!() };
    assert_eq!(session.tokens.access, Some(Secret::from("0123456789abcdef")));
    assert_eq!((session.tokens.refresh, session.tokens.id), (None, None));
    let identity = Identity { id: "Ada".into(), provider: "shotgun".into() };
    assert_eq!(session.facts.identity, Some(identity));
    assert_eq!((session.facts.received, session.facts.expires), (Some(Timestamp(1_000)), None));
}

#[test]
fn an_answer_without_a_token_is_not_understood() {
    for results in [
        json!({}),
        json!({"session_id": ""}),
        json!({"session_id": 7}),
        json!({"session_id": "a\nb"}),
        json!([]),
    ] {
        let body = json!({"results": results}).to_string();
        assert_eq!(answer(200, &body), Failed(Trouble::Unreadable.into()), "{body}");
    }
    assert_eq!(answer(200, "<p>"), Failed(Trouble::Unreadable.into()));
}

#[test]
fn token_that_is_named_twice_is_unreadable_p9() {
    for body in [
        r#"{"results":{"session_id":"0123","session_id":"4567"}}"#,
        r#"{"results":{"session_id":"0123"},"results":{"session_id":"4567"}}"#,
    ] {
        assert_eq!(answer(200, body), Failed(Trouble::Unreadable.into()), "{body}");
    }
}

#[test]
fn each_fault_is_what_can_be_done_about_it() {
    let cases = [
        (json!(102), Refused("no".into())),
        (json!(106), NeedsCode("no".into())),
        (json!(108), Failed(Policy::NoPasswords { by: SignsIn::SingleSignOn }.into())),
        (json!(110), Failed(Policy::NoPasswords { by: SignsIn::AutodeskIdentity }.into())),
        (json!(5), Failed(Peer::Fault { message: "no".into() }.into())),
        (json!("102"), Failed(Peer::Fault { message: "no".into() }.into())),
    ];
    for (code, expected) in cases {
        let body = json!({"exception": true, "error_code": code, "message": "no"}).to_string();
        assert_eq!(answer(200, &body), expected, "{code}");
    }
}

/// The Python client calls all of these a server that was not found.
#[test]
fn an_outage_is_not_a_wrong_password_h17() {
    for status in [403, 404, 500, 502, 503] {
        let trouble = Trouble::Status { status, detail: Foreign::default(), retry_after: None };
        assert_eq!(answer(status, ""), Failed(trouble.into()));
    }
    for place in ["https://other.example/", "/saml/saml_login_request"] {
        let redirect = Response::new(302, [("location", place)], "");
        let redirected = Trouble::Redirected { to: place.into() };
        assert_eq!(read(NOW, &Foreign::from("Ada"), &redirect), Failed(redirected.into()));
    }
}

proptest! {
    #[test]
    fn no_answer_stops_the_reader_p9(status in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(NOW, &Foreign::default(), &Response::new(status, [], body));
    }
}
