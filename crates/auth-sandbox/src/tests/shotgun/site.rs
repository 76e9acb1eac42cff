use super::*;
use crate::faults::Which;

#[test]
fn a_site_says_what_it_was_set_up_to_say_and_no_more() {
    let mut rig = Rig::new();
    let info = rig.call("info", &json!([]));
    assert_eq!(
        info["results"],
        json!({
            "version": [8, 60, 0],
            "full_version": "8.60.0.0 SANDBOX",
            "user_authentication_method": "default",
            "unified_login_flow_enabled": false,
            "authentication_app_session_launcher_enabled": true,
        })
    );
    rig.site.config.info = SiteInfo {
        version: None,
        full_version: None,
        authentication_method: None,
        unified_login: None,
        app_sessions: None,
    };
    assert_eq!(rig.call("info", &json!([]))["results"], json!({}));
}

#[test]
fn what_is_no_call_is_refused_as_one() {
    let mut rig = Rig::new();
    for wrong in ["", "x", "[]", "{}", r#"{"method_name":7}"#, r#"{"method_name":"info","params":{}}"#] {
        let answer = rig.post(wrong);
        assert_eq!(answer.status(), 200, "{wrong}");
        assert_eq!(body(&answer)["error_code"], 104, "{wrong}");
    }
    assert_eq!(rig.refusal("delete_everything", &json!([ada()])), 104);
}

#[test]
fn addresses_are_found_below_a_path_and_by_their_method_only() {
    let mut rig = Rig::with(ShotgunConfig { root_path: "sub/".to_owned(), ..ShotgunConfig::default() });
    let cases = [
        ("POST", "/api3/json", 200),
        ("POST", "/sub/api3/json", 200),
        ("GET", "/sub/api3/json", 405),
        ("POST", "/subapi3/json", 404),
        ("GET", "/internal_api/app_session_request", 405),
        ("POST", "/sub/internal_api/app_session_request", 400),
        ("POST", "/internal_api/app_session_request/7", 405),
        ("PUT", "/sub/internal_api/app_session_request/7", 404),
        ("DELETE", "/app_session_request/7", 405),
        ("GET", "/sub/app_session_request/7", 404),
        ("GET", "/", 200),
        ("POST", "/", 405),
        ("GET", "/saml/saml_login_request", 404),
    ];
    for (method, path, status) in cases {
        assert_eq!(rig.ask(SiteRequest::new(method, path)).status(), status, "{method} {path}");
    }
}

#[test]
fn what_happened_is_counted() {
    let mut rig = Rig::new();
    rig.call("info", &json!([]));
    rig.token(&ada());
    rig.refusal("read", &json!([]));
    let id = rig.asked();
    rig.asked();
    assert!(rig.site.approve(&id, "ada"));
    let counted =
        ShotgunCounters { calls: 3, refused: 1, infos: 1, logins: 1, app_session_requests: 2, approvals: 1 };
    assert_eq!(rig.site.counters(), counted);
    assert_eq!(rig.site.log().len(), 5);
    rig.site.clear_log();
    assert_eq!((rig.site.counters(), rig.site.log().len()), (ShotgunCounters::default(), 0));
}

#[test]
fn the_same_seed_gives_the_same_answers() {
    let play = |seed: u8| {
        let mut rig = Rig::new();
        rig.site = ShotgunSite::new(rig.site.config, Seed::new([seed; 32]));
        (rig.token(&ada()), rig.token(&ada()), rig.asked())
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
    let (first, second, _) = play(1);
    assert_ne!(first, second);
    assert_eq!(
        ShotgunSite::demo([1; 32]).config.people[0].password,
        ShotgunSite::demo([1; 32]).config.people[0].password
    );
}

#[test]
fn faults_strike_by_the_method_that_is_called() {
    let mut rig = Rig::new();
    rig.site.faults = Faults::none()
        .nth(Which::calling("get_session_token"), 1, Fault::LostReply)
        .nth(Which::calling("read"), 1, Fault::Drop)
        .nth(Which::calling("read"), 2, Fault::exception(106, "a code"));
    let mut serve = |method: &str| {
        let call = json!({ "method_name": method, "params": [ada(), { "type": "HumanUser" }] });
        let request = SiteRequest::new("POST", "/api3/json").with_body(Secret::from(call.to_string()));
        rig.site.serve(START, &request).response.map(|answer| body(&answer)["error_code"].clone())
    };
    assert_eq!(serve("get_session_token"), None);
    assert_eq!(serve("read"), None);
    assert_eq!(serve("read"), Some(json!(106)));
    assert_eq!(serve("read"), Some(Value::Null));
    assert_eq!((rig.site.counters().logins, rig.site.counters().calls), (1, 2));
}

#[test]
fn neither_a_site_nor_its_log_shows_a_secret_s1() {
    let mut rig = Rig::new();
    let (token, id) = (rig.token(&ada()), rig.asked());
    rig.poll(&id);
    let pending = rig.site.pending();
    let shown = format!("{:?} {:?} {pending:?}", rig.site, rig.site.log());
    for secret in [&token, id.expose(), &plant("ada's password"), &plant("key"), &plant("code")] {
        assert!(!shown.contains(secret));
    }
    assert!(shown.contains("/internal_api/app_session_request/…"), "{shown}");
}
