//! The command at a terminal, to its end. [`conformance::Terminal::ended`] compares the terminal with what it was.

use std::sync::Arc;

use auth_core::time::Timestamp;
use auth_sandbox::{Server, SiteClock, TiledSite};
use conformance::Home;

pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) url: String,
    pub(crate) password: String,
}

pub(crate) fn site() -> Site {
    site_with(|_| ())
}

pub(crate) fn site_with(configure: impl FnOnce(&mut auth_sandbox::Config)) -> Site {
    let mut site = TiledSite::demo([7; 32]);
    configure(&mut site.config);
    let password = site.config.users[0].password.expose().to_owned();
    let server = Server::start(site, SiteClock::running()).unwrap();
    let url = server.url().to_string().trim_end_matches('/').to_owned();
    Site { server, url, password }
}

#[test]
fn signing_in_and_out_at_a_terminal() {
    let (home, site) = (Home::new(), site());
    let mut terminal = home.authctl_at_terminal(&["login", &site.url]);
    terminal.expect("Signing in to");
    terminal.expect("(provider \"sandbox\")");
    terminal.expect("Username: ");
    terminal.send("demo\n");
    terminal.expect("Password: ");
    terminal.send(&format!("{}\n", site.password));
    terminal.expect("Server: SANDBOX: you have logged in as demo.");
    assert_eq!(terminal.ended(), 0, "{}", terminal.screen());
    assert!(!terminal.screen().contains(&site.password));

    let again = home.authctl(&["token"]);
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{again:?}");
    let logins = site.server.site().lock().unwrap().counters().token_requests;
    assert_eq!(logins, 1, "the cached token needs no request");
    assert_eq!(home.authctl(&["logout"]).code, 0);
    assert_eq!(home.authctl(&["token"]).code, 3);
}

#[test]
fn the_terminal_is_as_it_was_however_a_login_ends_s8() {
    let site = site();
    let endings: [(&str, i32); 5] =
        [("\u{3}", 5), ("\u{4}", 5), ("\n", 5), ("\u{1c}", 131), ("wrong\nwrong\nwrong\n", 4)];
    for (typed, code) in endings {
        let home = Home::new();
        let mut terminal = home.authctl_at_terminal(&["login", &site.url, "--user", "demo"]);
        for line in typed.split_inclusive('\n') {
            terminal.expect("Password: ");
            terminal.send(line);
        }
        assert_eq!(terminal.ended(), code, "{typed:?}: {}", terminal.screen());
        assert!(!home.tokens(&site.url).join("access_token").exists());
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_login() {
    let (home, site) = (Home::new(), site());
    let mut terminal = home.authctl_at_terminal(&["login", &site.url, "--user", "demo"]);
    terminal.expect("Password: ");
    terminal.hang_up();
    let code = terminal.ended();
    // Ended by the hang-up, which `setsid` reports as a shell does, or by the question that nobody can answer now.
    assert!(code == 8 || code == 129, "exit {code}");
}

#[test]
fn what_a_server_says_cannot_move_the_cursor_t1() {
    let mut hostile = TiledSite::demo([7; 32]);
    hostile.config.providers[0].confirmation_message =
        Some("\u{1b}]0;owned\u{7}\u{1b}[2J{id} {id.__class__}".to_owned());
    let password = hostile.config.users[0].password.expose().to_owned();
    let clock = SiteClock::standing(Timestamp(1_800_000_000));
    let server = Arc::new(Server::start(hostile, clock).unwrap());
    let home = Home::new();
    let mut terminal = home.authctl_at_terminal(&["login", &server.url().to_string(), "--user", "demo"]);
    terminal.expect("Password: ");
    terminal.send(&format!("{password}\n"));
    terminal.expect(r"\u{1b}]0;owned\u{7}\u{1b}[2Jdemo {id.__class__}");
    assert_eq!(terminal.ended(), 0);
    assert!(!terminal.screen().contains('\u{1b}'), "{}", terminal.screen());
}
