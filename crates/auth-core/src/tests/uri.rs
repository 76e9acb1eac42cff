use proptest::prelude::*;

use super::*;

const ROOT: &str = "http://127.0.0.1:18701/api/v1/";

fn read(text: &str) -> TiledUri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What `tiled.client.Context.from_any_uri` of the Python client 0.2.20 makes of these, asked once and written down.
#[test]
fn every_spelling_of_a_server_is_one_key() {
    let cases: [(&str, &str, &[&str]); 20] = [
        ("http://127.0.0.1:18701", ROOT, &[]),
        ("http://127.0.0.1:18701/", ROOT, &[]),
        ("http://127.0.0.1:18701/api", ROOT, &[]),
        ("http://127.0.0.1:18701/api/", ROOT, &[]),
        ("http://127.0.0.1:18701/api/v1", ROOT, &[]),
        ("http://127.0.0.1:18701/api/v1/", ROOT, &[]),
        ("http://127.0.0.1:18701/api/v1?x=1", ROOT, &[]),
        ("http://127.0.0.1:18701/api/v1/metadata/a/b%20c/", ROOT, &["a", "b c"]),
        ("http://127.0.0.1:18701/api/v1/metadata/a//b?x=1#f", ROOT, &["a", "b"]),
        ("http://127.0.0.1:18701/%61pi/v1", ROOT, &[]),
        ("http://127.0.0.1:18701/./x/../api", ROOT, &[]),
        ("https://Example.ORG:443/tiled", "https://example.org/tiled/api/v1/", &[]),
        ("https://example.org/tiled/", "https://example.org/tiled/api/v1/", &[]),
        ("https://example.org/tiled//", "https://example.org/tiled//api/v1/", &[]),
        ("https://example.org/a b".trim_end_matches(" b"), "https://example.org/a/api/v1/", &[]),
        ("https://example.org/a%20b", "https://example.org/a%20b/api/v1/", &[]),
        ("https://example.org/%7euser", "https://example.org/~user/api/v1/", &[]),
        ("https://example.org/b%c3%bc", "https://example.org/b%C3%BC/api/v1/", &[]),
        ("https://example.org/apiary", "https://example.org/apiary/v1/", &[]),
        ("https://example.org/a|b^c", "https://example.org/a|b^c/api/v1/", &[]),
    ];
    for (text, api, node) in cases {
        let uri = read(text);
        assert_eq!(
            (uri.api().to_request().as_str(), uri.node()),
            (api, &node.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{text}"
        );
        assert_eq!(uri.key(), Key { site: api.to_owned(), slot: String::new() });
    }
}

#[test]
fn a_key_in_the_address_is_taken_out_of_it_h1() {
    let cases = [
        ("http://h/?api_key=K", Some("K"), "http://h/"),
        ("http://h/?a=1&api_key=K%20x&b=2", Some("K x"), "http://h/?a=1&b=2"),
        ("http://h/?api_key=", None, "http://h/"),
        ("http://h/?api%5Fkey=K", Some("K"), "http://h/"),
        ("http://h/?x=api_key=K", None, "http://h/?x=api_key=K"),
        ("http://h/", None, "http://h/"),
    ];
    for (text, key, given) in cases {
        let uri = read(text);
        assert_eq!(uri.api_key().map(Secret::expose), key, "{text}");
        assert_eq!(uri.given().to_request(), given, "{text}");
        assert_eq!(uri.api().query(), None);
    }
    assert_eq!("http://h/?api_key=a&api_key=b".parse::<TiledUri>(), Err(UriError::TwoKeys));
}

#[test]
fn what_is_no_address_is_not_shown_with_its_secrets() {
    for text in ["http://alice:*@h/", "h?api_key=*", "//u:*@h", "ftp://*@h?*#*"] {
        let text = text.replace('*', &canary::plant("a secret in an address"));
        canary::silent_error(&text.parse::<TiledUri>().unwrap_err());
    }
    for text in ["http://h/a%3Fb", "http://h/a%23b", "http://h/a%0ab", "http://h/%5cb"] {
        assert_eq!(text.parse::<TiledUri>(), Err(UriError::Path), "{text}");
    }
}

#[test]
fn links_keep_the_origin_n5() {
    let uri = read("https://example.org/tiled");
    let cases = [
        ("https://example.org/tiled/api/v1/auth/whoami", "https://example.org/tiled/api/v1/auth/whoami"),
        ("http://internal:8000/api/v1/auth/whoami", "https://example.org/api/v1/auth/whoami"),
        ("/x", "https://example.org/x"),
        ("//evil/x", "https://example.org/x"),
    ];
    for (link, url) in cases {
        assert_eq!(uri.resolve(link).map(|url| url.to_request()), Ok(url.to_owned()), "{link}");
    }
    for refused in ["javascript:alert(1)", "https://good@evil/x", "file:///etc/passwd"] {
        assert!(uri.resolve(refused).is_err(), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_text_stops_the_rules_p9(text in any::<String>()) {
        let _ = text.parse::<TiledUri>();
        let _ = format!("http://h/{text}").parse::<TiledUri>();
    }

    #[test]
    fn the_root_is_its_own_root(path in "(/[a-zA-Z0-9._~%-]{0,8}){0,4}") {
        if let Ok(uri) = format!("http://h{path}").parse::<TiledUri>() {
            prop_assert!(uri.api().path().ends_with('/'));
            let again = read(&uri.api().to_request());
            // A decoded `%25` may decode once more, as it does in the Python client.
            if !path.contains('%') {
                prop_assert_eq!(again.api(), uri.api());
            }
        }
    }

    #[test]
    fn a_link_never_leaves_the_origin(link in any::<String>()) {
        let uri = read("https://example.org/tiled");
        if let Ok(url) = uri.resolve(&link) {
            prop_assert_eq!(url.origin(), uri.origin());
        }
    }
}

#[test]
fn a_short_address_means_the_same_server() {
    let cases = [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://Tiled.Example:443/api/v1/metadata/a/b", "https://tiled.example"),
        ("https://tiled.example/deep/root/", "https://tiled.example/deep/root"),
        ("https://tiled.example/apis/v1x/", "https://tiled.example/apis/v1x/"),
        // Without its end this would be read as another address.
        ("https://tiled.example/api/x/api/v1/", "https://tiled.example/api/x/api/v1/"),
    ];
    for (text, short) in cases {
        let uri: TiledUri = text.parse().unwrap();
        assert_eq!(uri.to_string(), short);
        for same in [short, &uri.key().site] {
            assert_eq!(same.parse::<TiledUri>().unwrap().key(), uri.key(), "{text}");
        }
    }
}
