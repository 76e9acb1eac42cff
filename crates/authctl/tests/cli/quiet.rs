//! What a command asks of the system.

use std::process::Command;

use crate::rig::{AUTHCTL, Ran, Rig, command, end};

/// Runs a command, and gives every call of its that is for a network or opens something.
fn traced(rig: &Rig, args: &[&str]) -> (Ran, Vec<String>) {
    let version = Command::new("strace").arg("-V").output();
    assert!(
        version.is_ok_and(|output| output.status.success()),
        "strace is missing, and without it this shows nothing: run `cargo xtask test`, which installs it"
    );
    let log = tempfile::NamedTempFile::new().unwrap();
    let file = log.path().to_str().unwrap();
    // No texts: the token would be among them.
    let wrapper = ["-f", "-qq", "-s", "0", "-e", "trace=%network,open,openat", "-o", file, AUTHCTL];
    let ran = end(command("strace", rig.home.0.path(), &[&wrapper, args].concat()), "");
    let text = std::fs::read_to_string(log).unwrap();
    // The number of the process comes first.
    let calls = text.lines().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim().to_owned()));
    (ran, calls.collect())
}

#[test]
fn a_stored_token_is_printed_without_a_socket() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let stored = rig.run(&["token"]).out;
    let opens = |call: &&String| call.starts_with("open");
    let (ran, calls) = traced(&rig, &["token"]);
    assert_eq!(ran.is(0).out, stored);
    println!("authctl token opens {} files and folders", calls.iter().filter(opens).count());
    let others: Vec<_> = calls.iter().filter(|call| !opens(call)).collect();
    assert_eq!(others, Vec::<&String>::new(), "neither a network nor a bus is spoken to");
    assert!(calls.iter().any(|call| call.contains("\"access_token\"")), "{calls:?}");

    // What asks the server is seen to do so.
    let (ran, calls) = traced(&rig, &["whoami"]);
    ran.is(0);
    for name in ["socket(", "connect("] {
        assert!(calls.iter().any(|call| call.starts_with(name)), "{name} {calls:?}");
    }
}
