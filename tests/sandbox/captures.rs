//! The screens that the book shows are what a person sees. `AUTH_CAPTURES=write` has them written anew instead of
//! compared: `cargo xtask docs --captures`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use auth_core::time::Timestamp;
use auth_sandbox::{Server, ShotgunSite, Site, SiteClock, TiledSite};
use conformance::Home;

/// What the book calls the site.
const PLACE: &str = "127.0.0.1:8000";
const PASSWORD: &str = "PASSWORD";

/// A command, what is waited for and typed, and whether its exit code is asked for afterwards.
type Scene = (&'static [&'static str], &'static [(&'static str, &'static str)], bool);

const URL: &str = "http://127.0.0.1:8000";

const LOGIN: &[Scene] = &[
    (&["login", URL], &[("Username: ", "demo\n"), ("Password: ", "PASSWORD\n")], false),
    (&["whoami"], &[], false),
    (&["status"], &[], false),
];
const REFUSED: &[Scene] = &[(
    &["login", URL, "--user", "demo"],
    &[("Password: ", "wrong\n"), ("Password: ", "wrong\n"), ("Password: ", "wrong\n")],
    true,
)];
const CANCELLED: &[Scene] = &[
    (&["login", URL], &[("Username: ", "\n")], true),
    (&["login", URL, "--user", "demo"], &[("Password: ", "\u{4}")], true),
];
const PROVIDERS: &[Scene] = &[(
    &["login", URL],
    &[("cancel): ", "3\n"), ("cancel): ", "2\n"), ("Username: ", "demo\n"), ("Password: ", "PASSWORD\n")],
    false,
)];

const STUDIO_PLACE: &str = "127.0.0.1:8001";
const STUDIO: &str = "http://127.0.0.1:8001";
const STUDIO_LOGIN: &[Scene] = &[
    (
        &["login", STUDIO],
        &[("Method [1]: ", "2\n"), ("Username: ", "demo\n"), ("Password: ", "PASSWORD\n")],
        false,
    ),
    (&["whoami"], &[], false),
    (&["status"], &[], false),
];
const STUDIO_CODE: &[Scene] = &[(
    &["login", STUDIO, "--method", "password", "--user", "demo"],
    &[
        ("Password: ", "wrong\n"),
        ("Password: ", "PASSWORD\n"),
        ("Enter to cancel): ", "000000\n"),
        ("Enter to cancel): ", "271828\n"),
    ],
    false,
)];
const STUDIO_APPROVAL: &[Scene] = &[(
    &["login", STUDIO, "--method", "app-session"],
    &[("cancel: ", "\n"), ("app_session_request/", APPROVE)],
    false,
)];
const STUDIO_CANCELLED: &[Scene] = &[
    (&["login", STUDIO], &[("Method [1]: ", "\u{4}")], true),
    (&["login", STUDIO, "--method", "app-session"], &[("cancel: ", "\u{3}")], true),
];
const STUDIO_SSO: &[Scene] = &[(&["login", STUDIO, "--method", "password"], &[], true)];
const STUDIO_AGAIN: &[Scene] = &[(
    &[
        "call",
        STUDIO,
        "read",
        r#"{"type":"HumanUser","return_fields":["login"],"filters":{"logical_operator":"and","conditions":[]}}"#,
    ],
    &[("Password: ", "PASSWORD\n")],
    false,
)];
/// In place of what is typed: somebody approves in a browser.
const APPROVE: &str = "(approved in the browser)";

/// What the screen shows while these commands are typed one after the other, in the words of the book.
fn play(scenes: &[Scene], set_up: impl FnOnce(&mut TiledSite)) -> String {
    let mut site = TiledSite::demo([7; 32]);
    // Half a minute more than is said: however slow this machine is, it says the same.
    site.config.lifetimes.access = Duration::from_secs(15 * 60 + 30);
    set_up(&mut site);
    let password = site.config.users[0].password.expose().to_owned();
    let server = Server::start(site, SiteClock::running()).unwrap();
    show(&Home::new(), &server, PLACE, scenes, &password, || {})
}

/// The same at a Shotgun site.
fn play_studio(scenes: &[Scene], set_up: impl FnOnce(&mut ShotgunSite)) -> String {
    let (home, server, password) = studio(set_up);
    let site = server.site();
    show(&home, &server, STUDIO_PLACE, scenes, &password, || {
        let mut site = site.lock().unwrap();
        let waiting = site.pending();
        assert!(site.approve(&waiting[0].id, "demo"));
    })
}

fn studio(set_up: impl FnOnce(&mut ShotgunSite)) -> (Home, Server<ShotgunSite>, String) {
    let mut site = ShotgunSite::demo([7; 32]);
    set_up(&mut site);
    let password = site.config.people[0].password.expose().to_owned();
    let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
    (Home::new(), server, password)
}

