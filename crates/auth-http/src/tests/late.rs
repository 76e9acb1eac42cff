//! Changes of a store that end after the driver has given up waiting for them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use auth_core::Notice;
use auth_core::flow::{Event, SAVE_DEADLINE, STORE_DEADLINE, Step};
use auth_core::ports::{Applied, Change, Locking, Replaces};

use super::script::{Gate, HandClock, Line, OnDrop, Ports, SOON, apply, key, lock, script};
use crate::{Cancel, Underway};

fn save() -> Step<Vec<Event>> {
    Step::Apply(Change::Save { key: key(), session: Box::default(), replaces: Replaces::Anything })
}

/// A store whose changes end when the first gate is opened, and whose lock opens the second when it is given back.
struct Slow {
    ports: Ports,
    clock: Arc<HandClock>,
    begun: Gate,
    end: Gate,
    freed: Gate,
}

fn slow() -> Slow {
    let (begun, end, freed) = (Gate::default(), Gate::default(), Gate::default());
    let (tell_begun, wait, on_drop) = (begun.clone(), end.clone(), freed.clone());
    let clock = Arc::<HandClock>::default();
    let ports = Ports {
        clock: Arc::clone(&clock),
        apply: Box::new(move |_| {
            tell_begun.open();
            assert!(wait.pass());
            Ok(Applied::Done)
        }),
        lock: Box::new(move |_| Ok(Locking::Held(Box::new(OnDrop(on_drop.clone()))))),
        ..Ports::default()
    };
    Slow { ports, clock, begun, end, freed }
}

#[test]
fn a_lock_is_held_until_a_late_change_has_ended_f7() {
    for (change, deadline) in [(save(), SAVE_DEADLINE), (apply(), STORE_DEADLINE)] {
        let Slow { ports, clock, begun, end, freed } = slow();
        let underway = Underway::new();
        let driver = ports.driver().counted(underway.clone());
        let lines = [Line::Do(lock(false)), Line::Do(change), Line::Close];
        let run = thread::spawn(move || driver.run(script(lines), &Cancel::new()).unwrap().value);
        assert!(begun.pass());
        clock.forward(deadline);
        let seen = run.join().unwrap();
        assert!(seen.ends_with(&[Event::TimedOut, Event::Closed]), "{seen:?}");
        // The flow has ended, and the change has not.
        assert!(!freed.is_open() && !underway.is_idle() && !underway.finish(Duration::ZERO));
        end.open();
        assert!(freed.pass() && underway.finish(SOON));
    }
}

#[test]
fn a_save_that_takes_long_is_told_once() {
    let Slow { mut ports, clock, begun, end, .. } = slow();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (telling, heard) = (Arc::clone(&told), Gate::default());
    let hear = heard.clone();
    ports.tell = Box::new(move |notice| {
        telling.lock().unwrap().push(notice);
        hear.open();
    });
    let driver = ports.driver();
    let run =
        thread::spawn(move || driver.run(script([Line::Redeem(save())]), &Cancel::new()).unwrap().value);
    assert!(begun.pass());
    let shortly = Duration::from_millis(1);
    clock.forward(STORE_DEADLINE.saturating_sub(shortly));
    assert!(!heard.pass_within(Duration::from_millis(600)), "it is not told before its time");
    clock.forward(shortly);
    assert!(heard.pass());
    end.open();
    assert_eq!(run.join().unwrap().last(), Some(&Event::Applied));
    assert_eq!(*told.lock().unwrap(), [Notice::Saving { location: None }]);
}

#[test]
fn an_answer_that_came_while_the_process_stood_still_is_heard_h15() {
    let Slow { mut ports, clock, begun, end, .. } = slow();
    let budgets = Arc::new(Mutex::new(Vec::new()));
    let (noted, begins, may_answer) = (Arc::clone(&budgets), begun.clone(), end.clone());
    ports.send = Box::new(move |request| {
        noted.lock().unwrap().push(request.budget);
        begins.open();
        assert!(may_answer.pass());
        Ok(auth_core::wire::Response::new(200, [], "ok"))
    });
    let driver = ports.driver();
    let lines = [Line::Do(super::send()), Line::Redeem(super::send())];
    end.open();
    let seen = driver.run(script(lines), &Cancel::new()).unwrap().value;
    assert!(seen.iter().all(|event| matches!(event, Event::Start | Event::Response(_))), "{seen:?}");
    let [plain, redeeming] = budgets.lock().unwrap()[..] else { panic!("two requests") };
    // The transport waits longer than the flow; the flow looks once more when its own time is over.
    assert!(redeeming >= plain + Duration::from_mins(5));
    drop(clock);
}

#[test]
fn what_is_redeemed_is_under_way_until_it_is_saved_f5() {
    let underway = Underway::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notes, counted) = (Arc::clone(&seen), underway.clone());
    let note = move |what| notes.lock().unwrap().push((what, counted.is_idle()));
    let [by_send, by_tell] = [note.clone(), note];
    let ports = Ports {
        send: Box::new(move |_| {
            by_send("send");
            Ok(auth_core::wire::Response::new(200, [], "ok"))
        }),
        tell: Box::new(move |_| by_tell("tell")),
        ..Ports::default()
    };
    let driver = ports.driver().counted(underway.clone());
    let lines =
        [Line::Do(super::tell()), Line::Redeem(super::send()), Line::Do(save()), Line::Do(super::tell())];
    driver.run(script(lines), &Cancel::new()).unwrap();
    assert_eq!(*seen.lock().unwrap(), [("tell", true), ("send", false), ("tell", true)]);
    assert!(underway.is_idle());
}
