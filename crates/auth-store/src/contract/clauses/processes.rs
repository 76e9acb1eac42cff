//! Several processes, some of which are killed.

use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::{Change, Loaded, LockKind, Store, Stored};

use super::threads::lists_all;
use super::{clause, needing};
use crate::contract::obey::Order;
use crate::contract::peer::Peer;
use crate::contract::sample::{ALICE, entry, key, redeeming, session};
use crate::contract::trial::{
    Attempt, KINDS, LONG, Outcome, Stop, Trial, apply, attempt, equal, failed, find, finds, finds_nothing,
    hold, intend, is_busy, is_had, is_whole, joined, load, save, told,
};
use crate::contract::{Clause, Needs};

pub(super) const CLAUSES: &[Clause] = &[
    among(clause(
        "processes-share-sessions",
        "What one process saves, another finds that has the place open and had looked before.",
        share_sessions,
    )),
    among(clause(
        "processes-share-intents",
        "An intent that one process noted, every other finds.",
        share_intents,
    )),
    among(clause(
        "processes-respect-locks",
        "A lock that one process holds is refused to every other.",
        locks,
    )),
    among(clause(
        "processes-name-the-holder",
        "If a busy lock names a process, that process holds it, though it is another.",
        name_the_holder,
    )),
    among(clause(
        "killed-process-frees-its-lock",
        "The lock of a process that is killed is free, and goes to who waits for it.",
        killed_holder,
    )),
    among(clause(
        "processes-find-whole-sessions",
        "A reader in one process beside a writer in another finds no mixture of sessions.",
        find_whole,
    )),
    among(clause(
        "no-save-is-lost-among-processes",
        "What a process saves while it holds the renewal lock, the next one to hold it finds.",
        no_save_is_lost,
    )),
    among(clause(
        "no-site-is-lost-among-processes",
        "Sites preferred by several processes at once are all listed.",
        no_site_is_lost,
    )),
    among(clause(
        "killed-writer-leaves-one-whole",
        "When a process is killed while it saves, the session before or the one after is found.",
        killed_writer_leaves_whole,
    )),
    among(clause(
        "killed-writer-hinders-nobody",
        "When a process is killed while it saves, others save and note sites as before.",
        killed_writer_hinders_nobody,
    )),
];

const fn among(clause: Clause) -> Clause {
    needing(Needs::Processes, clause)
}

fn share_sessions(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let mut peer = Peer::start(trial)?;
    finds_nothing(&*store, &key(1), "nothing yet")?;
    equal(&peer.ask(Order::Load { key: 1 })?, &"none".to_owned(), "nothing in the other process")?;
    for number in [1, 3] {
        peer.done(Order::Save { key: 1, number })?;
        finds(&*store, &key(1), &session(number), "what the other process saved")?;
        save(&*store, &key(1), &session(number + 1))?;
        let saved = Stored { session: session(number + 1), intent: None };
        peer.finds(1, saved, "what this process saved")?;
    }
    Ok(())
}

fn share_intents(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    save(&*store, &key(1), &session(1))?;
    save(&*store, &key(2), &session(2))?;
    let mut peer = Peer::start(trial)?;
    peer.done(Order::Intend { key: 1, number: 1 })?;
    let found = find(&*store, &key(1), "the session")?.intent;
    equal(&found, &Some(redeeming(1)), "the intent that the other process noted")?;
    intend(&*store, &key(2), 2)?;
    let intended = Stored { session: session(2), intent: Some(redeeming(2)) };
    peer.finds(2, intended, "the intent that this process noted")
}

fn locks(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let mut peer = Peer::start(trial)?;
    for kind in KINDS {
        peer.hold(kind, 1)?;
        is_busy(&attempt(&*store, kind, &key(1), Duration::ZERO)?, "busy, while another process holds it")?;
        peer.done(Order::Unlock)?;
        let held = hold(&*store, kind, &key(1))?;
        let answer = peer.ask(Order::Lock { kind, key: 1, millis: 0 })?;
        if !answer.starts_with("busy") {
            return failed("busy for the other process, while this one holds it", answer);
        }
        drop(held);
    }
    Ok(())
}

fn name_the_holder(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let mut peer = Peer::start(trial)?;
    peer.hold(LockKind::Renewal, 1)?;
    match attempt(&*store, LockKind::Renewal, &key(1), Duration::ZERO)? {
        Attempt::Busy(holder) => match holder.pid {
            Some(pid) if pid == peer.pid() => Ok(()),
            Some(pid) => failed(format!("{}, the other process", peer.pid()), pid.to_string()),
            None => Err(Stop::Skipped("the store does not say which process holds a lock".to_owned())),
        },
        Attempt::Had => failed("busy, while another process holds it", "it was given"),
    }
}

