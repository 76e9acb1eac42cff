//! Several programs share one session whose tokens live three seconds, ours and Python's, and each reads for a minute.

use std::process::{Child, Stdio};

use conformance::{Home, tiled};

const SECONDS: &str = "60";

const READS: &str = "
import sys, time
from tiled.client.context import Context
context, _ = Context.from_any_uri(sys.argv[1])
assert context.use_cached_tokens(), 'not signed in'
print('began', flush=True)
end, reads = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    context.http_client.get(str(context.api_uri) + 'metadata/').raise_for_status()
    reads += 1
    time.sleep(0.05)
print(reads, 'reads, 0 failed')
";

fn signed_in(url: &str) -> Home {
    let home = Home::new();
    let login = ["login", url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    home
}

fn ours(home: &Home, url: &str) -> Vec<Child> {
    let start = |driver| {
        let mut command = home.command(env!("CARGO_BIN_EXE_storm_client"));
        command.args([url, SECONDS, driver]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    ["blocking", "async", "blocking", "async"].map(start).into()
}

fn pythons(home: &Home, url: &str, count: usize) -> Vec<Child> {
    let start = |_| {
        let mut command = home.command(conformance::python());
        let command = command.args(["-c", READS, url, SECONDS]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    (0..count).map(start).collect()
}

/// What came of each: how it ended, and what it said.
fn ends(children: Vec<Child>) -> Vec<(bool, String)> {
    let end = |child: Child| {
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    children.into_iter().map(end).collect()
}

fn assert_all_well(ends: &[(bool, String)]) {
    assert!(ends.iter().all(|(well, said)| *well && said.contains(" reads, 0 failed")), "{ends:#?}");
}

#[test]
fn with_one_python_client_nobody_breaks_and_nobody_is_asked_f5_h15() {
    let url = tiled("internal");
    let home = signed_in(&url);
    let (ours, theirs) = (ours(&home, &url), pythons(&home, &url, 1));
    assert_all_well(&ends(ours));
    assert_all_well(&ends(theirs));
    let run = home.authctl(&["whoami", &url]);
    assert!(run.code == 0 && run.out.starts_with("alice "), "{run:?}");
}

#[test]
fn with_four_python_clients_which_break_each_other_none_of_ours_does_f5_h15() {
    let url = tiled("internal");
    let home = signed_in(&url);
    let (ours, theirs) = (ours(&home, &url), pythons(&home, &url, 4));
    assert_all_well(&ends(ours));
    // What becomes of those is theirs, once they have begun.
    let theirs = ends(theirs);
    assert!(theirs.iter().any(|(_, said)| said.contains("began")), "{theirs:#?}");
    let run = home.authctl(&["whoami", &url]);
    assert!(run.code == 0 && run.out.starts_with("alice "), "{run:?}");
}
