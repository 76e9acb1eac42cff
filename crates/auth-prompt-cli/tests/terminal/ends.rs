//! Every way in which a question can end, and that the terminal is then as it was (S8).

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::rig::{Rig, answered, ask_without_terminal};

/// What ends a question.
enum By {
    Typing(&'static [u8]),
    Signal(Signal),
}

/// What comes of it.
enum Then {
    Prints(&'static str),
    Answers,
    DiesBy(Signal),
    Panics,
}

/// A way to end, from whichever prompt is open.
type Way = (&'static str, &'static [&'static str], By, Then);

fn ways() -> Vec<Way> {
    use By::Typing;
    use Then::{DiesBy, Panics, Prints};
    let signal = |signal| By::Signal(signal);
    let cancelled = || Prints("cancelled");
    vec![
        ("Ctrl-C", &[], Typing(b"\x03"), cancelled()),
        ("Ctrl-\\", &[], Typing(b"\x1c"), DiesBy(Signal::QUIT)),
        ("SIGINT", &[], signal(Signal::INT), cancelled()),
        ("SIGTERM", &[], signal(Signal::TERM), DiesBy(Signal::TERM)),
        ("SIGHUP", &[], signal(Signal::HUP), DiesBy(Signal::HUP)),
        ("SIGQUIT", &[], signal(Signal::QUIT), DiesBy(Signal::QUIT)),
        ("dismissal", &["--dismissable"], signal(Signal::USR1), cancelled()),
        ("a panic of whoever asks", &["--panicking"], signal(Signal::USR1), Panics),
    ]
}

/// Ways that need an empty line.
fn ways_when_empty() -> Vec<Way> {
    let cancelled = || Then::Prints("cancelled");
    vec![("Enter", &[], By::Typing(b"\n"), cancelled()), ("Ctrl-D", &[], By::Typing(b"\x04"), cancelled())]
}

fn check(question: &[&str], prompt: &str, hidden: bool, typed_before: &str, (name, flags, by, then): Way) {
    let name = format!("{name} at {prompt:?} after {typed_before:?}");
    let mut rig = Rig::ask(&[question, flags].concat());
    let pid = rig.pid();
    rig.expect(prompt);
    assert_eq!(rig.echoes(), !hidden, "{name}");
    rig.send(typed_before);
    if !hidden && !typed_before.is_empty() {
        rig.expect(typed_before);
    }
    match by {
        By::Typing(bytes) => rig.send(bytes),
        By::Signal(signal) => Rig::kill(pid, signal),
    }
    match then {
        Then::Prints(expected) => assert_eq!(rig.printed(), expected, "{name}"),
        Then::Answers => assert_eq!(rig.printed(), answered("alice", "hunter2"), "{name}"),
        Then::Panics => assert_eq!(rig.printed(), "cancelled", "{name}"),
        Then::DiesBy(_) => {}
    }
    let expected = match then {
        Then::DiesBy(signal) => format!("by {}", signal.as_raw()),
        Then::Panics => "with 101".to_owned(),
        Then::Prints(_) | Then::Answers => "with 0".to_owned(),
    };
    assert_eq!(rig.ended_cleanly(&name), expected, "{name}");
    canary::assert_silent(rig.screen());
}

const PASSWORD: [&str; 3] = ["password", "--username", "alice"];

#[test]
fn a_password_prompt_gives_the_terminal_back_however_it_ends_s8() {
    let answer: Way = ("answer", &[], By::Typing(b"hunter2\n"), Then::Answers);
    let carriage_return: Way = ("answer", &[], By::Typing(b"hunter2\r"), Then::Answers);
    for way in ways().into_iter().chain(ways_when_empty()).chain([answer, carriage_return]) {
        check(&PASSWORD, "Password: ", true, "", way);
    }
}

#[test]
fn a_half_typed_password_is_left_to_nobody_s8() {
    for way in ways() {
        check(&PASSWORD, "Password: ", true, "hunter2", way);
    }
}

#[test]
fn a_name_prompt_gives_the_terminal_back_however_it_ends_s8() {
    for way in ways() {
        check(&["password"], "Username: ", false, "ali", way);
    }
    for way in ways_when_empty() {
        check(&["password"], "Username: ", false, "", way);
    }
}

#[test]
fn a_menu_gives_the_terminal_back_however_it_ends_s8() {
    const CHOICE: &str = "Choose an authentication provider (or press Enter to cancel): ";
    let answer: Way = ("answer", &[], By::Typing(b"2\n"), Then::Prints("provider 1"));
    for way in ways().into_iter().chain(ways_when_empty()).chain([answer]) {
        check(&["provider", "toy", "pam"], CHOICE, false, "", way);
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_question_s8() {
    for (args, prompt) in [("password --username alice", "Password: "), ("password", "Username: ")] {
        let mut rig = Rig::leading_shell(&format!("exec $ask {args}"));
        rig.pid();
        rig.expect(prompt);
        rig.hang_up();
        // The terminal is seen to be gone just before the signal that says so, or after.
        let status = rig.leader_ended();
        assert!(status.success() || status.signal() == Some(Signal::HUP.as_raw()), "{status}");
    }
}

#[test]
fn a_terminal_that_goes_away_is_told_to_a_program_that_ignores_the_signal_s8() {
    for (args, prompt) in [("password --username alice", "Password: "), ("password", "Username: ")] {
        let mut rig = Rig::leading_shell(&format!("trap '' HUP; exec $ask {args}"));
        rig.pid();
        rig.expect(prompt);
        rig.hang_up();
        assert_eq!(rig.printed(), "cannot: HungUp");
        assert!(rig.leader_ended().success());
    }
}

#[test]
fn without_a_terminal_nobody_is_asked_s8() {
    for question in [&["password"][..], &["provider", "toy"]] {
        let printed = ask_without_terminal(question);
        assert!(printed.ends_with("\ncannot: NoTerminal\n"), "{printed}");
    }
}
