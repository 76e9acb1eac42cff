use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<String, UrlError> {
    text.parse::<Url>().map(|url| url.to_request())
}

#[test]
fn addresses_are_read_into_one_form() {
    let cases = [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("HTTP://Example.ORG:80/A?b=C#d", "http://example.org/A?b=C"),
        ("https://example.org:443", "https://example.org/"),
        ("https://example.org:80/", "https://example.org:80/"),
        ("http://[0:0:0:0:0:0:0:1]:8000/x", "http://[::1]:8000/x"),
        ("http://h/a b".trim_end_matches(" b"), "http://h/a"),
        ("http://h/é?ü", "http://h/%C3%A9?%C3%BC"),
        ("http://h:/", "http://h/"),
        ("http://a_b.c-d./", "http://a_b.c-d./"),
    ];
    for (text, url) in cases {
        assert_eq!(read(text), Ok(url.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_address_says_why() {
    let cases = [
        ("", UrlError::NotAbsolute),
        ("example.org", UrlError::NotAbsolute),
        ("http:/example.org", UrlError::NotAbsolute),
        ("ftp://example.org", UrlError::Scheme),
        ("javascript://alert(1)", UrlError::Scheme),
        ("http://", UrlError::Host),
        ("http:///path", UrlError::Host),
        ("http://:80", UrlError::Host),
        ("http://a..b", UrlError::Host),
        ("http://a%2eb", UrlError::Host),
        ("http://[::1", UrlError::Host),
        ("http://[::1]x", UrlError::Host),
        ("http://[v1.x]", UrlError::Host),
        ("http://0x7f.1", UrlError::Host),
        ("http://127.1", UrlError::Host),
        ("http://2130706433", UrlError::Host),
        ("http://0177.0.0.1", UrlError::Host),
        ("http://h:0", UrlError::Port),
        ("http://h:65536", UrlError::Port),
        ("http://h:+1", UrlError::Port),
        ("http://good@evil/", UrlError::Userinfo),
        ("http://bücher.example", UrlError::NotAscii),
        ("http://h/a b", UrlError::Character),
        ("http://h\\@evil", UrlError::Character),
        ("http://h/\r\nX: y", UrlError::Character),
    ];
    for (text, error) in cases {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
    assert_eq!(read(&format!("http://h/{}", "x".repeat(2_048))), Err(UrlError::TooLong));
}

#[test]
fn loopback_is_an_address_of_this_machine_and_nothing_that_looks_like_one_n1() {
    let cases = [
        ("http://127.0.0.1", true),
        ("http://127.255.0.9:8000", true),
        ("http://[::1]:8000", true),
        ("http://localhost:8000", true),
        ("http://127.0.0.1.evil.com", false),
        ("http://localhost.evil.com", false),
        ("http://[::ffff:127.0.0.1]", false),
        ("http://0.0.0.0", false),
        ("http://10.0.0.1", false),
        ("http://example.org", false),
    ];
    for (text, loopback) in cases {
        assert_eq!(text.parse::<Url>().map(|url| url.origin().is_loopback()), Ok(loopback), "{text}");
    }
}

#[test]
fn a_query_is_not_shown() {
    let url: Url = "http://h/p?api_key=topsecret".parse().unwrap();
    for shown in [url.to_string(), format!("{url:?}"), format!("{url:#?}")] {
        assert!(!shown.contains("topsecret"), "{shown}");
    }
    assert_eq!(url.to_request(), "http://h/p?api_key=topsecret");
}

#[test]
fn references_are_resolved_on_the_origin_that_gave_them() {
    let base: Url = "https://h:8443/a/b?c".parse().unwrap();
    let cases = [
        ("/x?y", Ok("https://h:8443/x?y")),
        ("x", Ok("https://h:8443/a/x")),
        ("//other/x", Ok("https://other/x")),
        ("http://other/x", Ok("http://other/x")),
        ("javascript:alert(1)", Err(UrlError::NotAbsolute)),
        ("file:///etc/passwd", Err(UrlError::Scheme)),
        ("/a:b", Ok("https://h:8443/a:b")),
        ("//u@h/", Err(UrlError::Userinfo)),
    ];
    for (reference, url) in cases {
        assert_eq!(base.join(reference).map(|url| url.to_request()), url.map(str::to_owned), "{reference}");
    }
}

proptest! {
    #[test]
    fn no_text_stops_the_parser_p9(text in any::<String>(), reference in any::<String>()) {
        let _ = text.parse::<Url>();
        let base: Url = "https://h/a/b".parse().unwrap();
        let _ = base.join(&reference);
    }

    #[test]
    fn what_was_read_is_read_again_the_same(
        text in "(?i:https?)://[a-z0-9.\\[\\]:-]{1,20}(/[ -~é]{0,20})?(\\?[ -~]{0,20})?"
    ) {
        if let Ok(url) = text.parse::<Url>() {
            let again = url.to_request().parse::<Url>();
            prop_assert_eq!(again, Ok(url));
        }
    }
}
