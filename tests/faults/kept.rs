//! Somebody else has a lock and does not give it back, as a process does that was stopped; or does something else
//! meanwhile.

use auth_core::error::{CannotPrompt, Error, StoreFaultKind};
use auth_core::flow::Warning;
use auth_core::ports::LockKind;

use crate::check::{check_again, check_rest};
use crate::command::Command;
use crate::plan::{Fault, Port};
use crate::single::undisturbed;
use crate::stage::Run;
use crate::world::{Kind, World};

const KINDS: [Kind; 3] = [Kind::Memory, Kind::Files, Kind::Async];

/// Runs a command while somebody else has this lock.
fn meet(kind: Kind, command: Command, lock: LockKind) -> (Run, String) {
    let world = World::before(kind, command);
    let before = world.stored_session();
    let run = world.run(command, before, vec![(Port::Store, 0, Fault::Kept(lock))]);
    let context = format!("{kind:?} {command:?} {lock:?}: {:?} {:?}", run.report, run.seen);
    check_rest(&world, &context);
    if run.report.error.is_some() {
        check_again(&world, command, &context);
    }
    (run, context)
}

fn is_locked(error: &Error) -> bool {
    matches!(error, Error::Store(fault) if matches!(fault.kind, StoreFaultKind::Locked(_)))
}

#[test]
fn without_the_renewal_lock_nothing_is_redeemed_h15() {
    for (kind, command) in KINDS.iter().flat_map(|kind| Command::ALL.map(|command| (*kind, command))) {
        let (run, context) = meet(kind, command, LockKind::Renewal);
        let is_redeemed = run.seen.iter().any(|exchange| exchange.presented.is_some());
        assert!(!is_redeemed || command == Command::Logout, "redeemed, {context}");
        let warned = |warning: &Warning| matches!(warning, Warning::NotRenewed(error) if is_locked(error));
        match command {
            // What is good needs no lock, and a password is given to whoever knows it.
            Command::Login | Command::LoginAsked | Command::LoginReuse => {
                assert_eq!(run.report.error, None, "{context}");
            }
            Command::EarlyRenewal => {
                assert_eq!(run.report.error, None, "{context}");
                assert!(run.report.warnings.iter().any(warned), "{context}");
            }
            Command::Logout => {}
            _ => assert!(run.report.error.is_some_and(|error| is_locked(&error)), "{context}"),
        }
    }
}

#[test]
fn while_somebody_else_is_asked_nobody_is_asked() {
    for (kind, command) in KINDS.iter().flat_map(|kind| Command::ALL.map(|command| (*kind, command))) {
        let (run, context) = meet(kind, command, LockKind::Prompt);
        let would_ask = command.age().is_none();
        let expected = would_ask.then(|| Error::from(CannotPrompt::Unanswered));
        assert_eq!(run.report.error, expected, "{context}");
        if would_ask {
            // It was said for whom we wait, and nothing else.
            assert_eq!(run.plan.calls(Port::Prompt), 1, "{context}");
        }
    }
}

#[test]
fn a_lock_for_questions_that_cannot_be_had_is_gone_without() {
    for (kind, command) in
        KINDS.iter().flat_map(|kind| [Command::Login, Command::LoginAsked].map(|command| (*kind, command)))
    {
        let locks = undisturbed(kind, command).calls(Port::Store);
        let mut asked = 0;
        for at in 0..locks {
            let world = World::before(kind, command);
            let refused = Fault::Refuse(StoreFaultKind::ReadOnly);
            let run = world.run(command, None, vec![(Port::Store, at, refused)]);
            let context = format!("{kind:?} {command:?} at {at}: {:?} {:?}", run.report, run.seen);
            if run.report.error.is_none() {
                asked += 1;
                assert!(run.plan.calls(Port::Prompt) > 0, "{context}");
            }
        }
        assert!(asked > 0, "{kind:?} {command:?}");
    }
}

#[test]
fn who_signs_in_before_we_ask_is_taken_and_one_session_is_whole() {
    let (mut theirs, mut ours) = (0, 0);
    for kind in KINDS {
        for at in 0..undisturbed(kind, Command::LoginAsked).calls(Port::Store) {
            let world = World::before(kind, Command::LoginAsked);
            let run = world.run(Command::LoginAsked, None, vec![(Port::Store, at, Fault::Stranger)]);
            let context = format!("{kind:?} at {at}: {:?} {:?}", run.report, run.seen);
            assert_eq!(run.report.error, None, "{context}");
            check_rest(&world, &context);
            let session = run.report.session.unwrap();
            let stored = world.stored_session().unwrap();
            if session.facts.principal == world.stranger.facts.principal {
                theirs += 1;
                assert_eq!(
                    (&session.tokens, &stored.tokens),
                    (&world.stranger.tokens, &session.tokens),
                    "{context}"
                );
                assert_eq!(run.plan.calls(Port::Prompt), 0, "{context}");
            } else {
                ours += 1;
                assert!(world.can_renew(&session) && world.lets_in(&session), "{context}");
                let is_theirs = stored.tokens == world.stranger.tokens;
                assert!(is_theirs || stored.tokens == session.tokens, "mixed, {context}");
            }
        }
    }
    assert!(theirs >= 6 && ours >= 3, "{theirs} {ours}");
}
