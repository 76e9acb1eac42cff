#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::flow::ASK_DEADLINE;
use crate::flow::script::*;
use crate::flow::{Flow as _, Login, LoginOptions, SignedIn, Warning};
use crate::foreign::Foreign;
use crate::question::{PasswordQuestion, PromptFault};
use crate::session::Session;

const ABOUT: &str = r#"{"authentication":{"required":true,"providers":[{"provider":"toy","mode":"internal",
    "links":{"auth_endpoint":"/token"}}],"links":{"refresh_session":"/custom/refresh"}}}"#;
/// The lock for questions; the other is the one that every conversation has.
const ASKING: Held = Held(8);

fn governed(reuse: bool) -> Governor<Login, SignedIn> {
    Governor::new(Login::new(uri(), LoginOptions { reuse, ..LoginOptions::default() }, seed()))
}

fn prompt_lock() -> Expected {
    let what = Resource::Lock { kind: LockKind::Prompt, key: key() };
    Expected::Step(Step::Open { what, wait: false })
}

/// A pause of so many milliseconds before the lock is tried again.
fn pause(milliseconds: u64) -> Turn {
    (Expected::Pause(milliseconds..milliseconds + 1), Event::TimedOut)
}

fn question() -> Expected {
    ask(Question::Password(PasswordQuestion {
        origin: uri().origin().clone(),
        provider: Foreign::from("toy"),
        username: None,
        suggested: None,
        refused: false,
        left: 3,
    }))
}

/// Nobody is signed in, and the server wants somebody to be.
fn nobody() -> Vec<Turn> {
    vec![(load(), nothing()), (get(at("/api/v1/")), reply(200, ABOUT))]
}

fn failed(kind: StoreFaultKind) -> Event {
    Event::StoreFailed(StoreFault { kind, path: Foreign::default() })
}

/// The look at how the last question ended.
fn recall(asked: Asked) -> Turn {
    (Expected::Step(Step::Recall(key())), Event::Recalled(asked))
}

fn note(asked: Asked) -> Turn {
    (Expected::Step(Step::Note { key: key(), asked }), Event::Applied)
}

fn closed() -> Turn {
    (Expected::Step(Step::Close(ASKING)), Event::Closed)
}

fn adopted(session: Session) -> Result<Outcome<SignedIn>, Error> {
    Ok(Outcome::clean(SignedIn { uri: uri(), session, reused: true }))
}

#[test]
fn a_session_that_is_being_written_is_waited_for_before_the_prompt() {
    let torn = || (load(), Event::Loaded(Loaded::Torn));
    let before = || with(nobody(), [(prompt_lock(), Event::Opened(ASKING)), recall(Asked::Answered)]);
    let waits = [100, 200, 400, 800, 1_600];
    let theirs = session("theirs", 600);
    let turns = with(before(), [torn(), pause(100), (load(), found(&theirs)), closed()]);
    assert_eq!(run(governed(true), turns), adopted(theirs));
    // One that stays half written is damaged: the user is prompted.
    let stays = waits.into_iter().flat_map(|wait| [torn(), pause(wait)]).chain([torn()]);
    let turns = with(before(), stays.chain([(question(), Event::PromptFailed(PromptFault::Cancelled))]));
    let _ = Talk::start(governed(true)).follow(turns);
}

