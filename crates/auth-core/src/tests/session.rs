use core::time::Duration;

use super::*;
use crate::session::Tokens;
use crate::tiled::TiledUri;
use crate::time::Timestamp;

fn now() -> Now {
    Now { wall: Timestamp(1_000), ..Now::default() }
}

fn old() -> Session {
    Session {
        tokens: Tokens {
            access: Some("a0".into()),
            refresh: Some("r0".into()),
            id: Some("i0".into()),
            ..Tokens::default()
        },
        facts: Facts {
            identity: Some(Identity { id: "alice".into(), provider: "toy".into() }),
            principal: Some("p".into()),
            ..Facts::default()
        },
        links: Links { whoami: Some("/w".into()), refresh: Some("/r".into()) },
    }
}

fn answer(status: u16, body: &str) -> Response {
    Response::new(status, [("location", "https://evil/x?token=1")], body)
}

#[test]
fn a_grant_says_who_and_how_long() {
    let body = r#"{"access_token":"a","expires_in":8.0,"refresh_token":"r","refresh_token_expires_in":60.0,
        "token_type":"bearer","identity":{"id":"alice","provider":"toy"},"principal":"9f"}"#;
    let GrantAnswer::Granted(session) = read_grant(now(), &answer(200, body)) else { panic!() };
    assert_eq!(session.facts.identity, Some(Identity { id: "alice".into(), provider: "toy".into() }));
    assert_eq!(session.facts.expires, Some(Timestamp(1_008)));
    assert_eq!(session.facts.refresh_expires, Some(Timestamp(1_060)));
    assert_eq!(session.facts.principal, Some("9f".into()));
}

#[test]
fn a_grant_refused_is_told_from_one_that_failed() {
    let detail = r#"{"detail":"Incorrect username or password"}"#;
    let refused = GrantAnswer::Refused("Incorrect username or password".into());
    assert_eq!(read_grant(now(), &answer(401, detail)), refused);
    for status in [400, 403, 404, 422] {
        assert!(matches!(
            read_grant(now(), &answer(status, detail)),
            GrantAnswer::Failed(Error::Rejected(_))
        ));
    }
    for (status, body) in
        [(500, ""), (429, ""), (302, ""), (307, ""), (200, "{}"), (200, "<html>"), (204, "")]
    {
        assert!(
            matches!(read_grant(now(), &answer(status, body)), GrantAnswer::Failed(Error::Transient(_))),
            "{status}"
        );
    }
}

