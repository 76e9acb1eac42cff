//! What another program does to a session while it is renewed.

use super::*;

const REVOKE: &str = "/api/v1/auth/session/revoke";

fn fetched() -> Vec<Turn> {
    answered(&old(), tokens("new", 900))
}

fn superseded() -> Warning {
    Warning::NotSaved(store_fault(StoreFaultKind::Superseded))
}

fn unknown(session: Session) -> Session {
    let facts = crate::session::Facts { principal: None, ..session.facts.clone() };
    Session { facts, ..session }
}

#[test]
fn another_pair_of_the_same_user_is_adopted_h15() {
    // Whatever the margin, and nothing is revoked: both pairs may be of one session.
    for theirs in [session("theirs", 900), session("theirs", 5)] {
        let turns = with(fetched(), [(save(&renewed("new", 900)), conflict(&theirs)), unlock()]);
        assert_eq!(run(flow(), turns), as_it_is(theirs));
    }
}

#[test]
fn a_pair_that_cannot_be_used_leaves_ours_to_this_process() {
    let (new, over) = (renewed("new", 900), session("theirs", -1));
    let turns = with(fetched(), [(save(&new), conflict(&over)), unlock()]);
    assert_eq!(run(flow(), turns), warned(new, true, superseded()));
}

#[test]
fn what_another_program_left_half_written_is_not_adopted_h15() {
    let (new, half) = (renewed("new", 900), without_refresh(session("old", 600)));
    let turns = with(fetched(), [(save(&new), conflict(&half)), unlock()]);
    assert_eq!(run(flow(), turns), warned(new, true, superseded()));
}

#[test]
fn a_full_disk_is_given_seven_seconds_f5() {
    let new = renewed("new", 900);
    let failed = |kind| (save(&new), Event::StoreFailed(store_fault(kind)));
    let full = || failed(StoreFaultKind::Full);
    let waits = [1_000, 2_000, 4_000].map(|millis| pause(millis..millis + 1));
    let [first, second, third] = waits;
    let turns = with(fetched(), [full(), full(), first.clone(), full(), second.clone()]);
    let saved = with(turns.clone(), [(save(&new), Event::Applied), unlock()]);
    assert_eq!(run(flow(), saved), fresh(new.clone()));
    let lost = with(turns, [full(), third, full(), unlock()]);
    let end = run(flow(), lost).unwrap();
    assert_eq!(end.warnings, [Warning::NotSaved(store_fault(StoreFaultKind::Full))]);
    // What is forbidden stays so.
    let denied = || failed(StoreFaultKind::Denied);
    let end = run(flow(), with(fetched(), [denied(), denied(), unlock()])).unwrap();
    assert_eq!(end.warnings, [Warning::NotSaved(store_fault(StoreFaultKind::Denied))]);
    let talk = Talk::start(flow()).follow(with(fetched(), [full(), full()]));
    assert!(!talk.flow.interruptible() && talk.flow.is_committed());
}

#[test]
fn an_unknown_users_pair_is_left_and_ours_used_here_h15() {
    let new = renewed("new", 900);
    let turns = with(fetched(), [(save(&new), conflict(&unknown(session("theirs", 900)))), unlock()]);
    assert_eq!(run(flow(), turns), warned(new, true, superseded()));
}

#[test]
fn another_users_session_is_left_and_ours_revoked_h15() {
    let theirs = of("q", session("theirs", 900));
    let ended = || with(fetched(), [(save(&renewed("new", 900)), conflict(&theirs)), unlock()]);
    let revoked = with(ended(), [(post_refresh_token(REVOKE, "new"), reply(204, ""))]);
    assert_eq!(run(flow(), revoked), Err(Policy::AnotherUser.into()));
    // After the lock is given back, for 10 s at most, and told if it failed.
    for (event, why) in [
        (reply(500, ""), status(500, "")),
        (Event::TimedOut, timed_out()),
        (unreachable(TransportFault::Closed), Trouble::Unreachable(TransportFault::Closed).into()),
    ] {
        let talk = Talk::start(flow()).follow(ended());
        assert!(!talk.flow.interruptible() && talk.flow.is_committed(), "it is not given up half way");
        assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(10))));
        let notice = Notice::NotRevoked { origin: uri().origin().clone(), why: Box::new(why) };
        let told = [(post_refresh_token(REVOKE, "new"), event), (tell(notice), Event::Told)];
        assert_eq!(talk.follow(told).end(), Err(Policy::AnotherUser.into()));
    }
}

#[test]
fn a_session_signed_out_elsewhere_is_not_put_back_h14() {
    let gone = (save(&renewed("new", 900)), Event::Conflict(None));
    let turns = with(fetched(), [gone, unlock(), (post_refresh_token(REVOKE, "new"), reply(204, ""))]);
    assert_eq!(run(flow(), turns), Err(Error::Removed));
    assert!(Error::Removed.is_signed_out() && !Error::Removed.ends_session());
}

