use super::*;
use crate::flow::script::*;
use crate::flow::{ASK_DEADLINE, Flow as _};
use crate::time::Timestamp;
use crate::wire::{Body, Method, Request, TOKEN_BUDGET};

const TOKEN: &str = "/api/v1/auth/provider/toy/token";
const WRONG: &str = r#"{"detail":"Incorrect username or password"}"#;

fn flow(username: Option<&str>) -> Password {
    Password::new(at(TOKEN), Foreign::from("toy"), username.map(Foreign::from))
}

fn question(username: Option<&str>, refused: bool, left: u8) -> Expected {
    ask(Question::Password(PasswordQuestion {
        origin: at(TOKEN).origin().clone(),
        provider: Foreign::from("toy"),
        username: username.map(Foreign::from),
        suggested: None,
        refused,
        left,
    }))
}

/// The whole request, written out, with the password that is called so.
fn present(username: &str, password: &str) -> Expected {
    present_written(username, secret(password).expose())
}

fn present_written(username: &str, password: &str) -> Expected {
    let body = format!("grant_type=password&username={username}&password={password}");
    send(Request {
        method: Method::Post,
        url: at(TOKEN),
        authorization: None,
        body: Some(Body::Form(Secret::from(body))),
        budget: TOKEN_BUDGET,
    })
}

fn given(password: &str) -> Password {
    flow(Some("alice")).given(Some(secret(password)))
}

fn rejected(words: &str) -> Error {
    Error::Rejected(Foreign::from(words))
}

#[test]
fn a_person_has_three_answers_and_the_name_is_settled_by_the_first() {
    let turns = [
        (question(None, false, 3), password("alice", "one")),
        (present("alice", "one"), reply(401, WRONG)),
        (question(Some("alice"), true, 2), password("mallory", "two")),
        (present("alice", "two"), reply(401, WRONG)),
        (question(Some("alice"), true, 1), password("alice", "three")),
        (present("alice", "three"), tokens("a", 900)),
    ];
    let granted = run(flow(None), turns).unwrap();
    assert_eq!(granted.warnings, []);
    let session = granted.value.session;
    assert_eq!(session.tokens.access, Some(secret("a")));
    assert_eq!(session.tokens.refresh, Some(secret("r-a")));
    assert_eq!(session.facts.expires, Some(Timestamp(WALL + 900)));
}

#[test]
fn three_wrong_answers_are_the_end_in_the_server_s_own_words() {
    let wrong = |words: &str| reply(401, &format!(r#"{{"detail":"{words}"}}"#));
    let turns = [
        (question(None, false, 3), password("alice", "one")),
        (present("alice", "one"), wrong("no")),
        (question(Some("alice"), true, 2), password("alice", "two")),
        (present("alice", "two"), wrong("no, no")),
        (question(Some("alice"), true, 1), password("alice", "three")),
        (present("alice", "three"), wrong("go away")),
    ];
    assert_eq!(run(flow(None), turns), Err(rejected("go away")));
}

#[test]
fn a_settled_name_is_not_asked_for() {
    let turns = [
        (question(Some("alice"), false, 3), password("mallory", "one")),
        (present("alice", "one"), tokens("a", 900)),
    ];
    assert!(run(flow(Some("alice")), turns).is_ok());
}

#[test]
fn what_is_typed_is_sent_as_it_is_and_encoded() {
    let turns = [
        (question(None, false, 3), typed(" al ice", Secret::from("p&w=é "))),
        (present_written("+al+ice", "p%26w%3D%C3%A9+"), tokens("a", 900)),
    ];
    assert!(run(flow(None), turns).is_ok());
}

#[test]
fn nothing_empty_is_sent() {
    let cases = [("alice", ""), ("", "secret"), ("", "")];
    for (username, password) in cases {
        let turns = [(question(None, false, 3), typed(username, Secret::from(password)))];
        assert_eq!(run(flow(None), turns), Err(Error::Cancelled), "{username:?} {password:?}");
    }
    // On a retry too.
    let turns = [
        (question(None, false, 3), password("alice", "one")),
        (present("alice", "one"), reply(401, WRONG)),
        (question(Some("alice"), true, 2), typed("alice", Secret::default())),
    ];
    assert_eq!(run(flow(None), turns), Err(Error::Cancelled));
    let nothing_given = flow(Some("alice")).given(Some(Secret::default()));
    assert_eq!(run(nothing_given, []), Err(Error::Cancelled));
}

#[test]
fn a_given_password_is_presented_once_and_nobody_is_asked() {
    let turns = [(present("alice", "pw"), tokens("a", 900))];
    assert!(run(given("pw"), turns).is_ok());
    let turns = [(present("alice", "pw"), reply(401, WRONG))];
    assert_eq!(run(given("pw"), turns), Err(rejected("Incorrect username or password")));
}

#[test]
fn a_given_password_without_a_name_is_nobody_s() {
    let turns = [
        (question(None, false, 3), password("alice", "other")),
        (present("alice", "other"), tokens("a", 900)),
    ];
    assert!(run(flow(None).given(Some(secret("pw"))), turns).is_ok());
}

#[test]
fn a_question_without_an_answer_ends_with_why() {
    let cannot = |reason| (Event::PromptFailed(PromptFault::Cannot(reason)), Error::CannotPrompt(reason));
    let cases = [
        (Event::PromptFailed(PromptFault::Cancelled), Error::Cancelled),
        (Event::Cancel, Error::Cancelled),
        cannot(CannotPrompt::NoTerminal),
        cannot(CannotPrompt::HungUp),
        cannot(CannotPrompt::NotAllowed),
        (Event::TimedOut, Error::CannotPrompt(CannotPrompt::Unanswered)),
    ];
    for (event, error) in cases {
        let turns = [(question(None, false, 3), event.clone())];
        assert_eq!(run(flow(None), turns), Err(error), "{event:?}");
    }
}

#[test]
fn a_person_has_ten_minutes_and_a_token_endpoint_ten_seconds() {
    let talk = Talk::start(flow(None));
    assert_eq!(ASK_DEADLINE, secs(600));
    assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(600))));
    let talk = talk.turn((question(None, false, 3), password("alice", "pw")));
    assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(10))));
    assert_eq!(talk.refuses(Event::TimedOut), Some(Misuse::TooEarly));
}

