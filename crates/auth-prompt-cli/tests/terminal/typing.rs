//! What is typed is what arrives, and nobody sees it.

use crate::rig::{Rig, answered};

#[test]
fn a_password_arrives_as_typed_and_is_not_seen_s8() {
    let long = "0123456789".repeat(1_000);
    let longest = "é".repeat(32_768);
    let cases = [
        ("plain", "hunter2".to_owned(), "hunter2"),
        ("spaces at both ends", "  hunter 2 ".to_owned(), "  hunter 2 "),
        ("not ASCII", "pässwörd 日本 🔑".to_owned(), "pässwörd 日本 🔑"),
        ("backspace", "hunter2x\x7fy3\x7f".to_owned(), "hunter2y"),
        ("backspace over a wide character", "hunter2日\x7f".to_owned(), "hunter2"),
        ("Ctrl-U", "wrong-one\x15hunter2".to_owned(), "hunter2"),
        ("the terminal's own key for words", "hunter2 wrong\x02\x7f".to_owned(), "hunter2"),
        ("arrows and bracketed paste", "\x1b[A\x1b[200~hunter2\x1b[201~\x1b[D".to_owned(), "hunter2"),
        ("10,000 characters", long.clone(), &long),
        ("as long as can be", longest.clone(), &longest),
    ];
    for (name, typed, expected) in &cases {
        let mut rig = Rig::ask(&["password", "--username", "alice"]);
        rig.pid();
        rig.expect("Password: ");
        rig.send(typed);
        rig.send("\r");
        assert_eq!(rig.printed(), answered("alice", expected), "{name}");
        rig.ended_cleanly(name);
        let screen = rig.screen();
        assert!(screen.ends_with("Username: alice\r\nPassword: \r\n"), "{name}: {screen:?}");
    }
}

#[test]
fn a_password_that_cannot_be_taken_whole_is_asked_again_and_not_cut() {
    let cases = [(vec![b'x'; 65_537], "longer than 65536 bytes"), (b"caf\xe9".to_vec(), "not UTF-8")];
    for (typed, why) in cases {
        let mut rig = Rig::ask(&["password", "--username", "alice"]);
        rig.pid();
        rig.expect("Password: ");
        rig.send(typed);
        rig.send("\n");
        rig.expect(why);
        rig.expect("Password: ");
        assert!(!rig.echoes());
        rig.send("hunter2\n");
        assert_eq!(rig.printed(), answered("alice", "hunter2"));
        rig.ended_cleanly(why);
    }
}

#[test]
fn a_key_that_means_nothing_rings_the_bell() {
    let mut rig = Rig::ask(&["password", "--username", "alice"]);
    rig.pid();
    rig.expect("Password: ");
    rig.send("hunter2\x0cx\x04");
    rig.expect("\x07");
    rig.send("y\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2xy"));
}

#[test]
fn what_was_typed_before_a_password_is_asked_for_is_no_password() {
    let mut rig = Rig::ask(&["password"]);
    rig.pid();
    rig.expect("Username: ");
    // An impatient Enter would cancel.
    rig.send("alice\n\nseen\n");
    rig.expect("Password: ");
    rig.send("hunter2\n");
    assert_eq!(rig.printed(), answered("alice", "hunter2"));
    rig.ended_cleanly("typed ahead");
}

#[test]
fn a_name_is_edited_by_the_terminal_and_trimmed() {
    let cases = [
        (" alice \n", "alice"),
        ("bob\x15alice\n", "alice"),
        ("alicex\x7f\n", "alice"),
        ("Ålice B\r", "Ålice B"),
        ("ali\x04ce\n", "alice"),
    ];
    for (typed, expected) in cases {
        let mut rig = Rig::ask(&["password"]);
        rig.pid();
        rig.expect("Username: ");
        rig.send(typed);
        rig.expect("Password: ");
        rig.send("hunter2\n");
        assert_eq!(rig.printed(), answered(expected, "hunter2"), "{typed:?}");
        rig.ended_cleanly(typed);
    }
}

#[test]
fn what_is_no_name_is_asked_again() {
    for typed in [&b"ali\x1b[Dce\n"[..], b"caf\xe9\n"] {
        let mut rig = Rig::ask(&["password"]);
        rig.pid();
        rig.expect("Username: ");
        rig.send(typed);
        rig.expect("That is not a name");
        rig.expect("Username: ");
        rig.send("alice\n");
        rig.expect("Password: ");
        rig.send("hunter2\n");
        assert_eq!(rig.printed(), answered("alice", "hunter2"));
    }
}

#[test]
fn a_stopped_output_does_not_hold_a_dismissal_up() {
    use rustix::process::Signal;
    let mut rig = Rig::ask(&["password", "--username", "alice", "--dismissable"]);
    let pid = rig.pid();
    rig.expect("Password: ");
    // Ctrl-S: the line end after the password waits.
    rig.send("\x13");
    rig.send("hunter2\n");
    Rig::kill(pid, Signal::USR1);
    assert_eq!(rig.printed(), "cancelled");
    assert_eq!(rig.ended(), "with 0");
    rig.assert_as_before("stopped output");
}
