//! Threads, tasks and processes that all find the same session expired at the same moment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth_sandbox::{RefreshRule, Server, SiteClock, TiledSite};

const PROCESSES: usize = 8;
const CALLERS: &str = "16";

/// A site whose refresh tokens are good once, and a session that is over is over for good.
fn site() -> (Server, SiteClock, String) {
    let mut site = TiledSite::demo([7; 32]);
    site.config.refresh_rule = RefreshRule::SingleUse;
    let password = canary::plant("the password of demo");
    site.config.users[0].password = password.as_str().into();
    let clock = SiteClock::running();
    (Server::start(site, clock.clone()).unwrap(), clock, password)
}

fn start(home: &std::path::Path, url: &str, driver: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stampede_client"));
    command.args([url, CALLERS, driver]).env_clear().env("HOME", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn of_all_that_find_the_session_expired_one_renews_it_and_nobody_fails_h15() {
    let (server, clock, password) = site();
    let url = server.url().origin().to_string();
    let home = tempfile::tempdir().unwrap();
    let store = auth_native::TiledDirectory::new(
        home.path().join(".cache/tiled"),
        home.path().join(".local/state/auth-native"),
    );
    let auth = auth_native::blocking::Authenticator::builder().store(std::sync::Arc::new(store)).never_ask();
    let options = auth_native::LoginOptions {
        username: Some("demo".into()),
        password: Some(auth_native::Secret::from(password)),
        ..auth_native::LoginOptions::default()
    };
    auth.ignore_environment_key().build().unwrap().login(&url, options).unwrap();
    let mut children: Vec<_> = (0..PROCESSES)
        .map(|at| start(home.path(), &url, if at % 2 == 0 { "blocking" } else { "async" }))
        .collect();
    let mut said: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
    let mut line = String::new();
    for out in &mut said {
        out.read_line(&mut line).unwrap();
    }
    assert_eq!(line, "ready\n".repeat(PROCESSES));
    // By the server's clock the token has ended; its clients do not know.
    clock.advance(Duration::from_hours(1));
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for (child, mut out) in children.iter_mut().zip(said) {
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success() && rest.contains("0 failed"), "{rest}");
    }
    let site = server.site();
    let counted = site.lock().unwrap().counters();
    assert_eq!((counted.refreshes, counted.replays, counted.logins), (1, 0, 1));
}
