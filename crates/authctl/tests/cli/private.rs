//! Sessions of commands that were killed.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use auth_sandbox::{Fault, Faults, Which};

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

/// Has the site answer like a proxy without a server behind it, where a session is to be ended.
fn ends_none(rig: &Rig) {
    let status = Fault::Status { status: 503, retry_after: None };
    rig.server.site().lock().unwrap().faults =
        Faults::none().always(Which::ending("/auth/session/revoke"), status);
}

#[test]
fn unrevoked_session_of_a_killed_command_is_kept_for_a_day_f9() {
    let rig = Rig::new();
    let left = killed(&rig);
    ends_none(&rig);
    next(&rig).is(0).says(&["the session of a killed command could not be ended yet", "tries again"]);
    assert_eq!(folders(&place(&rig)), std::slice::from_ref(&left));
    rig.server.site().lock().unwrap().faults = Faults::none();
    let ran = next(&rig);
    assert!(!ran.is(0).err.contains("warning"), "{ran:?}");
    assert_eq!(rig.counters().revocations, 2, "the killed one's and the last one's own");
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());

    let left = killed(&rig);
    ends_none(&rig);
    let note = fs::File::options().write(true).open(left.join("note")).unwrap();
    note.set_modified(SystemTime::now() - Duration::from_hours(25)).unwrap();
    let ran = next(&rig);
    ran.is(0).says(&["the session could not be ended on the server"]);
    assert!(!ran.err.contains("could not be ended yet"), "{ran:?}");
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());
}

#[test]
fn server_that_is_gone_keeps_the_session_for_the_next_command() {
    let (gone, rig) = (Rig::new(), Rig::new());
    let left = killed(&gone);
    let moved = place(&rig).join(left.file_name().unwrap());
    fs::rename(&left, &moved).unwrap();
    drop(gone);
    next(&rig).is(0).says(&["could not be ended yet", &moved.display().to_string()]);
    assert_eq!(folders(&place(&rig)), std::slice::from_ref(&moved));
    fs::remove_dir_all(moved).unwrap();
}

#[test]
fn files_of_a_leftover_that_are_not_regular_hold_up_nobody_f2() {
    let rig = Rig::new();
    for name in ["note", "lifetime.lock"] {
        let left = killed(&rig);
        fs::remove_file(left.join(name)).unwrap();
        assert!(Command::new("mkfifo").arg(left.join(name)).status().unwrap().success());
        next(&rig).is(0);
        assert_eq!(folders(&place(&rig)), std::slice::from_ref(&left), "{name}");
        fs::remove_dir_all(left).unwrap();
    }
}

#[test]
fn replaced_folder_is_not_deleted_and_is_warned_of_f3() {
    let rig = Rig::new();
    let script =
        "f=$(dirname $TILED_CACHE_DIR); mv $f $f.away; mkdir -m 700 $f; echo 1 >$f/precious; echo $f";
    let ran = end(prepared(&rig, script), &answers(&rig));
    let folder = PathBuf::from(ran.is(0).out.trim());
    ran.says(&["warning", &format!("{} was moved or replaced", folder.display())]);
    assert_eq!(fs::read_to_string(folder.join("precious")).unwrap(), "1\n");
    assert_eq!(rig.counters().revocations, 0);
    let away = PathBuf::from(format!("{}.away", folder.display()));
    assert!(away.join("cache").exists());
    fs::remove_dir_all(away).unwrap();
}

#[test]
fn session_that_is_not_found_at_the_end_is_warned_of_f9() {
    let rig = Rig::new();
    let ran = end(prepared(&rig, "rm -r $TILED_CACHE_DIR"), &answers(&rig));
    ran.is(0).says(&["the session is no longer in ", "it was not ended on the server"]);
    assert_eq!(folders(&place(&rig)), Vec::<PathBuf>::new());
}

#[test]
fn places_that_other_users_can_change_are_not_used_f3() {
    let rig = Rig::new();
    let exposed = rig.home.0.path().join("exposed");
    fs::create_dir(&exposed).unwrap();
    let run = |in_memory: &Path, fallback: &Path| {
        let mut command = prepared(&rig, "dirname $TILED_CACHE_DIR");
        command.env("XDG_RUNTIME_DIR", in_memory).env("TMPDIR", fallback);
        end(command, &answers(&rig))
    };
    let said = format!("other users can replace folders in {}", exposed.display());
    for mode in [0o777, 0o770, 0o702] {
        fs::set_permissions(&exposed, fs::Permissions::from_mode(mode)).unwrap();
        let ran = run(&exposed, &place(&rig));
        assert!(Path::new(ran.is(0).out.trim()).starts_with(place(&rig)), "{mode:o}: {ran:?}");
        run(&exposed, &exposed).is(7).says(&["could not make a folder for the session: ", &said]);
    }
    fs::set_permissions(&exposed, fs::Permissions::from_mode(0o1777)).unwrap();
    let ran = run(&exposed, &place(&rig));
    assert!(Path::new(ran.is(0).out.trim()).starts_with(&exposed), "{ran:?}");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&exposed, Some(4_711), None).unwrap();
        run(&exposed, &exposed).is(7).says(&[&said]);
    }
    assert_eq!(rig.counters().logins, 4, "nobody signs in where there is no folder");
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
