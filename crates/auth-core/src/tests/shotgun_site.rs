use proptest::prelude::*;

use super::*;
use crate::site::Scheme;

fn read(text: &str) -> Result<String, UrlError> {
    text.parse::<ShotgunSite>().map(|site| site.to_string())
}

/// The table of what the Python client makes of these, with what it means to make of `host:port`.
#[test]
fn what_a_person_types_is_one_site() {
    let cases = [
        ("host.com", "https://host.com"),
        ("//host.com", "https://host.com"),
        ("host.com/path", "https://host.com"),
        ("host.com?x=1", "https://host.com"),
        ("host.com#x", "https://host.com"),
        ("host.com;p", "https://host.com"),
        ("https://host.com/", "https://host.com"),
        ("https://host.com;p/x", "https://host.com"),
        ("http://host.com//a", "http://host.com"),
        ("  HTTPS://Host.COM/Path?x=1#f ", "https://host.com"),
        ("\u{1c}\u{a0}host.com\u{85}\r\n", "https://host.com"),
        ("192.168.1.250:30/path?a=b", "https://192.168.1.250:30"),
        ("[::1]:80", "https://[::1]:80"),
        ("https://[::1]:80/x", "https://[::1]:80"),
        ("https://[0:0::1]:443/x", "https://[::1]"),
        ("host.com:8080", "https://host.com:8080"),
        ("host.com:8080/x@y", "https://host.com:8080"),
        ("localhost:3000", "https://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("host.com/a b\n\\c", "https://host.com"),
        ("host.com/x://y", "https://host.com"),
        ("host.com?x://y@z", "https://host.com"),
        ("https://host.com?next=http://other/", "https://host.com"),
    ];
    for (text, site) in cases {
        assert_eq!(read(text), Ok(site.to_owned()), "{text:?}");
    }
}

#[test]
fn a_host_that_is_called_like_a_piece_of_https_is_a_host() {
    for name in ["http", "https", "h", "s", "tp", "ttps"] {
        let site = format!("https://{name}");
        assert_eq!(read(name).as_ref(), Ok(&site));
        assert_eq!(read(&site).as_ref(), Ok(&site));
        assert_eq!(read(&format!("{name}:81")), Ok(format!("{site}:81")));
    }
}

#[test]
fn what_is_no_site_says_why() {
    let cases = [
        ("", UrlError::Host),
        (" \t", UrlError::Host),
        ("/", UrlError::Host),
        ("//", UrlError::Host),
        ("https://", UrlError::Host),
        ("https:///x", UrlError::Host),
        (";p", UrlError::Host),
        ("ftp://a.b", UrlError::Scheme),
        ("host:80://x", UrlError::Scheme),
        ("http:/host", UrlError::NotAbsolute),
        ("https:", UrlError::NotAbsolute),
        ("javascript:alert(1)", UrlError::Port),
        ("mailto:a@b", UrlError::Userinfo),
        ("https://user:Pw@host.com", UrlError::Userinfo),
        ("user:pw@Host.com/x", UrlError::Userinfo),
        ("user@host.com", UrlError::Userinfo),
        ("https://good.com;@evil.com", UrlError::Userinfo),
        ("host.com\\@evil.com", UrlError::Userinfo),
        ("host.com\\x", UrlError::Character),
        ("ho st.com", UrlError::Character),
        ("host.com:65536", UrlError::Port),
        ("bücher.example", UrlError::NotAscii),
        ("0x7f.1", UrlError::Host),
    ];
    for (text, error) in cases {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
    assert_eq!(read(&"x".repeat(3_000)), Err(UrlError::TooLong));
}

#[test]
fn spellings_of_a_login_are_one_key_and_sites_are_not_mixed() {
    let site: ShotgunSite = "Host.com".parse().unwrap();
    let key = Key { site: "https://host.com".to_owned(), slot: "ada".to_owned() };
    assert_eq!((site.key("ada").unwrap(), site.key(" ADA\n").unwrap()), (key.clone(), key.clone()));
    assert_ne!(site.key("adam").unwrap(), key);
    // The Python client keeps all these in one file.
    for other in ["http://host.com", "host.com:8080", "host.com.", "host.shotgunstudio.com"] {
        assert_ne!(other.parse::<ShotgunSite>().unwrap().key("ada").unwrap(), key, "{other}");
    }
}

#[test]
fn a_blank_login_has_no_key() {
    let site: ShotgunSite = "host.com".parse().unwrap();
    for blank in ["", " ", "\n", "\u{a0}", "\u{2003}\t", "\u{1c}\u{1f}"] {
        assert_eq!(site.key(blank), Err(Policy::BlankName), "{blank:?}");
        let by_hand = Key { slot: blank.to_owned(), ..site.site_key() };
        assert!(by_hand.lacks_login(), "{blank:?}");
        assert!(!Key { site: "https://host.com/api/v1/".to_owned(), ..by_hand }.lacks_login(), "{blank:?}");
    }
}

#[test]
fn calls_go_to_one_path_of_the_origin() {
    let site: ShotgunSite = "http://127.0.0.1:8000/sub/path".parse().unwrap();
    assert_eq!(site.rpc().to_request(), "http://127.0.0.1:8000/api3/json");
    assert_eq!(site.at("/user/forgot_password").to_request(), "http://127.0.0.1:8000/user/forgot_password");
    assert_eq!(site.origin().scheme(), Scheme::Http);
    assert_eq!(ShotgunSite::from(site.origin().clone()), site);
}

proptest! {
    #[test]
    fn no_text_stops_the_reader_p9(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn a_site_is_what_it_says_it_is(
        text in "(?i:https?://|//|)[a-z0-9.-]{1,12}(:[0-9]{1,5}|)[/?#;]?[ -~]{0,12}",
    ) {
        if let Ok(site) = text.parse::<ShotgunSite>() {
            prop_assert_eq!(site.to_string().parse(), Ok(site.clone()));
            prop_assert_eq!(ShotgunSite::from(site.origin().clone()), site);
        }
    }

    #[test]
    fn what_follows_the_host_changes_nothing(
        host in "[a-z][a-z0-9]{0,8}(\\.[a-z]{1,4}){0,2}(:[1-9][0-9]{0,3})?",
        scheme in prop_oneof![Just(""), Just("https://"), Just("HTTP://"), Just("//")],
        rest in "([/?#]\\PC*)?",
    ) {
        let alone = read(&format!("{scheme}{host}"));
        prop_assert!(alone.is_ok());
        prop_assert_eq!(read(&format!(" {scheme}{host}{rest}")), alone);
    }
}
