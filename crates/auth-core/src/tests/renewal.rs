#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::error::Peer;
use crate::flow::Flow as _;
use crate::flow::script::*;
use crate::session::Links;
use crate::site::Scheme;
use crate::time::Timestamp;
use crate::wire::{Body, Method, Request, TOKEN_BUDGET};

const EXPIRED: &str = r#"{"detail":"Session has expired. Please re-authenticate."}"#;
const UNKNOWN: &str = r#"{"detail":"Could not validate credentials"}"#;
const ABOUT: &str = r#"{"authentication":{"required":true,"links":{"refresh_session":"http://inner:80/x/refresh",
    "whoami":"/x/whoami"},"providers":[]}}"#;

fn flow() -> Renewal {
    Renewal::new(uri(), seed())
}

fn old() -> Session {
    session("old", -5)
}

/// Good for a person who asks for nothing, and inside its margin of 60 s.
fn closing() -> Session {
    session("old", 30)
}

/// Up to the answer of the token endpoint.
fn redeeming(old: &Session) -> Vec<Turn> {
    vec![(load(), found(old)), (try_lock(), opened()), (load(), found(old)), (intent("old"), Event::Applied)]
}

fn answered(old: &Session, event: Event) -> Vec<Turn> {
    with(redeeming(old), [(redeem("old"), event)])
}

/// Saves what the refresh token of [`old`] was redeemed for.
fn save(session: &Session) -> Expected {
    save_redeemed(session, "old")
}

fn as_it_is(session: Session) -> Result<Outcome<Renewed>, Error> {
    Ok(Outcome::clean(Renewed { session, fresh: false }))
}

fn fresh(session: Session) -> Result<Outcome<Renewed>, Error> {
    Ok(Outcome::clean(Renewed { session, fresh: true }))
}

fn warned(session: Session, fresh: bool, warning: Warning) -> Result<Outcome<Renewed>, Error> {
    Ok(Outcome { value: Renewed { session, fresh }, warnings: vec![warning] })
}

fn expired() -> Error {
    Error::Expired(Foreign::from("Session has expired. Please re-authenticate."))
}

fn revoked() -> Error {
    Error::Revoked(Foreign::from("Could not validate credentials"))
}

#[test]
fn a_good_session_costs_one_look_and_no_lock_and_no_network() {
    let need = |seconds| flow().lasting(Some(secs(seconds)));
    let cases = [
        (flow(), session("a", 600)),
        (flow(), session("a", 61)),
        (flow(), without_refresh(session("a", 61))),
        (flow(), without_links(session("a", 61))),
        (flow(), of_unknown_life(old())),
        (need(3_600), of_unknown_life(old())),
        (need(599), session("a", 600)),
        (flow().refused(&old()), session("a", 1)),
    ];
    for (flow, session) in cases {
        assert_eq!(run(flow, [(load(), found(&session))]), as_it_is(session));
    }
}

#[test]
fn a_session_is_renewed_inside_its_margin_or_below_what_is_needed_n9() {
    let need = |seconds| flow().lasting(Some(secs(seconds)));
    let short = |left| {
        let mut short = session("old", left);
        short.facts.received = Some(Timestamp(WALL + left - 100));
        short
    };
    let cases = [
        (flow(), session("old", 60)),
        (flow(), session("old", 0)),
        (flow(), old()),
        (flow(), short(10)),
        (need(600), session("old", 600)),
        // Less than the margin cannot be asked for.
        (need(1), session("old", 60)),
        (flow().refused(&session("old", 600)), session("old", 600)),
        (flow().refused(&of_unknown_life(old())), of_unknown_life(old())),
    ];
    for (flow, session) in cases {
        let talk = Talk::start(flow).turn((load(), found(&session)));
        talk.assert_next(&try_lock());
    }
    assert_eq!(run(flow(), [(load(), found(&short(11)))]), as_it_is(short(11)));
}