#[test]
fn no_second_save_while_the_first_may_go_on_f5() {
    let (new, slow) = (renewed("new", 900), store_fault(StoreFaultKind::Timeout));
    let talk = Talk::start(flow()).follow(fetched());
    // A slow disk has a minute.
    assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(60))));
    let end = talk.follow([(save(&new), Event::TimedOut), unlock()]).end();
    assert_eq!(end, warned(new, true, Warning::NotSaved(slow)));
}

#[test]
fn a_token_replaced_before_it_is_redeemed_is_not_redeemed_h15() {
    let read = || vec![(load(), found(&old())), (try_lock(), opened()), (load(), found(&old()))];
    let newer = session("newer", 600);
    let turns = with(read(), [(intent("old"), conflict(&newer)), unlock()]);
    assert_eq!(run(flow(), turns), as_it_is(newer));
    let turns = with(read(), [(intent("old"), Event::Conflict(None)), unlock()]);
    assert_eq!(run(flow(), turns), Err(Error::NotSignedIn));
    let turns = with(read(), [(intent("old"), conflict(&of("q", session("theirs", 600)))), unlock()]);
    assert_eq!(run(flow(), turns), Err(Policy::AnotherUser.into()));
    // One that has ended too is redeemed in its place; what changes every time is given up.
    let (second, third, fourth) = (session("second", -1), session("third", -1), session("fourth", -1));
    let turns = with(
        read(),
        [
            (intent("old"), conflict(&second)),
            (intent("second"), conflict(&third)),
            (intent("third"), conflict(&fourth)),
            unlock(),
        ],
    );
    assert_eq!(run(flow(), turns), Err(store_fault(StoreFaultKind::Superseded).into()));
}

#[test]
fn an_intent_is_withdrawn_where_nothing_was_sent_f5() {
    let not_sent = unreachable(TransportFault::Connect);
    for event in [Event::Applied, Event::StoreFailed(full()), Event::TimedOut] {
        let turns = with(answered(&old(), not_sent.clone()), [(withdraw("old"), event), unlock()]);
        assert_eq!(run(flow(), turns), Err(Trouble::Unreachable(TransportFault::Connect).into()));
    }
    // An earlier renewal's note stays, and so does one of a token that may have been sent.
    let turns = [
        (load(), found_interrupted(&old())),
        (try_lock(), opened()),
        (load(), found_interrupted(&old())),
        (intent("old"), Event::Applied),
        (redeem("old"), not_sent),
        unlock(),
    ];
    assert_eq!(run(flow(), turns), Err(Trouble::Unreachable(TransportFault::Connect).into()));
    let turns = with(answered(&old(), unreachable(TransportFault::Closed)), [unlock()]);
    assert_eq!(run(flow(), turns), Err(Trouble::Unreachable(TransportFault::Closed).into()));
}

#[test]
fn a_session_of_a_refresh_token_alone_is_renewed() {
    let mut alone = session("old", 600);
    alone.tokens.access = None;
    let new = renewed("new", 900);
    let turns = with(answered(&alone, tokens("new", 900)), [(save(&new), Event::Applied), unlock()]);
    assert_eq!(run(flow(), turns), fresh(new));
}

#[test]
fn without_a_session_nobody_is_signed_in() {
    let gone = [(load(), found(&old())), (try_lock(), opened()), (load(), nothing()), unlock()];
    for turns in [vec![(load(), nothing())], gone.to_vec()] {
        assert_eq!(run(flow(), turns), Err(Error::NotSignedIn));
    }
}

#[test]
fn a_session_that_is_being_written_is_waited_for_f4() {
    let torn = || (load(), Event::Loaded(Loaded::Torn));
    let pauses = [100, 200, 400, 800, 1_600].map(|millis| pause(millis..millis + 1));
    let mut turns = Vec::new();
    for pause in pauses {
        turns.extend([torn(), pause]);
    }
    let good = session("a", 600);
    assert_eq!(run(flow(), with(turns.clone(), [(load(), found(&good))])), as_it_is(good.clone()));
    // Then the lock is waited for: whoever writes with our locks has done so by then.
    let locked = with(turns.clone(), [torn(), (try_lock(), opened())]);
    assert_eq!(run(flow(), with(locked.clone(), [(load(), found(&good)), unlock()])), as_it_is(good));
    let never = with(with(locked, turns), [torn(), unlock()]);
    assert_eq!(run(flow(), never), Err(Error::NotSignedIn));
    // Under the lock too, and the lock stays ours.
    let turns = [
        (load(), found(&old())),
        (try_lock(), opened()),
        torn(),
        pause(100..101),
        (load(), found(&old())),
        (intent("old"), Event::Applied),
    ];
    Talk::start(flow()).follow(turns).assert_next(&redeem("old"));
}
