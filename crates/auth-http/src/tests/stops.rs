//! Cancels and deadlines: when a step is left behind, and what becomes of what it brings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_core::flow::{ASK_DEADLINE, Event, LOCK_DEADLINE, STORE_DEADLINE, Step, TELL_DEADLINE};
use auth_core::ports::{Applied, Clock, Loaded, Locking};
use auth_core::time::Tick;
use auth_core::wire::Response;
use auth_core::{Answer, Notice, PromptFault};

use super::script::{Gate, HandClock, Line, OnDrop, Ports, SOON, apply, ask, load, lock, script, send, tell};
use super::{events, response, run};
use crate::{Cancel, SystemClock};

/// Ports that say stop in the middle of whatever they do, and stay in it until the gate opens. A prompt leaves when it
/// is dismissed.
fn stopping(cancel: &Cancel, gate: &Gate) -> Ports {
    let stop = || {
        let (cancel, gate) = (cancel.clone(), gate.clone());
        move || {
            cancel.cancel();
            gate.pass();
        }
    };
    let (sent, loaded, locked, asked) = (stop(), stop(), stop(), cancel.clone());
    Ports {
        send: Box::new(move |_| {
            sent();
            Ok(Response::new(200, [], "late"))
        }),
        ask: Box::new(move |dismissed| {
            let gone = Gate::default();
            let leave = gone.clone();
            dismissed.on_dismiss(move || leave.open());
            asked.cancel();
            assert!(gone.pass());
            Err(PromptFault::Cancelled)
        }),
        load: Box::new(move |_| {
            loaded();
            Ok(Loaded::None)
        }),
        lock: Box::new(move |_| {
            locked();
            Ok(Locking::Held(Box::new(())))
        }),
        ..Ports::default()
    }
}

#[test]
fn a_cancel_interrupts_every_step_that_takes_time() {
    for step in [send(), ask(), load(), lock(false), lock(true)] {
        let (cancel, gate, shown) = (Cancel::new(), Gate::default(), format!("{step:?}"));
        let seen = events(stopping(&cancel, &gate), [Line::Do(step), Line::Do(send())], &cancel);
        assert_eq!(seen, [Event::Start, Event::Cancel], "{shown}");
        assert!(!gate.is_open());
        gate.open();
    }
}

#[test]
fn a_cancel_before_the_start_takes_its_place() {
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(events(Ports::default(), [Line::Do(send())], &cancel), [Event::Cancel]);
}

#[test]
fn a_cancel_wakes_a_wait_of_real_time() {
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let ports = Ports {
        tell: Box::new(move |_| {
            let stop = stop.clone();
            std::thread::spawn(move || stop.cancel());
        }),
        ..Ports::default()
    };
    let began = Instant::now();
    let until = SystemClock.now().tick.after(2 * SOON);
    let flow = script([Line::Do(tell()), Line::Do(Step::Wait { until })]);
    let seen = ports.driver_with(Arc::new(SystemClock)).run(flow, &cancel).unwrap().value;
    assert_eq!(seen, [Event::Start, Event::Told, Event::Cancel]);
    assert!(began.elapsed() < SOON);
}

#[test]
fn a_cancel_during_a_step_that_ends_by_itself_comes_with_the_next_which_is_not_carried_out() {
    for step in [tell(), apply()] {
        let (cancel, shown) = (Cancel::new(), format!("{step:?}"));
        let (told, applied) = (cancel.clone(), cancel.clone());
        let event = if matches!(step, Step::Tell(_)) { Event::Told } else { Event::Applied };
        let ports = Ports {
            tell: Box::new(move |_| told.cancel()),
            apply: Box::new(move |_| {
                applied.cancel();
                Ok(Applied::Done)
            }),
            send: Box::new(|_| panic!("sent in spite of a cancel")),
            ..Ports::default()
        };
        let seen = events(ports, [Line::Do(step), Line::Do(send())], &cancel);
        assert_eq!(seen, [Event::Start, event, Event::Cancel], "{shown}");
    }
}

/// Ports whose notices hang once `then` was called, until the gate opens.
fn hanging(gate: &Gate, clock: &Arc<HandClock>, then: impl Fn() + Send + Sync + 'static) -> Ports {
    let gate = gate.clone();
    let tell = Box::new(move |_| {
        then();
        gate.pass();
    });
    Ports { clock: Arc::clone(clock), tell, ..Ports::default() }
}

#[test]
fn a_notice_that_hangs_is_left_behind_at_its_deadline() {
    let (gate, clock, began) = (Gate::default(), Arc::<HandClock>::default(), Instant::now());
    let turned = Arc::clone(&clock);
    let ports = hanging(&gate, &clock, move || turned.forward(TELL_DEADLINE));
    let seen = run(ports, [Line::Do(tell()), Line::Do(send())]);
    assert_eq!(seen, [Event::Start, Event::Told, response()]);
    assert!(!gate.is_open() && began.elapsed() < SOON);
    gate.open();
}

