#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::Secret;
use crate::error::Policy;
use crate::flow::script::*;
use crate::foreign::Foreign;
use crate::wire::Body;

const ENDED: &str = r#"{"detail":"Access token has expired. Refresh token."}"#;
const NOT_ENOUGH: &str =
    r#"{"detail":"Not enough permissions. Requires scopes ['write:data']. Has ['read:data']."}"#;
const PATH: &str = "/api/v1/metadata/a?fields=x";

fn old() -> Session {
    session("old", 600)
}

fn new() -> Session {
    renewed("new", 900)
}

fn reading() -> Call {
    call(Request::get(at(PATH)))
}

fn call(request: Request) -> Call {
    Call::new(uri(), request, old(), seed())
}

fn posting() -> Call {
    call(post())
}

fn post() -> Request {
    Request::token(at("/api/v1/node"), Body::Json(Secret::from("{}")))
}

fn deleting() -> Request {
    Request { method: Method::Delete, ..Request::get(at("/api/v1/node")) }
}

fn shown(request: Request) -> Expected {
    send(request.authorized(Authorization::Bearer(secret("old"))))
}

/// A renewal of [`old`] up to the answer of the token endpoint.
fn renewing(event: Event) -> Vec<Turn> {
    vec![
        (load(), found(&old())),
        (try_lock(), opened()),
        (load(), found(&old())),
        (intent("old"), Event::Applied),
        (redeem("old"), event),
    ]
}

/// A refused read and the renewal that helps.
fn renewed_once() -> Vec<Turn> {
    let mut turns = vec![(get_with(PATH, "old"), reply(401, ENDED))];
    turns.extend(renewing(tokens("new", 900)));
    turns.extend([(save_redeemed(&new(), "old"), Event::Applied), unlock()]);
    turns
}

fn answered(status: u16, body: &str, session: Session) -> Result<Outcome<Called>, Error> {
    let Event::Response(response) = reply(status, body) else { unreachable!() };
    Ok(Outcome::clean(Called { response: Ok(response), session, has_ended: false }))
}

#[test]
fn the_token_is_shown_in_the_header_and_to_its_own_origin_only_h1_n3() {
    let places = [
        "http://127.0.0.1:8000/api/v1/metadata/a?fields=x",
        "https://evil.example/api/v1/metadata/a?fields=x",
        "http://127.0.0.1:8001/api/v1/metadata/a?fields=x",
        "https://127.0.0.1:8000/api/v1/metadata/a?fields=x",
    ];
    for place in places {
        let flow = call(Request::get(url(place)));
        let end = run(flow, [(get_with(PATH, "old"), reply(200, "{}"))]);
        assert_eq!(end, answered(200, "{}", old()), "{place}");
    }
    // A credential that the request already had is not the one shown.
    let other = Request::get(at(PATH)).authorized(Authorization::ApiKey(secret("a key")));
    assert!(run(call(other), [(get_with(PATH, "old"), reply(200, ""))]).is_ok());
}

#[test]
fn without_an_access_token_nothing_is_shown() {
    let mut session = old();
    session.tokens.access = None;
    let flow = Call::new(uri(), Request::get(at(PATH)), session.clone(), seed());
    assert_eq!(run(flow, [(get(at(PATH)), reply(200, ""))]), answered(200, "", session));
}

