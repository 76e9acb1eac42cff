//! A command that finds somebody signed in.

use canary::plant;

use crate::rig::{AUTHCTL, Rig, collect};

fn with_command<'a>(options: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [&["exec"], options, &["--"], command].concat()
}

#[test]
fn a_command_finds_the_session_and_ends_as_it_does() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let who = rig.run(&with_command(&[], &[AUTHCTL, "whoami"]));
    assert!(who.is(0).out.starts_with("demo "), "{who:?}");
    let cases: [(&[&str], i32); 3] =
        [(&["sh", "-c", "exit 7"], 7), (&["sh", "-c", "kill -TERM $$"], 143), (&["true"], 0)];
    for (command, code) in cases {
        rig.run(&with_command(&[&rig.url], command)).is(code);
    }
    let nothing = rig.run(&with_command(&[], &["/nowhere/at/all"]));
    nothing.is(2).says(&["the command /nowhere/at/all cannot be run"]);
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let rig = Rig::new();
    let asked = rig.run(&with_command(&[&rig.url], &["true"]));
    asked.is(8).says(&["no terminal", &format!("`authctl login {}`", rig.url), "TILED_FORCE_PROMPT=1"]);
}

#[test]
fn a_command_without_its_dashes_is_said_to_lack_them() {
    let rig = Rig::new();
    for words in [&["exec"][..], &["exec", &rig.url], &["exec", "sh", "-c", "true"]] {
        rig.run(words).is(2).says(&["Write: authctl exec [URL] -- COMMAND"]);
    }
    rig.run(&["exec", "--nothing", "--", "true"]).is(2).says(&["--nothing"]);
}

#[test]
fn command_of_exec_has_no_key_in_its_environment_s3() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let script = "echo ${TILED_API_KEY-none} ${AUTHCTL_SCRIPT_KEY-none}";
    for remembers in [&[][..], &["--no-remember", &rig.url]] {
        let mut command = rig.home.command(&with_command(remembers, &["sh", "-c", script]));
        command.env("TILED_API_KEY", plant("a key of the environment"));
        command.env("AUTHCTL_SCRIPT_KEY", plant("a script's key of the environment"));
        command.env("TILED_FORCE_PROMPT", "1");
        let ran = crate::rig::end(command, &format!("demo\n{}\n", rig.password));
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "none none\n"), "{ran:?}");
    }
}

#[test]
fn a_session_that_is_not_remembered_is_there_for_the_command_alone() {
    let rig = Rig::new();
    let script = format!(
        "{AUTHCTL} whoami && env | grep -c -e TILED_CACHE_DIR -e AUTHCTL_STATE_DIR && echo $TILED_CACHE_DIR"
    );
    let args = with_command(&["--no-remember", &rig.url], &["sh", "-c", &script]);
    let mut command = rig.home.command(&args);
    command.env("TILED_FORCE_PROMPT", "1");
    let ran = crate::rig::end(command, &format!("demo\n{}\n", rig.password));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut lines = ran.out.lines();
    assert!(lines.next().unwrap().starts_with("demo "), "{ran:?}");
    assert_eq!(lines.next(), Some("2"));
    let folder = std::path::Path::new(lines.next().unwrap());
    assert!(!folder.exists(), "{}", folder.display());
    assert_eq!(rig.counters().revocations, 1);
    assert_eq!(rig.home.files(), Vec::<String>::new());
    rig.run(&["token", &rig.url]).is(3);
}

#[test]
fn what_is_stored_is_not_used_where_nothing_is_remembered() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    rig.run(&with_command(&["--no-remember", &rig.url], &["true"])).is(8);
    rig.run(&["token", &rig.url]).is(0);
}

#[test]
fn a_signal_to_us_reaches_the_command() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let script = "sleep 60 & trap \"kill $!; exit 9\" TERM; kill -TERM $PPID; wait";
    let mut command = rig.home.command(&with_command(&["--no-remember", &rig.url], &["sh", "-c", script]));
    command.env("TILED_FORCE_PROMPT", "1").stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let answers = format!("demo\n{}\n", rig.password);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes()).unwrap();
    let ran = collect(child);
    assert_eq!(ran.code, Some(9), "{ran:?}");
    assert_eq!(rig.counters().revocations, 1);
}

#[test]
fn a_signal_reaches_a_command_that_needed_no_network_too() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let script = "sleep 60 & trap \"kill $!; exit 9\" TERM; kill -TERM $PPID; wait";
    rig.run(&with_command(&[&rig.url], &["sh", "-c", script])).is(9);
}

#[test]
fn an_answer_on_standard_input_is_taken_only_if_somebody_insists() {
    let rig = Rig::new();
    let wrong = plant("a wrong answer");
    for (force, password, code) in [("1", &rig.password, 0), ("0", &rig.password, 8), ("1", &wrong, 5)] {
        let mut command = rig.home.command(&["login", &rig.url]);
        command.env("TILED_FORCE_PROMPT", force);
        let ran = crate::rig::end(command, &format!("demo\n{password}\n"));
        assert_eq!(ran.code, Some(code), "{force}: {ran:?}");
        assert_eq!(ran.err.contains("there is no terminal. What is typed"), force == "1", "{ran:?}");
    }
}

#[test]
fn processes_that_start_at_once_ask_once_between_them_h15() {
    let rig = Rig::new();
    let start = |_| {
        let mut command = rig.home.command(&with_command(&[&rig.url], &["true"]));
        let command = command.env("TILED_FORCE_PROMPT", "1").stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let mut children: Vec<_> = (0..6).map(start).collect();
    for child in &mut children {
        // Each would have an answer; only one is asked for it.
        let answers = format!("demo\n{}\n", rig.password);
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes());
    }
    let ends: Vec<_> = children.into_iter().map(collect).collect();
    assert!(ends.iter().all(|ran| ran.code == Some(0)), "{ends:?}");
    assert_eq!(rig.counters().logins, 1);
    assert_eq!(ends.iter().filter(|ran| ran.err.contains("Password: ")).count(), 1, "{ends:?}");
}
