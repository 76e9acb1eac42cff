#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::error::{StoreFaultKind, TransportFault, Trouble};
use crate::flow::Flow as _;
use crate::flow::script::*;
use crate::foreign::Foreign;
use crate::session::{Session, Tokens};

const REVOKE: &str = "/api/v1/auth/session/revoke";

fn flow() -> Logout {
    Logout::new(uri())
}

fn mine() -> Session {
    session("mine", 600)
}

/// Up to the answer of the server.
fn revoking(event: Event) -> Vec<Turn> {
    vec![(try_lock(), opened()), (load(), found(&mine())), (post_refresh_token(REVOKE, "mine"), event)]
}

fn out(revocation: Revocation) -> Result<Outcome<LoggedOut>, Error> {
    Ok(Outcome::clean(LoggedOut { revocation }))
}

#[test]
fn it_is_cleared_here_whatever_the_server_says_and_that_is_the_outcome_h14() {
    let failed = Revocation::Failed;
    let lost = |fault| (unreachable(fault), failed(Trouble::Unreachable(fault).into()));
    let redirected = Trouble::Redirected { to: Foreign::from("https://evil.example/") };
    let cases = [
        (reply(204, ""), Revocation::Revoked),
        (reply(200, "null"), Revocation::Revoked),
        // Nobody can use what the server does not know.
        (reply(401, r#"{"detail":"Session has expired."}"#), Revocation::Revoked),
        (reply(404, ""), Revocation::Revoked),
        (reply(409, ""), Revocation::Revoked),
        (reply(403, ""), failed(status(403, ""))),
        (reply(422, ""), failed(status(422, ""))),
        (reply(500, r#"{"detail":"boom"}"#), failed(status(500, "boom"))),
        (reply(502, ""), failed(status(502, ""))),
        (reply(503, ""), failed(status(503, ""))),
        (redirect(307, "https://evil.example/?a"), failed(redirected.into())),
        lost(TransportFault::Connect),
        lost(TransportFault::Closed),
        (Event::TimedOut, failed(timed_out())),
        (Event::Cancel, failed(Error::Cancelled)),
    ];
    for (event, revocation) in cases {
        let turns = with(revoking(event.clone()), [(clear_if(&mine()), Event::Applied), unlock()]);
        assert_eq!(run(flow(), turns), out(revocation), "{event:?}");
    }
}

#[test]
fn without_a_refresh_token_there_is_nothing_to_revoke_with() {
    let alone = Session { tokens: Tokens { refresh: None, ..mine().tokens }, ..mine() };
    let turns =
        [(try_lock(), opened()), (load(), found(&alone)), (clear_if(&alone), Event::Applied), unlock()];
    assert_eq!(run(flow(), turns), out(Revocation::Impossible));
}

#[test]
fn whoever_is_waited_for_is_named() {
    let turns = [
        (try_lock(), Event::Busy(holder())),
        (tell(Notice::Waiting(holder())), Event::Told),
        (lock(), opened()),
        (load(), found(&mine())),
        (post_refresh_token(REVOKE, "mine"), reply(204, "")),
        (clear_if(&mine()), Event::Applied),
        unlock(),
    ];
    assert_eq!(run(flow(), turns), out(Revocation::Revoked));
}

#[test]
fn what_was_renewed_meanwhile_is_revoked_and_goes_too_h14() {
    let (second, third, fourth) = (session("second", 900), session("third", 900), session("fourth", 900));
    let cleared = |session: &Session, event| (clear_if(session), event);
    let revoked = |name: &str| (post_refresh_token(REVOKE, name), reply(204, ""));
    let changed =
        |first: Event| with(revoking(first), [cleared(&mine(), conflict(&second)), revoked("second")]);
    let turns = with(changed(reply(204, "")), [cleared(&second, Event::Applied), unlock()]);
    assert_eq!(run(flow(), turns), out(Revocation::Revoked));
    let twice = || with(changed(reply(204, "")), [cleared(&second, conflict(&third)), revoked("third")]);
    let turns = with(twice(), [cleared(&third, Event::Applied), unlock()]);
    assert_eq!(run(flow(), turns), out(Revocation::Revoked));
    let turns = with(twice(), [cleared(&third, conflict(&fourth)), unlock()]);
    assert_eq!(run(flow(), turns), Err(store_fault(StoreFaultKind::Superseded).into()));
    // One that lives on is told of, whatever became of the other.
    let turns = with(changed(reply(500, "")), [cleared(&second, Event::Applied), unlock()]);
    assert_eq!(run(flow(), turns), out(Revocation::Failed(status(500, ""))));
}

#[test]
fn another_users_session_is_left_alone_h14() {
    let theirs = of("q", session("theirs", 900));
    let turns = with(revoking(reply(500, "")), [(clear_if(&mine()), conflict(&theirs)), unlock()]);
    assert_eq!(run(flow(), turns), out(Revocation::Failed(status(500, ""))));
}

#[test]
fn a_session_of_an_unknown_user_is_left_and_told_h14() {
    let unknown = |session: Session| {
        let facts = crate::session::Facts { principal: None, ..session.facts.clone() };
        Session { facts, ..session }
    };
    for (found_first, theirs) in [(mine(), session("theirs", 900)), (unknown(mine()), session("theirs", 900))]
    {
        let turns = [
            (try_lock(), opened()),
            (load(), found(&found_first)),
            (post_refresh_token(REVOKE, "mine"), reply(204, "")),
            (clear_if(&found_first), conflict(&unknown(theirs))),
            unlock(),
        ];
        assert_eq!(run(flow(), turns), Err(store_fault(StoreFaultKind::Superseded).into()));
    }
}

#[test]
fn a_cancel_before_the_server_was_asked_leaves_everything_and_gives_the_lock_back() {
    let cases = [
        vec![(try_lock(), Event::Cancel)],
        vec![(try_lock(), opened()), (load(), Event::Cancel), unlock()],
        vec![
            (try_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            (lock(), Event::Cancel),
        ],
    ];
    for turns in cases {
        assert_eq!(run(flow(), turns), Err(Error::Cancelled));
    }
}

#[test]
fn once_the_server_has_answered_it_is_cleared_before_a_cancel_is_heard() {
    let talk = Talk::start(flow()).follow(revoking(reply(204, "")));
    assert_eq!(talk.clone_and_cancel(), Err(Misuse::NotNow));
    assert!(!talk.flow.interruptible());
}

#[test]
fn without_a_session_nobody_is_signed_in() {
    let turns = [(try_lock(), opened()), (load(), nothing()), unlock()];
    assert_eq!(run(flow(), turns), Err(Error::NotSignedIn));
}

#[test]
fn a_store_that_fails_is_the_error_and_the_lock_is_given_back() {
    let fault = |kind| Err(store_fault(kind).into());
    assert_eq!(run(flow(), [(try_lock(), Event::StoreFailed(full()))]), Err(full().into()));
    let looking = |event| [(try_lock(), opened()), (load(), event), unlock()];
    assert_eq!(run(flow(), looking(Event::StoreFailed(full()))), Err(full().into()));
    assert_eq!(run(flow(), looking(Event::TimedOut)), fault(StoreFaultKind::Timeout));
    let clearing = |event| with(revoking(reply(204, "")), [(clear_if(&mine()), event), unlock()]);
    assert_eq!(run(flow(), clearing(Event::StoreFailed(full()))), Err(full().into()));
    assert_eq!(run(flow(), clearing(Event::TimedOut)), fault(StoreFaultKind::Timeout));
}

#[test]
fn a_session_that_is_being_written_is_waited_for_h14() {
    let torn = || (load(), Event::Loaded(Loaded::Torn));
    let pauses = [100, 200, 400, 800, 1_600].map(|millis| pause(millis..millis + 1));
    let mut turns = vec![(try_lock(), opened())];
    for wait in pauses {
        turns.extend([torn(), wait]);
    }
    let ended = [(clear_if(&mine()), Event::Applied), unlock()];
    let more = [(load(), found(&mine())), (post_refresh_token(REVOKE, "mine"), reply(204, ""))];
    assert_eq!(run(flow(), with(with(turns.clone(), more), ended)), out(Revocation::Revoked));
    let never = with(turns, [torn(), unlock()]);
    assert_eq!(run(flow(), never), Err(store_fault(StoreFaultKind::Timeout).into()));
}

#[test]
fn a_lock_that_is_kept_too_long_is_gone_without_h14() {
    let waited = |event| {
        vec![
            (try_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            (lock(), event),
        ]
    };
    let cases = [vec![(try_lock(), Event::TimedOut)], waited(Event::Busy(holder())), waited(Event::TimedOut)];
    for first in cases {
        let more = [
            (load(), found(&mine())),
            (post_refresh_token(REVOKE, "mine"), reply(204, "")),
            (clear_if(&mine()), Event::Applied),
        ];
        assert_eq!(run(flow(), with(first, more)), out(Revocation::Revoked));
    }
}

#[test]
fn the_server_is_asked_once_and_for_ten_seconds_n8() {
    let talk = Talk::start(flow()).follow([(try_lock(), opened()), (load(), found(&mine()))]);
    assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(10))));
    assert_eq!(talk.refuses(Event::TimedOut), Some(Misuse::TooEarly));
}
