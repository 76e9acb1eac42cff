//! The words around sites, ways to sign in, codes and pages.

use auth_core::shotgun::SignInMethod;
use auth_core::site::{Origin, Url, UrlError};
use auth_core::{
    BrowserQuestion, CodeQuestion, Foreign, KeyQuestion, MethodQuestion, Notice, PageQuestion,
    PasswordQuestion, SiteQuestion,
};

use super::*;

const EVIL: &str = "\u{1b}[2J\r\n";
const SHOWN: &str = r"\u{1b}[2J\u{d}\u{a}";

fn url(url: &str) -> Url {
    url.parse().unwrap()
}

fn origin() -> Origin {
    url("https://studio.example").origin().clone()
}

#[test]
fn a_name_is_suggested_in_brackets_and_one_way_to_sign_in_is_not_named() {
    let mut question = PasswordQuestion {
        origin: origin(),
        provider: Foreign::from(""),
        username: None,
        suggested: Some(Foreign::from(EVIL)),
        refused: false,
        left: 3,
    };
    assert_eq!(before_password(&question), "Signing in to https://studio.example\n");
    assert_eq!(username(&question), format!("Username [{SHOWN}]: "));
    question.suggested = None;
    assert_eq!(username(&question), "Username: ");
}

#[test]
fn several_recent_sites_are_listed_and_one_is_not_t1() {
    let sites = |names: &[&str]| names.iter().map(|name| Foreign::from(*name)).collect::<Vec<_>>();
    let list = format!("Recent sites:\n  a.example\n  {SHOWN}\n");
    let cases = [(sites(&[]), ""), (sites(&["a.example"]), ""), (sites(&["a.example", EVIL]), list.as_str())];
    for (recent, expected) in cases {
        let suggested = recent.first().cloned();
        let mut question = SiteQuestion { recent, suggested, refused: None };
        assert_eq!(before_site(&question), expected);
        let prompt = if question.suggested.is_some() { "Site [a.example]: " } else { "Site: " };
        assert_eq!(site(&question), prompt);
        question.refused = Some(UrlError::Port);
        assert_eq!(before_site(&question), "That cannot be used: not a port number.\n");
    }
}

#[test]
fn the_ways_to_sign_in_count_from_one() {
    let methods = vec![SignInMethod::AppSession, SignInMethod::Password];
    let mut question = MethodQuestion { origin: origin(), methods, suggested: 1 };
    let menu = "Signing in to https://studio.example\nWays to sign in:\n1 - your browser\n2 - username and password\n";
    assert_eq!(super::methods(&question), menu);
    assert_eq!(method(&question), "Method [2]: ");
    question.suggested = 2;
    assert_eq!(method(&question), "Method (or press Enter to cancel): ");
}

#[test]
fn a_code_and_a_browser_say_where_it_goes_on_t1_t5() {
    let mut question =
        CodeQuestion { origin: origin(), username: Foreign::from(EVIL), refused: false, left: 2 };
    let text = before_code(&question);
    assert!(text.starts_with(&format!("https://studio.example asks for the code of {SHOWN}:")), "{text}");
    question.refused = true;
    let refused = "Code not recognized. Retry, or press Enter to cancel. (2 attempts left)\n";
    assert_eq!(before_code(&question), refused);
    let key = KeyQuestion { origin: origin(), name: Foreign::from(EVIL) };
    assert_eq!(before_key(&key), format!("https://studio.example asks for the key of {SHOWN}.\n"));
    let question = BrowserQuestion { origin: origin(), username: Some(Foreign::from(EVIL)) };
    let text = before_browser(&question);
    assert!(text.starts_with(&format!("Signing in to https://studio.example as {SHOWN}\n")), "{text}");
}

#[test]
fn a_page_is_shown_whole_and_a_host_of_its_own_is_named_first_t1_t3() {
    let long = format!("https://studio.example/{}?key={}", "p".repeat(900), "q".repeat(900));
    let stranger = "The next page does not belong to https://studio.example, but to https://evil.example\n";
    let cases = [
        ("https://studio.example/app?id=1&b=%1b", String::new()),
        (&long, String::new()),
        ("https://evil.example/studio.example", stranger.to_owned()),
    ];
    for (page, first) in cases {
        let told = notice(&Notice::Page { page: url(page), origin: origin() });
        assert_eq!(told, format!("{first}Sign in on this page:\n{page}\n"));
    }
    let question = PageQuestion { origin: origin(), page: url("https://evil.example/studio.example?b=%1b") };
    let address = "https://evil.example/studio.example?b=%1b";
    let stranger = "https://studio.example sends you to a page of https://evil.example:\n";
    assert_eq!(
        before_page(&question),
        format!("{stranger}{address}\nGo there only if you know that address.\n")
    );
    let ended = Notice::Ended { origin: origin(), username: Foreign::from(EVIL) };
    assert_eq!(notice(&ended), format!("The session of {SHOWN} at https://studio.example has ended.\n"));
}
