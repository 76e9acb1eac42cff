//! The password grant (spec: Tiled, section 5).

use super::*;

#[test]
fn a_good_password_brings_tokens_an_identity_and_a_principal() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    let members: Vec<_> = tokens.body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "access_token",
        "expires_in",
        "identity",
        "principal",
        "refresh_token",
        "refresh_token_expires_in",
        "token_type",
    ];
    assert_eq!(members, expected);
    assert_eq!(tokens.body["token_type"], "bearer");
    assert_eq!(tokens.body["identity"], json!({ "id": "alice", "provider": "sandbox" }));
    assert!(tokens.body["expires_in"].is_f64() && tokens.body["refresh_token_expires_in"].is_f64());
    assert_eq!(
        (&tokens.body["expires_in"], &tokens.body["refresh_token_expires_in"]),
        (&json!(900.0), &json!(604_800.0))
    );

    let access = claims(&tokens.access);
    assert_eq!(access["sub"], tokens.body["principal"]);
    assert_eq!(access["exp"], START.0 + 900);
    assert_eq!(access["ids"], json!([{ "id": "alice", "idp": "sandbox" }]));
    assert_eq!(
        (&access["type"], &access["sub_typ"], &access["sandbox"]),
        (&json!("access"), &json!("user"), &json!(true))
    );
    assert_eq!(access["scp"].as_array().unwrap().len(), 9);
    let refresh = claims(&tokens.refresh);
    assert_eq!((&refresh["type"], &refresh["sandbox"]), (&json!("refresh"), &json!(true)));
    assert_eq!(refresh["exp"], START.0 + 604_800);
    assert_eq!(refresh["sid"].as_str().map(str::len), Some(32));
}

#[test]
fn each_bad_password_request_is_refused_as_tiled_does() {
    let missing = |name: &str| json!({ "type": "missing", "loc": ["body", name], "msg": "Field required", "input": null });
    let grant = json!({
        "type": "string_pattern_mismatch",
        "loc": ["body", "grant_type"],
        "msg": "String should match pattern '^password$'",
        "input": "client_credentials",
        "ctx": { "pattern": "^password$" },
    });
    let wrong = json!("Incorrect username or password");
    let cases = [
        ("username=alice&password=no", 401, wrong.clone()),
        ("username=nobody&password=secret1", 401, wrong.clone()),
        ("username=alice&password=secret2", 401, wrong.clone()),
        ("username=alice&password=secret1&password=no", 401, wrong),
        ("username=alice&password=", 422, json!([missing("password")])),
        ("username=alice", 422, json!([missing("password")])),
        ("password=secret1", 422, json!([missing("username")])),
        ("grant_type=password", 422, json!([missing("username"), missing("password")])),
        ("", 422, json!([missing("username"), missing("password")])),
        ("grant_type=client_credentials&username=alice&password=secret1", 422, json!([grant])),
    ];
    let mut rig = Rig::new();
    for (form, status, detail) in cases {
        let response = rig.password(form);
        assert_eq!(response.status(), status, "{form}");
        assert_eq!(body(&response), json!({ "detail": detail }), "{form}");
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(response.header("www-authenticate"), challenge, "{form}");
    }
    let path = "/api/v1/auth/provider/sandbox/token";
    let sent_as_json = rig.post(path, "application/json", r#"{"username":"alice","password":"secret1"}"#);
    assert_eq!(body(&sent_as_json), json!({ "detail": [missing("username"), missing("password")] }));
    let unknown = "/api/v1/auth/provider/nope/token";
    let unknown = rig.post(unknown, "application/x-www-form-urlencoded", "username=alice&password=secret1");
    assert_eq!((unknown.status(), body(&unknown)), (404, json!({ "detail": "Not Found" })));
    assert_eq!(rig.site.counters(), Counters { token_requests: 11, ..Counters::default() });
}

#[test]
fn what_the_form_says_besides_does_not_matter() {
    let mut rig = Rig::new();
    let escaped = format!("password=%63{}&username=a%6Cice", &planted("secret1")[1..]);
    for form in [
        "username=alice&password=secret1",
        "grant_type=&username=alice&password=secret1",
        "grant_type=password&username=alice&password=secret1&scope=x&client_id=y",
        escaped.as_str(),
    ] {
        assert_eq!(rig.password(form).status(), 200, "{form}");
    }
    let path = "/api/v1/auth/provider/sandbox/token";
    let with_charset = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(rig.post(path, with_charset, "username=alice&password=secret1").status(), 200);
}

#[test]
fn an_account_is_the_same_each_time_and_another_at_another_provider() {
    let providers = ["a", "b"].map(|name| Provider::new(name, Mode::Internal)).to_vec();
    let mut rig = Rig::with(Config { providers, ..Config::default() });
    let mut principal = |provider: &str, user: &str| {
        let path = format!("/api/v1/auth/provider/{provider}/token");
        let response = rig.post(&path, "application/x-www-form-urlencoded", user);
        Tokens::of(&response).body["principal"].clone()
    };
    let alice = "username=alice&password=secret1";
    let first = principal("a", alice);
    assert_eq!(principal("a", alice), first);
    assert_ne!(principal("b", alice), first);
    assert_ne!(principal("a", "username=bob&password=secret2"), first);
}

#[test]
fn tokens_of_the_same_second_differ_unless_they_should_be_like_tiled_s() {
    for (unique_tokens, rule, differ) in [
        (true, RefreshRule::Reusable, true),
        (false, RefreshRule::Reusable, false),
        (false, RefreshRule::SingleUse, true),
    ] {
        let mut rig = Rig::with(Config { unique_tokens, refresh_rule: rule, ..Config::default() });
        let first = rig.login();
        let second = Tokens::of(&rig.refresh(&first.refresh));
        assert_eq!(first.access != second.access, differ);
        assert_eq!(first.refresh != second.refresh, differ);
        assert_eq!(claims(&first.access).get("jti").is_some(), differ);
    }
}

#[test]
fn an_account_has_two_hundred_sessions_at_most() {
    let mut rig = Rig::new();
    for _ in 0..200 {
        rig.login();
    }
    let refused = rig.password("username=alice&password=secret1");
    assert_eq!(refused.status(), 400);
    assert!(body(&refused)["detail"].as_str().unwrap().contains("200 sessions"));
    assert_eq!(rig.password("username=bob&password=secret2").status(), 200, "others can");
    rig.pass(365 * 86_400 + 1);
    assert_eq!(rig.password("username=alice&password=secret1").status(), 200, "old sessions do not count");
}
