//! Stopping, going on, and the background (S8).

use rustix::process::Signal;

use crate::rig::{Rig, answered};

/// A shell that brings its job back whenever a line is typed, after telling how the terminal is.
const FOREGROUND: &str = "$ask password --username alice; \
    while [ -n \"$(jobs -s)\" ]; do echo shell >/dev/tty; read -r line; fg >/dev/null; done";

#[test]
fn ctrl_z_stops_with_the_terminal_restored_and_fg_asks_again_s8() {
    let mut rig = Rig::shell(FOREGROUND);
    let pid = rig.pid();
    for round in 0..3 {
        rig.expect("Password: ");
        assert!(!rig.echoes(), "round {round}");
        rig.send("half");
        rig.send("\x1a");
        rig.expect("shell");
        rig.until_stopped(pid);
        rig.assert_as_before("stopped");
        rig.send("\n");
    }
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended();
    rig.assert_as_before("ended");
    let screen = rig.screen();
    assert_eq!(screen.matches("Password: ").count(), 4, "{screen}");
    assert!(!screen.contains("half"), "{screen}");
    canary::assert_silent(&screen);
}

#[test]
fn stopping_at_a_prompt_that_is_seen_asks_again_from_the_start_s8() {
    let mut rig = Rig::shell(&FOREGROUND.replace("--username alice", ""));
    let pid = rig.pid();
    rig.expect("Username: ");
    rig.send("bo\x1a");
    rig.expect("shell");
    rig.until_stopped(pid);
    rig.assert_as_before("stopped");
    rig.send("\n");
    rig.expect("Username: ");
    rig.send("alice\n");
    rig.expect("Password: ");
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
}

#[test]
fn sigtstp_and_sigcont_by_hand_do_the_same_s8() {
    // The shell in between does not look for stopped children, so nobody but the signals does anything.
    let mut rig = Rig::shell("sh -c '$ask password --username alice; true'; true");
    let pid = rig.pid();
    for round in 0..3 {
        rig.expect("Password: ");
        assert!(!rig.echoes(), "round {round}");
        rig.send("half");
        Rig::kill(pid, Signal::TSTP);
        rig.until_stopped(pid);
        assert!(rig.echoes(), "round {round}");
        rig.assert_as_before("stopped");
        Rig::kill(pid, Signal::CONT);
    }
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended_cleanly("by hand");
    let screen = rig.screen();
    assert_eq!(screen.matches("Password: \r\n").count(), 4, "{screen}");
}

#[test]
fn a_stop_before_the_prompt_is_written_does_not_make_the_password_visible_s8() {
    let mut rig = Rig::shell("sh -c '$ask password; true'; true");
    let pid = rig.pid();
    rig.expect("Username: ");
    // Ctrl-S: what asks for the password cannot be written.
    rig.send("\x13alice\n");
    rig.until("password mode", |rig| (!rig.echoes()).then_some(()));
    Rig::kill(pid, Signal::TSTP);
    rig.until_stopped(pid);
    rig.assert_as_before("stopped");
    Rig::kill(pid, Signal::CONT);
    rig.until("password mode", |rig| (!rig.echoes()).then_some(()));
    rig.send("\x11");
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended_cleanly("stopped output");
}

#[test]
fn after_a_stop_that_cannot_be_noticed_the_question_is_asked_again() {
    let mut rig = Rig::shell("sh -c '$ask password --username alice; true'; true");
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("half");
    Rig::kill(pid, Signal::STOP);
    rig.until_stopped(pid);
    Rig::kill(pid, Signal::CONT);
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended_cleanly("stopped unnoticed");
}

#[test]
fn a_terminated_job_dies_when_it_is_continued_s8() {
    let mut rig =
        Rig::shell("$ask password --username alice; kill -TERM %1; read -r line; wait %1; echo status $?");
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("\x1a");
    rig.until_gone(pid);
    rig.send("\n");
    assert_eq!(rig.printed(), "status 143");
    rig.ended_cleanly("terminated after a stop");
}

#[test]
fn a_background_job_waits_stopped_until_it_is_brought_forward_s8() {
    let mut rig = Rig::shell("$ask password --username alice & read -r line; fg >/dev/null");
    let pid = rig.pid();
    rig.until_stopped(pid);
    assert_eq!(rig.screen(), "", "nothing is asked from the background");
    // Continued without being brought forward, it stops again instead of spinning.
    let before = Rig::ticks(pid);
    for _ in 0..20 {
        Rig::kill(pid, Signal::CONT);
        rig.until_stopped(pid);
    }
    assert!(Rig::ticks(pid) - before < 20, "{} hundredths of a second", Rig::ticks(pid) - before);
    rig.assert_as_before("in the background");
    rig.send("\n");
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended();
    rig.assert_as_before("ended");
}

#[test]
fn a_background_job_can_be_terminated_s8() {
    let script =
        "$ask password --username alice & read -r line; kill -TERM %1; read -r line; wait %1; echo status $?";
    let mut rig = Rig::shell(script);
    let pid = rig.pid();
    rig.until_stopped(pid);
    rig.send("\n");
    rig.until_gone(pid);
    rig.send("\n");
    assert_eq!(rig.printed(), "status 143");
    rig.ended_cleanly("terminated in the background");
}

#[test]
fn a_background_job_that_nobody_could_bring_forward_is_told_that_it_has_no_terminal() {
    // Its parent has ended, so the system stops it no more.
    let orphan = "while kill -0 $parent 2>/dev/null; do :; done; exec $ask password --username alice";
    let mut rig = Rig::shell(&format!("(export parent=$BASHPID; sh -c '{orphan}' &); read -r line"));
    rig.pid();
    assert_eq!(rig.printed(), "cannot: NoTerminal");
    rig.send("\n");
    rig.ended_cleanly("of nobody");
}

/// The shell sees its child stop, though not what that child runs, and takes the terminal.
const TAKEN: &str =
    "sh -c 'echo $$; $ask password --username alice --waiting; true'; echo taken >/dev/tty; read -r line; ";

#[test]
fn a_terminal_that_another_job_takes_is_left_to_it_until_this_one_is_brought_forward_s8() {
    let mut rig = Rig::shell(&format!("{TAKEN} fg >/dev/null"));
    let shell = rig.number();
    rig.pid();
    rig.expect("Password: ");
    Rig::kill(shell, Signal::STOP);
    rig.expect("taken");
    // Both are woken, and only the other job reads.
    rig.send("theirs\n");
    rig.expect("Password: ");
    assert!(!rig.echoes());
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    assert_eq!(rig.printed(), "waiting");
    rig.assert_as_before("brought forward");
}

#[test]
fn a_question_whose_terminal_another_job_has_taken_can_be_terminated_s8() {
    let mut rig = Rig::shell(TAKEN);
    let shell = rig.number();
    let pid = rig.pid();
    rig.expect("Password: ");
    Rig::kill(shell, Signal::STOP);
    rig.expect("taken");
    Rig::kill(pid, Signal::TERM);
    rig.until("end", |_| Rig::is_dead(pid).then_some(()));
}
