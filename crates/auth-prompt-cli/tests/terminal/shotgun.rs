//! What a person sees who signs in to a Shotgun site: one question after the other.

use rustix::process::Signal;

use crate::dialogue::screen_of;
use crate::rig::Rig;

const METHODS: [&str; 3] = ["method", "app-session", "password"];
const MENU: &str =
    "Signing in to http://127.0.0.1:8000\nWays to sign in:\n1 - your browser\n2 - username and password\n";

const BAD: &str = "Choice must be a number 1 through 2.";

#[test]
fn a_site_is_typed_or_the_suggested_one_taken() {
    let screen = screen_of(&["site"], &[("Site: ", " studio.example \n")], "site studio.example");
    assert_eq!(screen, "Site:  studio.example \n");
    let recent = ["site", "https://one.example", "https://two.example", "--suggested", "https://two.example"];
    let screen = screen_of(&recent, &[("]: ", "\n")], "site https://two.example");
    let shown = "Recent sites:\n  https://one.example\n  https://two.example\nSite [https://two.example]: \n";
    assert_eq!(screen, shown);
    let screen = screen_of(&["site", "--refused", "1"], &[("Site: ", "a.example\n")], "site a.example");
    let why = "That cannot be used: only http:// and https:// addresses are used.\n";
    assert_eq!(screen, format!("{why}Site: a.example\n"));
    screen_of(&["site"], &[("Site: ", "\n")], "cancelled");
}

#[test]
fn a_method_is_chosen_or_the_suggested_one_taken() {
    let suggested = [&METHODS[..], &["--suggested", "1"]].concat();
    let screen = screen_of(&suggested, &[("Method [2]: ", "\n")], "method 1");
    assert_eq!(screen, format!("{MENU}Method [2]: \n"));
    screen_of(&suggested, &[("Method [2]: ", "1\n")], "method 0");
    let steps =
        [("Method [2]: ", "3\n"), (BAD, ""), ("Method [2]: ", "web\n"), (BAD, ""), ("Method [2]: ", " 2\n")];
    screen_of(&suggested, &steps, "method 1");
    let screen = screen_of(&METHODS, &[("cancel): ", "\n")], "cancelled");
    assert_eq!(screen, format!("{MENU}Method (or press Enter to cancel): \n"));
}

#[test]
fn a_code_is_seen_while_it_is_typed_and_asked_for_again() {
    let args = ["code", "--username", "ada"];
    let screen = screen_of(&args, &[("cancel): ", " 271828 \n")], "a code of 6 bytes");
    let asks = "http://127.0.0.1:8000 asks for the code of ada: of an authenticator app, or a backup code.\n";
    assert_eq!(screen, format!("{asks}Code (or press Enter to cancel):  271828 \n"));
    let screen = screen_of(&["code", "--refused", "2"], &[("cancel): ", "\n")], "cancelled");
    let again = "Code not recognized. Retry, or press Enter to cancel. (2 attempts left)\n";
    assert_eq!(screen, format!("{again}Code (or press Enter to cancel): \n"));
}

#[test]
fn a_key_is_not_seen_while_it_is_typed_and_nothing_is_a_cancel_s3() {
    let args = ["key", "--username", "robot"];
    let asks = "http://127.0.0.1:8000 asks for the key of robot.\nKey (or press Enter to cancel): \n";
    for (typed, printed) in [("a key\n", "a key of 5 bytes"), ("\n", "cancelled")] {
        assert_eq!(screen_of(&args, &[("cancel): ", typed)], printed), asks);
    }
}

#[test]
fn a_browser_is_gone_to_by_enter_alone() {
    let screen = screen_of(&["browser", "--username", "ada"], &[("cancel: ", "\n")], "goes on");
    let words = "This goes on in a browser, on a page of that site: it opens, or its address is shown.\n";
    let header = "Signing in to http://127.0.0.1:8000 as ada\n";
    assert_eq!(screen, format!("{header}{words}Press Enter to go on, or Ctrl-C to cancel: \n"));
}

#[test]
fn a_page_of_another_origin_is_agreed_to_by_enter_alone_t3() {
    let screen = screen_of(&["page", "https://pages.example/p?q=1"], &[("cancel: ", "\n")], "goes on");
    let words = "http://127.0.0.1:8000 sends you to a page of https://pages.example:\n\
                 https://pages.example/p?q=1\nGo there only if you know that address.\n";
    assert_eq!(screen, format!("{words}Press Enter to go on, or Ctrl-C to cancel: \n"));
}

#[test]
fn every_question_is_cancelled_by_ctrl_c_ctrl_d_and_a_dismissal() {
    let questions: [(&[&str], &str); 5] = [
        (&["site"], "Site: "),
        (&METHODS, "cancel): "),
        (&["code"], "cancel): "),
        (&["browser"], "cancel: "),
        (&["page", "https://pages.example/p"], "cancel: "),
    ];
    for (question, prompt) in questions {
        for key in ["\u{3}", "\u{4}"] {
            let mut rig = Rig::ask(question);
            rig.pid();
            rig.expect(prompt);
            assert!(rig.echoes(), "{question:?}");
            rig.send(key);
            assert_eq!(rig.printed(), "cancelled", "{question:?} {key:?}");
            rig.ended_cleanly("a key");
        }
        let mut rig = Rig::ask(&[question, &["--dismissable"]].concat());
        let pid = rig.pid();
        rig.expect(prompt);
        Rig::kill(pid, Signal::USR1);
        assert_eq!(rig.printed(), "cancelled", "{question:?}");
        rig.ended_cleanly("a dismissal");
    }
}

#[test]
fn strangers_text_in_them_arrives_as_text_t1_t2() {
    // `ended_cleanly` sees to it that no escape character came out.
    let name = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}";
    let shown = r"\u{1b}]0;title\u{7}\u{9b}2J\u{202e}";
    let recent = ["site", name, "https://two.example", "--suggested", name];
    let screen = screen_of(&recent, &[("]: ", "x.example\n")], "site x.example");
    assert!(
        screen.contains(&format!("  {shown}\n")) && screen.contains(&format!("Site [{shown}]: ")),
        "{screen}"
    );
    for kind in ["code", "key", "browser"] {
        let screen = screen_of(&[kind, "--username", name], &[("cancel", "\u{3}")], "cancelled");
        assert!(screen.contains(shown), "{screen}");
    }
}