#[test]
fn a_cancel_is_heard_while_a_notice_hangs() {
    for step in [tell(), Step::Tell(Notice::Suspend)] {
        let (gate, cancel, began) = (Gate::default(), Cancel::new(), Instant::now());
        let stop = cancel.clone();
        let ports = hanging(&gate, &Arc::default(), move || stop.cancel());
        let seen = events(ports, [Line::Do(step), Line::Do(send())], &cancel);
        assert_eq!(seen, [Event::Start, Event::Told, Event::Cancel]);
        assert!(!gate.is_open() && began.elapsed() < SOON);
        gate.open();
    }
}

#[test]
fn a_notice_told_after_a_cancel_is_told_to_its_end() {
    let (cancel, told) = (Cancel::new(), Gate::default());
    let (stop, end) = (cancel.clone(), told.clone());
    let ports = Ports {
        load: Box::new(move |_| {
            stop.cancel();
            Ok(Loaded::None)
        }),
        tell: Box::new(move |_| {
            // Longer than a cancel would leave it.
            std::thread::sleep(2 * crate::drive::GLANCE);
            end.open();
        }),
        ..Ports::default()
    };
    let flow = script([Line::Do(load()), Line::Do(tell())]).deaf();
    ports.driver().run(flow, &cancel).unwrap();
    assert!(told.is_open());
}

#[test]
fn a_cancel_is_kept_back_from_a_redeeming_request_until_its_answer_is_saved() {
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let ports = Ports {
        send: Box::new(move |_| {
            stop.cancel();
            Ok(Response::new(200, [], "ok"))
        }),
        load: Box::new(|_| panic!("loaded in spite of a cancel")),
        ..Ports::default()
    };
    let seen = events(ports, [Line::Redeem(send()), Line::Do(apply()), Line::Do(load())], &cancel);
    assert_eq!(seen, [Event::Start, response(), Event::Applied, Event::Cancel]);
}

#[test]
fn a_cancel_is_told_once() {
    let cancel = Cancel::new();
    cancel.cancel();
    let flow = script([send(), load(), Step::Wait { until: Tick(1) }].map(Line::Do)).deaf();
    let seen = Ports::default().driver().run(flow, &cancel).unwrap().value;
    assert_eq!(seen, [Event::Cancel, response(), Event::Loaded(Loaded::None), Event::TimedOut]);
}

#[test]
fn a_step_past_its_deadline_is_left_behind() {
    let cases = [
        (send(), Duration::from_secs(30)),
        (ask(), ASK_DEADLINE),
        (load(), STORE_DEADLINE),
        (apply(), STORE_DEADLINE),
        (lock(true), LOCK_DEADLINE),
        (lock(false), LOCK_DEADLINE),
    ];
    for (step, deadline) in cases {
        let (gate, clock, shown) = (Gate::default(), Arc::new(HandClock::default()), format!("{step:?}"));
        let late = || {
            let (clock, gate) = (Arc::clone(&clock), gate.clone());
            move || {
                clock.forward(deadline);
                gate.pass()
            }
        };
        let (sent, asked, loaded, applied, locked) = (late(), Arc::clone(&clock), late(), late(), late());
        let ports = Ports {
            clock: Arc::clone(&clock),
            send: Box::new(move |_| {
                sent();
                Ok(Response::new(200, [], "late"))
            }),
            ask: Box::new(move |dismissed| {
                let gone = Gate::default();
                let leave = gone.clone();
                dismissed.on_dismiss(move || leave.open());
                asked.forward(deadline);
                assert!(gone.pass());
                Ok(Answer::Provider(0))
            }),
            load: Box::new(move |_| {
                loaded();
                Ok(Loaded::None)
            }),
            apply: Box::new(move |_| {
                applied();
                Ok(Applied::Done)
            }),
            lock: Box::new(move |_| {
                locked();
                Ok(Locking::Held(Box::new(())))
            }),
            ..Ports::default()
        };
        assert_eq!(run(ports, [Line::Do(step)]), [Event::Start, Event::TimedOut], "{shown}");
        assert!(!gate.is_open());
        gate.open();
    }
}

#[test]
fn a_deadline_passes_while_a_token_is_being_redeemed_too() {
    let (gate, clock) = (Gate::default(), Arc::new(HandClock::default()));
    let (held, turned) = (gate.clone(), Arc::clone(&clock));
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let ports = Ports {
        clock,
        send: Box::new(move |_| {
            stop.cancel();
            turned.forward(Duration::from_secs(30));
            held.pass();
            Ok(Response::new(200, [], "late"))
        }),
        ..Ports::default()
    };
    let seen = events(ports, [Line::Redeem(send()), Line::Do(apply())], &cancel);
    assert_eq!(seen, [Event::Start, Event::TimedOut, Event::Applied]);
    gate.open();
}

