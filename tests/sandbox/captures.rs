//! The screens that the book shows are what a person sees. `AUTH_CAPTURES=write` has them written anew instead of
//! compared: `cargo xtask docs --captures`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use auth_sandbox::{Server, SiteClock, TiledSite};
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

/// What the screen shows while these commands are typed one after the other, in the words of the book.
fn play(scenes: &[Scene], set_up: impl FnOnce(&mut TiledSite)) -> String {
    let mut site = TiledSite::demo([7; 32]);
    // Half a minute more than is said: however slow this machine is, it says the same.
    site.config.lifetimes.access = Duration::from_secs(15 * 60 + 30);
    set_up(&mut site);
    let password = site.config.users[0].password.expose().to_owned();
    let server = Server::start(site, SiteClock::running()).unwrap();
    let place = server.url().to_string().replace("http://", "").replace('/', "");
    let home = Home::new();
    let mut screen = String::new();
    for (args, typed, ask_code) in scenes {
        screen.extend(["$ authctl ", &args.join(" "), "\n"]);
        let args: Vec<_> = args.iter().map(|arg| arg.replace(PLACE, &place)).collect();
        let mut terminal = home.authctl_at_terminal(&args.iter().map(String::as_str).collect::<Vec<_>>());
        for (shown, text) in *typed {
            terminal.expect(shown);
            terminal.send(&text.replace(PASSWORD, &password));
        }
        let code = terminal.ended();
        screen.push_str(&terminal.screen());
        if *ask_code {
            screen.extend(["$ echo $?\n", &code.to_string(), "\n"]);
        }
    }
    assert!(!screen.contains(&password));
    let screen = screen.replace(&place, PLACE);
    screen.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
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
fn times_alone_may_differ() {
    assert_eq!(without_times("a 2026-11-23T06:50:31Z, b\nc 2026"), "a TIME b\nc 2026\n");
}