fn killed_holder(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for kind in KINDS {
        let mut peer = Peer::start(trial)?;
        peer.hold(kind, 1)?;
        thread::scope(|scope| {
            let waiting = scope.spawn(|| attempt(&*store, kind, &key(1), Duration::from_secs(5)));
            peer.kill()?;
            is_had(&joined(waiting)?, "the lock of a process that was killed")
        })?;
        is_had(&attempt(&*store, kind, &key(1), LONG)?, "the lock of a process that was killed")?;
    }
    Ok(())
}

fn find_whole(trial: &Trial<'_>) -> Outcome {
    const SAVES: u64 = 150;
    let store = trial.open_with(&key(1), &session(0))?;
    let mut peer = Peer::start(trial)?;
    peer.tell(Order::Series { key: 1, first: 1, count: SAVES })?;
    peer.expect("begun")?;
    let started = Instant::now();
    while !peer.has_answered("done")? {
        match load(&*store, &key(1))? {
            Loaded::Found(stored) => is_whole(trial.subject.grain(), &stored.session, 0, SAVES)?,
            Loaded::Torn => {}
            Loaded::None => return failed("a session, which there is all the time", told(&Loaded::None)),
        }
        if started.elapsed() > LONG {
            return failed(format!("{SAVES} saves in 20 s"), "the other process still saves");
        }
    }
    Ok(())
}

/// Starts several processes, tells each something, and waits until all have done it.
fn all_do(trial: &Trial<'_>, count: u64, order: impl Fn(u64) -> Order) -> Outcome {
    let mut peers = (0..count).map(|_| Peer::start(trial)).collect::<Outcome<Vec<_>>>()?;
    for (peer, number) in peers.iter_mut().zip(0..) {
        peer.tell(order(number))?;
    }
    peers.iter().try_for_each(|peer| peer.expect("done"))
}

fn no_save_is_lost(trial: &Trial<'_>) -> Outcome {
    const PROCESSES: u64 = 3;
    const TURNS: u64 = 10;
    let store = trial.open_with(&key(1), &session(0))?;
    all_do(trial, PROCESSES, |_| Order::Count { key: 1, times: TURNS })?;
    let all = session(PROCESSES * TURNS);
    finds(&*store, &key(1), &all, &format!("the session after {} turns", PROCESSES * TURNS))
}

fn no_site_is_lost(trial: &Trial<'_>) -> Outcome {
    const PROCESSES: u64 = 3;
    const SITES: u64 = 8;
    let store = trial.open()?;
    all_do(trial, PROCESSES, |number| Order::Prefer { first: number * SITES, count: SITES })?;
    lists_all(&*store, PROCESSES * SITES)
}

/// Kills a process while it saves one session after the other at this key. No two keys get the same sessions, as no two
/// sites give the same tokens: the first one of a key is its number times [`MANY`].
fn kill_a_writer(trial: &Trial<'_>, store: &dyn Store, number: u64, later: u64) -> Outcome {
    save(store, &key(number), &session(number * MANY))?;
    let mut peer = Peer::start(trial)?;
    peer.tell(Order::Series { key: number, first: number * MANY + 1, count: MANY - 1 })?;
    peer.expect("begun")?;
    // Each time a little later in its work.
    for _ in 0..later {
        load(store, &key(number))?;
    }
    peer.kill()
}

/// More sessions than a writer saves until it is killed.
const MANY: u64 = 1_000_000;
const KILLS: u64 = 8;

fn killed_writer_leaves_whole(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for round in 1..=KILLS {
        kill_a_writer(trial, &*store, round, round)?;
        let store = trial.open()?;
        let started = Instant::now();
        let expected = "the session before or the one after the save that was cut short";
        let found = loop {
            match load(&*store, &key(round))? {
                Loaded::Found(stored) => break stored,
                // What nobody is writing any more must come to be found.
                Loaded::Torn if started.elapsed() < LONG => thread::yield_now(),
                other => return failed(expected, told(&other)),
            }
        };
        is_whole(trial.subject.grain(), &found.session, round * MANY, (round + 1) * MANY)?;
    }
    Ok(())
}

fn killed_writer_hinders_nobody(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for round in 1..=KILLS {
        kill_a_writer(trial, &*store, round, round)?;
        for number in [(KILLS + round) * MANY + 1, (KILLS + round) * MANY + 2] {
            save(&*store, &key(round), &session(number))?;
            finds(&*store, &key(round), &session(number), "what was saved after the writer was killed")?;
        }
        let site = entry(key(round), ALICE, false);
        let change = Change::Prefer(site);
        apply(&*store, "a site is preferred", &change)?;
    }
    Ok(())
}
