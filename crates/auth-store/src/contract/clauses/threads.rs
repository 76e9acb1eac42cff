//! Many threads of one process.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auth_core::ports::{Change, Loaded, Store};
use auth_core::session::Session;

use super::clause;
use crate::contract::Clause;
use crate::contract::obey::count_on;
use crate::contract::sample::{ALICE, BOB, entry, key, session, session_of};
use crate::contract::trial::{
    Outcome, Trial, apply, failed, find, finds, is_whole, joined, load, save, told, well,
};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "readers-find-whole-sessions",
        "A reader beside a writer finds a session that was saved, or that somebody is writing, never a mixture.",
        readers_find_whole,
    ),
    clause(
        "saves-at-once-leave-one-whole",
        "Of sessions saved at the same time one stays, whole, and it is the last of its writer.",
        one_stays_whole,
    ),
    clause(
        "next-holder-finds-what-was-saved",
        "What a thread saves while it holds the renewal lock, the next one to hold it finds.",
        next_holder_finds,
    ),
    clause(
        "no-site-is-lost-among-threads",
        "Sites preferred by several threads at once are all listed.",
        no_site_is_lost,
    ),
];

fn readers_find_whole(trial: &Trial<'_>) -> Outcome {
    const SAVES: u64 = 150;
    // Mostly renewals, and now and then somebody else signs in.
    let saved = |number: u64| session_of(if (number / 10).is_multiple_of(2) { ALICE } else { BOB }, number);
    let store = trial.open_with(&key(1), &saved(0))?;
    let (store, grain) = (&*store, trial.subject.grain());
    let writing = AtomicBool::new(true);
    let read = || -> Outcome {
        loop {
            let last = !writing.load(Ordering::SeqCst);
            match load(store, &key(1))? {
                Loaded::Found(stored) => is_whole(grain, &stored.session, 0, SAVES)?,
                Loaded::Torn => {}
                Loaded::None => return failed("a session, which there is all the time", told(&Loaded::None)),
            }
            if last {
                return Ok(());
            }
        }
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(read)).collect();
        let written = (1..=SAVES).try_for_each(|number| save(store, &key(1), &saved(number)));
        writing.store(false, Ordering::SeqCst);
        let found = readers.into_iter().map(joined).collect::<Outcome<Vec<()>>>();
        written.and(found.map(drop))
    })
}

fn one_stays_whole(trial: &Trial<'_>) -> Outcome {
    const WRITERS: usize = 4;
    const SAVES: u64 = 2;
    let store = trial.open()?;
    let store = &*store;
    // Only the end of a round is looked at, so there are many.
    for round in 0..25 {
        let number = |writer: u64, save: u64| (10 * round + writer) * SAVES + save;
        let together = Barrier::new(WRITERS);
        let write = |writer: u64| {
            together.wait();
            (0..SAVES).try_for_each(|n| save(store, &key(1), &session(number(writer, n))))
        };
        thread::scope(|scope| {
            let write = &write;
            let writers: Vec<_> =
                (0..).take(WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().map(joined).collect::<Outcome<Vec<()>>>()
        })?;
        let expected = "the last session of one of the writers";
        let found = find(store, &key(1), expected)?;
        if !(0..).take(WRITERS).any(|writer| found.session == session(number(writer, SAVES - 1))) {
            return failed(expected, told(&Loaded::Found(Box::new(found))));
        }
    }
    Ok(())
}

fn next_holder_finds(trial: &Trial<'_>) -> Outcome {
    const THREADS: u64 = 4;
    const TURNS: u64 = 10;
    let store = trial.open_with(&key(1), &session(0))?;
    let count = || -> Outcome {
        let store = trial.open()?;
        for _ in 0..TURNS {
            let counted = well("a turn under the renewal lock", count_on(&*store, 1))?;
            counted.or_else(|why| failed("a turn under the renewal lock", why))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(joined).collect::<Outcome<Vec<()>>>()
    })?;
    let all: Session = session(THREADS * TURNS);
    finds(&*store, &key(1), &all, &format!("the session after {} turns", THREADS * TURNS))
}

/// All of these numbers are listed.
pub(super) fn lists_all(store: &dyn Store, count: u64) -> Outcome {
    let listed = well("sites can be listed", store.sites())?;
    let listed: BTreeSet<_> = listed.into_iter().map(|entry| entry.key).collect();
    let missing = (0..count).filter(|number| !listed.contains(&key(*number))).count();
    if missing == 0 { Ok(()) } else { failed(format!("{count} sites"), format!("{missing} are missing")) }
}

fn no_site_is_lost(trial: &Trial<'_>) -> Outcome {
    const THREADS: u64 = 4;
    const SITES: u64 = 8;
    let store = trial.open()?;
    let store = &*store;
    let prefer = |thread: u64| {
        move || {
            (0..SITES).try_for_each(|site| {
                let change = Change::Prefer(entry(key(thread * SITES + site), ALICE, false));
                apply(store, "a site is preferred", &change).map(drop)
            })
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(prefer(thread))).collect();
        threads.into_iter().map(joined).collect::<Outcome<Vec<()>>>()
    })?;
    lists_all(store, THREADS * SITES)
}
