#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::error::TransportFault;
use crate::flow::script::*;
use crate::foreign::Foreign;
use crate::session::{Identity, Links};
use crate::wire::{Authorization, Request};

const ALICE: &str = r#"{"uuid":"9f0a-1","type":"user","identities":[{"id":"alice","provider":"toy"}],
    "roles":[{"name":"user"}]}"#;
const PATH: &str = "/api/v1/auth/whoami";

fn flow() -> Whoami {
    Whoami::new(uri(), seed())
}

fn good() -> Session {
    session("good", 600)
}

fn alice() -> Principal {
    Principal {
        uuid: Foreign::from("9f0a-1"),
        kind: Foreign::from("user"),
        identities: vec![Identity { id: Foreign::from("alice"), provider: Foreign::from("toy") }],
        roles: vec![Foreign::from("user")],
        sessions: Vec::new(),
    }
}

fn answer(principal: Result<Principal, Error>, session: Session) -> Result<Outcome<WhoamiAnswer>, Error> {
    Ok(Outcome::clean(WhoamiAnswer { principal, session }))
}

/// A session that is over, and its renewal up to the end.
fn renewed_first() -> Vec<Turn> {
    let (old, new) = (session("old", -5), renewed("new", 900));
    vec![
        (load(), found(&old)),
        (try_lock(), opened()),
        (load(), found(&old)),
        (intent("old"), Event::Applied),
        (redeem("old"), tokens("new", 900)),
        (save_redeemed(&new, "old"), Event::Applied),
        unlock(),
    ]
}

#[test]
fn a_good_session_is_asked_with_as_it_is() {
    let turns = [(load(), found(&good())), (get_with(PATH, "good"), reply(200, ALICE))];
    assert_eq!(run(flow(), turns), answer(Ok(alice()), good()));
}

