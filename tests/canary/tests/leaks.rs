//! The search is shown to fail: a program that leaks through every channel, in every form.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says why by panicking"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use canary::{DECOYS, Encoding, Evidence, Search, plant, traced};

/// Every channel, and where what leaks through it is found.
const CHANNELS: [(&str, &str); 13] = [
    ("stdout", "standard output"),
    ("stderr", "standard error"),
    ("log", "standard error"),
    ("error", "standard error"),
    ("panic", "standard error"),
    ("debug", "standard error"),
    ("argv", "the arguments of"),
    ("environment", "the environment of"),
    ("temporary", "the file"),
    ("backup", "the file"),
    ("elsewhere", "the file"),
    ("name", "a name in"),
    ("link", "the link"),
];

/// Runs the program, and searches all that it left. What is under `store/token` is the store's own.
fn leaks(channel: &str, encoding: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (home, temporary) = (folder.path().join("home"), folder.path().join("tmp"));
    std::fs::create_dir_all(home.join("store")).unwrap();
    std::fs::create_dir_all(&temporary).unwrap();
    let secret = plant("the leaked secret");
    std::fs::write(home.join("store/token"), &secret).unwrap();
    let trace = folder.path().join("trace");
    let mut program = Command::new(env!("CARGO_BIN_EXE_leak"));
    program.args([channel, encoding]).env("HOME", &home).env("TMPDIR", &temporary);
    let mut command = traced(&program, &trace);
    let output =
        command.stdin(Stdio::null()).output().expect("strace is installed (cargo xtask test installs it)");
    assert!(output.status.success() || channel == "panic", "{output:?}");

    let mut evidence = Evidence::default();
    evidence.output("standard output", output.stdout);
    evidence.output("standard error", output.stderr);
    evidence.trace(&trace);
    evidence.folder(&home);
    evidence.folder(&temporary);
    let search = Search::new([("the leaked secret".to_owned(), secret)]);
    evidence.leaks(&search, &|path: &Path| path.ends_with("store/token")).unwrap()
}

#[test]
fn a_leak_is_found_through_every_channel_in_every_form_s2_s3() {
    for (channel, place) in CHANNELS {
        for encoding in Encoding::ALL {
            let leaks = leaks(channel, &encoding.to_string());
            let says = |leak: &String| leak.contains(place) && leak.contains(&format!(", {encoding}, "));
            assert!(leaks.iter().any(says), "{channel} in {encoding}: {leaks:#?}");
            assert!(leaks.iter().all(|leak| leak.contains(place)), "{channel} in {encoding}: {leaks:#?}");
        }
    }
}

#[test]
fn a_program_that_does_not_leak_is_not_accused() {
    assert_eq!(leaks("none", "raw"), Vec::<String>::new());
    for (channel, _) in CHANNELS {
        assert_eq!(leaks(channel, "none"), Vec::<String>::new(), "{channel}");
    }
}

/// What the search says of a list of secrets and what was left, and its exit code.
fn swept(list: &str, left: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, here) = (folder.path().join("list"), folder.path().join("left"));
    std::fs::write(&file, list).unwrap();
    std::fs::create_dir(&here).unwrap();
    for (name, text) in left {
        std::fs::write(here.join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_sweep")).args([file, here]).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn what_a_run_left_is_searched_and_the_test_named() {
    let (secret, decoy) = (plant("the leaked secret"), plant(DECOYS[0]));
    let secrets = format!("the leaked secret\t{secret}\n");
    let report = format!(
        "<testcase name=\"one\"><system-out>fine</system-out></testcase>\n<testcase name=\"two\"><system-out>{secret}"
    );
    let cases = [
        (secrets.clone(), vec![], Some(0), "1 secrets looked for, 0 leaks"),
        (secrets.clone(), vec![("report", report.as_str())], Some(1), ", raw, at byte 95, in the test two\n"),
        (
            secrets.clone(),
            vec![("a", &secret[..14])],
            Some(1),
            "a: \"the leaked secret\", piece, at byte 0\n",
        ),
        (String::new(), vec![], Some(2), "no secret to look for"),
        (format!("{secrets}{}\t{decoy}\n", DECOYS[0]), vec![("a", &decoy)], Some(0), "2 secrets"),
        (
            format!("{secrets}{}\t{decoy}\n", DECOYS[0]),
            vec![],
            Some(2),
            "the decoy that a test prints was not found",
        ),
    ];
    for (list, left, code, says) in cases {
        let (found, said) = swept(&list, &left);
        assert!(found == code && said.contains(says), "{found:?}, not {code:?}: {}", canary::named(&said));
        assert!(!said.contains(&secret[..12]), "what leaked is repeated");
    }
}
