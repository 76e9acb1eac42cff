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
    Login {
        site: site(),
        username: None,
        provider: None,
        password_stdin: false,
        allow_http: false,
        method: None,
    }
}

#[test]
fn what_was_typed_means_this() {
    let by = |method| Login { method: Some(method), ..plain_login() };
    let robot = Login { username: Some("robot".into()), password_stdin: true, ..plain_login() };
    let cases = [
        ("login http://127.0.0.1:8000", Plan::Login(plain_login())),
        ("login http://127.0.0.1:8000 --method password", Plan::Login(by(Method::Password))),
        ("login http://127.0.0.1:8000 --method credentials", Plan::Login(by(Method::Password))),
        ("login http://127.0.0.1:8000 --method app-session", Plan::Login(by(Method::AppSession))),
        ("login http://127.0.0.1:8000 --method app_session_launcher", Plan::Login(by(Method::AppSession))),
        (
            "login studio.example",
            Plan::Login(Login { site: Target::Url("https://studio.example".into()), ..plain_login() }),
        ),
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
        ("status", Plan::Status { which: Which::One(Target::Last), check: false, json: false }),
        (
            "status http://127.0.0.1:8000",
            Plan::Status { which: Which::One(site()), check: false, json: false },
        ),
        ("status --all --json", Plan::Status { which: Which::All, check: false, json: true }),
        ("status --check", Plan::Status { which: Which::One(Target::Last), check: true, json: false }),
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
    let sandbox =
        |json, port, life| Sandbox { json, port, shotgun_port: 0, access_life: Duration::from_secs(life) };
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
fn a_method_that_is_not_there_yet_says_so() {
    let cases = [
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
fn a_call_has_arguments_and_perhaps_a_script() {
    let plain = || Call {
        site: URL.into(),
        method: "read".into(),
        arguments: Arguments::None,
        script: None,
        never_ask: false,
        allow_http: false,
    };
    let robot = |key| Some(Script { name: "robot".into(), key, sudo: None });
    let sudo = Some(Script { name: "robot".into(), key: Key::Usual, sudo: Some("ada".into()) });
    let cases: [(&[&str], Call); 6] = [
        (&[], plain()),
        (
            &["{}", "--never-ask"],
            Call { arguments: Arguments::Typed("{}".into()), never_ask: true, ..plain() },
        ),
        (&["-", "--allow-http"], Call { arguments: Arguments::Stdin, allow_http: true, ..plain() }),
        (
            &["--script-name", "robot", "--script-key-file", "k"],
            Call { script: robot(Key::File("k".into())), ..plain() },
        ),
        (
            &["--script-name", "robot", "--script-key-fd", "3"],
            Call { script: robot(Key::Descriptor(3)), ..plain() },
        ),
        (&["--script-name", "robot", "--sudo-as", "ada"], Call { script: sudo, ..plain() }),
    ];
    for (words, expected) in cases {
        assert_eq!(plan(&[&["call", URL, "read"], words].concat()), Ok(Plan::Call(expected)), "{words:?}");
    }
    let both = ["call", URL, "read", "-", "--script-name", "robot", "--script-key-fd", "0"];
    assert_eq!(plan(&both).unwrap_err().kind, "usage");
    let stdin = ["login", URL, "--method", "app-session", "--user", "a", "--password-stdin"];
    assert_eq!(plan(&stdin).unwrap_err().kind, "usage");
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
    let cases: [&[&str]; 19] = [
        &[],
        &["call", URL],
        &["call", URL, "read", "--script-key", "x"],
        &["call", URL, "read", "--script-key-file", "x"],
        &["call", URL, "read", "--script-name", ""],
        &["call", URL, "read", "--script-name", "r", "--script-key-fd", "3", "--script-key-file", "x"],
        &["status", "--all", "--check"],
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

#[test]
fn what_is_wrong_with_an_address_without_a_scheme_is_not_that_it_has_none() {
    let cases = [
        ("studio.example:x", "\"https://studio.example\" is not an address: not a port number"),
        ("nowhere", "\"nowhere\" is not an address: an address begins with http:// or https://"),
        (
            "127.0.0.1:8000",
            "\"127.0.0.1:8000\" is not an address: an address begins with http:// or https://",
        ),
    ];
    for (typed, message) in cases {
        assert_eq!(plan(&["login", typed]).unwrap_err().message, message);
    }
}