#[test]
fn an_answer_to_another_question_changes_nothing() {
    let talk = Talk::start(flow(None));
    let before = talk.flow.clone();
    assert_eq!(talk.refuses(Event::Answer(Answer::Provider(0))), Some(Misuse::BadAnswer));
    assert_eq!(talk.flow, before);
}

#[test]
fn every_other_answer_of_the_endpoint_ends_it_and_nothing_more_is_sent_n8() {
    let invalid = r#"{"detail":[{"msg":"Field required"},{"msg":"too short"}]}"#;
    let redirected = |to: &str| Error::from(Trouble::Redirected { to: Foreign::from(to) });
    let unreadable = || Error::from(Trouble::Unreadable);
    let lost = |fault| (unreachable(fault), Error::from(Trouble::Unreachable(fault)));
    let cases = [
        (reply(422, invalid), rejected("Field required; too short")),
        (reply(400, r#"{"error":"unauthorized_client"}"#), rejected("unauthorized_client")),
        (reply(403, ""), rejected("")),
        (reply(404, "Not Found"), rejected("")),
        (reply(429, ""), status(429, "")),
        (reply(500, ""), status(500, "")),
        (reply(502, ""), status(502, "")),
        (reply(503, r#"{"detail":"busy"}"#), status(503, "busy")),
        (reply(200, "<html>"), unreadable()),
        (reply(200, "{}"), unreadable()),
        (reply(204, ""), unreadable()),
        (redirect(307, "/other?x=canary"), redirected("/other")),
        (redirect(308, "https://evil.example/#a"), redirected("https://evil.example/")),
        (redirect(301, "http://127.0.0.1:8000/api/v1/"), redirected("http://127.0.0.1:8000/api/v1/")),
        lost(TransportFault::Connect),
        lost(TransportFault::Closed),
        (Event::TimedOut, timed_out()),
        (Event::Cancel, Error::Cancelled),
    ];
    for (event, error) in cases {
        let asked =
            [(question(None, false, 3), password("alice", "pw")), (present("alice", "pw"), event.clone())];
        assert_eq!(run(flow(None), asked), Err(error.clone()), "{event:?}");
        assert_eq!(run(given("pw"), [(present("alice", "pw"), event.clone())]), Err(error), "{event:?}");
    }
}

#[test]
fn no_redirect_takes_a_password_anywhere_n2() {
    for status in [301, 302, 303, 307, 308] {
        for to in ["https://evil.example/", "/token", "http://127.0.0.1:8000/api/v1/auth/provider/toy/token"]
        {
            let end = run(given("pw"), [(present("alice", "pw"), redirect(status, to))]);
            assert_eq!(end, Err(Trouble::Redirected { to: Foreign::from(to) }.into()), "{status} {to}");
        }
    }
}
