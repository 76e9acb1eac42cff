use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use auth_core::ports::Key;

use super::*;

fn key(site: &str) -> Key {
    Key { site: site.to_owned(), slot: String::new() }
}

/// Does it if it is this one's turn, and says who did.
fn fetch(waiters: &Waiters<usize>, done: &AtomicUsize, barrier: &Barrier) -> usize {
    let mut place = waiters.join(&key("a"));
    barrier.wait();
    match wait_for(place.turn(&Cancel::new())) {
        Turn::Lead => {
            let outcome = done.fetch_add(1, Ordering::SeqCst);
            place.land(&outcome);
            outcome
        }
        Turn::Landed(outcome) => outcome,
        Turn::Cancelled => unreachable!("nobody said stop"),
    }
}

#[test]
fn of_threads_that_want_the_same_one_does_it_h15() {
    for _ in 0..200 {
        let (waiters, done, barrier) = (Waiters::default(), AtomicUsize::new(0), Barrier::new(16));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| assert_eq!(fetch(&waiters, &done, &barrier), 0));
            }
        });
        assert_eq!(done.into_inner(), 1);
    }
}

#[test]
fn a_leader_that_leaves_or_panics_is_replaced() {
    let waiters: Waiters<&str> = Waiters::default();
    let mut first = waiters.join(&key("a"));
    assert_eq!(wait_for(first.turn(&Cancel::new())), Turn::Lead);
    let second = {
        let waiters = waiters.clone();
        thread::spawn(move || {
            let mut place = waiters.join(&key("a"));
            let turn = wait_for(place.turn(&Cancel::new()));
            place.land(&"second");
            turn
        })
    };
    // Until it waits.
    while !format!("{waiters:?}").contains("[0, 1]") {
        thread::yield_now();
    }
    let third = waiters.join(&key("a"));
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _place = first;
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    assert_eq!(second.join().unwrap(), Turn::Lead);
    let mut third = third;
    assert_eq!(wait_for(third.turn(&Cancel::new())), Turn::Landed("second"));
}

#[test]
fn sessions_do_not_wait_for_each_other() {
    let waiters: Waiters<()> = Waiters::default();
    let (mut one, mut other) = (waiters.join(&key("a")), waiters.join(&key("b")));
    for place in [&mut one, &mut other] {
        assert_eq!(wait_for(place.turn(&Cancel::new())), Turn::Lead);
    }
}

#[test]
fn who_is_cancelled_leaves_and_the_others_go_on() {
    let waiters: Waiters<u8> = Waiters::default();
    let mut leader = waiters.join(&key("a"));
    assert_eq!(wait_for(leader.turn(&Cancel::new())), Turn::Lead);
    let cancel = Cancel::new();
    let (mut leaving, mut staying) = (waiters.join(&key("a")), waiters.join(&key("a")));
    let stop = cancel.clone();
    let left = thread::spawn(move || wait_for(leaving.turn(&stop)));
    cancel.cancel();
    assert_eq!(left.join().unwrap(), Turn::Cancelled);
    leader.land(&7);
    assert_eq!(wait_for(staying.turn(&Cancel::new())), Turn::Landed(7));
}

/// A task that was left behind, and all that it holds. Nothing wakes it.
struct Left {
    _holds: Place<u8>,
}

impl Wake for Left {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_task_that_is_dropped_with_its_waker_may_hold_a_place_itself() {
    // On a thread of its own: it would wait for itself.
    let (tell, over) = mpsc::channel();
    thread::spawn(move || {
        let waiters: Waiters<u8> = Waiters::default();
        let _leader = waiters.join(&key("a"));
        let left = || Waker::from(Arc::new(Left { _holds: waiters.join(&key("b")) }));
        let mut place = waiters.join(&key("a"));
        let cancel = Cancel::new();
        {
            let mut turn = Box::pin(place.turn(&cancel));
            // The second takes the place of the first.
            for waker in [left(), left()] {
                assert!(turn.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
        }
        drop(place);
        tell.send(format!("{waiters:?}")).unwrap();
    });
    let seen = over.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(seen.contains("\"a\"") && !seen.contains("\"b\""), "{seen}");
}

#[cfg(feature = "async")]
#[test]
fn tasks_and_threads_wait_for_each_other_h15() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    for _ in 0..50 {
        let waiters: Waiters<usize> = Waiters::default();
        let done = Arc::new(AtomicUsize::new(0));
        let mut first = waiters.join(&key("a"));
        assert_eq!(wait_for(first.turn(&Cancel::new())), Turn::Lead);
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let (waiters, done) = (waiters.clone(), Arc::clone(&done));
                let mut place = waiters.join(&key("a"));
                runtime.spawn(async move {
                    match place.turn(&Cancel::new()).await {
                        Turn::Landed(outcome) => outcome,
                        _ => done.fetch_add(1, Ordering::SeqCst),
                    }
                })
            })
            .collect();
        // One that is aborted only leaves.
        tasks[0].abort();
        first.land(&9);
        let outcomes: Vec<_> = tasks.into_iter().filter_map(|task| runtime.block_on(task).ok()).collect();
        assert!(outcomes.iter().all(|outcome| *outcome == 9) && outcomes.len() >= 9, "{outcomes:?}");
        assert_eq!(done.load(Ordering::SeqCst), 0);
    }
}

