//! Sessions of commands that were killed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::rig::{AUTHCTL, DEADLINE, Ran, Rig, collect, end, kill, until};

/// Where the folders of commands are in these tests.
fn place(rig: &Rig) -> PathBuf {
    let place = rig.home.0.path().join("tmp");
    fs::create_dir_all(&place).unwrap();
    place
}

fn prepared(rig: &Rig, script: &str) -> Command {
    let mut command = rig.home.command(&["exec", "--no-remember", &rig.url, "--", "sh", "-c", script]);
    command.env("TILED_FORCE_PROMPT", "1").env("TMPDIR", place(rig));
    command
}

fn answers(rig: &Rig) -> String {
    format!("demo\n{}\n", rig.password)
}

/// A command that runs until a file appears, once it has said that it runs.
fn start(rig: &Rig, until: &str) -> Child {
    let home = rig.home.0.path();
    let runs = home.join("runs");
    let script = format!(
        "echo $$ >{runs}.new; mv {runs}.new {runs}; while ! test -e {home}/{until}; do sleep 0.02; done; \
         {AUTHCTL} whoami",
        runs = runs.display(),
        home = home.display()
    );
    let mut command = prepared(rig, &script);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers(rig).as_bytes()).unwrap();
    assert!(crate::rig::until(DEADLINE, || runs.exists().then_some(())).is_some(), "it does not run");
    child
}

/// What the started command runs.
fn inner(rig: &Rig) -> String {
    fs::read_to_string(rig.home.0.path().join("runs")).unwrap().trim().to_owned()
}

fn next(rig: &Rig) -> Ran {
    end(prepared(rig, "true"), &answers(rig))
}

fn folders(place: &Path) -> Vec<PathBuf> {
    fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Kills a command with all that it runs, and gives what it left.
fn killed(rig: &Rig) -> PathBuf {
    let child = start(rig, "never");
    kill(&child, "-KILL");
    assert!(Command::new("kill").args(["-KILL", &inner(rig)]).status().unwrap().success());
    assert_eq!(collect(child).code, None);
    fs::remove_file(rig.home.0.path().join("runs")).unwrap();
    let [left] = folders(&place(rig)).try_into().unwrap();
    left
}

#[test]
fn the_next_command_ends_the_session_of_a_killed_one_f9() {
    let rig = Rig::new();
    let left = killed(&rig);
    assert!(left.join("cache").exists(), "there is something to end");
    assert_eq!(rig.counters().revocations, 0);
    next(&rig).is(0);
    assert_eq!(rig.counters().revocations, 2, "the killed one's and its own");
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());
}

#[test]
fn a_command_that_runs_keeps_its_session() {
    let rig = Rig::new();
    let runs = start(&rig, "go-on");
    next(&rig).is(0);
    assert_eq!(rig.counters().revocations, 1);
    assert_eq!(folders(&place(&rig)).len(), 1);
    fs::write(rig.home.0.path().join("go-on"), "").unwrap();
    let ran = collect(runs);
    assert!(ran.is(0).out.starts_with("demo "), "{ran:?}");
    assert_eq!(rig.counters().revocations, 2);
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());
}

#[test]
fn what_another_machine_left_is_not_touched() {
    let rig = Rig::new();
    let left = killed(&rig);
    let note = fs::read_to_string(left.join("note")).unwrap();
    let (_, site) = note.split_once('\n').unwrap();
    assert_eq!(site, format!("{}\n", rig.url));
    fs::write(left.join("note"), format!("9d7e1c4e-0000-4000-8000-000000000000\n{site}")).unwrap();
    next(&rig).is(0);
    assert_eq!(rig.counters().revocations, 1, "its own");
    assert_eq!(folders(&place(&rig)), std::slice::from_ref(&left));
    fs::remove_dir_all(left).unwrap();
}

#[test]
fn a_server_that_is_gone_keeps_the_next_command_a_moment() {
    let (gone, rig) = (Rig::new(), Rig::new());
    let left = killed(&gone);
    fs::rename(&left, place(&rig).join(left.file_name().unwrap())).unwrap();
    drop(gone);
    next(&rig).is(0).says(&["the session could not be ended on the server"]);
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());
}

#[test]
fn every_signal_ends_the_session_of_its_command() {
    for (signal, code) in [("-QUIT", 131), ("-TERM", 143), ("-HUP", 129)] {
        let rig = Rig::new();
        let child = start(&rig, "never");
        kill(&child, signal);
        collect(child).is(code);
        assert_eq!(rig.counters().revocations, 1, "{signal}");
        assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new(), "{signal}");
    }
}

#[test]
fn a_command_that_cannot_be_run_leaves_no_session() {
    let rig = Rig::new();
    let mut command = rig.home.command(&["exec", "--no-remember", &rig.url, "--", "/nowhere/at/all"]);
    command.env("TILED_FORCE_PROMPT", "1").env("TMPDIR", place(&rig));
    end(command, &answers(&rig)).is(2);
    assert_eq!(rig.counters().revocations, 1);
    assert!(until(DEADLINE, || folders(&place(&rig)).is_empty().then_some(())).is_some());
}