#[test]
fn an_api_key_is_shown_to_its_own_origin_and_a_401_to_it_is_final_h16() {
    let shown = |path| send(Request::get(at(path)).authorized(Authorization::ApiKey(secret("a key"))));
    for place in ["http://127.0.0.1:8000", "https://evil.example", "http://127.0.0.1:8001"] {
        for (status, body) in [(200, "{}"), (401, ENDED), (401, r#"{"detail":"Invalid API key"}"#)] {
            let request = Request::get(url(&format!("{place}{PATH}")));
            let flow = Call::with_key(uri(), request, secret("a key"), seed());
            let end = run(flow, [(shown(PATH), reply(status, body))]);
            assert_eq!(end, answered(status, body, Session::default()), "{place} {status} {body}");
        }
    }
}

#[test]
fn nobody_has_nothing_to_renew_h16() {
    let flow = Call::new(uri(), Request::get(at(PATH)), Session::default(), seed());
    assert_eq!(run(flow, [(get(at(PATH)), reply(401, ENDED))]), answered(401, ENDED, Session::default()));
    let mistaken = Request::get(at(PATH)).authorized(Authorization::Bearer(secret("of another")));
    let flow = Call::new(uri(), mistaken, Session::default(), seed());
    assert_eq!(run(flow, [(get(at(PATH)), reply(200, ""))]), answered(200, "", Session::default()));
}

#[test]
fn a_token_that_has_ended_is_renewed_once_and_the_read_made_once_more_h16() {
    for (status, body) in [(200, "{}"), (404, ""), (401, NOT_ENOUGH), (401, ENDED), (500, "")] {
        let turns = with(renewed_once(), [(get_with(PATH, "new"), reply(status, body))]);
        assert_eq!(run(reading(), turns), answered(status, body, new()), "{status} {body}");
    }
}

#[test]
fn a_401_of_any_other_words_is_taken_for_an_ended_token_h16() {
    for body in [ENDED, "", "<html>", r#"{"detail":"Could not validate credentials"}"#] {
        let talk = Talk::start(reading()).turn((get_with(PATH, "old"), reply(401, body)));
        talk.assert_next(&load());
    }
}

/// Whoever renews stores the refresh token first: who looks in between sees the new one beside the old access token.
#[test]
fn the_refused_token_beside_a_newer_refresh_token_is_not_shown_again_h16() {
    let mut between = old();
    between.tokens.refresh = session("new", 900).tokens.refresh;
    let theirs = session("theirs", 600);
    let turns = [
        (get_with(PATH, "old"), reply(401, ENDED)),
        (load(), found(&between)),
        (try_lock(), opened()),
        (load(), found(&theirs)),
        unlock(),
        (get_with(PATH, "theirs"), reply(200, "{}")),
    ];
    assert_eq!(run(reading(), turns), answered(200, "{}", theirs));
}

#[test]
fn a_token_that_somebody_else_renewed_is_adopted_h15() {
    let theirs = session("theirs", 30);
    let turns = [
        (get_with(PATH, "old"), reply(401, ENDED)),
        (load(), found(&theirs)),
        (get_with(PATH, "theirs"), reply(200, "{}")),
    ];
    assert_eq!(run(reading(), turns), answered(200, "{}", theirs));
}

#[test]
fn another_user_s_session_does_not_answer_for_this_one_h15() {
    let turns =
        [(get_with(PATH, "old"), reply(401, ENDED)), (load(), found(&of("q", session("theirs", 600))))];
    assert_eq!(run(reading(), turns), Err(Policy::AnotherUser.into()));
}

#[test]
fn a_missing_permission_and_every_other_answer_renews_nothing_h16() {
    let cases = [
        (401, NOT_ENOUGH),
        (403, ENDED),
        (429, ENDED),
        (400, ENDED),
        (404, ""),
        (500, ""),
        (503, ""),
        (304, ""),
    ];
    for (status, body) in cases {
        let turns = [(get_with(PATH, "old"), reply(status, body))];
        assert_eq!(run(reading(), turns), answered(status, body, old()), "{status} {body}");
    }
}

#[test]
fn a_redirect_is_an_answer_and_takes_no_token_anywhere_n3() {
    for status in [301, 302, 303, 307, 308] {
        let event = redirect(status, "https://evil.example/");
        let Event::Response(response) = event.clone() else { unreachable!() };
        let end = run(reading(), [(get_with(PATH, "old"), event)]);
        assert_eq!(
            end,
            Ok(Outcome::clean(Called { response: Ok(response), session: old(), has_ended: false }))
        );
    }
}

#[test]
fn what_changes_something_is_sent_once_whatever_is_answered_h16_n8() {
    for request in [post(), deleting()] {
        for status in [200, 401, 502, 504] {
            let turns = [(shown(request.clone()), reply(status, ENDED))];
            assert_eq!(run(call(request.clone()), turns), answered(status, ENDED, old()), "{status}");
        }
        let closed = TransportFault::Closed;
        let turns = [(shown(request.clone()), unreachable(closed))];
        assert_eq!(run(call(request), turns), Err(Trouble::Unreachable(closed).into()));
    }
}

#[test]
fn a_read_is_repeated_after_what_passes_by_itself_n8() {
    let closed = TransportFault::Closed;
    let once = |event: &Event| (get_with(PATH, "old"), event.clone());
    let thrice = |event: &Event| [once(event), pause(200..400), once(event), pause(400..800), once(event)];
    assert_eq!(run(reading(), thrice(&reply(502, ""))), answered(502, "", old()));
    assert_eq!(run(reading(), thrice(&reply(504, ""))), answered(504, "", old()));
    assert_eq!(run(reading(), thrice(&unreachable(closed))), Err(Trouble::Unreachable(closed).into()));
    let turns = [once(&reply(502, "")), pause(200..400), once(&reply(200, "{}"))];
    assert_eq!(run(reading(), turns), answered(200, "{}", old()));
}

#[test]
fn no_answer_is_an_error_and_the_session_as_it_was() {
    for fault in
        [TransportFault::Resolve, TransportFault::Connect, TransportFault::Tls, TransportFault::TooLarge]
    {
        let turns = [(get_with(PATH, "old"), unreachable(fault))];
        assert_eq!(run(reading(), turns), Err(Trouble::Unreachable(fault).into()), "{fault}");
    }
    for flow in [reading(), posting()] {
        let request = if flow.reads() { get_with(PATH, "old") } else { shown(post()) };
        assert_eq!(run(flow.clone(), [(request.clone(), Event::TimedOut)]), Err(timed_out()));
        assert_eq!(run(flow, [(request, Event::Cancel)]), Err(Error::Cancelled));
    }
}

#[test]
fn a_renewal_that_fails_is_the_error() {
    let turns =
        |event| with(with(vec![(get_with(PATH, "old"), reply(401, ENDED))], renewing(event)), [unlock()]);
    assert_eq!(run(reading(), turns(reply(503, ""))), Err(status(503, "")));
    assert_eq!(run(reading(), turns(Event::TimedOut)), Err(timed_out()));
    let turns = [(get_with(PATH, "old"), reply(401, ENDED)), (load(), nothing())];
    assert_eq!(run(reading(), turns), Err(Error::NotSignedIn));
    let over = r#"{"detail":"Session has expired."}"#;
    let over = with(vec![(get_with(PATH, "old"), reply(401, ENDED))], renewing(reply(401, over)));
    let turns = with(over, [(load(), found(&old())), (clear_if(&old()), Event::Applied), unlock()]);
    assert_eq!(run(reading(), turns), Err(Error::Expired(Foreign::from("Session has expired."))));
}

#[test]
fn a_failure_after_a_renewal_is_the_response_and_the_new_session_is_kept() {
    let refused = TransportFault::Connect;
    let cases = [
        (unreachable(refused), Trouble::Unreachable(refused).into()),
        (Event::TimedOut, timed_out()),
        (Event::Cancel, Error::Cancelled),
    ];
    for (event, error) in cases {
        let end = run(reading(), with(renewed_once(), [(get_with(PATH, "new"), event.clone())]));
        assert_eq!(
            end,
            Ok(Outcome::clean(Called { response: Err(error), session: new(), has_ended: false })),
            "{event:?}"
        );
    }
}

#[test]
fn a_session_that_could_not_be_saved_is_given_back_with_the_warning() {
    let failed = || (save_redeemed(&new(), "old"), Event::StoreFailed(denied()));
    let first = with(vec![(get_with(PATH, "old"), reply(401, ENDED))], renewing(tokens("new", 900)));
    let turns = with(first, [failed(), failed(), unlock(), (get_with(PATH, "new"), reply(200, "{}"))]);
    let mut end = run(reading(), turns).unwrap();
    assert_eq!(core::mem::take(&mut end.warnings), [Warning::NotSaved(denied())]);
    assert_eq!(Ok(end), answered(200, "{}", new()));
}

#[test]
fn a_call_cannot_be_cancelled_while_its_renewal_is_under_way() {
    let turns = with(vec![(get_with(PATH, "old"), reply(401, ENDED))], renewing(tokens("new", 900)));
    let mut talk = Talk::start(reading());
    let count = turns.len();
    for (at, turn) in turns.into_iter().enumerate() {
        if at + 1 == count {
            assert_eq!(talk.clone_and_cancel(), Err(Misuse::NotNow), "while redeeming");
        }
        talk = talk.turn(turn);
    }
    assert_eq!(talk.clone_and_cancel(), Err(Misuse::NotNow), "while saving");
}

#[test]
fn a_token_is_not_sent_in_clear_where_that_was_not_allowed_n1() {
    let uri: TiledUri = "http://tiled.example".parse().unwrap();
    let call = |allow| {
        let request = Request::get(uri.below("auth/whoami"));
        let mut call =
            Call::new(uri.clone(), request, Session::default(), Seed::new([7; 32])).allow_http(allow);
        crate::flow::Flow::resume(&mut call, Now::default(), Event::Start).unwrap()
    };
    assert_eq!(call(false), Step::Done(Err(Policy::PlainHttp(uri.origin().clone()).into())));
    assert!(matches!(call(true), Step::Send(_)));
}

#[test]
fn who_renews_nothing_says_that_a_token_has_ended() {
    let cases =
        [(401, ENDED, true), (401, r#"{"detail":"Not enough permissions."}"#, false), (200, "{}", false)];
    for (status, body, has_ended) in cases {
        let turns = [(get_with(PATH, "old"), reply(status, body))];
        let called = run(reading().without_renewal(), turns).unwrap().value;
        assert_eq!((called.has_ended, called.session), (has_ended, old()), "{status} {body}");
    }
}
