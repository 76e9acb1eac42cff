//! What callers do, and what must come of it in whatever order. That a caller waits for ever is found by shuttle.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use shuttle::{future, thread};

use super::{Cancel, Room, Turn, wait_for};

/// Who does the work of one key, and how often it was done. Its atomics are none that have turns of their own: there
/// would be too many orders.
#[derive(Default)]
struct Work {
    busy: AtomicBool,
    done: AtomicU32,
    /// How many of these are all over.
    landed: AtomicU32,
}

impl Work {
    /// Nobody else does it meanwhile.
    fn lead<T>(&self, work: impl FnOnce() -> T) -> T {
        assert!(!self.busy.swap(true, Ordering::SeqCst), "two lead at once");
        thread::yield_now();
        let made = work();
        assert!(self.busy.swap(false, Ordering::SeqCst));
        made
    }

    /// The number of this time.
    fn finish(&self) -> u32 {
        self.lead(|| self.done.fetch_add(1, Ordering::SeqCst))
    }

    fn done(&self) -> u32 {
        self.done.load(Ordering::SeqCst)
    }
}

/// A thread that is parked may go on for no reason, and then sees what nobody woke it for. One that runs a task waits
/// until it is woken.
fn wait<R: Room>(seat: &mut R::Seat) -> Turn<u32> {
    future::block_on(R::turn(seat, &Cancel::new()))
}

fn wait_parked<R: Room>(seat: &mut R::Seat) -> Turn<u32> {
    wait_for(R::turn(seat, &Cancel::new()))
}

/// Does it, or waits for whoever does.
fn fetch<R: Room>(seat: R::Seat, work: &Work) -> u32 {
    fetch_by::<R>(seat, work, wait::<R>)
}

fn fetch_by<R: Room>(mut seat: R::Seat, work: &Work, wait: fn(&mut R::Seat) -> Turn<u32>) -> u32 {
    match wait(&mut seat) {
        Turn::Lead => {
            let outcome = work.finish();
            R::land(seat, outcome);
            work.landed.fetch_max(outcome + 1, Ordering::SeqCst);
            outcome
        }
        Turn::Landed(outcome) => outcome,
        Turn::Cancelled => unreachable!("nobody said stop"),
    }
}

fn seats<R: Room, const N: usize>(room: &R) -> [R::Seat; N] {
    std::array::from_fn(|_| room.join("a"))
}

/// All are there before anybody begins.
fn one_works_for_all<R: Room>(room: &R, wait: fn(&mut R::Seat) -> Turn<u32>) {
    let work = Arc::new(Work::default());
    let callers = seats::<R, 4>(room).map(|seat| {
        let work = Arc::clone(&work);
        thread::spawn(move || fetch_by::<R>(seat, &work, wait))
    });
    for caller in callers {
        assert_eq!(caller.join().unwrap(), 0);
    }
    assert_eq!(work.done(), 1);
}

/// They come when they come. What was over before one came is nothing to it.
fn who_comes_late_gets_something_new<R: Room>(room: &R) {
    let work = Arc::new(Work::default());
    let callers = [(); 4].map(|()| {
        let (room, work) = (room.clone(), Arc::clone(&work));
        thread::spawn(move || {
            let over = work.landed.load(Ordering::SeqCst);
            let outcome = fetch::<R>(room.join("a"), &work);
            assert!(outcome >= over, "{outcome} was over, as {over} were");
        })
    });
    for caller in callers {
        caller.join().unwrap();
    }
    let done = work.done();
    assert_eq!(fetch::<R>(room.join("a"), &work), done);
}

