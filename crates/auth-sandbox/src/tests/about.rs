//! What a site says of itself, and what every answer has (spec: Tiled, sections 2 and 3).

use super::*;

fn about(rig: &mut Rig, headers: &[(&str, &str)]) -> Value {
    let request = SiteRequest::new("GET", "/api/v1/");
    let request = headers.iter().fold(request, |request, (name, value)| request.with_header(name, *value));
    let response = rig.ask(request);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("application/json")));
    body(&response)
}

#[test]
fn about_has_every_member_the_python_client_asks_for() {
    let about = about(&mut Rig::new(), &[]);
    let members: Vec<_> = about.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "aliases",
        "api_version",
        "authentication",
        "formats",
        "library_version",
        "links",
        "meta",
        "queries",
    ];
    assert_eq!(members, expected);
    assert_eq!(about["api_version"], 0);
    assert!(about["library_version"].as_str().unwrap().contains("SANDBOX"));
    let base = "http://127.0.0.1:8000/api/v1";
    let authentication = json!({
        "required": true,
        "providers": [{
            "provider": "sandbox",
            "mode": "internal",
            "links": { "auth_endpoint": format!("{base}/auth/provider/sandbox/token") },
            "confirmation_message": "SANDBOX: you have logged in as {id}.",
            "extra_scopes": null,
        }],
        "links": {
            "whoami": format!("{base}/auth/whoami"),
            "apikey": format!("{base}/auth/apikey"),
            "refresh_session": format!("{base}/auth/session/refresh"),
            "revoke_session": format!("{base}/auth/session/revoke/{{session_id}}"),
            "logout": format!("{base}/auth/logout"),
        },
    });
    assert_eq!(about["authentication"], authentication);
    assert_eq!(about["links"], json!({ "self": base, "documentation": format!("{base}/docs") }));
    assert_eq!(about["meta"], json!({ "root_path": "/api" }));
}

#[test]
fn links_are_built_from_what_the_request_says() {
    let cases = [
        (&[][..], "", "http://127.0.0.1:8000/api/v1"),
        (&[("X-Forwarded-Host", "ex.org"), ("X-Forwarded-Proto", "https")][..], "", "https://ex.org/api/v1"),
        (&[("X-Forwarded-Proto", "https")][..], "", "https://127.0.0.1:8000/api/v1"),
        (&[][..], "/tiled/", "http://127.0.0.1:8000/tiled/api/v1"),
    ];
    for (headers, root_path, base) in cases {
        let config = Config { root_path: root_path.to_owned(), ..Config::default() };
        let about = about(&mut Rig::with(config), headers);
        assert_eq!(about["links"]["self"], base);
        assert_eq!(about["authentication"]["links"]["whoami"], format!("{base}/auth/whoami"));
        let endpoint = &about["authentication"]["providers"][0]["links"]["auth_endpoint"];
        assert_eq!(*endpoint, format!("{base}/auth/provider/sandbox/token"));
    }
}

#[test]
fn links_can_point_at_a_foreign_origin_n5() {
    let config = Config { links_on: Some("https://evil.example/".to_owned()), ..Config::default() };
    let about = about(&mut Rig::with(config), &[]);
    let links = about["authentication"]["links"].as_object().unwrap();
    assert!(
        links.values().all(|link| link.as_str().unwrap().starts_with("https://evil.example/api/v1/auth/"))
    );
    assert_eq!(about["links"]["self"], "https://evil.example/api/v1");
}

#[test]
fn providers_are_as_configured() {
    let mode = |mode: Mode, agent: &str| {
        let provider = Provider { confirmation_message: None, ..Provider::new("toy", mode) };
        let config = Config { providers: vec![provider], ..Config::default() };
        about(&mut Rig::with(config), &[("user-agent", agent)])["authentication"]["providers"][0].clone()
    };
    let cases = [
        (Mode::Internal, "python-tiled/0.2.20", "internal", "token"),
        (Mode::Internal, "python-tiled/0.1.0b16", "password", "token"),
        (Mode::Password, "python-tiled/0.2.20", "password", "token"),
        (Mode::External, "", "external", "authorize"),
        (Mode::Other("retina".to_owned()), "", "retina", "token"),
    ];
    for (configured, agent, said, end) in cases {
        let provider = mode(configured, agent);
        assert_eq!(provider["mode"], said);
        assert_eq!(
            provider["links"]["auth_endpoint"],
            format!("http://127.0.0.1:8000/api/v1/auth/provider/toy/{end}")
        );
        assert_eq!(provider["confirmation_message"], Value::Null);
    }
    let names = |providers: &[&str]| {
        let providers = providers.iter().map(|name| Provider::new(name, Mode::Internal)).collect();
        let config = Config { providers, required: false, ..Config::default() };
        about(&mut Rig::with(config), &[])["authentication"].clone()
    };
    assert_eq!(names(&[]), json!({ "required": false, "providers": [], "links": null }));
    let both = names(&["a", "b"]);
    let both: Vec<_> = both["providers"].as_array().unwrap().iter().map(|p| &p["provider"]).collect();
    assert_eq!(both, ["a", "b"]);
}