fn show<S: Site>(
    home: &Home,
    server: &Server<S>,
    called: &str,
    scenes: &[Scene],
    password: &str,
    approve: impl Fn(),
) -> String {
    let place = server.url().to_string().replace("http://", "").replace('/', "");
    let mut screen = String::new();
    for (args, typed, ask_code) in scenes {
        let words: Vec<_> = args.iter().map(|word| quoted(word)).collect();
        screen.extend(["$ authctl ", &words.join(" "), "\n"]);
        let args: Vec<_> = args.iter().map(|arg| arg.replace(called, &place)).collect();
        let mut terminal = home.authctl_at_terminal(&args.iter().map(String::as_str).collect::<Vec<_>>());
        for (shown, text) in *typed {
            terminal.expect(shown);
            if *text == APPROVE {
                approve();
            } else {
                terminal.send(&text.replace(PASSWORD, password));
            }
        }
        let code = terminal.ended();
        screen.push_str(&terminal.screen());
        if *ask_code {
            screen.extend(["$ echo $?\n", &code.to_string(), "\n"]);
        }
    }
    assert!(!screen.contains(password));
    let screen = screen.replace(&place, called);
    screen.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    if word.contains(['{', '"', ' ']) { format!("'{word}'") } else { word.to_owned() }
}

/// With every time left open: `2026-11-23T06:50:31Z`.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape.trim_end_matches(',') == "0000-00-00T00:00:00Z"
    };
    let mut open = String::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').map(|word| if is_time(word) { "TIME" } else { word }).collect();
        open.push_str(&words.join(" "));
        open.push('\n');
    }
    open
}

fn compare(name: &str, screen: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/captures").join(format!("{name}.txt"));
    if std::env::var_os("AUTH_CAPTURES").is_some_and(|value| value == "write") {
        return fs::write(file, screen).unwrap();
    }
    let shown = fs::read_to_string(&file).unwrap();
    let advice = "`cargo xtask docs --captures` writes it anew";
    assert_eq!(without_times(&shown), without_times(screen), "{}: {advice}", file.display());
}

#[test]
fn the_book_shows_a_sign_in_as_it_is() {
    compare("login", &play(LOGIN, |_| {}));
}

#[test]
fn the_book_shows_a_refusal_as_it_is() {
    compare("refused", &play(REFUSED, |_| {}));
}

#[test]
fn the_book_shows_a_cancel_as_it_is() {
    compare("cancelled", &play(CANCELLED, |_| {}));
}

#[test]
fn the_book_shows_a_choice_as_it_is() {
    let two = |site: &mut TiledSite| {
        let mut other = site.config.providers[0].clone();
        other.name = "facility".to_owned();
        site.config.providers.insert(0, other);
    };
    compare("providers", &play(PROVIDERS, two));
}

#[test]
fn the_book_shows_a_sign_in_to_a_shotgun_site_as_it_is() {
    compare("studio-login", &play_studio(STUDIO_LOGIN, |_| {}));
}

#[test]
fn the_book_shows_a_code_as_it_is() {
    let with_code = |site: &mut ShotgunSite| {
        let person = site.config.people[0].clone();
        site.config.people[0] = person.with_code("271828");
    };
    compare("studio-code", &play_studio(STUDIO_CODE, with_code));
}

#[test]
fn the_book_shows_an_approval_in_a_browser_as_it_is() {
    let screen = play_studio(STUDIO_APPROVAL, |_| {});
    // Which request it is differs from time to time; how often is counted down depends on the machine.
    let lines = screen.lines().map(|line| match line.split_once("app_session_request/") {
        Some((before, _)) => format!("{before}app_session_request/0123456789abcdef\n"),
        None => format!("{line}\n"),
    });
    compare("studio-approval", &lines.collect::<String>());
}

#[test]
fn the_book_shows_a_cancel_at_each_question_as_it_is() {
    compare("studio-cancelled", &play_studio(STUDIO_CANCELLED, |_| {}));
}

#[test]
fn the_book_shows_a_site_without_passwords_as_it_is() {
    let sso = |site: &mut ShotgunSite| site.config.info.authentication_method = Some("saml2".to_owned());
    compare("studio-sso", &play_studio(STUDIO_SSO, sso));
}

#[test]
fn the_book_shows_a_session_that_ended_overnight_as_it_is() {
    let (home, server, password) = studio(|site| {
        site.config.app_sessions = false;
        site.config.info.app_sessions = Some(false);
    });
    let login: &[Scene] = &[(&["login", STUDIO, "--user", "demo"], &[("Password: ", "PASSWORD\n")], false)];
    show(&home, &server, STUDIO_PLACE, login, &password, || {});
    server.clock().advance(Duration::from_hours(24));
    compare("studio-again", &show(&home, &server, STUDIO_PLACE, STUDIO_AGAIN, &password, || {}));
}

#[test]
fn times_alone_may_differ() {
    assert_eq!(without_times("a 2026-11-23T06:50:31Z, b\nc 2026"), "a TIME b\nc 2026\n");
}
