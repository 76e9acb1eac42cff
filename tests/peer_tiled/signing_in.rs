//! What a person types and sees.

use conformance::{Home, tiled};

#[test]
fn a_wrong_password_twice_then_the_right_one() {
    let (home, url) = (Home::new(), tiled("internal"));
    let mut terminal = home.authctl_at_terminal(&["login", &url]);
    terminal.expect(&format!("Signing in to {url} (provider \"toy\")"));
    terminal.expect("Username: ");
    terminal.send("alice\n");
    for _ in 0..2 {
        terminal.expect("Password: ");
        terminal.send("wrong\n");
        terminal.expect("Username or password not recognized. Retry, or press Enter to cancel.");
    }
    terminal.expect("Password: ");
    terminal.send("secret1\n");
    terminal.expect("You have logged in as alice.");
    assert_eq!(terminal.ended(), 0);
    let screen = terminal.screen();
    assert!(!screen.contains("secret1") && !screen.contains("wrong"), "{screen}");
    assert!(home.authctl(&["whoami"]).out.starts_with("alice "));
}

#[test]
fn three_wrong_passwords_are_refused() {
    let (home, url) = (Home::new(), tiled("internal"));
    let mut terminal = home.authctl_at_terminal(&["login", &url, "--user", "alice"]);
    for _ in 0..3 {
        terminal.expect("Password: ");
        terminal.send("wrong\n");
    }
    terminal.expect("Incorrect username or password");
    assert_eq!(terminal.ended(), 4);
    assert_eq!(home.token(&url, "access_token"), None);
}

#[test]
fn enter_and_ctrl_c_cancel() {
    for typed in ["\n", "\u{3}", "\u{4}"] {
        for (name, prompt) in [(None, "Username: "), (Some("alice"), "Password: ")] {
            let (home, url) = (Home::new(), tiled("internal"));
            let user: &[&str] = name.as_ref().map_or(&[], |_| &["--user", "alice"]);
            let mut terminal = home.authctl_at_terminal(&[&["login", &url], user].concat());
            terminal.expect(prompt);
            terminal.send(typed);
            assert_eq!(terminal.ended(), 5, "{typed:?} at {prompt}");
        }
    }
}

#[test]
fn a_password_from_standard_input_has_one_attempt() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    let wrong = home.authctl_told(&login, "wrong\n");
    assert_eq!(wrong.code, 4, "{wrong:?}");
    assert!(wrong.err.contains("Incorrect username or password"), "{wrong:?}");
    let right = home.authctl_told(&login, "secret1\n");
    assert_eq!(right.code, 0, "{right:?}");
    assert!(!format!("{wrong:?}{right:?}").contains("secret1"));
}

#[test]
fn without_a_terminal_the_ways_out_are_named() {
    let (home, url) = (Home::new(), tiled("internal"));
    let run = home.authctl(&["login", &url]);
    assert_eq!(run.code, 8, "{run:?}");
    assert!(run.err.contains("--password-stdin"), "{run:?}");
}

#[test]
fn logging_out_makes_the_refresh_token_worthless() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "bob", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret2\n").code, 0);
    let refresh = home.token(&url, "refresh_token").unwrap();
    let out = home.authctl(&["logout"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(home.token(&url, "refresh_token"), None);
    assert_eq!(home.authctl(&["token", &url]).code, 3);
    let answer = crate::expiry::redeem(&url, &refresh);
    assert_eq!(answer.status(), 401, "the server still takes the refresh token");
}
