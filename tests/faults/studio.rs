//! The same for Shotgun sites: a person who signs in, by a password and a code or by a browser, and calls.

mod check;
mod world;

use auth_core::Seed;

use self::check::check;
use self::world::{Command, World};
use crate::pairs::Lots;
use crate::plan::{Fault, Plan, Port, Strike};
use crate::single::check_all;
use crate::world::Kind;

const KINDS: [Kind; 3] = [Kind::Memory, Kind::Files, Kind::Async];

/// A command that goes well, and how often it calls each port.
fn undisturbed(kind: Kind, command: Command) -> Plan {
    let world = World::before(kind, command);
    let held = world.stored_session();
    world.run(command, held, Vec::new()).plan
}

fn each() -> impl Iterator<Item = (Kind, Command)> {
    KINDS.into_iter().flat_map(|kind| Command::ALL.map(|command| (kind, command)))
}

/// Every fault at every call of a port.
fn at_every_call(port: Port) {
    let mut cases: Vec<(Kind, Command, Vec<Strike>)> = Vec::new();
    for (kind, command) in each() {
        for at in 0..undisturbed(kind, command).calls(port) {
            // What stalls takes a while, and files stall as memory does.
            let faults =
                port.faults().into_iter().filter(|fault| kind != Kind::Files || *fault != Fault::Stall);
            cases.extend(faults.map(|fault| (kind, command, vec![(port, at, fault)])));
        }
    }
    assert!(cases.len() > 100, "{port:?} {}", cases.len());
    check_all(&cases, check);
}

#[test]
fn every_command_goes_well_where_nothing_goes_wrong() {
    for (kind, command) in each() {
        check(kind, command, &[]);
    }
}

#[test]
fn a_store_that_fails_at_any_call_costs_no_session_h17() {
    at_every_call(Port::Store);
}

#[test]
fn a_network_that_fails_at_any_request_costs_no_session_and_presents_no_password_twice_h17_n8() {
    at_every_call(Port::Transport);
}

#[test]
fn a_clock_that_is_wrong_from_any_reading_on_costs_no_session_n9() {
    at_every_call(Port::Clock);
}

#[test]
fn a_person_who_does_not_answer_any_question_costs_no_session() {
    at_every_call(Port::Prompt);
}

#[test]
fn a_future_that_is_dropped_at_any_await_costs_no_session_h15() {
    let mut cases = Vec::new();
    for command in Command::ALL {
        let plan = undisturbed(Kind::Async, command);
        for port in [Port::Store, Port::Transport, Port::Prompt] {
            for at in 0..plan.calls(port) {
                let drops = [Fault::Leave, Fault::LeaveAfter];
                cases.extend(drops.map(|fault| (Kind::Async, command, vec![(port, at, fault)])));
            }
        }
    }
    assert!(cases.len() > 60, "{}", cases.len());
    check_all(&cases, check);
}

#[test]
fn two_faults_at_once_cost_no_session_h17() {
    let mut lots = Lots::new(Seed::new([12; 32]));
    let cases: Vec<_> = each()
        .flat_map(|(kind, command)| {
            let strikes = lots.pairs(&undisturbed(kind, command));
            strikes.into_iter().map(move |strikes| (kind, command, strikes)).collect::<Vec<_>>()
        })
        .collect();
    check_all(&cases, check);
}

#[test]
fn who_cancels_while_a_session_is_being_saved_has_it_h15() {
    let mut saved = 0;
    for (kind, command) in each().filter(|(_, command)| !command.is_call()) {
        for at in 0..undisturbed(kind, command).calls(Port::Store) {
            let world = World::before(kind, command);
            let before = world.stored_session();
            let run = world.run(command, before.clone(), vec![(Port::Store, at, Fault::Cancel)]);
            let was_given = run.seen.iter().any(|exchange| exchange.gives_a_session);
            let stored = world.stored_session();
            let context = format!("{kind:?} {command:?} at {at}: {:?} {:?}", run.report, run.seen);
            assert_eq!(stored != before, was_given, "{context}");
            saved += usize::from(was_given);
        }
    }
    // The lock, the saving, its release and the list of sites, each time.
    assert!(saved >= 3 * 4 * 3, "{saved}");
}
