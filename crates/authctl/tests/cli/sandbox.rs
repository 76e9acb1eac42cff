//! The site to try things out with, and the demonstration.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::rig::{Home, collect, kill};

fn start(home: &Home, args: &[&str]) -> (Child, String) {
    let mut child = home.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

#[test]
fn a_site_is_served_until_a_signal() {
    let home = Home::new();
    for signal in ["-TERM", "-INT"] {
        let (child, line) = start(&home, &["sandbox", "--json", "--access-life", "1m"]);
        let tiled = serde_json::from_str::<serde_json::Value>(&line).unwrap()["tiled"].clone();
        let [url, user, password] = ["url", "username", "password"].map(|name| tiled[name].as_str().unwrap());
        home.run_with(password, &["login", url, "--user", user, "--password-stdin"]).is(0);
        let token = home.run(&["token", url, "--json"]).is(0).json();
        assert!(token["expires_in"].as_u64().is_some_and(|left| left <= 60), "{token}");
        kill(&child, signal);
        collect(child).is(0);
        home.run(&["whoami", url]).is(6);
    }
}

#[test]
fn a_person_is_told_how_to_use_it() {
    let home = Home::new();
    let (child, line) = start(&home, &["sandbox"]);
    assert!(line.starts_with("SANDBOX: "), "{line}");
    kill(&child, "-TERM");
    collect(child).is(0);
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    home.run(&["sandbox", "--port", &port]).is(2).says(&["cannot listen", &port, "--port"]);
}

#[test]
fn the_demonstration_shows_its_steps_and_leaves_nothing_behind() {
    let home = Home::new();
    let ran = home.run(&["demo"]);
    assert_eq!(ran.is(0).err, "");
    assert!(ran.out.lines().all(|line| line.starts_with("SANDBOX  ")), "{ran:?}");
    ran.says(&["1. Signed in as demo", "exactly 1 token request", "6. Signed out", "Refused"]);
    assert_eq!(home.files(), Vec::<String>::new());
    assert_eq!(home.run(&["demo"]).out, ran.out);
}
