//! What signals do besides ending questions.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::rig::{Rig, answered};

const QUESTION: [&str; 3] = ["password", "--username", "alice"];

fn answer(rig: &mut Rig) {
    rig.expect("Password: ");
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
}

#[test]
fn after_a_question_signals_end_the_program_as_before() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut rig = Rig::ask(&[&QUESTION[..], &["--waiting"]].concat());
        let pid = rig.pid();
        answer(&mut rig);
        assert_eq!(rig.printed(), "waiting");
        Rig::kill(pid, signal);
        assert_eq!(rig.ended_cleanly("after a question"), format!("by {}", signal.as_raw()));
    }
}

#[test]
fn after_a_question_a_job_stops_and_goes_on_as_before() {
    let mut rig =
        Rig::shell("$ask password --username alice --waiting; echo shell; read -r line; fg >/dev/null");
    let pid = rig.pid();
    answer(&mut rig);
    assert_eq!(rig.printed(), "waiting");
    rig.send("\x1a");
    assert_eq!(rig.printed(), "shell");
    rig.until_stopped(pid);
    rig.send("\n");
    rig.until("going on", |_| (!Rig::is_stopped(pid)).then_some(()));
    rig.send("\x03");
    // The shell, which tells that its job ended by SIGINT.
    assert_eq!(rig.ended(), "with 130");
    rig.assert_as_before("ended");
}

#[test]
fn a_job_that_nobody_could_continue_does_not_stop_s8() {
    let mut rig = Rig::leading_shell("exec $ask password --username alice --waiting");
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("half\x1a");
    // Asked anew, and not stopped: there is no shell to bring it back.
    answer(&mut rig);
    assert_eq!(rig.printed(), "waiting");
    Rig::kill(pid, Signal::TSTP);
    Rig::kill(pid, Signal::TERM);
    assert_eq!(rig.leader_ended().signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn a_question_after_a_question_is_interrupted_like_the_first() {
    let mut rig = Rig::ask(&[&QUESTION[..], &["--times", "4"]].concat());
    rig.pid();
    for typed in ["\x03", "hunter2\n", "\x03", "hunter2\n"] {
        rig.expect("Password: ");
        assert!(!rig.echoes());
        rig.send(typed);
        let expected = if typed == "\x03" { "cancelled".to_owned() } else { answered("alice", "hunter2") };
        assert_eq!(rig.printed(), expected);
    }
    rig.ended_cleanly("four questions");
}

#[test]
fn questions_leave_no_descriptors_behind() {
    let open_after = |times: &str| {
        let mut rig = Rig::ask(&[&QUESTION[..], &["--waiting", "--times", times]].concat());
        let pid = rig.pid();
        for _ in 0..times.parse().unwrap() {
            answer(&mut rig);
        }
        assert_eq!(rig.printed(), "waiting");
        Rig::descriptors(pid)
    };
    assert_eq!(open_after("1"), open_after("5"));
}

#[test]
fn a_programs_own_handler_is_called_and_the_question_cancelled() {
    let mut rig = Rig::ask(&[&QUESTION[..], &["--handling-term"]].concat());
    let pid = rig.pid();
    rig.expect("Password: ");
    Rig::kill(pid, Signal::TERM);
    assert_eq!(rig.printed(), "cancelled");
    assert_eq!(rig.printed(), "SIGTERM came: true");
    assert_eq!(rig.ended_cleanly("own handler"), "with 0");
}

#[test]
fn a_handler_installed_after_a_question_is_announced_and_then_alone() {
    let mut rig = Rig::ask(&[&QUESTION[..], &["--handling-later"]].concat());
    let pid = rig.pid();
    answer(&mut rig);
    assert_eq!(rig.printed(), "waiting");
    Rig::kill(pid, Signal::TERM);
    assert_eq!(rig.printed(), "handled");
    assert_eq!(rig.ended_cleanly("handled later"), "with 0");
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let mut rig = Rig::plain_shell("trap '' INT HUP TSTP; exec $ask password --username alice");
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("hun");
    rig.send("\x03");
    Rig::kill(pid, Signal::HUP);
    Rig::kill(pid, Signal::TSTP);
    answer_rest(&mut rig);
    rig.ended_cleanly("ignored");
}

fn answer_rest(rig: &mut Rig) {
    rig.send("\x15hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
}