#[test]
fn an_api_key_is_asked_with_and_nothing_is_looked_up() {
    let with_key = || Whoami::with_key(uri(), secret("key"), seed()).allow_http(true);
    let shown = || send(Request::get(at(PATH)).authorized(Authorization::ApiKey(secret("key"))));
    let cases = [
        (200, ALICE, Ok(alice())),
        (401, r#"{"detail":"Invalid API key"}"#, Err(Error::Rejected("Invalid API key".into()))),
        (404, "", Err(Policy::ApiKeyOnly.into())),
    ];
    for (code, body, principal) in cases {
        assert_eq!(
            run(with_key(), [(shown(), reply(code, body))]),
            answer(principal, Session::default()),
            "{code}"
        );
    }
    let exposed: TiledUri = "http://tiled.example".parse().unwrap();
    let refused = Whoami::with_key(exposed.clone(), secret("key"), seed());
    assert_eq!(run(refused, []), Err(Policy::PlainHttp(exposed.origin().clone()).into()));
}

#[test]
fn the_link_learnt_is_asked() {
    let mut linked = good();
    linked.links = Links { whoami: Some("/me".to_owned()), ..linked.links };
    let turns = [(load(), found(&linked)), (get_with("/me", "good"), reply(200, ALICE))];
    assert_eq!(run(flow(), turns), answer(Ok(alice()), linked));
}

#[test]
fn a_session_that_is_over_is_renewed_first_and_given_back() {
    let turns = with(renewed_first(), [(get_with(PATH, "new"), reply(200, ALICE))]);
    assert_eq!(run(flow(), turns), answer(Ok(alice()), renewed("new", 900)));
}

#[test]
fn a_session_that_the_server_refuses_is_renewed_and_asked_with_again_h16() {
    let new = renewed("new", 900);
    let turns = [
        (load(), found(&good())),
        (get_with(PATH, "good"), reply(401, "")),
        (load(), found(&good())),
        (try_lock(), opened()),
        (load(), found(&good())),
        (intent("good"), Event::Applied),
        (redeem("good"), tokens("new", 900)),
        (save_redeemed(&new, "good"), Event::Applied),
        unlock(),
        (get_with(PATH, "new"), reply(200, ALICE)),
    ];
    assert_eq!(run(flow(), turns), answer(Ok(alice()), new));
}

#[test]
fn an_answer_that_names_nobody_is_said_to() {
    let not_enough = r#"{"detail":"Not enough permissions. Requires scopes ['x']."}"#;
    let words = Foreign::from("Not enough permissions. Requires scopes ['x'].");
    let cases = [
        (200, "null", Trouble::Unreadable.into()),
        (200, "{}", Trouble::Unreadable.into()),
        (200, "<html>", Trouble::Unreadable.into()),
        (204, "", Trouble::Unreadable.into()),
        (401, not_enough, Error::Rejected(words)),
        (403, "", Error::Rejected(Foreign::default())),
        (404, r#"{"detail":"Not Found"}"#, status(404, "Not Found")),
        (500, "", status(500, "")),
    ];
    for (status, body, error) in cases {
        let turns = [(load(), found(&good())), (get_with(PATH, "good"), reply(status, body))];
        assert_eq!(run(flow(), turns), answer(Err(error), good()), "{status} {body}");
    }
    let redirected = Trouble::Redirected { to: Foreign::from("https://evil.example/") };
    let turns =
        [(load(), found(&good())), (get_with(PATH, "good"), redirect(302, "https://evil.example/?a"))];
    assert_eq!(run(flow(), turns), answer(Err(redirected.into()), good()));
}

#[test]
fn without_a_usable_session_nothing_is_asked() {
    assert_eq!(run(flow(), [(load(), nothing())]), Err(Error::NotSignedIn));
    assert_eq!(run(flow(), [(load(), Event::StoreFailed(full()))]), Err(full().into()));
    assert_eq!(run(flow(), [(load(), Event::Cancel)]), Err(Error::Cancelled));
}

#[test]
fn a_failure_is_an_error_unless_there_is_a_new_session_to_keep() {
    let refused = TransportFault::Connect;
    let cases = [
        (unreachable(refused), Trouble::Unreachable(refused).into()),
        (Event::TimedOut, timed_out()),
        (Event::Cancel, Error::Cancelled),
    ];
    for (event, error) in cases {
        let error: Error = error;
        let turns = [(load(), found(&good())), (get_with(PATH, "good"), event.clone())];
        assert_eq!(run(flow(), turns), Err(error.clone()), "{event:?}");
        let turns = with(renewed_first(), [(get_with(PATH, "new"), event.clone())]);
        assert_eq!(run(flow(), turns), answer(Err(error), renewed("new", 900)), "{event:?}");
    }
}

#[test]
fn a_session_that_could_not_be_renewed_is_asked_with_and_the_warning_kept_h17() {
    let closing = session("old", 30);
    let turns = [
        (load(), found(&closing)),
        (try_lock(), opened()),
        (load(), found(&closing)),
        (intent("old"), Event::Applied),
        (redeem("old"), reply(503, "")),
        unlock(),
        (get_with(PATH, "old"), reply(200, ALICE)),
    ];
    let value = WhoamiAnswer { principal: Ok(alice()), session: closing };
    let warnings = vec![Warning::NotRenewed(status(503, ""))];
    assert_eq!(run(flow(), turns), Ok(Outcome { value, warnings }));
}

#[test]
fn a_refresh_token_that_may_have_been_sent_is_not_sent_again_when_the_old_token_is_refused_h17() {
    let closing = session("old", 30);
    let lost = unreachable(TransportFault::Closed);
    let unclear =
        [(reply(503, ""), status(503, "")), (lost, Trouble::Unreachable(TransportFault::Closed).into())];
    for (event, error) in unclear {
        let turns = [
            (load(), found(&closing)),
            (try_lock(), opened()),
            (load(), found(&closing)),
            (intent("old"), Event::Applied),
            (redeem("old"), event),
            unlock(),
            (get_with(PATH, "old"), reply(401, "")),
        ];
        let principal = Err(Error::Rejected(Foreign::default()));
        let value = WhoamiAnswer { principal, session: closing.clone() };
        let warnings = vec![Warning::NotRenewed(error)];
        assert_eq!(run(flow(), turns), Ok(Outcome { value, warnings }));
    }
}
