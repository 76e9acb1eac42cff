//! Somebody else signs in to the same site in the middle of a command, with a program that knows nothing of locks, as
//! Tiled's Python client does.

use auth_core::error::{Error, Policy};
use auth_core::session::Session;

use crate::check::{check_presented, check_rest};
use crate::command::Command;
use crate::plan::{Fault, Port};
use crate::world::{Kind, World};

const KINDS: [Kind; 3] = [Kind::Memory, Kind::Files, Kind::Async];
/// More than any command asks of its store.
const CALLS: usize = 16;

/// One command, and what there is to see of it.
struct Seen {
    world: World,
    ours: Session,
    session: Option<Session>,
    error: Option<Error>,
    /// How often the store was asked.
    calls: usize,
    context: String,
}

/// Runs a command with a stranger before the call `at`; `is_over` if the server knows our session no more.
fn meet(kind: Kind, command: Command, at: usize, is_over: bool) -> Seen {
    let world = World::before(kind, command);
    let ours = world.stored_session().unwrap();
    if is_over {
        world.site.lock().unwrap().forget_principal("demo");
    }
    let run = world.run(command, Some(ours.clone()), vec![(Port::Store, at, Fault::Stranger)]);
    let context = format!("{kind:?} {command:?} at {at}, over: {is_over}: {:?} {:?}", run.report, run.seen);
    check_presented(&run.seen, &context);
    check_rest(&world, &context);
    let calls = run.plan.calls(Port::Store);
    Seen { ours, session: run.report.session, error: run.report.error, calls, context, world }
}

/// Whoever names nobody means whoever is there when it first looks: that is the first call, or for signing out the
/// second, which comes after its lock.
fn means_whoever_is_there(command: Command, at: usize) -> bool {
    match command {
        Command::Call => false,
        Command::Logout => at <= 1,
        _ => at == 0,
    }
}

#[test]
fn a_session_of_somebody_else_is_not_taken_for_ours_and_not_mixed_with_it_f5() {
    let (mut told, mut kept) = (0, 0);
    for (kind, command) in KINDS.iter().flat_map(|kind| Command::ALL.map(|command| (*kind, command))) {
        if command.age().is_none() {
            continue;
        }
        for at in 0..CALLS {
            let Seen { world, ours, session, error, calls, context } = meet(kind, command, at, false);
            if at >= calls {
                assert_eq!(error, None, "{context}");
                break;
            }
            let is_theirs = |session: &Session| session.facts.principal == world.stranger.facts.principal;
            assert_ne!(ours.facts.principal, world.stranger.facts.principal);
            if !means_whoever_is_there(command, at) {
                assert!(!session.as_ref().is_some_and(is_theirs), "adopted, {context}");
            }
            match world.stored_session() {
                Some(stored) if is_theirs(&stored) => {
                    kept += 1;
                    assert_eq!(stored.tokens, world.stranger.tokens, "mixed, {context}");
                }
                // What they wrote was replaced as a whole by what we had renewed meanwhile.
                Some(stored) => assert_eq!(Some(stored), session, "mixed, {context}"),
                None => assert!(command == Command::Logout && at <= 1, "removed, {context}"),
            }
            told += usize::from(error == Some(Error::Policy(Policy::AnotherUser)));
        }
    }
    assert!(told > 4 && kept > 12, "{told} {kept}");
}

#[test]
fn the_end_of_our_session_does_not_remove_what_somebody_else_just_signed_in_to_f5() {
    let commands = [Command::Renewal, Command::EarlyRenewal, Command::Call, Command::Whoami];
    for (kind, command) in KINDS.iter().flat_map(|kind| commands.map(|command| (*kind, command))) {
        let mut met = 0;
        for at in 0..CALLS {
            let Seen { world, calls, error, context, .. } = meet(kind, command, at, true);
            if at >= calls {
                assert!(error.is_some_and(|error| error.ends_session()), "{context}");
                assert_eq!(world.stored_session(), None, "{context}");
                break;
            }
            met += 1;
            let stored = world.stored_session().map(|session| session.tokens);
            assert_eq!(stored.as_ref(), Some(&world.stranger.tokens), "removed, {context}");
        }
        // Two looks, a lock, a note, another look, and the removal.
        assert!(met >= 6, "{kind:?} {command:?} {met}");
    }
}
