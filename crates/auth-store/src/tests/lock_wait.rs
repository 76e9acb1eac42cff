use std::cell::Cell;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn limits(all: u32, stalled: u32) -> Wait<'static> {
    Wait { all: all * SECOND, stalled: stalled * SECOND, tell: None, is_wanted: None }
}

/// Looks every quarter of a second at a lock that looks like `seen` after so many of them; answers with how long it waits.
fn waits(wait: Wait<'_>, seen: impl Fn(u32) -> Option<String>) -> Duration {
    let mut patience = Patience::new(wait);
    let started = patience.started;
    for look in 0..1_000 {
        let now = started + LOOK * look;
        patience.look(now, seen(look));
        if patience.left(now).is_zero() {
            return now - started;
        }
    }
    panic!("it waits for ever");
}

#[test]
fn a_wait_ends_early_only_while_nothing_moves_f7() {
    let still = |_| Some("12 node 1".to_owned());
    assert_eq!(waits(limits(30, 3), still), 3 * SECOND);
    assert_eq!(waits(limits(75, 30), still), 30 * SECOND);
    assert_eq!(waits(Duration::from_secs(10).into(), still), 10 * SECOND, "no such limit was asked for");
    // A new holder or a sign of life each second.
    let moving = |look: u32| Some(format!("12 node {}", look / 4));
    assert_eq!(waits(limits(30, 3), moving), 30 * SECOND);
    // Until the holder is stopped.
    let stopped = |look: u32| Some(format!("12 node {}", look.min(40) / 4));
    assert_eq!(waits(limits(75, 30), stopped), 40 * SECOND);
    assert_eq!(waits(limits(30, 3), |_| None), 30 * SECOND, "what cannot be seen is not still");
}

#[test]
fn looks_are_a_quarter_of_a_second_apart_or_less() {
    let patience = Patience::new(limits(30, 3));
    let at = |millis| patience.left(patience.started + Duration::from_millis(millis));
    assert_eq!(at(0), LOOK);
    assert_eq!(at(2_900), Duration::from_millis(100));
    let short = Patience::new(Duration::from_millis(7).into());
    assert_eq!(short.left(short.started), Duration::from_millis(7));
    assert!(Patience::new(Duration::ZERO.into()).left(Instant::now()).is_zero());
}

#[test]
fn a_waiter_is_told_once_after_a_second_f7() {
    let told = Cell::new(0);
    let tell = |holder: &Holder| told.set(told.get() + holder.pid.unwrap());
    let mut patience = Patience::new(Wait { tell: Some(&tell), ..limits(30, 3) });
    for millis in [0, 250, 999, 1_000, 1_250, 2_500] {
        let before = told.get();
        let now = patience.started + Duration::from_millis(millis);
        patience.tell(now, || Holder { pid: Some(7), host: None, stopped: false });
        assert_eq!(told.get() - before, if millis == 1_000 { 7 } else { 0 }, "after {millis} ms");
    }
}

#[test]
fn a_wait_ends_once_it_is_not_wanted_f7() {
    let looks = Cell::new(0);
    let is_wanted = || {
        looks.set(looks.get() + 1);
        looks.get() < 9
    };
    let wait = Wait { is_wanted: Some(&is_wanted), ..limits(75, 30) };
    assert_eq!(waits(wait, |_| None), 2 * SECOND);
}
