//! What a person sees.

use crate::rig::{Rig, answered, told};

pub(crate) fn screen_of(args: &[&str], steps: &[(&str, &str)], printed: &str) -> String {
    let mut rig = Rig::ask(args);
    rig.pid();
    for (prompt, answer) in steps {
        rig.expect(prompt);
        rig.send(answer);
    }
    assert_eq!(rig.printed(), printed);
    rig.ended_cleanly("dialogue");
    rig.screen().replace("\r\n", "\n")
}

#[test]
fn signing_in_as_it_looks_t5() {
    let steps = [("Username: ", "alice\n"), ("Password: ", "hunter2\n")];
    let screen = screen_of(&["password"], &steps, &answered("alice", "hunter2"));
    let expected = "Signing in to http://127.0.0.1:8000 (provider \"toy\")\nUsername: alice\nPassword: \n";
    assert_eq!(screen, expected);
}

#[test]
fn signing_in_without_encryption_is_warned_of_t5() {
    let args = ["password", "--username", "alice", "--origin", "http://Tiled.Example:8000/api"];
    let screen = screen_of(&args, &[("Password: ", "\n")], "cancelled");
    let warning = "Warning: this server is not encrypted. Anyone on the way can read the password.";
    let expected = format!(
        "Signing in to http://tiled.example:8000 (provider \"toy\")\n{warning}\nUsername: alice\nPassword: \n"
    );
    assert_eq!(screen, expected);
}

#[test]
fn a_second_attempt_asks_for_the_password_only() {
    let args = ["password", "--username", "alice", "--refused", "2"];
    let screen = screen_of(&args, &[("Password: ", "hunter2\n")], &answered("alice", "hunter2"));
    let expected = "Username or password not recognized. Retry, or press Enter to cancel. (2 attempts left)\nPassword: \n";
    assert_eq!(screen, expected);
}

#[test]
fn a_menu_asks_again_until_it_is_answered() {
    const CHOICE: &str = "Choose an authentication provider (or press Enter to cancel): ";
    const BAD: &str = "Choice must be a number 1 through 3.";
    let wrong = ["0", "4", "-1", "1.5", "toy", "1 2", "99999999999999999999999"];
    let steps: Vec<_> = wrong.iter().chain(&[" 3 "]).map(|typed| (CHOICE, format!("{typed}\n"))).collect();
    let steps: Vec<_> = steps.iter().map(|(prompt, typed)| (*prompt, typed.as_str())).collect();
    let screen = screen_of(&["provider", "toy", "pam", "orcid"], &steps, "provider 2");
    let menu =
        "Signing in to http://127.0.0.1:8000\nAuthentication providers:\n1 - toy\n2 - pam\n3 - orcid\n";
    let refusals = wrong.map(|typed| format!("{CHOICE}{typed}\n{BAD}\n")).concat();
    let expected = format!("{menu}{refusals}{CHOICE} 3 \n");
    assert_eq!(screen, expected);
}

#[test]
fn strangers_text_arrives_as_text_t1_t2() {
    // `ended_cleanly` sees to it that no escape character came out.
    let name = "\u{1b}]0;title\u{7}\u{9b}2J{id} {0}\u{202e}";
    let shown = r"\u{1b}]0;title\u{7}\u{9b}2J{id} {0}\u{202e}";
    let screen =
        screen_of(&["password", "--called", name, "--username", name], &[("Password: ", "\n")], "cancelled");
    let header = format!("Signing in to http://127.0.0.1:8000 (provider \"{shown}\")\nUsername: {shown}\n");
    assert_eq!(screen, format!("{header}Password: \n"));
    let screen = screen_of(&["provider", name, "pam"], &[("cancel): ", "\n")], "cancelled");
    assert!(screen.contains(&format!("1 - {shown}\n2 - pam\n")), "{screen}");
    assert_eq!(
        told(&["confirmation", &format!("Hello {name}\nbye")]),
        format!("Server: Hello {shown}\nServer: bye\n")
    );
}

#[test]
fn questions_of_several_threads_are_asked_one_after_another() {
    let mut rig = Rig::ask(&["password", "--username", "alice", "--times", "3", "--at-once"]);
    rig.pid();
    for round in ["one", "two", "three"] {
        rig.expect("Signing in to");
        rig.expect("Password: ");
        rig.send(format!("{round}\n"));
        assert_eq!(rig.printed(), answered("alice", round));
    }
    rig.ended_cleanly("at once");
    let screen = rig.screen();
    assert_eq!(screen.matches("Password: \r\n").count(), 3, "{screen}");
}

#[test]
fn a_dismissal_reaches_those_who_wait_for_their_turn() {
    use rustix::process::Signal;
    let mut rig =
        Rig::ask(&["password", "--username", "alice", "--times", "3", "--at-once", "--dismissable"]);
    let pid = rig.pid();
    rig.expect("Password: ");
    Rig::kill(pid, Signal::USR1);
    for _ in 0..3 {
        assert_eq!(rig.printed(), "cancelled");
    }
    rig.ended_cleanly("dismissed in turn");
}