/// Numbers that are the same in every run.
#[cfg(feature = "async")]
fn lots() -> impl FnMut(u64) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

/// Gives way so often, leads if it is its turn, and gives way again before it lands.
#[cfg(feature = "async")]
async fn visit(waiters: Waiters<usize>, gives_way: [u64; 2], leading: Arc<AtomicUsize>) {
    struct Leads(Arc<AtomicUsize>);
    impl Drop for Leads {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let mut place = waiters.join(&key("a"));
    for _ in 0..gives_way[0] {
        tokio::task::yield_now().await;
    }
    if place.turn(&Cancel::new()).await == Turn::Lead {
        // Dropped before its place, whether it ends or is dropped.
        let before = leading.fetch_add(1, Ordering::SeqCst);
        let leads = Leads(leading);
        assert_eq!(before, 0, "two lead at once");
        for _ in 0..gives_way[1] {
            tokio::task::yield_now().await;
        }
        drop(leads);
        place.land(&1);
    }
}

#[cfg(feature = "async")]
#[test]
fn tasks_that_are_dropped_anywhere_keep_nobody_waiting_h15() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let mut lot = lots();
    for round in 0..200 {
        let waiters: Waiters<usize> = Waiters::default();
        let leading = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let visit = visit(waiters.clone(), [lot(4), lot(6)], Arc::clone(&leading));
                (runtime.spawn(visit), lot(3) == 0)
            })
            .collect();
        for (task, is_dropped) in &tasks {
            if *is_dropped {
                for _ in 0..lot(200) {
                    std::hint::spin_loop();
                }
                task.abort();
            }
        }
        for (task, is_dropped) in tasks {
            let end = runtime.block_on(task);
            let is_well = end.as_ref().map_or_else(|error| is_dropped && error.is_cancelled(), |()| true);
            assert!(is_well, "round {round}: {end:?}");
        }
        assert!(format!("{waiters:?}").contains("flying: {}"), "round {round}: {waiters:?}");
    }
}

/// Work that ends when it is told to, or cancelled.
#[cfg(feature = "async")]
async fn told_or_cancelled(cancel: Cancel, told: tokio::sync::oneshot::Receiver<u8>) -> Option<u8> {
    let stopped = Arc::new(tokio::sync::Notify::new());
    let stop = Arc::clone(&stopped);
    let _watch = cancel.watch(move || stop.notify_one());
    tokio::select! {
        told = told => told.ok(),
        () = stopped.notified() => None,
    }
}

#[cfg(feature = "async")]
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Work whose first caller has left, and a grace that ends when it is told to.
#[cfg(feature = "async")]
struct Deserted {
    tell: tokio::sync::oneshot::Sender<u8>,
    cancel: Cancel,
    grace: Arc<tokio::sync::Semaphore>,
}

#[cfg(feature = "async")]
fn desert(waiters: &Waiters<Option<u8>>) -> Deserted {
    let place = waiters.join(&key("a"));
    let work = place.start(&Cancel::new()).unwrap();
    let cancel = work.cancel().clone();
    let (tell, told) = tokio::sync::oneshot::channel();
    let grace = Arc::new(tokio::sync::Semaphore::new(0));
    let over = Arc::clone(&grace);
    let wait = move || {
        let over = Arc::clone(&over);
        async move { over.acquire().await.unwrap().forget() }
    };
    tokio::spawn(work.run(told_or_cancelled(cancel.clone(), told), wait));
    Deserted { tell, cancel, grace }
}

/// Lets the other tasks go on until they wait.
#[cfg(feature = "async")]
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[cfg(feature = "async")]
#[test]
fn deserted_work_is_cancelled_after_its_grace() {
    runtime().block_on(async {
        let waiters = Waiters::default();
        let Deserted { tell: _tell, cancel, grace } = desert(&waiters);
        settle().await;
        assert!(!cancel.is_cancelled());
        grace.add_permits(1);
        settle().await;
        assert!(cancel.is_cancelled());
        // Who comes now begins anew.
        let mut late = waiters.join(&key("a"));
        assert_eq!(late.turn(&Cancel::new()).await, Turn::Lead);
    });
}

#[cfg(feature = "async")]
#[test]
fn a_caller_within_the_grace_gets_the_outcome() {
    runtime().block_on(async {
        let waiters = Waiters::default();
        let Deserted { tell, cancel, grace } = desert(&waiters);
        settle().await;
        let mut place = waiters.join(&key("a"));
        // The grace has ended for nothing.
        grace.add_permits(1);
        settle().await;
        assert!(!cancel.is_cancelled());
        tell.send(7).unwrap();
        assert_eq!(place.turn(&Cancel::new()).await, Turn::Landed(Some(7)));
        drop(place);
        assert!(format!("{waiters:?}").contains("flying: {}"), "{waiters:?}");
    });
}

#[cfg(feature = "async")]
#[test]
fn a_cancel_reaches_work_that_has_begun() {
    let (waiters, cancel) = (Waiters::<u8>::default(), Cancel::new());
    let place = waiters.join(&key("a"));
    let work = place.start(&cancel).unwrap();
    assert!(place.start(&cancel).is_none() && !place.leads());
    cancel.cancel();
    assert!(work.cancel().is_cancelled());
    drop(work);
    assert!(place.leads(), "abandoned work is begun anew");
}
