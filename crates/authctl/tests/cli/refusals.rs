//! What is not done, and how it is said.

use auth_sandbox::{Fault, Faults, Mode, Provider, Which};
use canary::plant;

use crate::rig::{Home, Rig};

#[test]
fn a_wrong_password_is_tried_once_and_never_asked_for() {
    let rig = Rig::new();
    let wrong = rig.sign_in_with(&plant("a wrong password"), &[]);
    wrong.is(4).says(&["authctl: ", "the server refused: Incorrect username or password", "Check the name"]);
    assert_eq!(rig.counters().token_requests, 1);
    rig.run(&["token", &rig.url]).is(3);
}

#[test]
fn what_was_typed_wrongly_is_a_usage_error() {
    let rig = Rig::new();
    let cases: [(&[&str], &str); 12] = [
        (&["login", &rig.url, "--method", "device"], "the method `device` is not supported yet"),
        (&["login", &rig.url, "--method", "magic"], "magic"),
        (&["login", &rig.url, "--password-stdin"], "--user"),
        (&["login", &rig.url, "--password", "x"], "Leave it out to be asked, or use --password-stdin."),
        (&["login", &rig.url, "--password=x"], "there is no option for a password"),
        (&["login", "127.0.0.1:8000"], "http://"),
        (&["token", "--min-validity", "soon"], "90s, 10m"),
        (&["whoami", "a", "b"], "b"),
        (&["frobnicate"], "frobnicate"),
        (&["login", &rig.url, "--user", " "], "--user"),
        (&["call", "studio.example", "read", "--script-name", "\u{a0}"], "--script-name"),
        (&["call", "studio.example", "read", "--script-name", "robot", "--sudo-as", "\n"], "--sudo-as"),
    ];
    for (args, words) in cases {
        let ran = rig.run(args);
        ran.is(2).says(&[words]);
        assert!(ran.err.starts_with("authctl: ") && ran.out.is_empty(), "{ran:?}");
    }
    assert_eq!(rig.counters().token_requests, 0);
    assert_eq!(rig.home.files(), Vec::<String>::new());
}

#[test]
fn secrets_in_addresses_are_refused_and_not_echoed_s3() {
    let home = Home::new();
    let secret = plant("a secret in an address");
    let addresses = [
        format!("http://u:{secret}@127.0.0.1:1"),
        format!("http://127.0.0.1:1/?api_key={secret}"),
        format!("u:{secret}@studio.example:x"),
    ];
    for address in addresses.iter().map(String::as_str) {
        let cases: [&[&str]; 5] = [
            &["login", address],
            &["token", address, "--json"],
            &["whoami", "http://127.0.0.1:1", address],
            &["sites", address],
            &["login", "http://127.0.0.1:1", "--method", address],
        ];
        for args in cases {
            home.run(args).is(2);
        }
    }
}

#[test]
fn a_server_that_is_not_there_or_not_tiled_is_said_to_be() {
    let home = Home::new();
    let login = |url: &str| home.run_with("x\n", &["login", url, "--user", "a", "--password-stdin"]);
    login("https://no-such-host.invalid").is(6).says(&["the host's name has no address", "spelling"]);
    login("http://127.0.0.1:1").is(6).says(&["no connection could be made", "server is running"]);
    let rig = Rig::with(|site| site.faults = Faults::none().always(Which::any(), Fault::Page));
    rig.sign_in().is(6).says(&["this is not a Tiled server", "Check the address"]);
}

#[test]
fn a_password_does_not_go_over_a_network_in_clear_n1() {
    let home = Home::new();
    let args = ["login", "http://192.0.2.1:1", "--user", "a", "--password-stdin"];
    let ran = home.run_with(&format!("{}\n", plant("a password")), &args);
    ran.is(2).says(&["http://192.0.2.1:1 is not encrypted", "authctl login http://192.0.2.1:1 --allow-http"]);
}

#[test]
fn several_providers_need_a_choice_that_nobody_is_asked_for() {
    let rig = Rig::with(|site| {
        let provider = |name: &str, mode| Provider::new(name, mode);
        site.config.providers = vec![provider("toy", Mode::Internal), provider("orcid", Mode::External)];
    });
    rig.sign_in().is(8).says(&["several providers", "--provider: \"toy\", \"orcid\""]);
    rig.sign_in_with(&rig.password, &["--provider", "nobody"])
        .is(2)
        .says(&["\"nobody\"", "\"toy\", \"orcid\""]);
    rig.sign_in_with(&rig.password, &["--provider", "orcid"])
        .is(4)
        .says(&["not supported yet", "Python's tiled"]);
    assert_eq!(rig.counters().token_requests, 0);
    rig.sign_in_with(&rig.password, &["--provider", "toy"]).is(0);
}

#[test]
fn servers_without_users_are_said_to_have_none() {
    let rig = Rig::with(|site| site.config.providers.clear());
    rig.sign_in().is(4).says(&["takes an API key only"]);
    let rig = Rig::with(|site| {
        site.config.providers.clear();
        site.config.required = false;
    });
    rig.sign_in().is(4).says(&["open to everyone", "without signing in"]);
}

#[test]
fn a_failure_is_one_json_object_where_json_was_asked_for() {
    let home = Home::new();
    for args in [["whoami", "--json"], ["token", "--json"], ["status", "--json"]] {
        let ran = home.run(&args);
        let json = ran.is(3).json();
        let error = json["error"].as_object().unwrap();
        assert_eq!(error["kind"], "no_site");
        assert_eq!(error["exit"], 3);
        let said = format!(
            "authctl: {}\n{}\n",
            error["message"].as_str().unwrap(),
            error["remedy"].as_str().unwrap()
        );
        assert_eq!(ran.err, said);
    }
    let usage = home.run(&["token", "nowhere", "--json"]);
    assert_eq!(usage.is(2).json()["error"]["kind"], "address");
}

#[test]
fn help_and_version_are_answers() {
    let home = Home::new();
    let help = home.run(&["--help"]);
    help.is(0).says(&["Exit codes:", "  130  interrupted"]);
    assert!(help.err.is_empty());
    let ours: &[&str] = if cfg!(feature = "sandbox") { &["demo", "sandbox"] } else { &[] };
    for command in [&["login", "token", "whoami", "status", "logout", "sites"], ours].concat() {
        home.run(&[command, "--help"]).is(0).says(&["Usage: authctl", "Examples:"]);
    }
    let version = concat!("authctl ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(home.run(&["--version"]).is(0).out, version);
    home.run::<&str>(&[]).is(2).says(&["Usage: authctl"]);
}
