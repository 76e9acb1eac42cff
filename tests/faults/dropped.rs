//! Whoever waits for a command drops its future, at each of its awaits: before what it waits for is done, and after.

use std::time::Duration;

use auth_core::ports::{LockKind, Locking};
use auth_core::session::Session;

use crate::check::{check_again, check_presented, check_rest, check_session};
use crate::command::Command;
use crate::plan::{Fault, Port};
use crate::single::undisturbed;
use crate::stage::Run;
use crate::world::{Kind, World};

/// Every place where a future can be dropped.
fn places(command: Command) -> Vec<(Port, usize, Fault)> {
    let plan = undisturbed(Kind::Async, command);
    let calls = [Port::Store, Port::Transport, Port::Prompt]
        .into_iter()
        .flat_map(|port| (0..plan.calls(port)).map(move |at| (port, at)));
    calls.flat_map(|(port, at)| [Fault::Leave, Fault::LeaveAfter].map(|fault| (port, at, fault))).collect()
}

/// True if a session is whole: both its tokens are good.
fn is_whole(world: &World, session: &Session) -> bool {
    world.lets_in(session) && world.can_renew(session)
}

/// True if tokens of this path were given, and came.
fn was_given(run: &Run, path: &str) -> bool {
    run.seen.iter().any(|exchange| exchange.path.ends_with(path) && exchange.status == Some(200))
}

#[test]
fn a_future_that_is_dropped_at_any_await_leaves_what_was_or_all_that_came_h15() {
    let mut saved = 0;
    for command in Command::ALL {
        let places = places(command);
        assert!(places.len() >= 2, "{command:?} {places:?}");
        for strike in places {
            let world = World::before(Kind::Async, command);
            let before = world.stored_session();
            let run = world.run(command, before.clone(), vec![strike.clone()]);
            let context = format!("{command:?} {strike:?}: {:?} {:?}", run.report, run.seen);
            for kind in [LockKind::Renewal, LockKind::Prompt] {
                // What was on its way to the lock when the future was dropped gives it back as soon as it has it.
                let lock = world.store.lock(kind, &world.key(), Duration::from_mins(1));
                assert!(matches!(lock, Ok(Locking::Held(_))), "{kind:?} is {lock:?}, {context}");
            }
            check_presented(&run.seen, &context);
            check_rest(&world, &context);
            check_session(&world, command, before.as_ref(), &run.report, &run.seen, &context);

            let stored = world.stored_session();
            let is_redeemed = was_given(&run, "/session/refresh");
            match &stored {
                Some(stored) if Some(stored) != before.as_ref() => {
                    assert!(is_whole(&world, stored), "in between, {context}");
                    assert!(is_redeemed || was_given(&run, "/token"), "from nowhere, {context}");
                    saved += 1;
                }
                _ => assert!(!is_redeemed, "redeemed and not saved, {context}"),
            }
            check_again(&world, command, &context);
        }
    }
    assert!(saved > 20, "{saved}");
}

#[test]
fn a_future_that_is_never_polled_does_nothing() {
    use auth_core::Seed;
    use auth_core::flow::Renewal;
    use auth_http::Cancel;

    let world = World::before(Kind::Async, Command::Renewal);
    let before = world.stored_session();
    let requests = world.site.lock().unwrap().log().len();
    let driver = world.calm_driver();
    drop(driver.run(Renewal::new(world.uri.clone(), Seed::new([9; 32])), &Cancel::new()));
    assert_eq!(world.stored_session(), before);
    assert_eq!(world.site.lock().unwrap().log().len(), requests);
}
