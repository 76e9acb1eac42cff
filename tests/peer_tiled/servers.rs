//! Servers of other kinds.

use std::io::Write as _;
use std::process::Stdio;

use conformance::{Home, tiled};

#[test]
fn one_of_several_providers_is_chosen_by_number_or_name() {
    let (home, url) = (Home::new(), tiled("optional"));
    let mut terminal = home.authctl_at_terminal(&["login", &url]);
    terminal.expect("1 - one");
    terminal.expect("2 - two");
    terminal.expect("(or press Enter to cancel): ");
    terminal.send("3\n");
    terminal.expect("Choice must be a number 1 through 2.");
    terminal.send("2\n");
    terminal.expect("(provider \"two\")");
    terminal.expect("Username: ");
    terminal.send("cara\n");
    terminal.expect("Password: ");
    terminal.send("secret3\n");
    assert_eq!(terminal.ended(), 0, "{}", terminal.screen());

    let by_name = ["login", &url, "--provider", "one", "--user", "alice", "--password-stdin"];
    let run = home.authctl_told(&by_name, "secret1\n");
    assert_eq!(run.code, 0, "{run:?}");
    let who = home.authctl(&["whoami", &url]);
    assert!(who.out.starts_with("alice "), "{who:?}");
    let unknown = ["login", &url, "--provider", "three", "--user", "alice", "--password-stdin"];
    let unknown = home.authctl_told(&unknown, "secret1\n");
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("\"one\", \"two\""), "{unknown:?}");
}

#[test]
fn servers_without_users_are_told_apart() {
    let home = Home::new();
    let single = home.authctl(&["login", &tiled("single")]);
    assert_eq!(single.code, 4, "{single:?}");
    assert!(single.err.contains("API key"), "{single:?}");
    let public = home.authctl(&["login", &tiled("public")]);
    assert_eq!(public.code, 4, "{public:?}");
    assert!(public.err.contains("nobody to sign in"), "{public:?}");
}

#[test]
fn the_example_of_fifteen_lines_prints_who_is_signed_in() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    let examples = std::env::var("AUTH_EXAMPLES").expect("run with `cargo xtask test`");
    let output = home.command(format!("{examples}/whoami")).arg(&url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("alice"), "{output:?}");
}

#[test]
fn an_application_of_ones_own_asks_a_second_time_when_its_session_was_ended_elsewhere() {
    let (home, url) = (Home::new(), tiled("plain"));
    let examples = std::env::var("AUTH_EXAMPLES").expect("run with `cargo xtask test`");
    let mut command = home.command(format!("{examples}/custom_application"));
    let mut child = command.arg(&url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // A name and a password, and then a password: the name is known.
    child.stdin.take().unwrap().write_all(b"bob\nsecret2\nsecret2\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let asks = format!("{url} asks for a password (provider toy)");
    let lines: Vec<_> = said.lines().collect();
    let expected = [
        &asks,
        "signed in as bob",
        "the root was answered with 200",
        "the session has ended: somebody has to sign in again",
        &asks,
        "the session has changed",
        "signed in again as bob",
    ];
    assert_eq!(lines, expected);
}
