//! The orders in which callers that want the same may meet: the sources of `Cancel` and `Waiters` once more, with
//! locks and threads whose turns are chosen here. The choices are the same in every run.

#![allow(dead_code, unreachable_pub, reason = "what is included here has other callers elsewhere")]

#[path = "orders/bent.rs"]
mod bent;
#[path = "../cancel.rs"]
mod cancel;
#[path = "orders/cases.rs"]
mod cases;
#[path = "orders/mutants.rs"]
mod mutants;
#[path = "../waiters.rs"]
mod waiters;

use std::pin::Pin;

use auth_core::ports::Key;
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner, sync, thread};

use self::cancel::Cancel;
use self::cases::{FEW, MANY};
use self::waiters::{Place, Turn, Waiters, wait_for};

/// Where callers meet, each for the outcome of one key.
trait Room: Clone + Send + Sync + 'static {
    type Seat: Send + 'static;

    fn join(&self, key: &'static str) -> Self::Seat;
    fn turn<'a>(seat: &'a mut Self::Seat, cancel: &'a Cancel) -> Waiting<'a>;
    fn land(seat: Self::Seat, outcome: u32);
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Turn<u32>> + Send + 'a>>;

impl Room for Waiters<u32> {
    type Seat = Place<u32>;

    fn join(&self, key: &'static str) -> Place<u32> {
        self.join(&Key { site: key.to_owned(), slot: String::new() })
    }

    fn turn<'a>(seat: &'a mut Place<u32>, cancel: &'a Cancel) -> Waiting<'a> {
        Box::pin(seat.turn(cancel))
    }

    fn land(seat: Place<u32>, outcome: u32) {
        seat.land(&outcome);
    }
}

/// More than there are orders in which two meet.
const MOST: usize = 100_000;

/// How turns are chosen.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// By lot.
    Lots(usize),
    /// By lot, with few changes, in unlikely places.
    FewChanges(usize),
    /// All there are, and not more than this.
    All(usize),
}

/// Plays a case in many orders, and says in how many.
fn explore(choice: Choice, case: impl Fn() + Send + Sync + 'static) -> usize {
    const SEED: u64 = 11;
    let scheduler: Box<dyn Scheduler + Send> = match choice {
        Choice::Lots(many) => Box::new(RandomScheduler::new_from_seed(SEED, many)),
        Choice::FewChanges(many) => Box::new(PctScheduler::new_from_seed(SEED, 3, many)),
        Choice::All(most) => Box::new(DfsScheduler::new(Some(most), false)),
    };
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(10_000);
    Runner::new(scheduler, config).run(case)
}

#[test]
fn in_whatever_order_one_leads_and_each_caller_ends_with_its_own_outcome_h15() {
    for case in MANY {
        for choice in [Choice::Lots(500), Choice::FewChanges(500)] {
            let tried = explore(choice, move || case.play(&Waiters::default()));
            println!("orders: {case:?}: {tried}, {choice:?}");
        }
    }
}

#[test]
fn of_two_that_meet_every_order_is_tried_h15() {
    for case in FEW {
        let tried = explore(Choice::All(MOST), move || case.play(&Waiters::default()));
        println!("orders: {case:?}: all {tried}");
        assert!((2..MOST).contains(&tried), "{case:?}: {tried}");
    }
}

/// One caller of three leaves while the work is under way, on a thread of its own, or before.
#[test]
fn in_whatever_order_callers_leave_work_goes_on_for_the_others_h15() {
    for choice in [Choice::Lots(500), Choice::FewChanges(500)] {
        explore(choice, || {
            let waiters = Waiters::default();
            let callers = [true, false, false].map(|leaves| {
                let waiters = waiters.clone();
                thread::spawn(move || call(&waiters, leaves))
            });
            for caller in callers {
                caller.join().unwrap();
            }
            assert!(format!("{waiters:?}").contains("flying: {}"), "{waiters:?}");
        });
    }
}

fn call(waiters: &Waiters<u32>, leaves: bool) {
    let mut place = Room::join(waiters, "a");
    let mut worker = None;
    loop {
        match wait_for(place.turn(&Cancel::new())) {
            Turn::Landed(outcome) => {
                assert_eq!(outcome, 7);
                break;
            }
            Turn::Lead => {
                let work = place.start(&Cancel::new()).unwrap();
                let done = async {
                    thread::yield_now();
                    7
                };
                worker = Some(thread::spawn(move || wait_for(work.run(done, || async {}))));
            }
            Turn::Cancelled => unreachable!("nobody said stop"),
        }
        if leaves {
            break;
        }
    }
    drop(place);
    if let Some(worker) = worker {
        worker.join().unwrap();
    }
}
