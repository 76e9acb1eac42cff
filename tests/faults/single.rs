//! One fault.

use std::fmt::Debug;
use std::panic::RefUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::check::check;
use crate::command::Command;
use crate::plan::{Fault, Plan, Port, Strike};
use crate::world::{Kind, World};

/// A command that goes well, and how often it calls each port.
pub(crate) fn undisturbed(kind: Kind, command: Command) -> Plan {
    let world = World::before(kind, command);
    let held = world.stored_session();
    let run = world.run(command, held, Vec::new());
    assert_eq!((run.report.error, run.report.warnings), (None, Vec::new()), "{kind:?} {command:?}");
    run.plan
}

/// Checks all of these, several at a time: most of their time they wait.
pub(crate) fn check_all<C>(cases: &[(Kind, C, Vec<Strike>)], check: fn(Kind, C, &[Strike]))
where
    C: Copy + Debug + Sync + RefUnwindSafe,
{
    const AT_A_TIME: usize = 8;
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((kind, command, strikes)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked = std::panic::catch_unwind(|| check(*kind, *command, strikes));
                    if checked.is_err() {
                        failed.lock().unwrap().push(format!("{kind:?} {command:?} {strikes:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), cases.len());
}

/// Every fault at every call of a port.
fn at_every_call(kinds: &[Kind], port: Port, stalls: bool) {
    let mut cases = Vec::new();
    for (kind, command) in kinds.iter().flat_map(|kind| Command::ALL.map(|command| (*kind, command))) {
        for at in 0..undisturbed(kind, command).calls(port) {
            let faults = port.faults().into_iter().filter(|fault| stalls || *fault != Fault::Stall);
            cases.extend(faults.map(|fault| (kind, command, vec![(port, at, fault)])));
        }
    }
    check_all(&cases, check);
}

#[test]
fn every_command_goes_well_where_nothing_goes_wrong() {
    for kind in [Kind::Memory, Kind::Reusable, Kind::Files, Kind::Async] {
        for command in Command::ALL {
            let plan = undisturbed(kind, command);
            assert!(plan.calls(Port::Store) > 0 && plan.calls(Port::Clock) > 1, "{kind:?} {command:?}");
            check(kind, command, &[]);
        }
    }
}

#[test]
fn a_store_that_fails_at_any_call_costs_no_session_h17() {
    at_every_call(&[Kind::Memory, Kind::Async], Port::Store, true);
    at_every_call(&[Kind::Files], Port::Store, false);
}

#[test]
fn a_network_that_fails_at_any_request_costs_no_session_h17_n8() {
    at_every_call(&[Kind::Memory, Kind::Reusable, Kind::Async], Port::Transport, true);
    at_every_call(&[Kind::Files], Port::Transport, false);
}

#[test]
fn a_clock_that_is_wrong_from_any_reading_on_costs_no_session_n9() {
    at_every_call(&[Kind::Memory, Kind::Files, Kind::Async], Port::Clock, true);
}

#[test]
fn a_person_who_does_not_answer_any_question_costs_no_session() {
    at_every_call(&[Kind::Memory, Kind::Files, Kind::Async], Port::Prompt, true);
}