#[test]
fn an_answer_that_comes_as_the_machine_wakes_up_is_not_lost_while_redeeming() {
    for _ in 0..50 {
        let clock = Arc::new(HandClock::default());
        let slept = Arc::clone(&clock);
        let ports = Ports {
            clock,
            send: Box::new(move |_| {
                slept.forward(Duration::from_hours(8));
                std::thread::yield_now();
                Ok(Response::new(200, [], "ok"))
            }),
            ..Ports::default()
        };
        assert_eq!(
            run(ports, [Line::Redeem(send()), Line::Do(apply())]),
            [Event::Start, response(), Event::Applied]
        );
    }
}

#[test]
fn a_clock_turned_by_hand_is_not_waited_for_and_a_cancel_goes_before_it() {
    let clock = Arc::new(HandClock::default());
    let day = Tick(86_400_000);
    let ports = Ports { clock: Arc::clone(&clock), ..Ports::default() };
    let seen = run(ports, [Line::Do(Step::Wait { until: day })]);
    assert_eq!((seen, clock.now().tick), (vec![Event::Start, Event::TimedOut], day));

    let (clock, cancel) = (Arc::new(HandClock::default()), Cancel::new());
    let stop = cancel.clone();
    let ports =
        Ports { clock: Arc::clone(&clock), tell: Box::new(move |_| stop.cancel()), ..Ports::default() };
    let seen = events(ports, [Line::Do(tell()), Line::Do(Step::Wait { until: day })], &cancel);
    assert_eq!((seen, clock.now().tick), (vec![Event::Start, Event::Told, Event::Cancel], Tick(0)));
}

#[test]
fn a_wait_of_real_time_is_over_when_its_time_has_come() {
    // The flow refuses `TimedOut` before its deadline, so an early one would end in a misuse.
    let driver = Ports::default().driver_with(Arc::new(SystemClock));
    for millis in [0, 1, 2, 20, 40] {
        let until = SystemClock.now().tick.after(Duration::from_millis(millis));
        let outcome = driver.run(script([Line::Do(Step::Wait { until })]), &Cancel::new()).unwrap();
        assert_eq!(outcome.value, [Event::Start, Event::TimedOut]);
        assert!(SystemClock.now().tick >= until);
    }
}

#[test]
fn a_lock_won_too_late_is_given_back_at_once() {
    let (cancel, gate, given_back) = (Cancel::new(), Gate::default(), Gate::default());
    let (stop, held, guard) = (cancel.clone(), gate.clone(), given_back.clone());
    let ports = Ports {
        lock: Box::new(move |_| {
            stop.cancel();
            assert!(held.pass());
            Ok(Locking::Held(Box::new(OnDrop(guard.clone()))))
        }),
        ..Ports::default()
    };
    assert_eq!(events(ports, [Line::Do(lock(true))], &cancel), [Event::Start, Event::Cancel]);
    assert!(!given_back.is_open());
    gate.open();
    assert!(given_back.pass());
}

#[test]
fn a_lock_that_comes_together_with_a_cancel_is_given_back() {
    let (cancel, given_back) = (Cancel::new(), Gate::default());
    let (stop, guard) = (cancel.clone(), given_back.clone());
    let ports = Ports {
        lock: Box::new(move |_| {
            stop.cancel();
            Ok(Locking::Held(Box::new(OnDrop(guard.clone()))))
        }),
        ..Ports::default()
    };
    assert_eq!(events(ports, [Line::Do(lock(true))], &cancel), [Event::Start, Event::Cancel]);
    assert!(given_back.pass());
}

#[test]
fn a_dismissed_prompt_is_waited_for_until_the_terminal_is_restored_s8() {
    let (cancel, restored) = (Cancel::new(), Gate::default());
    let (stop, done) = (cancel.clone(), restored.clone());
    let ports = Ports {
        ask: Box::new(move |dismissed| {
            let gone = Gate::default();
            let leave = gone.clone();
            dismissed.on_dismiss(move || leave.open());
            stop.cancel();
            assert!(gone.pass());
            // Restoring takes its time: longer than a driver that does not wait would.
            assert!(!Gate::default().pass_within(Duration::from_millis(100)));
            done.open();
            Ok(Answer::Provider(0))
        }),
        ..Ports::default()
    };
    assert_eq!(events(ports, [Line::Do(ask())], &cancel), [Event::Start, Event::Cancel]);
    assert!(restored.is_open());
}

#[test]
fn a_prompt_that_falls_over_when_it_is_dismissed_stops_nobody() {
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let ports = Ports {
        ask: Box::new(move |dismissed| {
            dismissed.on_dismiss(|| panic!("prompt"));
            stop.cancel();
            let began = Instant::now();
            while !dismissed.is_dismissed() && began.elapsed() < SOON {
                std::thread::yield_now();
            }
            Err(PromptFault::Cancelled)
        }),
        ..Ports::default()
    };
    assert_eq!(events(ports, [Line::Do(ask())], &cancel), [Event::Start, Event::Cancel]);
}
