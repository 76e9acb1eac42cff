//! Whom a lock keeps out, and from what.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::{Change, LockKind, Locking};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, ALICE, clear, entry, key, key_of, session};
use crate::contract::trial::{
    Attempt, KINDS, LONG, Outcome, Stop, Trial, apply, attempt, failed, finds, hold, is_busy, is_had, joined,
    lock, save,
};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "lock-excludes-its-own-thread",
        "A thread that holds a lock is refused it like any other.",
        excludes_its_own_thread,
    ),
    clause(
        "lock-excludes-other-handles",
        "A lock that one handle holds is refused to every other handle.",
        excludes_other_handles,
    ),
    clause(
        "lock-admits-one-at-a-time",
        "However many threads try at once, one at a time has the lock.",
        admits_one,
    ),
    clause(
        "lock-kinds-are-independent",
        "The renewal lock of a session does not take its prompt lock.",
        kinds,
    ),
    clause("lock-keys-are-independent", "A lock is of one site and slot, and takes no other's.", keys),
    clause(
        "lock-hinders-no-change",
        "While a lock is held, sessions and sites are read and changed by everybody.",
        hinders_no_change,
    ),
    clause(
        "lock-is-freed-in-any-thread",
        "A lock is free once its guard is dropped, in whatever thread.",
        freed_in_any_thread,
    ),
    clause(
        "lock-names-its-holder",
        "If a busy lock names a process, that process holds it.",
        names_its_holder,
    ),
];

fn excludes_its_own_thread(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for kind in KINDS {
        let held = hold(&*store, kind, &key(1))?;
        if let Locking::Held(_) = lock(&*store, kind, &key(1), Duration::ZERO)? {
            return failed("busy, for the thread that holds it", "it was given twice");
        }
        drop(held);
    }
    Ok(())
}

fn excludes_other_handles(trial: &Trial<'_>) -> Outcome {
    let (one, other) = (trial.open()?, trial.open()?);
    for kind in KINDS {
        let held = hold(&*one, kind, &key(1))?;
        is_busy(&attempt(&*other, kind, &key(1), Duration::ZERO)?, "busy, for another handle")?;
        drop(held);
        is_had(&attempt(&*other, kind, &key(1), LONG)?, "had, once the first handle let it go")?;
    }
    Ok(())
}

fn admits_one(trial: &Trial<'_>) -> Outcome {
    const THREADS: usize = 4;
    const TURNS: usize = 20;
    let store = trial.open()?;
    let inside = AtomicUsize::new(0);
    let turns = || -> Outcome {
        let started = Instant::now();
        let mut had = 0;
        while had < TURNS {
            // Tried, not waited for: what waiting does has clauses of its own.
            match lock(&*store, LockKind::Prompt, &key(1), Duration::ZERO)? {
                Locking::Held(guard) => {
                    let others = inside.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                    if others > 0 {
                        return failed("one holder", format!("{} at once", others + 1));
                    }
                    had += 1;
                }
                Locking::Busy(_) if started.elapsed() > LONG => {
                    return failed("every thread has its turns", format!("{had} of {TURNS} in 20 s"));
                }
                Locking::Busy(_) => {}
            }
            thread::yield_now();
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(turns)).collect();
        threads.into_iter().map(joined).collect::<Outcome<Vec<()>>>().map(drop)
    })
}

fn kinds(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for (held, free) in [(LockKind::Renewal, LockKind::Prompt), (LockKind::Prompt, LockKind::Renewal)] {
        let guard = hold(&*store, held, &key(1))?;
        is_had(
            &attempt(&*store, free, &key(1), Duration::ZERO)?,
            &format!("{free:?}, while {held:?} is held"),
        )?;
        drop(guard);
    }
    Ok(())
}

fn keys(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let site = key(1).site;
    let held = key_of(&site, ALICE);
    let others = [
        key_of(&site, ""),
        key_of(&site, "ALICE"),
        key_of(&site, "alice/"),
        key_of(&site.to_uppercase(), ALICE),
        key_of(site.trim_end_matches('/'), ALICE),
        key_of(&format!("{site}al"), "ice"),
        key(2),
    ];
    for kind in KINDS {
        let guard = hold(&*store, kind, &held)?;
        for other in &others {
            let found = attempt(&*store, kind, other, Duration::ZERO)?;
            is_had(&found, &format!("the lock of {other:?}, while that of {held:?} is held"))?;
        }
        drop(guard);
    }
    Ok(())
}

fn hinders_no_change(trial: &Trial<'_>) -> Outcome {
    let (holder, other) = (trial.open()?, trial.open()?);
    for kind in KINDS {
        let held = hold(&*holder, kind, &key(1))?;
        for store in [&*holder, &*other] {
            save(store, &key(1), &session(1))?;
            finds(store, &key(1), &session(1), "the session, while a lock is held")?;
            let list = Change::Prefer(entry(key(1), ALICE, false));
            for change in [sample::intent(&key(1), sample::redeeming(1)), list, clear(&key(1), &session(1))] {
                apply(store, "a change, while a lock is held", &change)?;
            }
        }
        drop(held);
    }
    Ok(())
}

fn freed_in_any_thread(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for kind in KINDS {
        let held = hold(&*store, kind, &key(1))?;
        thread::scope(|scope| joined(scope.spawn(move || drop(held))));
        is_had(&attempt(&*store, kind, &key(1), LONG)?, "a lock that was freed in another thread")?;
        let taken = thread::scope(|scope| joined(scope.spawn(|| hold(&*store, kind, &key(1)))))?;
        is_busy(
            &attempt(&*store, kind, &key(1), Duration::ZERO)?,
            "busy, though the thread that took it ended",
        )?;
        drop(taken);
        is_had(
            &attempt(&*store, kind, &key(1), LONG)?,
            "a lock that another thread had taken and this one freed",
        )?;
    }
    Ok(())
}

fn names_its_holder(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let _held = hold(&*store, LockKind::Renewal, &key(1))?;
    match attempt(&*store, LockKind::Renewal, &key(1), Duration::ZERO)? {
        Attempt::Busy(holder) => match holder.pid {
            Some(pid) if pid == std::process::id() => Ok(()),
            Some(pid) => failed("the number of this process", pid.to_string()),
            None => Err(Stop::Skipped("the store does not say which process holds a lock".to_owned())),
        },
        Attempt::Had => failed("busy", "it was given"),
    }
}
