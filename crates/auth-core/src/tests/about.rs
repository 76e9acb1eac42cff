use proptest::prelude::*;

use super::*;

fn uri() -> TiledUri {
    "https://example.org/tiled".parse().unwrap()
}

fn read(status: u16, body: &str) -> Result<About, Peer> {
    let uri = uri();
    About::read(&uri, uri.api(), &Response::new(status, [("content-type", "application/json")], body))
}

const REAL: &str = r#"{"api_version":0,"library_version":"0.2.20","formats":{},"aliases":{},"queries":[],
  "authentication":{"required":true,"providers":[
    {"provider":"toy","mode":"internal","links":{"auth_endpoint":"http://inner:8000/tiled/api/v1/auth/provider/toy/token"},
     "confirmation_message":"You have logged in as {id}.","extra_scopes":null},
    {"provider":"old","mode":"password","links":{"auth_endpoint":"/api/v1/auth/provider/old/token"},"confirmation_message":null},
    {"provider":"idp","mode":"external","links":{"auth_endpoint":"https://idp/authorize"},"confirmation_message":""},
    {"provider":"new","mode":"telepathy","links":{}}],
   "links":{"whoami":"http://inner:8000/tiled/api/v1/auth/whoami","refresh_session":"http://inner:8000/tiled/api/v1/auth/session/refresh"}},
  "links":{},"meta":{"root_path":"/tiled"}}"#;

#[test]
fn a_real_answer_is_read_and_its_links_keep_the_origin_n5() {
    let about = read(200, REAL).unwrap();
    assert!(about.required);
    assert_eq!(about.version, "0.2.20".into());
    assert_eq!(about.links.refresh.as_deref(), Some("/tiled/api/v1/auth/session/refresh"));
    let endpoint = |path: &str| Mode::Password(uri().api().at(path));
    let found: Vec<_> =
        about.providers.iter().map(|provider| (provider.name.raw(), &provider.mode)).collect();
    let expected = [
        ("toy", &endpoint("/tiled/api/v1/auth/provider/toy/token")),
        ("old", &endpoint("/api/v1/auth/provider/old/token")),
        ("idp", &Mode::External),
        ("new", &Mode::Unknown("telepathy".into())),
    ];
    assert_eq!(found, expected);
}

#[test]
fn servers_without_providers_are_servers() {
    for links in ["null", "{}", "7"] {
        let about =
            read(200, &format!(r#"{{"authentication":{{"required":true,"providers":[],"links":{links}}}}}"#))
                .unwrap();
        assert_eq!((about.required, about.providers.len(), about.links), (true, 0, Links::default()));
    }
    let least = read(200, r#"{"authentication":{}}"#).unwrap();
    assert!(!least.required);
}

#[test]
fn what_is_not_a_tiled_server_is_said_to_be_none() {
    let cases = [
        (200, "<html><title>Welcome</title></html>"),
        (200, "{}"),
        (200, "[]"),
        (200, "null"),
        (200, r#"{"authentication":null}"#),
        (200, ""),
        (404, REAL),
        (204, ""),
        (401, "{}"),
    ];
    for (status, body) in cases {
        let error = read(status, body).unwrap_err();
        assert!(error.to_string().contains("not a Tiled server"), "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[test]
fn a_confirmation_message_is_data_t2() {
    let cases = [
        ("You have logged in as {id}.", "alice", "You have logged in as alice."),
        ("{id}{id}", "a", "a{id}"),
        ("{id}", "{id}", "{id}"),
        ("{id.__class__} {0} {id!r:>9999999} {{id}}", "a", "{id.__class__} {0} {id!r:>9999999} {a}"),
        ("", "a", ""),
        ("hi {id}", "\u{1b}[2J", r"hi \u{1b}[2J"),
    ];
    for (message, id, shown) in cases {
        assert_eq!(confirmation(&message.into(), &id.into()).to_string(), shown);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[ -~é]{0,12}".prop_map(Into::into),
        prop::sample::select(vec!["internal", "external", "http://x/y", "//", "javascript:x", "{id}"])
            .prop_map(Into::into),
    ];
    let name = prop::sample::select(vec![
        "authentication",
        "providers",
        "provider",
        "mode",
        "links",
        "auth_endpoint",
        "whoami",
        "refresh_session",
        "required",
        "confirmation_message",
        "library_version",
        "x",
    ]);
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| {
                serde_json::Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_stops_the_reader_p9(status in 100..600_u16, body in any::<String>()) {
        let _ = read(status, &body);
    }

    #[test]
    fn bodies_of_any_shape_name_only_places_on_the_origin_n5(about in json(), inside in json()) {
        for body in [about, serde_json::json!({"authentication": inside})] {
            if let Ok(about) = read(200, &body.to_string()) {
                let site = uri();
                for provider in &about.providers {
                    if let Mode::Password(url) = &provider.mode {
                        prop_assert_eq!(url.origin(), site.origin());
                    }
                }
                prop_assert!(about.links.refresh.iter().chain(&about.links.whoami).all(|path| path.starts_with('/')));
            }
        }
    }
}