#[test]
fn every_answer_tells_the_sites_time_and_gives_a_cookie() {
    let mut rig = Rig::new();
    let response = rig.get("/healthz", "");
    assert_eq!((response.status(), response.body().expose()), (200, r#"{"status":"ready"}"#));
    assert_eq!(response.header("date"), Some("Fri, 15 Jan 2027 08:00:00 GMT"));
    assert_eq!(response.header("x-tiled-request-id").map(str::len), Some(16));
    let cookie = response.header("set-cookie").unwrap();
    let (value, rest) = cookie.split_once("; ").unwrap();
    assert_eq!(value.strip_prefix("tiled_csrf=").map(str::len), Some(43));
    assert_eq!(rest, "HttpOnly; Path=/; SameSite=lax");
    assert_ne!(rig.get("/healthz", "").header("set-cookie"), Some(cookie), "another client, another cookie");
    let known = rig.ask(SiteRequest::new("GET", "/healthz").with_header("cookie", value));
    assert_eq!(known.header("set-cookie"), None);
    rig.pass(60);
    assert_eq!(rig.get("/nowhere", "").header("date"), Some("Fri, 15 Jan 2027 08:01:00 GMT"));
}

#[test]
fn addresses_that_are_none_are_answered_as_tiled_does() {
    let mut rig = Rig::new();
    let location = |response: &SiteResponse| response.header("location").map(str::to_owned);
    let beside = rig.get("/api/v1?x=1", "");
    assert_eq!(beside.status(), 307);
    assert_eq!(location(&beside).as_deref(), Some("http://127.0.0.1:8000/api/v1/?x=1"));
    let beside = rig.get("/api/v1/auth/whoami/", "");
    assert_eq!(location(&beside).as_deref(), Some("http://127.0.0.1:8000/api/v1/auth/whoami"));

    let lost = rig.get("/api/v1/nonsense", "");
    assert_eq!((lost.status(), lost.body().expose()), (404, r#"{"detail":"Not Found"}"#));
    for (method, path, allow) in [
        ("GET", "/api/v1/auth/provider/sandbox/token", "POST"),
        ("GET", "/api/v1/auth/session/refresh", "POST"),
        ("PUT", "/api/v1/auth/whoami", "GET"),
        ("HEAD", "/api/v1/", "GET"),
        ("GET", "/api/v1/auth/session/revoke/x", "DELETE"),
    ] {
        let wrong = rig.ask(SiteRequest::new(method, path));
        assert_eq!((wrong.status(), wrong.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    assert_eq!(rig.get("/", "").header("content-type"), Some("text/html; charset=utf-8"));
}

#[test]
fn a_python_client_that_is_too_old_is_told_so_everywhere() {
    let mut rig = Rig::new();
    let path = "/api/v1/auth/session/refresh";
    for (agent, status) in [("python-tiled/0.1.0a50", 400), ("python-tiled/0.2.20", 405), ("curl/8", 405)] {
        let response = rig.ask(SiteRequest::new("GET", path).with_header("user-agent", agent));
        assert_eq!(response.status(), status, "{agent}");
    }
}

#[test]
fn a_cookie_that_is_a_credential_needs_its_token() {
    let mut rig = Rig::new();
    let cases = [
        ("", "", 200, None),
        ("tiled_csrf=y", "wrong", 200, None),
        ("tiled_api_key=k", "", 403, Some("Expected tiled_csrf_token cookie")),
        ("tiled_api_key=k; tiled_csrf=y", "", 403, Some("Expected csrf query parameter or x-csrf header")),
        ("tiled_api_key=k; tiled_csrf=y", "z", 403, Some("Double-submit CSRF tokens do not match")),
        ("tiled_api_key=k; tiled_csrf=y", "y", 200, None),
    ];
    for (cookie, token, status, text) in cases {
        let mut request = SiteRequest::new("POST", "/api/v1/auth/logout");
        for (name, value) in [("cookie", cookie), ("x-csrf", token)] {
            if !value.is_empty() {
                request = request.with_header(name, value);
            }
        }
        let response = rig.ask(request);
        assert_eq!(response.status(), status, "{cookie} {token}");
        if let Some(text) = text {
            assert_eq!((response.body().expose(), response.header("content-type")), (text, None));
        }
    }
    let read = SiteRequest::new("GET", "/healthz").with_header("cookie", "tiled_api_key=k");
    assert_eq!(rig.ask(read).status(), 200);
}