#[test]
fn a_renewal_locks_reads_again_notes_its_intent_redeems_saves_and_unlocks_in_this_order_h15() {
    let body = format!(r#"{{"refresh_token":"{}"}}"#, secret("r-old").expose());
    let request = Request {
        method: Method::Post,
        url: at(REFRESH),
        authorization: None,
        body: Some(Body::Json(Secret::from(body))),
        budget: TOKEN_BUDGET,
    };
    let new = renewed("new", 900);
    let turns = [
        (load(), found(&old())),
        (try_lock(), opened()),
        (load(), found(&old())),
        (intent("old"), Event::Applied),
        (send(request), tokens("new", 900)),
        (save(&new), Event::Applied),
        unlock(),
    ];
    assert_eq!(run(flow(), turns), fresh(new));
}

#[test]
fn what_an_answer_leaves_out_is_kept_h2() {
    let mut new = renewed("new", 900);
    new.tokens.refresh = old().tokens.refresh;
    let turns = with(answered(&old(), access_token("new", 900)), [(save(&new), Event::Applied), unlock()]);
    assert_eq!(run(flow(), turns), fresh(new));
}

#[test]
fn whoever_gets_the_lock_redeems_what_is_there_then() {
    let newer = session("newer", -1);
    let new = renewed("new", 900);
    let turns = [
        (load(), found(&old())),
        (try_lock(), opened()),
        (load(), found(&newer)),
        (intent("newer"), Event::Applied),
        (redeem("newer"), tokens("new", 900)),
        (save_redeemed(&new, "newer"), Event::Applied),
        unlock(),
    ];
    assert_eq!(run(flow(), turns), fresh(new));
}

#[test]
fn whoever_waited_says_for_whom_and_adopts_what_is_newer_even_inside_its_margin_h15() {
    for newer in [session("new", 600), session("new", 30), of_unknown_life(session("new", 0))] {
        let turns = [
            (load(), found(&old())),
            (try_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            (lock(), opened()),
            (load(), found(&newer)),
            unlock(),
        ];
        assert_eq!(run(flow(), turns), as_it_is(newer));
    }
    // The one there was is no newer: it is redeemed, whoever held the lock.
    let turns = [
        (load(), found(&closing())),
        (try_lock(), Event::Busy(holder())),
        (tell(Notice::Waiting(holder())), Event::Told),
        (lock(), opened()),
        (load(), found(&closing())),
    ];
    Talk::start(flow()).follow(turns).assert_next(&intent("old"));
}

#[test]
fn another_user_s_session_is_not_adopted_for_one_that_was_refused_h15() {
    let theirs = of("q", session("theirs", 600));
    let other = || Err(Policy::AnotherUser.into());
    assert_eq!(run(flow().refused(&old()), [(load(), found(&theirs))]), other());
    let turns = [(load(), found(&old())), (try_lock(), opened()), (load(), found(&theirs)), unlock()];
    assert_eq!(run(flow().refused(&old()), turns), other());
    let more = [(load(), found(&theirs)), unlock()];
    assert_eq!(run(flow().refused(&old()), with(answered(&old(), reply(401, EXPIRED)), more)), other());
    // Who it is may not be known; then it is not another.
    let mut nameless = theirs;
    nameless.facts.principal = None;
    assert_eq!(run(flow().refused(&old()), [(load(), found(&nameless))]), as_it_is(nameless));
}

#[test]
fn a_session_that_changed_hands_while_it_was_waited_for_is_not_adopted_h15() {
    let other = || Err(Policy::AnotherUser.into());
    for theirs in [of("q", session("theirs", 600)), of("q", session("theirs", -1))] {
        let turns = [(load(), found(&old())), (try_lock(), opened()), (load(), found(&theirs)), unlock()];
        assert_eq!(run(flow(), turns), other());
        let more = [(load(), found(&theirs)), unlock()];
        assert_eq!(run(flow(), with(answered(&old(), reply(401, EXPIRED)), more)), other());
    }
}

#[test]
fn a_refresh_token_is_not_sent_in_clear_where_that_was_not_allowed_n1() {
    let exposed: TiledUri = "http://example.org".parse().unwrap();
    let (probe, about) = (redirect(301, "https://example.org/"), reply(200, ABOUT));
    for session in [without_links(old()), old()] {
        let mut flow = Renewal::new(exposed.clone(), seed());
        let now = Now { wall: Timestamp(WALL), ..Now::default() };
        let mut step = flow.resume(now, Event::Start).unwrap();
        for _ in 0..20 {
            let event = match &step {
                Step::Send(request) if request.body.is_some() => {
                    assert_eq!(request.url.origin().scheme(), Scheme::Https, "{}", request.url);
                    break;
                }
                Step::Send(request) if request.url.origin().scheme() == Scheme::Http => probe.clone(),
                Step::Send(_) => about.clone(),
                Step::Load(_) => found(&session),
                Step::Open { .. } => opened(),
                Step::Apply(_) => Event::Applied,
                Step::Done(result) => {
                    assert_eq!(result, &Err(Policy::PlainHttp(exposed.origin().clone()).into()));
                    break;
                }
                step => panic!("{step:?}"),
            };
            step = flow.resume(now, event).unwrap();
        }
    }
}

#[test]
fn a_definite_no_ends_the_session_once_it_was_read_again_h17() {
    let invalid_grant = r#"{"error":"invalid_grant","error_description":"gone"}"#;
    let cases = [
        (reply(401, EXPIRED), expired()),
        (reply(401, UNKNOWN), revoked()),
        (reply(401, ""), Error::Revoked(Foreign::default())),
        (reply(400, invalid_grant), Error::Revoked(Foreign::from("gone"))),
    ];
    for (event, error) in cases {
        let more = [(load(), found(&old())), (clear_if(&old()), Event::Applied), unlock()];
        assert_eq!(run(flow(), with(answered(&old(), event), more)), Err(error));
    }
}

#[test]
fn a_session_whose_renewal_was_cut_short_before_is_lost_not_revoked() {
    let no = [
        (load(), found_interrupted(&old())),
        (try_lock(), opened()),
        (load(), found_interrupted(&old())),
        (intent("old"), Event::Applied),
        (redeem("old"), reply(401, UNKNOWN)),
    ];
    let more = [(load(), found_interrupted(&old())), (clear_if(&old()), Event::Applied), unlock()];
    assert_eq!(run(flow(), with(no.clone(), more.clone())), Err(Error::Lost));
    // Also where it cannot be read again.
    for event in [Event::StoreFailed(full()), Event::TimedOut, nothing()] {
        assert_eq!(run(flow(), with(no.clone(), [(load(), event), unlock()])), Err(Error::Lost));
    }
    // Our own intent, read again, says nothing of the sort.
    assert_eq!(run(flow(), with(answered(&old(), reply(401, UNKNOWN)), more)), Err(revoked()));
}

#[test]
fn after_a_no_whatever_is_newer_is_adopted_and_not_cleared_h15_h17() {
    for newer in [session("new", 600), session("new", 30), without_refresh(session("new", 30))] {
        let more = [(load(), found(&newer)), unlock()];
        assert_eq!(run(flow(), with(answered(&old(), reply(401, UNKNOWN)), more)), as_it_is(newer));
    }
}

#[test]
fn after_a_no_a_newer_refresh_token_is_redeemed_once() {
    let (next, third, new) = (session("next", -1), session("third", -1), renewed("new", 900));
    let again = || {
        with(
            answered(&old(), reply(401, UNKNOWN)),
            [(load(), found(&without_links(next.clone()))), (intent("next"), Event::Applied)],
        )
    };
    let saved = (save_redeemed(&new, "next"), Event::Applied);
    let more = [(redeem("next"), tokens("new", 900)), saved, unlock()];
    assert_eq!(run(flow(), with(again(), more)), fresh(new));
    let more = [
        (redeem("next"), reply(401, EXPIRED)),
        (load(), found(&next)),
        (clear_if(&next), Event::Applied),
        unlock(),
    ];
    assert_eq!(run(flow(), with(again(), more)), Err(expired()));
    // A third is not tried, and stays.
    let more = [(redeem("next"), reply(401, EXPIRED)), (load(), found(&third)), unlock()];
    assert_eq!(run(flow(), with(again(), more)), Err(expired()));
}

#[test]
fn after_a_no_nothing_is_cleared_that_cannot_be_read_h17() {
    let events = [
        nothing(),
        Event::StoreFailed(full()),
        Event::TimedOut,
        found(&without_refresh(session("next", -1))),
    ];
    for event in events {
        let more = [(load(), event.clone()), unlock()];
        assert_eq!(
            run(flow(), with(answered(&old(), reply(401, UNKNOWN)), more)),
            Err(revoked()),
            "{event:?}"
        );
    }
}

#[test]
fn a_session_that_is_being_written_after_a_no_is_waited_for_h17() {
    let new = session("new", 600);
    let more = [(load(), Event::Loaded(Loaded::Torn)), pause(100..101), (load(), found(&new)), unlock()];
    assert_eq!(run(flow(), with(answered(&old(), reply(401, UNKNOWN)), more)), as_it_is(new));
}

#[test]
fn what_came_between_reading_and_clearing_is_adopted_and_stays_h17() {
    let clearing = |event| {
        with(
            answered(&old(), reply(401, UNKNOWN)),
            [(load(), found(&old())), (clear_if(&old()), event), unlock()],
        )
    };
    let new = session("new", 600);
    assert_eq!(run(flow(), clearing(conflict(&new))), as_it_is(new.clone()));
    assert_eq!(run(flow(), clearing(conflict(&session("next", -1)))), Err(revoked()));
    let (theirs, another) = (of("q", new), Err(Policy::AnotherUser.into()));
    assert_eq!(run(flow().refused(&old()), clearing(conflict(&theirs))), another);
    assert_eq!(run(flow(), clearing(Event::StoreFailed(full()))), Err(revoked()));
    assert_eq!(run(flow(), clearing(Event::TimedOut)), Err(revoked()));
}

#[test]
fn what_came_between_reading_and_clearing_is_adopted_even_inside_its_margin() {
    let newer = session("new", 30);
    let more = [(load(), found(&old())), (clear_if(&old()), conflict(&newer)), unlock()];
    assert_eq!(run(flow(), with(answered(&old(), reply(401, UNKNOWN)), more)), as_it_is(newer));
}

#[test]
fn no_answer_ends_a_session_that_may_be_as_good_as_before_h17() {
    let lost = |fault| (unreachable(fault), Error::from(Trouble::Unreachable(fault)));
    let redirected = Trouble::Redirected { to: Foreign::from("https://evil.example/") };
    let cases = [
        (reply(500, ""), status(500, "")),
        (reply(502, ""), status(502, "")),
        (reply(503, r#"{"detail":"later"}"#), status(503, "later")),
        (reply(429, ""), status(429, "")),
        (reply(404, ""), status(404, "")),
        (reply(400, r#"{"error":"invalid_request"}"#), status(400, "invalid_request")),
        (reply(403, r#"{"error":"invalid_grant"}"#), status(403, "invalid_grant")),
        (reply(422, ""), status(422, "")),
        (reply(200, "<html>"), Trouble::Unreadable.into()),
        (reply(200, "{}"), Trouble::Unreadable.into()),
        (redirect(307, "https://evil.example/?x"), redirected.into()),
        lost(TransportFault::Resolve),
        lost(TransportFault::Connect),
        lost(TransportFault::Closed),
        lost(TransportFault::Timeout),
        (Event::TimedOut, timed_out()),
    ];
    for (event, error) in cases {
        let unsent = matches!(event, Event::Unreachable { sent: Sent::No, .. });
        let withdrawn = || unsent.then(|| (withdraw("old"), Event::Applied));
        let turns = |session: &Session| with(with(answered(session, event.clone()), withdrawn()), [unlock()]);
        let end = run(flow(), turns(&closing()));
        assert_eq!(end, warned(closing(), false, Warning::NotRenewed(error.clone())), "{event:?}");
        assert!(!error.ends_session(), "{event:?}");
        assert_eq!(run(flow(), turns(&old())), Err(error.clone()), "{event:?}");
        // One that the server has refused is not usable, whatever its time.
        assert_eq!(run(flow().refused(&closing()), turns(&closing())), Err(error), "{event:?}");
    }
}

#[test]
fn what_ended_while_no_answer_came_is_not_given_out() {
    let turns = with(answered(&session("old", 9), Event::TimedOut), [unlock()]);
    assert_eq!(run(flow(), turns), Err(timed_out()));
}

#[test]
fn without_a_durable_intent_nothing_is_redeemed_f5() {
    // A slow disk takes half a minute.
    let lasting = || session("old", 50);
    let slow = store_fault(StoreFaultKind::Timeout);
    for (event, fault) in [(Event::StoreFailed(full()), full()), (Event::TimedOut, slow)] {
        // One that failed may be noted all the same, and is taken back.
        let withdrawn = matches!(event, Event::StoreFailed(_)).then(|| (withdraw("old"), Event::Applied));
        let turns = |session: &Session| {
            let first = [
                (load(), found(session)),
                (try_lock(), opened()),
                (load(), found(session)),
                (intent("old"), event.clone()),
            ];
            with(with(first, withdrawn.clone()), [unlock()])
        };
        assert_eq!(run(flow(), turns(&old())), Err(fault.clone().into()));
        let warning = Warning::NotRenewed(fault.into());
        assert_eq!(run(flow(), turns(&lasting())), warned(lasting(), false, warning));
    }
}

#[test]
fn a_store_that_cannot_be_read_or_locked_is_no_licence_to_redeem_h15() {
    let slow = || store_fault(StoreFaultKind::Timeout);
    let locked = |holder| store_fault(StoreFaultKind::Locked(holder));
    for (event, fault) in [(Event::StoreFailed(full()), full()), (Event::TimedOut, slow())] {
        assert_eq!(run(flow(), [(load(), event.clone())]), Err(fault.clone().into()));
        let turns = [(load(), found(&closing())), (try_lock(), opened()), (load(), event), unlock()];
        assert_eq!(run(flow(), turns), warned(closing(), false, Warning::NotRenewed(fault.into())));
    }
    for (event, fault) in [(Event::StoreFailed(full()), full()), (Event::TimedOut, locked(Holder::default()))]
    {
        let session = session("old", 31);
        let turns = [(load(), found(&session)), (try_lock(), event.clone())];
        let warning = Warning::NotRenewed(fault.clone().into());
        assert_eq!(run(flow(), turns), warned(session, false, warning));
    }
    // Whoever has it is named, as far as they are known.
    let another = || (Event::Busy(Holder::default()), locked(Holder::default()));
    for (event, fault) in
        [(Event::StoreFailed(full()), full()), (Event::TimedOut, locked(holder())), another()]
    {
        let turns = [
            (load(), found(&old())),
            (try_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            (lock(), event),
        ];
        assert_eq!(run(flow(), turns), Err(fault.into()));
    }
}

#[test]
fn a_renewed_session_that_cannot_be_saved_is_tried_twice_and_given_out_with_a_warning_f5() {
    let new = renewed("new", 900);
    let failed = || (save(&new), Event::StoreFailed(denied()));
    let fetched = || answered(&old(), tokens("new", 900));
    let end = run(flow(), with(fetched(), [failed(), failed(), unlock()]));
    assert_eq!(end, warned(new.clone(), true, Warning::NotSaved(denied())));
    let end = run(flow(), with(fetched(), [failed(), (save(&new), Event::TimedOut), unlock()]));
    let slow = store_fault(StoreFaultKind::Timeout);
    assert_eq!(end, warned(new.clone(), true, Warning::NotSaved(slow)));
    let end = run(flow(), with(fetched(), [failed(), (save(&new), Event::Applied), unlock()]));
    assert_eq!(end, fresh(new));
}

#[path = "renewal_overtaken.rs"]
mod overtaken;

#[test]
fn from_redeeming_to_saved_it_cannot_be_interrupted() {
    let new = renewed("new", 900);
    let mut talk = Talk::start(flow());
    for turn in redeeming(&old()) {
        // Steps that end of themselves at once are not interrupted either.
        let applies = matches!(&turn.0, Expected::Step(Step::Apply(_)));
        assert_eq!(talk.refuses(Event::Cancel).is_none(), !applies, "{:?}", turn.0);
        talk = talk.turn(turn);
    }
    for turn in [(redeem("old"), tokens("new", 900)), (save(&new), Event::StoreFailed(full()))] {
        assert_eq!(talk.refuses(Event::Cancel), Some(Misuse::NotNow));
        assert!(!talk.flow.interruptible());
        talk = talk.turn(turn);
    }
    assert_eq!(talk.refuses(Event::Cancel), Some(Misuse::NotNow));
    assert_eq!(talk.turn((save(&new), Event::Applied)).turn(unlock()).end(), fresh(new));
}

#[test]
fn a_cancel_before_that_gives_the_lock_back() {
    assert_eq!(run(flow(), [(load(), Event::Cancel)]), Err(Error::Cancelled));
    assert_eq!(run(flow(), [(load(), found(&old())), (try_lock(), Event::Cancel)]), Err(Error::Cancelled));
    let turns = [(load(), found(&old())), (try_lock(), opened()), (load(), Event::Cancel), unlock()];
    assert_eq!(run(flow(), turns), Err(Error::Cancelled));
    let turns = [(load(), found(&without_links(old()))), (get(at("/api/v1/")), Event::Cancel)];
    assert_eq!(run(flow(), turns), Err(Error::Cancelled));
}

#[test]
fn a_need_that_no_token_meets_is_a_warning_after_one_renewal() {
    let cases = [(900, 900, true), (899, 900, false), (3_600, 900, true), (1, 0, true)];
    for (need, life, too_short) in cases {
        let new = renewed("new", life);
        let turns = with(answered(&old(), tokens("new", life)), [(save(&new), Event::Applied), unlock()]);
        let end = run(flow().lasting(Some(secs(need))), turns);
        let life = secs(life.unsigned_abs());
        let warnings = if too_short { vec![Warning::TooShort(life)] } else { Vec::new() };
        let value = Renewed { session: new, fresh: true };
        assert_eq!(end, Ok(Outcome { value, warnings }), "{need} {life:?}");
    }
}

#[test]
fn a_session_without_links_learns_them_first_on_its_own_origin_n5() {
    let mut new = renewed("new", 900);
    new.links = Links { whoami: Some("/x/whoami".to_owned()), refresh: Some("/x/refresh".to_owned()) };
    let turns = [
        (load(), found(&without_links(old()))),
        (get(at("/api/v1/")), reply(200, ABOUT)),
        (try_lock(), opened()),
        (load(), found(&old())),
        (intent("old"), Event::Applied),
        (redeem("old"), tokens("other", 900)),
    ];
    // Where the second look finds links, those are used.
    Talk::start(flow()).follow(turns).assert_next(&save(&renewed("other", 900)));
    let turns = [
        (load(), found(&without_links(old()))),
        (get(at("/api/v1/")), reply(200, ABOUT)),
        (try_lock(), opened()),
        // Asked once: the links stay known.
        (load(), found(&without_links(old()))),
        (intent("old"), Event::Applied),
        (post_refresh_token("/x/refresh", "old"), tokens("new", 900)),
        (save(&new), Event::Applied),
        unlock(),
    ];
    assert_eq!(run(flow(), turns), fresh(new));
}

#[test]
fn a_server_that_names_no_links_is_asked_where_tiled_has_them() {
    let about = r#"{"authentication":{"required":true}}"#;
    let turns = [
        (load(), found(&without_links(old()))),
        (get(at("/api/v1/")), reply(200, about)),
        (try_lock(), opened()),
        (load(), found(&without_links(old()))),
        (intent("old"), Event::Applied),
    ];
    let talk = Talk::start(flow()).follow(turns);
    talk.assert_next(&post_refresh_token("/api/v1/auth/session/refresh", "old"));
}

#[test]
fn a_handshake_that_fails_keeps_the_session_h17() {
    let elsewhere =
        Peer::Elsewhere { from: uri().origin().clone(), to: Foreign::from("https://evil.example/") };
    let cases = [
        (reply(503, ""), status(503, "")),
        (unreachable(TransportFault::Connect), Trouble::Unreachable(TransportFault::Connect).into()),
        (redirect(307, "https://evil.example/"), elsewhere.into()),
    ];
    for (event, error) in cases {
        let turns = |session: Session| {
            [(load(), found(&without_links(session))), (get(at("/api/v1/")), event.clone())]
        };
        assert_eq!(run(flow(), turns(old())), Err(error.clone()));
        let session = without_links(closing());
        assert_eq!(run(flow(), turns(closing())), warned(session, false, Warning::NotRenewed(error)));
    }
}

#[test]
fn a_session_without_a_refresh_token_is_used_to_its_end_and_then_over() {
    let over = || Error::Expired(Foreign::from("it cannot be renewed: there is no refresh token"));
    let closing = without_refresh(closing());
    let used = warned(closing.clone(), false, Warning::NotRenewed(over()));
    assert_eq!(run(flow(), [(load(), found(&closing))]), used);
    assert_eq!(run(flow(), [(load(), found(&without_refresh(old())))]), Err(over()));
    assert_eq!(run(flow().refused(&closing), [(load(), found(&closing))]), Err(over()));
}
