//! Who is let in (spec: Tiled, sections 10 and 12).

use super::*;

const HEADER: &str = "Authorization header must include the authorization type followed by a space and then the \
                      secret, as in 'Bearer SECRET' or 'Apikey SECRET'. ";

#[test]
fn whoami_names_the_account_and_its_sessions() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    rig.pass(60);
    Tokens::of(&rig.refresh(&tokens.refresh));
    let other = rig.login();
    rig.present("revoke", &other.refresh);
    let response = rig.whoami(&tokens.access);
    let uuid = |hex: &Value| accounts::Uuid::parse(hex.as_str().unwrap()).unwrap().to_string();
    let scopes = [
        "read:metadata",
        "read:data",
        "create:node",
        "write:metadata",
        "write:data",
        "delete:revision",
        "delete:node",
        "create:apikeys",
        "revoke:apikeys",
    ];
    let session = |tokens: &Tokens, ends: &str, revoked: bool| {
        let sid = uuid(&claims(&tokens.refresh)["sid"]);
        json!({ "uuid": sid, "expiration_time": ends, "revoked": revoked, "state": {} })
    };
    let expected = json!({
        "uuid": uuid(&tokens.body["principal"]),
        "type": "user",
        "identities": [{ "id": "alice", "provider": "sandbox", "latest_login": "2027-01-15T08:01:00" }],
        "roles": [{ "name": "user", "scopes": scopes }],
        "api_keys": [],
        "sessions": [
            session(&tokens, "2028-01-15T08:00:00", false),
            session(&other, "2028-01-15T08:01:00", true),
        ],
        "latest_activity": "2027-01-15T08:01:00",
    });
    assert_eq!((response.status(), body(&response)), (200, expected));
}

#[test]
fn each_authorization_header_is_read_as_tiled_does() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    let (good, bad, key) = (200, 401, "Invalid API key");
    let hex = "ab".repeat(36);
    let cases = [
        (String::new(), good, None),
        ("Bearer".to_owned(), good, None),
        ("Bearer ".to_owned(), good, None),
        ("Apikey".to_owned(), good, None),
        ("Apikey ".to_owned(), good, None),
        (format!("Bearer {}", tokens.access), good, None),
        (format!("bearer {}", tokens.access), good, None),
        ("Bearer garbage".to_owned(), bad, Some("Could not validate credentials")),
        (format!("Bearer {} ", tokens.access), bad, Some("Could not validate credentials")),
        (format!("Bearer {}", tokens.refresh), 500, Some("Internal server error")),
        ("Apikey nothex".to_owned(), bad, Some(key)),
        (format!("APIKEY {hex}"), bad, Some(key)),
        ("Basic YTpi".to_owned(), 400, Some(HEADER)),
        (tokens.access.clone(), 400, Some(HEADER)),
    ];
    for (header, status, text) in cases {
        for path in ["/api/v1/auth/whoami", "/api/v1/metadata/"] {
            let response = rig.get(path, &header);
            let nobody = !header.contains('.') && status == good;
            match (path, nobody) {
                ("/api/v1/auth/whoami", true) => assert_eq!(response.body().expose(), "null", "{header}"),
                (_, true) => assert_eq!(response.status(), 401, "{header}"),
                (_, false) => assert_eq!(response.status(), status, "{header}"),
            }
            if let Some(text) = text {
                assert_eq!(body(&response)["detail"], text, "{header}");
            }
            if text == Some(key) {
                assert_eq!(response.header("www-authenticate"), Some("Bearer"));
                assert_eq!(response.header("x-tiled-root"), Some("http://127.0.0.1:8000/api/v1"));
            }
        }
    }
}

#[test]
fn a_missing_scope_is_told_from_an_expired_token_h16() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    let bearer = format!("Bearer {}", tokens.access);
    let cases = [
        ("/api/v1/metadata/", "", "read:metadata", "[]"),
        ("/api/v1/search/", "", "read:metadata", "[]"),
        ("/api/v1/auth/principal", "", "read:principals", "[]"),
        (
            "/api/v1/auth/principal",
            &bearer,
            "read:principals",
            "['read:metadata', 'read:data', 'create:node', 'write:metadata', 'write:data', 'delete:revision', \
             'delete:node', 'create:apikeys', 'revoke:apikeys']",
        ),
    ];
    for (path, authorization, scope, had) in cases {
        let response = rig.get(path, authorization);
        assert_eq!(response.status(), 401);
        let text = format!("Not enough permissions. Requires scopes ['{scope}']. Request had scopes {had}");
        assert_eq!(body(&response)["detail"], text);
        assert_eq!(response.header("www-authenticate"), Some(&*format!("Bearer scope=\"{scope}\"")));
    }
}

#[test]
fn the_root_is_an_empty_container() {
    let mut rig = Rig::new();
    let bearer = format!("Bearer {}", rig.login().access);
    let root = body(&rig.get("/api/v1/metadata/", &bearer));
    assert_eq!(root["data"]["attributes"]["structure_family"], "container");
    assert_eq!(root["data"]["attributes"]["structure"], json!({ "contents": null, "count": 0 }));
    assert_eq!(root["data"]["links"]["search"], "http://127.0.0.1:8000/api/v1/search/");
    let found = body(&rig.get("/api/v1/search/?fields=count", &bearer));
    assert_eq!(
        (&found["data"], &found["meta"]["count"], &found["links"]["next"]),
        (&json!([]), &json!(0), &Value::Null)
    );
    for path in ["/api/v1/metadata/a/b", "/api/v1/search/a/b"] {
        let missing = rig.get(path, &bearer);
        assert_eq!(
            (missing.status(), body(&missing)),
            (404, json!({ "detail": "No such entry: ['a', 'b']" }))
        );
    }
}

#[test]
fn an_open_site_is_read_by_anyone_but_not_with_a_stale_token() {
    let mut rig = Rig::with(Config { required: false, ..Config::default() });
    assert_eq!(rig.get("/api/v1/metadata/", "").status(), 200);
    assert_eq!(rig.get("/api/v1/metadata/", "Bearer garbage").status(), 401);
    assert_eq!(rig.get("/api/v1/metadata/", "Apikey nothex").status(), 401);
}

#[test]
fn a_site_without_providers_takes_its_one_key() {
    for required in [true, false] {
        let single_user_key = Some(Secret::from(planted("rigsecret")));
        let mut rig =
            Rig::with(Config { providers: Vec::new(), single_user_key, required, ..Config::default() });
        let without = if required { 401 } else { 200 };
        let cases = [("", without), ("Apikey rigsecret", 200), ("Apikey wrong", 401)];
        for (authorization, status) in cases {
            assert_eq!(rig.get("/api/v1/metadata/", authorization).status(), status, "{authorization}");
        }
        assert_eq!(rig.get("/api/v1/metadata/?api_key=rigsecret", "").status(), 200);
        assert_eq!(rig.get("/api/v1/metadata/?api_key=wrong", "Apikey rigsecret").status(), 401);
        let cookie = SiteRequest::new("GET", "/api/v1/metadata/")
            .with_header("cookie", planted("tiled_api_key=rigsecret"));
        assert_eq!(rig.ask(cookie).status(), 200);
        assert_eq!(rig.get("/api/v1/auth/whoami", "Apikey rigsecret").status(), 404);
    }
    let mut rig =
        Rig::with(Config { single_user_key: Some(Secret::from(planted("rigsecret"))), ..Config::default() });
    assert_eq!(
        rig.get("/api/v1/metadata/", "Apikey rigsecret").status(),
        401,
        "not where there are accounts"
    );
}
