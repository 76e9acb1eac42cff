//! Questions whose asker gives something back before the program stops (S8).

use rustix::process::Signal;

use crate::rig::{Rig, answered};

/// A shell that brings its job back whenever a line is typed, after telling how the terminal is.
fn foreground(args: &str) -> String {
    format!(
        "$ask password {args}; \
         while [ -n \"$(jobs -s)\" ]; do echo shell >/dev/tty; read -r line; fg >/dev/null; done"
    )
}

#[test]
fn a_suspended_question_ends_before_the_stop_and_comes_again_s8() {
    let mut rig = Rig::shell(&foreground("--username alice --suspendable"));
    let pid = rig.pid();
    for round in 0..3 {
        rig.expect("Password: ");
        assert!(!rig.echoes(), "round {round}");
        rig.send("half");
        rig.send("\x1a");
        rig.expect("shell");
        rig.until_stopped(pid);
        rig.assert_as_before("stopped");
        assert_eq!(rig.printed(), "suspended");
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
}

#[test]
fn a_suspended_question_remembers_the_user_name() {
    let mut rig = Rig::shell(&foreground("--suspendable"));
    let pid = rig.pid();
    rig.expect("Username: ");
    rig.send("bo\x1a");
    rig.expect("shell");
    rig.until_stopped(pid);
    rig.send("\n");
    // Half a name is none.
    rig.expect("Username: ");
    rig.send("alice\n");
    rig.expect("Password: ");
    rig.send("\x1a");
    rig.expect("shell");
    rig.until_stopped(pid);
    rig.assert_as_before("stopped");
    rig.send("\n");
    rig.expect("Username: alice\r\nPassword: ");
    rig.send("hunter2\n");
    for _ in 0..2 {
        assert_eq!(rig.printed(), "suspended");
    }
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
}

#[test]
fn a_prompt_that_nobody_tells_to_stop_stops_all_the_same_s8() {
    let mut rig = Rig::shell(&foreground("--username alice --swallowing"));
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("\x1a");
    rig.expect("shell");
    rig.until_stopped(pid);
    rig.assert_as_before("stopped");
    assert_eq!(rig.printed(), "suspended");
    rig.send("\n");
    rig.expect("Password: ");
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
}

#[test]
fn a_suspended_job_can_be_terminated_s8() {
    let mut rig = Rig::shell(
        "$ask password --username alice --suspendable; kill -TERM %1; read -r line; wait %1; echo status $?",
    );
    let pid = rig.pid();
    rig.expect("Password: ");
    rig.send("\x1a");
    assert_eq!(rig.printed(), "suspended");
    rig.until_gone(pid);
    rig.send("\n");
    assert_eq!(rig.printed(), "status 143");
    rig.ended_cleanly("terminated after a stop");
}

#[test]
fn a_suspendable_background_job_waits_outside_of_its_question_s8() {
    let mut rig = Rig::shell("$ask password --username alice --suspendable & read -r line; fg >/dev/null");
    let pid = rig.pid();
    rig.until_stopped(pid);
    assert_eq!(rig.printed(), "suspended");
    assert_eq!(rig.screen(), "", "nothing is asked from the background");
    for _ in 0..5 {
        Rig::kill(pid, Signal::CONT);
        assert_eq!(rig.printed(), "suspended");
        rig.until_stopped(pid);
    }
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
fn a_suspendable_question_that_cannot_stop_has_no_terminal() {
    // Its parent has ended, so the system stops it no more.
    let orphan =
        "while kill -0 $parent 2>/dev/null; do :; done; exec $ask password --username alice --suspendable";
    let mut rig = Rig::shell(&format!("(export parent=$BASHPID; sh -c '{orphan}' &); read -r line"));
    rig.pid();
    assert_eq!(rig.printed(), "cannot: NoTerminal");
    rig.send("\n");
    rig.ended_cleanly("of nobody");
}