/// One that leads leaves, another falls over; those that are left do it once.
fn a_leader_that_goes_is_replaced<R: Room>(room: &R) {
    let work = Arc::new(Work::default());
    let mut number = 0;
    let callers = seats::<R, 4>(room).map(|mut seat| {
        let work = Arc::clone(&work);
        number += 1;
        let number = number;
        thread::spawn(move || match (number, wait::<R>(&mut seat)) {
            (1, Turn::Lead) => {
                work.lead(|| ());
                drop(seat);
            }
            (2, Turn::Lead) => {
                let fallen = catch_unwind(AssertUnwindSafe(move || {
                    let _seat = seat;
                    work.lead(|| ());
                    resume_unwind(Box::new("on purpose"))
                }));
                assert!(fallen.is_err());
            }
            (_, Turn::Lead) => R::land(seat, work.finish()),
            (_, turn) => assert_eq!(turn, Turn::Landed(0)),
        })
    });
    for caller in callers {
        caller.join().unwrap();
    }
    assert_eq!(work.done(), 1);
}

/// Some never look whether it is their turn.
fn who_never_waits_is_in_nobodys_way<R: Room>(room: &R) {
    let work = Arc::new(Work::default());
    let [first, second, third, fourth] = seats::<R, 4>(room);
    let leaving = [first, third].map(|seat| thread::spawn(move || drop(seat)));
    let staying = [second, fourth].map(|seat| {
        let work = Arc::clone(&work);
        thread::spawn(move || assert_eq!(fetch::<R>(seat, &work), 0))
    });
    for caller in leaving.into_iter().chain(staying) {
        caller.join().unwrap();
    }
    assert_eq!(work.done(), 1);
}

/// One that waits is told to stop, and the others go on. The leader waits for it to go.
fn who_is_cancelled_leaves<R: Room>(room: &R) {
    let mut leader = room.join("a");
    assert_eq!(wait::<R>(&mut leader), Turn::Lead);
    let cancel = Cancel::new();
    let (mut leaving, stop) = (room.join("a"), cancel.clone());
    let leaving = thread::spawn(move || future::block_on(R::turn(&mut leaving, &stop)));
    let staying = seats::<R, 2>(room).map(|mut seat| thread::spawn(move || wait::<R>(&mut seat)));
    let stopping = thread::spawn(move || cancel.cancel());
    assert_eq!(leaving.join().unwrap(), Turn::Cancelled);
    R::land(leader, 7);
    for caller in staying {
        assert_eq!(caller.join().unwrap(), Turn::Landed(7));
    }
    stopping.join().unwrap();
}

/// A leader that goes, a cancel and a landing, all at the same moment.
fn a_cancel_at_any_moment<R: Room>(room: &R) {
    let work = Arc::new(Work::default());
    let cancel = Cancel::new();
    let [first, mut second, third] = seats::<R, 3>(room);
    let (stop, does) = (cancel.clone(), Arc::clone(&work));
    let leaving = thread::spawn(move || drop(first));
    let maybe = thread::spawn(move || match future::block_on(R::turn(&mut second, &stop)) {
        Turn::Lead => R::land(second, does.finish()),
        Turn::Landed(outcome) => assert_eq!(outcome, 0),
        Turn::Cancelled => drop(second),
    });
    let (comes, does) = (room.clone(), Arc::clone(&work));
    let staying = thread::spawn(move || {
        fetch::<R>(third, &does);
        fetch::<R>(comes.join("a"), &does);
    });
    cancel.cancel();
    for caller in [leaving, maybe, staying] {
        caller.join().unwrap();
    }
}

/// Two sessions at once.
fn keys_are_apart<R: Room>(room: &R) {
    let works = [("a", 100), ("b", 200)].map(|(key, of)| {
        let work = Arc::new(Work::default());
        work.done.store(of, Ordering::SeqCst);
        (key, of, work)
    });
    let seats = [0, 1, 0, 1].map(|at: usize| (room.join(works[at].0), works[at].1, Arc::clone(&works[at].2)));
    let callers =
        seats.map(|(seat, of, work)| thread::spawn(move || assert_eq!(fetch::<R>(seat, &work), of)));
    for caller in callers {
        caller.join().unwrap();
    }
    for (_, of, work) in works {
        assert_eq!(work.done(), of + 1);
    }
}

