//! Tokens that end while somebody is signed in. Real servers have real clocks: these tests wait for seconds.

use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::ports::Transport as _;
use auth_core::tiled::{TiledUri, refresh};
use auth_core::wire::Response;
use auth_http::blocking::UreqTransport;
use conformance::{Home, tiled};

/// Presents a refresh token to a server, as nobody's client.
pub(crate) fn redeem(url: &str, token: &str) -> Response {
    let uri: TiledUri = url.parse().unwrap();
    let request = refresh(uri.below("auth/session/refresh"), &Secret::from(token));
    UreqTransport::new("conformance/0").unwrap().send(&request).unwrap()
}

/// Asks for the token until it is another one.
pub(crate) fn another_token(home: &Home, url: &str, old: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let run = home.authctl(&["token", url]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
        if run.out.trim() != old {
            return run.out.trim().to_owned();
        }
        assert!(Instant::now() < deadline, "the token never ended");
        sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_token_that_has_ended_is_renewed_in_silence() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    let first = home.authctl(&["token"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""), "{first:?}");
    let second = another_token(&home, &url, first.out.trim());
    assert_eq!(Some(second.as_str()), home.token(&url, "access_token").as_deref());
    let who = home.authctl(&["whoami"]);
    assert!(who.code == 0 && who.out.starts_with("alice "), "{who:?}");
}

#[test]
fn a_session_that_has_ended_says_what_to_do() {
    let (home, url) = (Home::new(), tiled("short"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    let refresh = home.token(&url, "refresh_token").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while redeem(&url, &refresh).status() != 401 {
        assert!(Instant::now() < deadline, "the refresh token never ended");
        sleep(Duration::from_millis(500));
    }
    let run = home.authctl(&["token", &url]);
    assert_eq!((run.code, run.out.as_str()), (3, ""), "{run:?}");
    assert!(run.err.contains("Session has expired"), "{run:?}");
    assert!(run.err.contains(&format!("authctl login {url}")), "{run:?}");
}
