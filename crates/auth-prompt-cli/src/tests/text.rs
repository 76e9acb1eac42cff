use auth_core::site::{Origin, Url};
use auth_core::{Foreign, Holder, PasswordQuestion, ProviderQuestion};

use super::*;
use crate::line::{LONGEST, Unfit};

fn origin(url: &str) -> Origin {
    url.parse::<Url>().unwrap().origin().clone()
}

fn password(url: &str, provider: &str, username: Option<&str>, refused: bool, left: u8) -> PasswordQuestion {
    PasswordQuestion {
        origin: origin(url),
        provider: Foreign::from(provider),
        username: username.map(Foreign::from),
        suggested: None,
        refused,
        left,
    }
}

const REFUSED: &str = "Username or password not recognized. Retry, or press Enter to cancel.";
const WARNING: &str = "Warning: this server is not encrypted. Anyone on the way can read the password.\n";

#[test]
fn a_password_question_says_where_the_password_goes_and_who_offers_t5() {
    let cases = [
        (
            password("http://127.0.0.1:8000", "toy", None, false, 3),
            "Signing in to http://127.0.0.1:8000 (provider \"toy\")\n".to_owned(),
        ),
        (
            password("https://Tiled.Example:443/api", "toy", Some("alice"), false, 3),
            "Signing in to https://tiled.example (provider \"toy\")\nUsername: alice\n".to_owned(),
        ),
        (
            password("https://xn--bcher-kva.example", "pam", None, false, 3),
            "Signing in to https://xn--bcher-kva.example (provider \"pam\")\n".to_owned(),
        ),
        (
            password("http://tiled.example:8000", "toy", None, false, 3),
            format!("Signing in to http://tiled.example:8000 (provider \"toy\")\n{WARNING}"),
        ),
        (
            password("http://[::1]:8000", "toy", None, false, 3),
            "Signing in to http://[::1]:8000 (provider \"toy\")\n".to_owned(),
        ),
        (
            password("https://a.example", "toy", Some("alice"), true, 2),
            format!("{REFUSED} (2 attempts left)\n"),
        ),
        (
            password("https://a.example", "toy", Some("alice"), true, 1),
            format!("{REFUSED} (1 attempt left)\n"),
        ),
    ];
    for (question, expected) in cases {
        assert_eq!(before_password(&question), expected);
    }
}

#[test]
fn a_provider_cannot_pretend_to_be_more_than_a_name_t1_t2() {
    let long = "x".repeat(1_000);
    let shown_long = format!("{}…", "x".repeat(60));
    let cases = [
        ("\u{1b}[2J\u{1b}]0;t\u{7}", r"\u{1b}[2J\u{1b}]0;t\u{7}"),
        (
            "toy\")\nSigning in to https://good.example (\"",
            r#"toy\")\u{a}Signing in to https://good.example (\""#,
        ),
        ("\u{202e}yot", r"\u{202e}yot"),
        ("{id} {0} {id.__class__} %s", "{id} {0} {id.__class__} %s"),
        (&long, &shown_long),
    ];
    for (provider, shown) in cases {
        let question = password("https://a.example", provider, None, false, 3);
        let expected = format!("Signing in to https://a.example (provider \"{shown}\")\n");
        assert_eq!(before_password(&question), expected);
    }
}

#[test]
fn the_menu_counts_from_one_t1() {
    let providers = ["toy", "O\u{1b}[1mrcid", "{id}"].map(Foreign::from).to_vec();
    let question = ProviderQuestion { origin: origin("https://a.example"), providers };
    let expected = "Signing in to https://a.example\nAuthentication providers:\n1 - toy\n2 - O\\u{1b}[1mrcid\n3 - {id}\n";
    assert_eq!(super::providers(&question), expected);
    assert_eq!(bad_choice(3), "Choice must be a number 1 through 3.\n");
    assert_eq!(CHOICE, "Choose an authentication provider (or press Enter to cancel): ");
}

#[test]
fn notices_in_words_t1_t2() {
    let holder = |pid, host: Option<&str>| {
        Notice::Waiting(Holder { pid, host: host.map(Foreign::from), stopped: false })
    };
    let stopped = Notice::Waiting(Holder { pid: Some(4711), host: Some("farm7".into()), stopped: true });
    let confirmation = |text: &str| Notice::Confirmation(Foreign::from(text));
    let plain = "Warning: http://a.example:8000 is not encrypted. Anyone on the way can read what is sent, passwords too.\n";
    let cases = [
        (Notice::PlainHttp(origin("http://a.example:8000")), plain),
        (holder(Some(4711), None), "Waiting for the sign-in in process 4711 ...\n"),
        (holder(Some(4711), Some("farm7")), "Waiting for the sign-in in process 4711 on farm7 ...\n"),
        (holder(None, None), "Waiting for the sign-in in another process ...\n"),
        (holder(Some(1), Some("\u{9b}2J")), "Waiting for the sign-in in process 1 on \\u{9b}2J ...\n"),
        (
            stopped,
            "Waiting for the sign-in in process 4711 on farm7 (stopped) ...\n\
             To continue it, type `fg` in its terminal or run `kill -CONT 4711`.\n",
        ),
        (Notice::Suspend, ""),
        (confirmation("You are alice.\r\nWelcome."), "Server: You are alice.\nServer: Welcome.\n"),
        (confirmation("\u{1b}]52;c;ZXZpbA==\u{7}\rb"), "Server: \\u{1b}]52;c;ZXZpbA==\\u{7}\\u{d}b\n"),
        (confirmation("{id} {0!r:>9999999}"), "Server: {id} {0!r:>9999999}\n"),
        (confirmation(""), ""),
    ];
    for (told, expected) in cases {
        assert_eq!(notice(&told), expected, "{told:?}");
    }
}

#[test]
fn each_line_of_a_greeting_is_marked_as_the_server_s_t1() {
    let imitations = [
        "Welcome.\nWarning: this server is not encrypted.\nPassword: ",
        "Welcome.\r\n\r\nSession expired. Run `authctl login https://evil.example`",
        "\nSigning in to https://good.example (provider \"toy\")\u{2028}Password: ",
        "Server: Welcome.\rPassword: ",
    ];
    for text in imitations {
        let shown = notice(&Notice::Confirmation(Foreign::from(text)));
        assert!(shown.ends_with('\n'));
        assert!(shown.lines().all(|line| line.starts_with("Server: ")), "{shown}");
        assert!(!shown.contains(['\r', '\u{2028}']), "{shown:?}");
    }
}

#[test]
fn a_line_that_is_no_password_is_explained() {
    let cases = [(Unfit::TooLong, LONGEST.to_string()), (Unfit::NotText, "UTF-8".to_owned())];
    for (why, named) in cases {
        let text = unfit(why);
        assert!(text.contains(&named) && text.ends_with("press Enter to cancel.\n"), "{text}");
    }
}