/// Of tasks, some are dropped wherever they wait; a thread waits with them.
fn tasks_that_are_dropped_only_leave<R: Room>(room: &R) {
    let work = Arc::new(Work::default());
    // Before anybody begins.
    let last = room.join("a");
    let tasks = seats::<R, 4>(room).map(|mut seat| {
        let work = Arc::clone(&work);
        future::spawn(async move {
            match R::turn(&mut seat, &Cancel::new()).await {
                Turn::Lead => {
                    // Here it can be dropped too, while it leads.
                    future::yield_now().await;
                    let outcome = work.finish();
                    R::land(seat, outcome);
                    outcome
                }
                Turn::Landed(outcome) => outcome,
                Turn::Cancelled => unreachable!("nobody said stop"),
            }
        })
    });
    let does = Arc::clone(&work);
    let thread = thread::spawn(move || fetch::<R>(last, &does));
    let [first, second, third, fourth] = tasks;
    first.abort();
    third.abort();
    for task in [second, fourth] {
        assert_eq!(future::block_on(task).unwrap(), 0);
    }
    for task in [first, third] {
        assert!(future::block_on(task).unwrap_or(0) == 0);
    }
    assert_eq!(thread.join().unwrap(), 0);
    assert_eq!(work.done(), 1);
}

/// One leads and one waits. What the first does then meets the second at any moment of its waiting.
fn one_meets_one<R: Room>(room: &R, ends: impl FnOnce(R::Seat, &Cancel), turn: Turn<u32>) {
    let cancel = Cancel::new();
    let [mut first, mut second] = seats::<R, 2>(room);
    assert_eq!(wait::<R>(&mut first), Turn::Lead);
    let stop = cancel.clone();
    let other = thread::spawn(move || assert_eq!(future::block_on(R::turn(&mut second, &stop)), turn));
    ends(first, &cancel);
    other.join().unwrap();
}

/// Two come at once: one of them leads.
fn two_join<R: Room>(room: &R) {
    let leads = |seat: &mut R::Seat| {
        let mut context = Context::from_waker(Waker::noop());
        R::turn(seat, &Cancel::new()).as_mut().poll(&mut context) == Poll::Ready(Turn::Lead)
    };
    let other = room.clone();
    let other = thread::spawn(move || other.join("a"));
    let mut first = room.join("a");
    let mut second = other.join().unwrap();
    assert_eq!(u8::from(leads(&mut first)) + u8::from(leads(&mut second)), 1);
}

/// One of the above, for any room.
#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    OneWorks,
    Parked,
    Late,
    Replaced,
    NeverWaits,
    Cancelled,
    AnyMoment,
    Apart,
    Tasks,
    /// So few that every order can be tried.
    Lands,
    Leaves,
    Cancels,
    Joins,
}

pub(super) const MANY: [Case; 9] = [
    Case::OneWorks,
    Case::Parked,
    Case::Late,
    Case::Replaced,
    Case::NeverWaits,
    Case::Cancelled,
    Case::AnyMoment,
    Case::Apart,
    Case::Tasks,
];

pub(super) const FEW: [Case; 4] = [Case::Lands, Case::Leaves, Case::Cancels, Case::Joins];

impl Case {
    pub(super) fn play<R: Room>(self, room: &R) {
        match self {
            Self::OneWorks => one_works_for_all(room, wait::<R>),
            Self::Parked => one_works_for_all(room, wait_parked::<R>),
            Self::Late => who_comes_late_gets_something_new(room),
            Self::Replaced => a_leader_that_goes_is_replaced(room),
            Self::NeverWaits => who_never_waits_is_in_nobodys_way(room),
            Self::Cancelled => who_is_cancelled_leaves(room),
            Self::AnyMoment => a_cancel_at_any_moment(room),
            Self::Apart => keys_are_apart(room),
            Self::Tasks => tasks_that_are_dropped_only_leave(room),
            Self::Lands => one_meets_one(room, |first, _| R::land(first, 7), Turn::Landed(7)),
            Self::Leaves => one_meets_one(room, |first, _| drop(first), Turn::Lead),
            Self::Joins => two_join(room),
            Self::Cancels => {
                let mut kept = None;
                one_meets_one(
                    room,
                    |first, cancel| {
                        cancel.cancel();
                        kept = Some(first);
                    },
                    Turn::Cancelled,
                );
            }
        }
    }
}