#[test]
fn a_refresh_keeps_what_the_answer_leaves_out_h2() {
    let cases = [
        (r#"{"access_token":"a1"}"#, "a1", "r0"),
        (r#"{"access_token":"a1","refresh_token":""}"#, "a1", "r0"),
        (r#"{"access_token":"a1","refresh_token":null,"expires_in":8}"#, "a1", "r0"),
        (r#"{"access_token":"a1","refresh_token":"r1","expires_in":8,"scope":"x"}"#, "a1", "r1"),
    ];
    for (body, access, refresh) in cases {
        let RefreshAnswer::Renewed(session) = read_refresh(now(), &old(), &answer(200, body)) else {
            panic!("{body}")
        };
        assert_eq!(session.tokens.access, Some(access.into()));
        assert_eq!(session.tokens.refresh, Some(refresh.into()));
        assert_eq!(session.tokens.id, Some("i0".into()));
        assert_eq!((session.facts.identity, session.links), (old().facts.identity, old().links));
    }
}

#[test]
fn only_a_definite_no_ends_a_session_h17() {
    let over: [(u16, &str); 4] = [
        (401, r#"{"detail":"Session has expired. Please re-authenticate."}"#),
        (401, r#"{"detail":"Could not validate credentials"}"#),
        (401, ""),
        (400, r#"{"error":"invalid_grant"}"#),
    ];
    for (status, body) in over {
        let RefreshAnswer::Over(error) = read_refresh(now(), &old(), &answer(status, body)) else {
            panic!("{body}")
        };
        assert!(error.ends_session());
    }
    let failed: [(u16, &str); 11] = [
        (400, r#"{"detail":"Python Tiled client reports version X."}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (403, ""),
        (404, ""),
        (422, "{}"),
        (429, ""),
        (500, ""),
        (503, r#"{"error":"invalid_grant"}"#),
        (307, ""),
        (200, "{}"),
        (200, r#"{"access_token":"a","token_type":"mac"}"#),
    ];
    for (status, body) in failed {
        let RefreshAnswer::Failed(error) = read_refresh(now(), &old(), &answer(status, body)) else {
            panic!("{body}")
        };
        assert!(!error.ends_session(), "{status} {body}");
    }
}

/// Which of two a reader takes is not laid down (RFC 8259 section 4).
#[test]
fn token_answer_that_names_a_member_twice_is_unreadable_p9() {
    let twice = [
        r#"{"access_token":"a1","access_token":"a2"}"#,
        r#"{"access_token":"a1","refresh_token":"r1","refresh_token":"r2"}"#,
        r#"{"access_token":"a1","refresh_token":"r1","refresh_token":null}"#,
        r#"{"access_token":"a1","expires_in":8,"expires_in":8}"#,
        r#"{"access_token":"a1","token_type":"mac","token_type":"bearer"}"#,
        r#"{"access_token":"a1","\u0061ccess_token":"a2"}"#,
        r#"{"access_token":"a1","principal":"p","principal":"q"}"#,
        r#"{"access_token":"a1","identity":{"id":"alice","id":"bob","provider":"toy"}}"#,
    ];
    for body in twice {
        let unreadable = || Error::from(Trouble::Unreadable);
        assert_eq!(
            read_refresh(now(), &old(), &answer(200, body)),
            RefreshAnswer::Failed(unreadable()),
            "{body}"
        );
        assert_eq!(read_grant(now(), &answer(200, body)), GrantAnswer::Failed(unreadable()), "{body}");
    }
    let once = r#"{"access_token":"a","identity":{"id":"a","provider":"b"},"other":{"id":"c"}}"#;
    assert!(matches!(read_grant(now(), &answer(200, once)), GrantAnswer::Granted(_)));
}

#[test]
fn error_named_twice_is_no_definite_no_h17() {
    let body = r#"{"error":"invalid_request","error":"invalid_grant"}"#;
    let RefreshAnswer::Failed(error) = read_refresh(now(), &old(), &answer(400, body)) else { panic!() };
    assert!(!error.ends_session());
}

#[test]
fn a_session_that_was_over_is_revoked() {
    for status in [200, 204, 401, 404, 409] {
        assert_eq!(read_revoke(&answer(status, "")), RevokeAnswer::Over);
    }
    for status in [302, 400, 422, 500, 503] {
        assert!(matches!(read_revoke(&answer(status, "")), RevokeAnswer::Failed(_)), "{status}");
    }
}

#[test]
fn a_redirect_is_reported_without_its_query() {
    let GrantAnswer::Failed(error) = read_grant(now(), &answer(307, "")) else { panic!() };
    assert!(
        error.to_string().contains("https://evil/x") && !error.to_string().contains("token=1"),
        "{error}"
    );
}

#[test]
fn requests_are_those_of_the_python_client() {
    let uri: TiledUri = "http://127.0.0.1:1/".parse().unwrap();
    let request = refresh(uri.below("auth/session/refresh"), &Secret::from("r"));
    assert_eq!(request.content(), Some(&Secret::from(r#"{"refresh_token":"r"}"#)));
    assert_eq!((request.authorization, request.budget), (None, Duration::from_secs(10)));
    assert_eq!(
        revoke(&uri, &Secret::from("r")).url.to_string(),
        "http://127.0.0.1:1/api/v1/auth/session/revoke"
    );
}