#[test]
fn who_asks_holds_the_lock_for_questions_to_the_end() {
    let turns = with(
        nobody(),
        [
            (prompt_lock(), Event::Opened(ASKING)),
            recall(Asked::Answered),
            (load(), nothing()),
            (question(), password("alice", "pw")),
        ],
    );
    let talk = Talk::start(governed(true)).follow(turns);
    // The rest is as in any sign-in.
    let body = format!("grant_type=password&username=alice&password={}", secret("pw").expose());
    let sent = crate::wire::Request::token(at("/token"), crate::wire::Body::Form(crate::Secret::from(body)));
    let talk = talk.turn((send(sent), reply(400, r#"{"detail":"no"}"#)));
    assert_eq!(talk.turn(closed()).end(), Err(Error::Rejected(Foreign::from("no"))));
}

#[test]
fn who_waited_goes_on_with_what_the_other_got() {
    let theirs = session("theirs", 600);
    let turns = with(
        nobody(),
        [
            (prompt_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            pause(50),
            (prompt_lock(), Event::Opened(ASKING)),
            recall(Asked::Answered),
            (load(), found(&theirs)),
            closed(),
        ],
    );
    assert_eq!(run(governed(true), turns), adopted(theirs));
}

#[test]
fn who_signed_in_between_the_look_and_the_lock_is_noticed_too() {
    let theirs = session("theirs", 600);
    let ours = || [(prompt_lock(), Event::Opened(ASKING)), recall(Asked::Answered)];
    let turns = with(with(nobody(), ours()), [(load(), found(&theirs)), closed()]);
    assert_eq!(run(governed(true), turns), adopted(theirs));
    // One that has ended, or cannot be read, leads to the question.
    for event in [found(&session("over", -5)), nothing(), Event::StoreFailed(full()), Event::TimedOut] {
        let turns = with(with(nobody(), ours()), [(load(), event)]);
        Talk::start(governed(true)).follow(turns).assert_next(&question());
    }
}

#[test]
fn an_explicit_sign_in_waits_its_turn_and_asks_whoever_is_there() {
    let first = (get(at("/api/v1/")), reply(200, ABOUT));
    let turns = [
        first,
        (prompt_lock(), Event::Busy(holder())),
        (tell(Notice::Waiting(holder())), Event::Told),
        pause(50),
        (prompt_lock(), Event::Opened(ASKING)),
        recall(Asked::Declined { at: Timestamp(WALL) }),
    ];
    Talk::start(governed(false)).follow(turns).assert_next(&question());
}

/// Where there are no locks, or nothing can be written.
#[test]
fn a_store_without_locks_keeps_nobody_from_signing_in() {
    for kind in [StoreFaultKind::NoLocks, StoreFaultKind::ReadOnly, StoreFaultKind::Full] {
        let turns = [(prompt_lock(), failed(kind)), recall(Asked::Answered), (load(), nothing())];
        let talk = Talk::start(governed(true)).follow(with(nobody(), turns));
        let talk = talk.turn((question(), Event::PromptFailed(PromptFault::Cancelled)));
        let at = talk.now.wall;
        assert_eq!(talk.turn(note(Asked::Declined { at })).end(), Err(Error::Cancelled));
    }
}

/// Another process may be asking.
#[test]
fn an_unknown_lock_is_an_error_where_a_session_may_be_reused() {
    for kind in [StoreFaultKind::Timeout, StoreFaultKind::Exhausted] {
        let unknown = match kind {
            StoreFaultKind::Timeout => Event::TimedOut,
            _ => failed(kind.clone()),
        };
        let at_once = [(prompt_lock(), unknown.clone())];
        let later = [
            (prompt_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            pause(50),
            (prompt_lock(), unknown.clone()),
        ];
        for turns in [at_once.to_vec(), later.to_vec()] {
            let end = run(governed(true), with(nobody(), turns));
            assert_eq!(end, Err(StoreFault { kind: kind.clone(), path: Foreign::default() }.into()));
        }
        // Who signs in explicitly is asked all the same.
        let turns =
            [(get(at("/api/v1/")), reply(200, ABOUT)), (prompt_lock(), unknown), recall(Asked::Answered)];
        Talk::start(governed(false)).follow(turns).assert_next(&question());
    }
}

#[test]
fn a_waiter_tries_again_for_as_long_as_a_question_takes() {
    let waiting = || {
        let turns = with(
            nobody(),
            [(prompt_lock(), Event::Busy(holder())), (tell(Notice::Waiting(holder())), Event::Told)],
        );
        Talk::start(governed(true)).follow(turns)
    };
    // Whom it is waited for is told once.
    let mut talk = waiting();
    let began = talk.now.tick;
    for (at, length) in (0..PAUSES).zip([50, 100, 200, 400, 800].into_iter().chain(core::iter::repeat(1_000)))
    {
        talk = talk.turn(pause(length)).turn((prompt_lock(), Event::Busy(holder())));
        assert!(began.until(talk.now.tick) < ASK_DEADLINE || at == PAUSES - 1, "{at}");
    }
    assert!(began.until(talk.now.tick) >= ASK_DEADLINE);
    assert_eq!(talk.end(), Err(CannotPrompt::Unanswered.into()));
    assert_eq!(waiting().clone_and_cancel(), Ok(Error::Cancelled));
    let asking = [(prompt_lock(), Event::Opened(ASKING)), recall(Asked::Answered), (load(), nothing())];
    let talk = Talk::start(governed(true)).follow(with(nobody(), asking));
    assert_eq!(talk.turn((question(), Event::Cancel)).turn(closed()).end(), Err(Error::Cancelled));
}

#[test]
fn nobody_waits_where_nobody_is_asked() {
    let good = session("good", 600);
    assert_eq!(run(governed(true), [(load(), found(&good))]), adopted(good));
    let never = LoginOptions { reuse: true, never_ask: true, ..LoginOptions::default() };
    let never = Governor::new(Login::new(uri(), never, seed()));
    assert_eq!(run(never, [(load(), nothing())]), Err(Error::NotSignedIn));
    let open = r#"{"authentication":{"required":false}}"#;
    let anonymous = LoginOptions { reuse: true, anonymous: true, ..LoginOptions::default() };
    let anonymous = Governor::new(Login::new(uri(), anonymous, seed()));
    let end = run(anonymous, [(load(), nothing()), (get(at("/api/v1/")), reply(200, open))]).unwrap();
    assert_eq!((end.value.session.tokens.is_empty(), end.warnings), (true, Vec::<Warning>::new()));
}

/// A question that is about to be put, after what is known of the last one.
fn about_to_ask(before: Asked) -> Talk<Governor<Login, SignedIn>> {
    about_to_ask_with(governed(true), before)
}

fn about_to_ask_with(flow: Governor<Login, SignedIn>, before: Asked) -> Talk<Governor<Login, SignedIn>> {
    let turns = [(prompt_lock(), Event::Opened(ASKING)), recall(before), (load(), nothing())];
    Talk::start(flow).follow(with(nobody(), turns))
}

#[test]
fn how_a_question_ended_is_kept_for_the_others() {
    let no = || Event::PromptFailed(PromptFault::Cancelled);
    let wall = Timestamp(WALL);
    let late = wall.after(crate::flow::ASK_DEADLINE);
    let unanswered = |times, at| Asked::Unanswered { times, at };
    let cases = [
        (Asked::Answered, no(), Some(Asked::Declined { at: wall }), Error::Cancelled),
        (Asked::Answered, Event::TimedOut, Some(unanswered(1, late)), CannotPrompt::Unanswered.into()),
        (unanswered(1, wall), Event::TimedOut, Some(unanswered(2, late)), CannotPrompt::Unanswered.into()),
        (unanswered(2, wall), no(), Some(Asked::Declined { at: wall }), Error::Cancelled),
        // The program was stopped, or there is nobody to ask: that is no answer of a person's.
        (Asked::Answered, Event::Cancel, None, Error::Cancelled),
        (
            Asked::Answered,
            Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal)),
            None,
            CannotPrompt::NoTerminal.into(),
        ),
    ];
    for (before, event, kept, error) in cases {
        for said in [Event::Applied, Event::StoreFailed(full())] {
            let mut talk = about_to_ask(before).turn((question(), event.clone()));
            if let Some(kept) = kept {
                talk = talk.turn((note(kept).0, said));
            }
            assert_eq!(talk.turn(closed()).end(), Err(error.clone()), "{before:?} {event:?}");
        }
    }
}

#[test]
fn an_answer_ends_the_count_of_those_that_were_not_answered() {
    let talk = about_to_ask(Asked::Unanswered { times: 2, at: Timestamp(WALL) });
    let body = format!("grant_type=password&username=alice&password={}", secret("pw").expose());
    let sent = crate::wire::Request::token(at("/token"), crate::wire::Body::Form(crate::Secret::from(body)));
    let talk = talk.turn((question(), password("alice", "pw")));
    let talk = talk.turn((send(sent), reply(400, r#"{"detail":"no"}"#)));
    let end = talk.turn(note(Asked::Answered)).turn(closed()).end();
    assert_eq!(end, Err(Error::Rejected(Foreign::from("no"))));
}

#[test]
fn who_said_no_is_not_asked_again_so_soon_and_who_is_not_there_not_for_ever() {
    let declined = |ago| Asked::Declined { at: Timestamp(WALL - ago) };
    let unanswered = |times, ago| Asked::Unanswered { times, at: Timestamp(WALL - ago) };
    let cases = [
        (declined(0), Some(CannotPrompt::Declined)),
        (declined(29), Some(CannotPrompt::Declined)),
        (declined(30), None),
        // By a clock that was ahead.
        (declined(-1), None),
        (unanswered(2, 0), None),
        (unanswered(3, 0), Some(CannotPrompt::Muted)),
        (unanswered(u8::MAX, 3_599), Some(CannotPrompt::Muted)),
        (unanswered(3, 3_600), None),
    ];
    for (before, why) in cases {
        let turns = [(prompt_lock(), Event::Opened(ASKING)), recall(before)];
        let talk = Talk::start(governed(true)).follow(with(nobody(), turns));
        match why {
            Some(why) => assert_eq!(talk.turn(closed()).end(), Err(why.into()), "{before:?}"),
            None => talk.assert_next(&load()),
        }
    }
    // How long is up to the program.
    for (cool_down, is_asked) in [(secs(0), true), (secs(3_600), false)] {
        let turns = [(prompt_lock(), Event::Opened(ASKING)), recall(declined(40))];
        let talk = Talk::start(governed(true).cool_down(cool_down)).follow(with(nobody(), turns));
        talk.assert_next(&if is_asked { load() } else { closed().0 });
    }
}

fn suspended() -> Turn {
    (question(), Event::PromptFailed(PromptFault::Suspended))
}

/// What a suspension brings: the lock is given back, and the program stops.
fn stopped() -> [Turn; 2] {
    [closed(), (tell(Notice::Suspend), Event::Told)]
}

#[test]
fn a_stopped_prompt_keeps_no_lock_and_asks_again_s8() {
    let talk = about_to_ask(Asked::Answered).turn(suspended()).follow(stopped());
    let again = [(prompt_lock(), Event::Opened(ASKING)), recall(Asked::Answered), (load(), nothing())];
    let talk = talk.follow(again.clone()).turn(suspended()).follow(stopped()).follow(again);
    // The answer counts, the stops before it do not.
    let talk = talk.turn((question(), Event::PromptFailed(PromptFault::Cancelled)));
    let at = talk.now.wall;
    assert_eq!(talk.turn(note(Asked::Declined { at })).turn(closed()).end(), Err(Error::Cancelled));
}

#[test]
fn a_continued_prompt_waits_its_turn_and_adopts_what_it_finds() {
    let theirs = session("theirs", 600);
    let turns = [
        (prompt_lock(), Event::Busy(holder())),
        (tell(Notice::Waiting(holder())), Event::Told),
        pause(50),
        (prompt_lock(), Event::Opened(ASKING)),
        recall(Asked::Answered),
        (load(), found(&theirs)),
        closed(),
    ];
    let talk = about_to_ask(Asked::Answered).turn(suspended()).follow(stopped());
    assert_eq!(talk.follow(turns).end(), adopted(theirs));
}

#[test]
fn a_suspension_is_no_answer_and_ends_no_count() {
    let before = Asked::Unanswered { times: 2, at: Timestamp(WALL) };
    let talk = about_to_ask(before).turn(suspended()).follow(stopped());
    let again = [(prompt_lock(), Event::Opened(ASKING)), recall(before), (load(), nothing())];
    let talk = talk.follow(again).turn((question(), Event::TimedOut));
    let at = talk.now.wall;
    let end = talk.turn(note(Asked::Unanswered { times: 3, at })).turn(closed()).end();
    assert_eq!(end, Err(CannotPrompt::Unanswered.into()));
}

#[test]
fn a_question_without_a_lock_is_suspended_without_giving_one_back() {
    let turns = [(prompt_lock(), Event::StoreFailed(full())), recall(Asked::Answered), (load(), nothing())];
    let talk = Talk::start(governed(true)).follow(with(nobody(), turns)).turn(suspended());
    talk.turn((tell(Notice::Suspend), Event::Told)).assert_next(&prompt_lock());
}

#[test]
fn only_a_governed_question_is_suspended_and_not_for_ever() {
    let talk = about_to_ask(Asked::Answered);
    assert!(talk.flow.suspendable());
    let mut worn = about_to_ask_with(governed(true).bounded(), Asked::Answered);
    assert!(worn.flow.suspendable());
    worn = worn.turn(suspended()).follow(stopped());
    let again = [(prompt_lock(), Event::Opened(ASKING)), recall(Asked::Answered), (load(), nothing())];
    worn = worn.follow(again);
    assert!(!worn.flow.suspendable());
    let suspended = Event::PromptFailed(PromptFault::Suspended);
    assert_eq!(worn.refuses(suspended.clone()), Some(Misuse::Unexpected));
    // Without the governor nobody would give anything back.
    let alone = Talk::start(Login::new(uri(), LoginOptions::default(), seed()));
    let alone = alone.turn((get(at("/api/v1/")), reply(200, ABOUT)));
    alone.assert_next(&question());
    assert!(!alone.flow.suspendable());
    assert_eq!(alone.refuses(suspended), Some(Misuse::Unexpected));
}

#[test]
fn an_explicit_sign_in_waits_5_s_for_a_stopped_holder() {
    let stopped = Holder { stopped: true, ..holder() };
    let waits = |flow| {
        let talk = Talk::start(flow).turn((get(at("/api/v1/")), reply(200, ABOUT)));
        let talk = talk.turn((prompt_lock(), Event::Busy(stopped.clone())));
        talk.turn((tell(Notice::Waiting(stopped.clone())), Event::Told))
    };
    let waited = || {
        let talk = waits(governed(false));
        let until = talk.now.tick.after(STOPPED_WAIT);
        talk.turn((Expected::Step(Step::Wait { until }), Event::TimedOut))
    };
    // Still stopped: nobody waits for it any longer.
    let goes_on = [(prompt_lock(), Event::Busy(stopped.clone())), recall(Asked::Answered)];
    waited().follow(goes_on).assert_next(&question());
    // Continued: it has its turn.
    let continued = waited().turn((prompt_lock(), Event::Busy(holder())));
    continued.turn((tell(Notice::Waiting(holder())), Event::Told)).assert_next(&pause(50).0);
    waited().turn((prompt_lock(), Event::Opened(ASKING))).assert_next(&recall(Asked::Answered).0);
    assert_eq!(waits(governed(false)).clone_and_cancel(), Ok(Error::Cancelled));
    // One that is stopped while it is waited for is noticed.
    let stops = Talk::start(governed(false)).turn((get(at("/api/v1/")), reply(200, ABOUT)));
    let stops = stops.turn((prompt_lock(), Event::Busy(holder())));
    let stops = stops.turn((tell(Notice::Waiting(holder())), Event::Told));
    let stops = stops.turn(pause(50));
    let stops = stops.turn((prompt_lock(), Event::Busy(stopped.clone())));
    let stops = stops.turn((tell(Notice::Waiting(stopped.clone())), Event::Told));
    stops.assert_next(&Expected::Pause(5_000..5_001));
    // Who only wants some session waits for whoever is asked.
    let turns = [
        (prompt_lock(), Event::Busy(stopped.clone())),
        (tell(Notice::Waiting(stopped.clone())), Event::Told),
    ];
    Talk::start(governed(true)).follow(with(nobody(), turns)).assert_next(&pause(50).0);
}
