use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Option<String>, ProxyError> {
    Proxy::read(text).map(|proxy| proxy.map(|proxy| proxy.to_url().expose().to_owned()))
}

#[test]
fn settings_are_read_as_the_python_client_reads_them() {
    let cases = [
        ("", None),
        ("  ", None),
        ("http://", None),
        ("/", None),
        ("proxy", Some("http://proxy:8080")),
        ("proxy:3128", Some("http://proxy:3128")),
        ("10.0.0.1:1", Some("http://10.0.0.1:1")),
        ("joe:PaSs@Proxy.example:3128", Some("http://joe:PaSs@proxy.example:3128")),
        // The last @, the first colon.
        ("joe:p@ss:w/rd@proxy", Some("http://joe:p%40ss%3Aw%2Frd@proxy:8080")),
        ("joe:é %2e+@proxy", Some("http://joe:%C3%A9%20%252e%2B@proxy:8080")),
        // Half a credential is none.
        ("joe:@proxy", Some("http://proxy:8080")),
        (":pass@proxy", Some("http://proxy:8080")),
        (" http://joe:PaSs@proxy:3128/ ", Some("http://joe:PaSs@proxy:3128")),
        ("HTTP://proxy", Some("http://proxy:8080")),
        ("[::1]:3128", Some("http://[::1]:3128")),
        ("[::1]", Some("http://[::1]:8080")),
    ];
    for (text, url) in cases {
        assert_eq!(read(text), Ok(url.map(str::to_owned)), "{text:?}");
    }
}

#[test]
fn what_is_no_proxy_says_why_and_not_what() {
    let cases = [
        ("user@host", ProxyError::Credentials),
        ("@host", ProxyError::Credentials),
        ("host:port", ProxyError::Port),
        ("host:", ProxyError::Port),
        ("host:0", ProxyError::Port),
        ("host:+1", ProxyError::Port),
        ("host::1", ProxyError::Port),
        ("host:1:2", ProxyError::Port),
        ("https://host:1", ProxyError::Port),
        ("http://http://host:1", ProxyError::Port),
        ("::1", ProxyError::Port),
        ("ho st", ProxyError::Host),
        ("host/path", ProxyError::Host),
        ("host?x", ProxyError::Host),
        ("pröxy", ProxyError::Host),
        ("a:b@", ProxyError::Host),
    ];
    for (text, error) in cases {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_proxy_is_shown_without_its_credentials_s1() {
    let proxy = Proxy::read("joe:PaSs@proxy").unwrap().unwrap();
    assert_eq!(format!("{proxy} {proxy:?}"), "***@proxy:8080 Proxy(***@proxy:8080)");
    let proxy = Proxy::read("proxy:1").unwrap().unwrap();
    assert_eq!(format!("{proxy} {proxy:?}"), "proxy:1 Proxy(proxy:1)");
}

proptest! {
    #[test]
    fn no_text_stops_the_reader_p9(text in any::<String>(), near in "(http://|)[a:@/.\\[\\]0-9é]{0,12}") {
        let _ = (read(&text), read(&near));
    }

    #[test]
    fn any_name_and_password_arrive_whole(
        user in "[^:]*[^:\\s\\x1c-\\x1f/][^:]*",
        password in ".*[^/]",
        host in "[a-z]{1,8}",
        port in 1_u16..,
    ) {
        let user = user.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
        prop_assume!(!user.is_empty() && !user.to_ascii_lowercase().starts_with("http"));
        let proxy = Proxy::read(&format!("{user}:{password}@{host}:{port}")).unwrap().unwrap();
        let (read_user, read_password) = proxy.credentials.clone().unwrap();
        prop_assert_eq!((read_user.expose(), read_password.expose()), (user, password.as_str()));
        prop_assert_eq!((proxy.host.as_str(), proxy.port), (host.as_str(), port));
        // What a transport makes of the address.
        let url = proxy.to_url();
        let (credentials, place) = url.expose().strip_prefix("http://").unwrap().split_once('@').unwrap();
        let (sent_user, sent_password) = credentials.split_once(':').unwrap();
        prop_assert_eq!(form::percent_decode(sent_user), user);
        prop_assert_eq!(form::percent_decode(sent_password), password);
        prop_assert_eq!(place, format!("{host}:{port}"));
    }
}
