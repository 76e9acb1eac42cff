//! What the driver promises, with a flow that follows a script.

#[cfg(feature = "blocking")]
#[path = "closing_late.rs"]
mod closing_late;
#[path = "late.rs"]
mod late;
#[path = "script.rs"]
mod script;
#[path = "stops.rs"]
mod stops;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auth_core::error::{CannotPrompt, Misuse, Sent, StoreFault, StoreFaultKind, TransportFault};
use auth_core::flow::{Event, Held, LOCK_DEADLINE, Step};
use auth_core::ports::{Applied, Dismiss, Loaded, Locking, Stored, Unreachable};
use auth_core::session::{Session, Tokens};
use auth_core::time::Tick;
use auth_core::wire::Response;
use auth_core::{Answer, Error, Foreign, Holder, PromptFault};

use self::script::{Line, Ports, apply, ask, clear, load, lock, script, send, tell};
use crate::Cancel;

/// The events that a flow was given.
fn events(ports: Ports, lines: impl IntoIterator<Item = Line>, cancel: &Cancel) -> Vec<Event> {
    ports.driver().run(script(lines), cancel).unwrap().value
}

fn run(ports: Ports, lines: impl IntoIterator<Item = Line>) -> Vec<Event> {
    events(ports, lines, &Cancel::new())
}

fn response() -> Event {
    Event::Response(Response::new(200, [], "ok"))
}

fn fault(why: &str) -> StoreFault {
    StoreFault { kind: StoreFaultKind::Other(Foreign::from(why)), path: Foreign::default() }
}

#[test]
fn a_prompt_learns_whether_its_question_may_be_suspended() {
    for suspends in [false, true] {
        let heard = Arc::new(AtomicBool::new(!suspends));
        let told = Arc::clone(&heard);
        let asked = Box::new(move |dismissed: Dismiss| {
            told.store(dismissed.may_suspend(), Ordering::SeqCst);
            Err(PromptFault::Suspended)
        });
        let driver = Ports { ask: asked, ..Ports::default() }.driver();
        let flow = script([Line::Do(ask())]).suspends(suspends);
        let seen = driver.run(flow, &Cancel::new()).unwrap().value;
        assert_eq!(heard.load(Ordering::SeqCst), suspends);
        // One that suspends all the same has given the question up.
        let fault = if suspends { PromptFault::Suspended } else { PromptFault::Cancelled };
        assert_eq!(seen, [Event::Start, Event::PromptFailed(fault)]);
    }
}

#[test]
fn every_step_is_answered_with_what_its_port_brought() {
    let stored = || Stored { session: Session::default(), intent: None };
    let generation = Tokens::default().generation();
    let unreachable = Unreachable { fault: TransportFault::Tls, sent: Sent::No };
    let holder = || Holder { pid: Some(7), ..Holder::default() };
    let plain = Ports::default;
    let cases: Vec<(Ports, Step<Vec<Event>>, Event)> = vec![
        (plain(), send(), response()),
        (
            Ports { send: Box::new(move |_| Err(unreachable)), ..plain() },
            send(),
            Event::Unreachable { fault: TransportFault::Tls, sent: Sent::No },
        ),
        (plain(), ask(), Event::Answer(Answer::Provider(0))),
        (
            Ports { ask: Box::new(|_| Err(PromptFault::Cancelled)), ..plain() },
            ask(),
            Event::PromptFailed(PromptFault::Cancelled),
        ),
        (plain(), tell(), Event::Told),
        (plain(), load(), Event::Loaded(Loaded::None)),
        (
            Ports { load: Box::new(move |_| Ok(Loaded::Found(Box::new(stored())))), ..plain() },
            load(),
            Event::Loaded(Loaded::Found(Box::new(stored()))),
        ),
        (Ports { load: Box::new(|_| Err(fault("x"))), ..plain() }, load(), Event::StoreFailed(fault("x"))),
        (plain(), apply(), Event::Applied),
        (
            Ports { apply: Box::new(move |_| Ok(Applied::Conflict(Some(Box::new(stored()))))), ..plain() },
            clear(generation),
            Event::Conflict(Some(Box::new(stored()))),
        ),
        (Ports { apply: Box::new(|_| Err(fault("y"))), ..plain() }, apply(), Event::StoreFailed(fault("y"))),
        (plain(), lock(false), Event::Opened(Held(1))),
        (
            Ports { lock: Box::new(move |_| Ok(Locking::Busy(holder()))), ..plain() },
            lock(false),
            Event::Busy(holder()),
        ),
        (
            Ports { lock: Box::new(|_| Err(fault("z"))), ..plain() },
            lock(true),
            Event::StoreFailed(fault("z")),
        ),
        (plain(), Step::Wait { until: Tick(60_000) }, Event::TimedOut),
    ];
    for (ports, step, event) in cases {
        let shown = format!("{step:?}");
        let seen = run(ports, [Line::Do(step)]);
        assert_eq!(seen[..2], [Event::Start, event], "{shown}");
    }
}

