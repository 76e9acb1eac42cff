//! Waiting for a lock, and giving up.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::{Key, LockKind, Store};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::key;
use crate::contract::trial::{KINDS, LONG, Outcome, Trial, attempt, failed, hold, is_busy, is_had, joined};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "lock-try-answers-at-once",
        "A lock that is asked for without waiting is answered at once.",
        try_at_once,
    ),
    clause(
        "lock-waits-as-long-as-asked",
        "A lock that stays busy is waited for as long as was asked.",
        waits_as_long,
    ),
    clause(
        "lock-gives-up-in-time",
        "A lock that stays busy is waited for no longer than was asked.",
        gives_up,
    ),
    clause("lock-goes-to-who-waits", "Who waits for a lock has it as soon as it is free.", goes_to_who_waits),
    clause(
        "lock-given-up-stays-free",
        "Who gave up waiting for a lock does not take it later.",
        given_up_stays_free,
    ),
    clause(
        "lock-won-by-waiting-is-freed",
        "A lock that was waited for is freed like any other, also where nobody wants the answer any more.",
        won_by_waiting_is_freed,
    ),
];

/// How long a busy lock took to be refused.
fn refusal(store: &dyn Store, key: &Key, wait: Duration) -> Outcome<Duration> {
    let started = Instant::now();
    let found = attempt(store, LockKind::Renewal, key, wait)?;
    let took = started.elapsed();
    is_busy(&found, "busy")?;
    Ok(took)
}

/// The best of a few: a machine may be busy, a store that waits too long always does.
fn refused_within(trial: &Trial<'_>, wait: Duration, limit: Duration) -> Outcome {
    let store = trial.open()?;
    let _held = hold(&*store, LockKind::Renewal, &key(1))?;
    let mut best = Duration::MAX;
    for _ in 0..3 {
        best = best.min(refusal(&*store, &key(1), wait)?);
        if best < limit {
            return Ok(());
        }
    }
    failed(format!("a refusal within {limit:?}, having asked for {wait:?}"), format!("{best:?} at best"))
}

fn try_at_once(trial: &Trial<'_>) -> Outcome {
    refused_within(trial, Duration::ZERO, Duration::from_millis(500))
}

fn gives_up(trial: &Trial<'_>) -> Outcome {
    refused_within(trial, Duration::from_millis(50), Duration::from_millis(1_500))
}

fn waits_as_long(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let _held = hold(&*store, LockKind::Renewal, &key(1))?;
    for wait in [1, 60, 60, 60].map(Duration::from_millis) {
        let took = refusal(&*store, &key(1), wait)?;
        if took < wait {
            return failed(format!("a wait of {wait:?}"), format!("a refusal after {took:?}"));
        }
    }
    Ok(())
}

/// Holds a lock for a while, lets it go, and sees to it that a thread that waits for it has it so long after.
fn wait_until_freed(store: &dyn Store, kind: LockKind, limit: Duration) -> Outcome {
    let held = hold(store, kind, &key(1))?;
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let waiting =
            scope.spawn(move || drop(sender.send(attempt(store, kind, &key(1), Duration::from_secs(6)))));
        let early = receiver.recv_timeout(Duration::from_millis(100));
        if !matches!(early, Err(RecvTimeoutError::Timeout)) {
            return failed("a wait, while the lock is held", "an answer");
        }
        drop(held);
        let answer = receiver.recv_timeout(limit);
        let expected = || format!("the lock, within {limit:?} of its being free");
        let found = answer.or_else(|_| failed(expected(), "no answer yet"))?;
        joined(waiting);
        is_had(&found?, "the lock that was waited for")
    })
}

fn goes_to_who_waits(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    KINDS.into_iter().try_for_each(|kind| wait_until_freed(&*store, kind, Duration::from_secs(3)))
}

fn given_up_stays_free(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for kind in KINDS {
        let held = hold(&*store, kind, &key(1))?;
        thread::scope(|scope| {
            let waiters: Vec<_> = (1..=5)
                .map(|millis| {
                    let store = &*store;
                    scope.spawn(move || attempt(store, kind, &key(1), Duration::from_millis(millis)))
                })
                .collect();
            waiters
                .into_iter()
                .map(joined)
                .try_for_each(|found| is_busy(&found?, "busy, for as long as was asked"))
        })?;
        drop(held);
        // Not only once: whoever wins it late may do so after the first.
        for _ in 0..10 {
            is_had(
                &attempt(&*store, kind, &key(1), Duration::from_secs(3))?,
                "a lock that nobody wants any more",
            )?;
        }
    }
    Ok(())
}

fn won_by_waiting_is_freed(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for kind in KINDS {
        wait_until_freed(&*store, kind, LONG)?;
        let found = attempt(&*store, kind, &key(1), Duration::from_secs(3))?;
        is_had(&found, "a lock that was won by waiting and let go")?;
    }
    Ok(())
}
