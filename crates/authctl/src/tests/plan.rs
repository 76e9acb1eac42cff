use clap::Parser as _;

use super::*;
use crate::exit::Exit;

const URL: &str = "http://127.0.0.1:8000";

fn plan(words: &[&str]) -> Result<Plan, Failure> {
    Plan::new(Cli::try_parse_from([&["authctl"], words].concat()).unwrap())
}

fn site() -> Target {
    Target::Url(URL.to_owned())
}

fn plain_login() -> Login {
    Login { site: site(), username: None, provider: None, password_stdin: false, allow_http: false }
}

#[test]
fn what_was_typed_means_this() {
    let robot = Login { username: Some("robot".into()), password_stdin: true, ..plain_login() };
    let cases = [
        ("login http://127.0.0.1:8000", Plan::Login(plain_login())),
        ("login http://127.0.0.1:8000 --method password", Plan::Login(plain_login())),
        ("login http://127.0.0.1:8000 --method credentials", Plan::Login(plain_login())),
        ("login http://127.0.0.1:8000 --user robot --password-stdin", Plan::Login(robot)),
        (
            "login --provider toy --allow-http http://127.0.0.1:8000",
            Plan::Login(Login { provider: Some("toy".into()), allow_http: true, ..plain_login() }),
        ),
        ("token", Plan::Token { site: Target::Last, min_validity: None, json: false }),
        (
            "token http://127.0.0.1:8000 --min-validity 10m --json",
            Plan::Token { site: site(), min_validity: Some(Duration::from_mins(10)), json: true },
        ),
        ("whoami", Plan::Whoami { site: Target::Last, json: false }),
        ("whoami --json http://127.0.0.1:8000", Plan::Whoami { site: site(), json: true }),
        ("status", Plan::Status { which: Which::One(Target::Last), json: false }),
        ("status http://127.0.0.1:8000", Plan::Status { which: Which::One(site()), json: false }),
        ("status --all --json", Plan::Status { which: Which::All, json: true }),
        ("logout", Plan::Logout { which: Which::One(Target::Last), forget: false }),
        ("logout --all --forget", Plan::Logout { which: Which::All, forget: true }),
        ("sites --json", Plan::Sites { json: true }),
        ("login --profile lab", Plan::Login(Login { site: Target::Profile("lab".into()), ..plain_login() })),
        ("login", Plan::Login(Login { site: Target::Last, ..plain_login() })),
        ("whoami --profile lab", Plan::Whoami { site: Target::Profile("lab".into()), json: false }),
        ("sessions", Plan::Sessions { site: Target::Last, revoke: None, json: false }),
        (
            "sessions http://127.0.0.1:8000 --revoke 0f8f --json",
            Plan::Sessions { site: site(), revoke: Some("0f8f".into()), json: true },
        ),
        (
            "exec http://127.0.0.1:8000 --no-remember -- env -i",
            Plan::Exec(Exec { site: site(), forgets: true, command: vec!["env".into(), "-i".into()] }),
        ),
    ];
    for (typed, expected) in cases {
        assert_eq!(plan(&typed.split(' ').collect::<Vec<_>>()), Ok(expected), "{typed}");
    }
}

#[cfg(feature = "sandbox")]
#[test]
fn the_sandbox_has_a_port_and_a_life() {
    let sandbox = |json, port, life| Sandbox { json, port, access_life: Duration::from_secs(life) };
    let cases = [
        ("demo", Plan::Demo),
        ("sandbox", Plan::Sandbox(sandbox(false, 0, 900))),
        ("sandbox --json --port 8000 --access-life 5", Plan::Sandbox(sandbox(true, 8_000, 5))),
    ];
    for (typed, expected) in cases {
        assert_eq!(plan(&typed.split(' ').collect::<Vec<_>>()), Ok(expected), "{typed}");
    }
    assert_eq!(plan(&["sandbox", "--access-life", "0"]).unwrap_err().exit, Exit::USAGE);
}

#[test]
fn only_passwords_sign_people_in_so_far_and_every_other_method_says_so() {
    let cases = [
        ("app-session", "app-session"),
        ("app_session_launcher", "app-session"),
        ("web", "web"),
        ("qt_web_login", "web"),
        ("device", "device"),
        ("code", "code"),
        ("api-key", "api-key"),
    ];
    for (typed, name) in cases {
        let failure = plan(&["login", URL, "--method", typed]).unwrap_err();
        assert_eq!((failure.exit, failure.kind), (Exit::USAGE, "usage"));
        assert_eq!(failure.message, format!("the method `{name}` is not supported yet"));
        assert!(failure.remedy.contains("--method password"), "{}", failure.remedy);
    }
}

#[test]
fn a_session_that_is_not_remembered_is_for_a_command_only() {
    let failure = plan(&["login", URL, "--no-remember"]).unwrap_err();
    assert_eq!((failure.exit, failure.kind), (Exit::USAGE, "usage"));
    assert!(failure.remedy.contains("authctl exec --no-remember"), "{}", failure.remedy);
}

#[test]
fn a_password_needs_a_name() {
    let failure = plan(&["login", URL, "--password-stdin"]).unwrap_err();
    assert_eq!(failure.exit, Exit::USAGE);
    assert!(failure.remedy.contains("--user"), "{}", failure.remedy);
}

#[test]
fn words_that_mean_nothing_are_refused() {
    let cases: [&[&str]; 13] = [
        &[],
        &["signin"],
        &["login", URL, "--profile", "lab"],
        &["status", "--all", "--profile", "lab"],
        &["exec", URL],
        &["login", URL, "--method", "magic"],
        &["login", URL, "--user", ""],
        &["login", URL, "--password", "x"],
        &["token", "--min-validity", "7dx"],
        &["token", "--min-validity", "-1"],
        &["status", URL, "--all"],
        &["logout", URL, "--all"],
        &["whoami", URL, URL],
    ];
    for words in cases {
        assert!(Cli::try_parse_from([&["authctl"], words].concat()).is_err(), "{words:?}");
    }
}

#[test]
fn an_address_that_is_none_or_carries_a_secret_is_refused_without_showing_it_s3() {
    let addresses = [
        "127.0.0.1:8000",
        "ftp://h",
        "http://u:canary@h",
        "http://h/?api_key=canary",
        "http://h?api_key=canary&api_key=canary",
        "http://h h/?canary",
    ];
    let commands: [&[&str]; 5] = [&["login"], &["token"], &["whoami", "--json"], &["status"], &["logout"]];
    for command in commands {
        for address in addresses {
            let failure = plan(&[command, &[address]].concat()).unwrap_err();
            assert_eq!((failure.exit, failure.kind), (Exit::USAGE, "address"), "{address}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }
}