#[test]
fn ports_are_given_what_the_step_says() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let seen = Arc::clone(&seen);
        move |detail: String| seen.lock().unwrap().push(format!("{what} {detail}"))
    };
    let (sent, told, loaded, applied, locked) =
        (note("send"), note("tell"), note("load"), note("apply"), note("lock"));
    let ports = Ports {
        send: Box::new(move |request| {
            sent(format!("{} {}", request.method.as_str(), request.url));
            Ok(Response::new(200, [], ""))
        }),
        tell: Box::new(move |notice| told(format!("{notice:?}"))),
        load: Box::new(move |key| {
            loaded(key.site);
            Ok(Loaded::None)
        }),
        apply: Box::new(move |change| {
            applied(format!("{}", matches!(change, auth_core::ports::Change::Prefer(_))));
            Ok(Applied::Done)
        }),
        lock: Box::new(move |wait| {
            locked(format!("{wait:?}"));
            Ok(Locking::Busy(Holder::default()))
        }),
        ..Ports::default()
    };
    run(ports, [send(), tell(), load(), apply(), lock(false), lock(true)].map(Line::Do));
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "send GET http://127.0.0.1:1/".to_owned(),
            r#"tell Confirmation("hello")"#.to_owned(),
            "load http://127.0.0.1:1/api/v1/".to_owned(),
            "apply true".to_owned(),
            "lock 0ns".to_owned(),
            format!("lock {LOCK_DEADLINE:?}"),
        ]
    );
}

#[test]
fn a_port_that_panics_is_a_fault_of_its_kind() {
    let falls = || Ports {
        send: Box::new(|_| panic!("transport")),
        ask: Box::new(|_| panic!("prompt")),
        tell: Box::new(|_| panic!("prompt")),
        load: Box::new(|_| panic!("store")),
        apply: Box::new(|_| panic!("store")),
        lock: Box::new(|_| panic!("store")),
        ..Ports::default()
    };
    let store = Event::StoreFailed(fault("it stopped with a fault of its own"));
    let cases = [
        (send(), Event::Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe }),
        (ask(), Event::PromptFailed(PromptFault::Cannot(CannotPrompt::HungUp))),
        (tell(), Event::Told),
        (load(), store.clone()),
        (apply(), store.clone()),
        (lock(true), store),
    ];
    for (step, event) in cases {
        let shown = format!("{step:?}");
        assert_eq!(run(falls(), [Line::Do(step)]), [Event::Start, event], "{shown}");
    }
}

#[test]
fn what_is_held_has_a_name_that_is_never_used_again() {
    let lines =
        [Line::Do(lock(false)), Line::Do(lock(false)), Line::Close, Line::Do(lock(false)), Line::Close];
    let seen = run(Ports::default(), lines);
    let opened: Vec<_> = seen
        .iter()
        .filter_map(|event| if let Event::Opened(held) = event { Some(held.0) } else { None })
        .collect();
    assert_eq!(opened, [1, 2, 3]);
    assert_eq!(seen.iter().filter(|event| **event == Event::Closed).count(), 3);
}

/// Ports whose locks note, when they are given back, which they were.
fn noting(noted: &Arc<Mutex<Vec<usize>>>) -> Ports {
    struct Note(Arc<Mutex<Vec<usize>>>, usize);
    impl Drop for Note {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    let (noted, count) = (Arc::clone(noted), AtomicUsize::new(1));
    let lock = move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        Ok(Locking::Held(Box::new(Note(Arc::clone(&noted), number)) as Box<dyn Send>))
    };
    Ports { lock: Box::new(lock), ..Ports::default() }
}

#[test]
fn what_is_held_is_given_back_when_asked_for_and_at_every_end() {
    let open = || vec![Line::Do(lock(true)), Line::Do(lock(true)), Line::Do(lock(true))];
    let with = |line: Line| [open(), vec![line]].concat();
    let cases = [
        ("closed", [open(), vec![Line::Close, Line::Close, Line::Close]].concat(), vec![1, 2, 3]),
        ("one closed", [open(), vec![Line::Close, Line::Leave]].concat(), vec![1, 3, 2]),
        ("left open", with(Line::Leave), vec![3, 2, 1]),
        ("misuse", with(Line::Refuse), vec![3, 2, 1]),
        ("panic", with(Line::Panic), vec![3, 2, 1]),
    ];
    for (name, lines, order) in cases {
        let noted = Arc::default();
        let driver = noting(&noted).driver();
        let end = catch_unwind(AssertUnwindSafe(|| driver.run(script(lines), &Cancel::new()).map(drop)));
        match name {
            "misuse" => assert_eq!(end.unwrap(), Err(Error::Misuse(Misuse::BadAnswer))),
            "panic" => assert!(end.is_err()),
            _ => assert_eq!(end.unwrap(), Ok(())),
        }
        assert_eq!(*noted.lock().unwrap(), order, "{name}");
    }
}

#[test]
fn one_driver_runs_many_flows_at_once() {
    let driver = Ports::default().driver();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| driver.run(script([send(), load(), apply()].map(Line::Do)), &Cancel::new()))
            })
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap().unwrap().value.len(), 4);
        }
    });
}
