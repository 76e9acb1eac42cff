//! Faults that only another process sees, around the Tiled directory: within one process each of these is right.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, Replaces, Store as _};
use auth_core::session::{Facts, Session};
use auth_core::{Digest, Holder};

use super::bent::{Bent, Guard, a_fault, save, there};
use super::mutants;
use super::threads::{half, reading_early, rewriting};

mutants! { Tiled:
    "processes-share-sessions" => remembers_what_any_handle_loaded,
    "processes-share-intents" => keeps_intents_in_memory,
    "processes-respect-locks" => keeps_prompt_locks_in_memory,
    "processes-name-the-holder" => names_itself_as_holder,
    "killed-process-frees-its-lock" => takes_a_file_for_a_lock,
    "processes-find-whole-sessions" => reads_in_two_steps,
    "no-save-is-lost-among-processes" => reads_before_it_waits_for_another_process,
    "no-site-is-lost-among-processes" => rewrites_a_list_that_another_process_changed,
    "killed-writer-leaves-one-whole" => saves_in_two_steps_behind_a_mark,
    "killed-writer-hinders-nobody" => saves_behind_a_file_that_stays,
}

fn remembers_what_any_handle_loaded(it: Bent) -> Bent {
    let [by_load, by_apply, by_lock] = [(); 3].map(|()| Arc::clone(&it.notes));
    it.load(move |store, key| {
        let mut remembered = by_load.loaded.lock().unwrap();
        if let Some(loaded) = remembered.get(key) {
            return Ok(loaded.clone());
        }
        let loaded = store.load(key)?;
        remembered.insert(key.clone(), loaded.clone());
        Ok(loaded)
    })
    .apply(move |store, change| {
        let applied = store.apply(change);
        by_apply.loaded.lock().unwrap().clear();
        applied
    })
    .lock(move |store, kind, key, wait| {
        let locking = store.lock(kind, key, wait);
        by_lock.loaded.lock().unwrap().clear();
        locking
    })
}

fn keeps_intents_in_memory(it: Bent) -> Bent {
    let [by_load, by_apply] = [(); 2].map(|()| Arc::clone(&it.notes));
    it.load(move |store, key| {
        Ok(match store.load(key)? {
            Loaded::Found(mut stored) => {
                stored.intent = by_load.intents.lock().unwrap().get(key).copied();
                Loaded::Found(stored)
            }
            loaded => loaded,
        })
    })
    .apply(move |store, change| {
        let applied = store.apply(change)?;
        let mut intents = by_apply.intents.lock().unwrap();
        match (change, &applied) {
            (Change::Intent { key, redeeming }, Applied::Done) => {
                intents.insert(key.clone(), *redeeming);
                // The honest store forgets it.
                store.apply(&Change::Withdraw { key: key.clone(), redeeming: *redeeming })?;
            }
            (Change::Withdraw { key, redeeming }, _) if intents.get(key) == Some(redeeming) => {
                intents.remove(key);
            }
            (Change::Save { key, .. }, Applied::Done) => drop(intents.remove(key)),
            _ => {}
        }
        drop(intents);
        Ok(match (applied, change) {
            (Applied::Conflict(Some(mut stored)), Change::ClearIf { key, .. }) => {
                stored.intent = by_apply.intents.lock().unwrap().get(key).copied();
                Applied::Conflict(Some(stored))
            }
            (applied, _) => applied,
        })
    })
}

fn keeps_prompt_locks_in_memory(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.lock(move |store, kind, key, wait| match kind {
        LockKind::Renewal => store.lock(kind, key, wait),
        LockKind::Prompt => notes.locks.lock(kind, key, wait),
    })
}

fn names_itself_as_holder(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        Ok(match store.lock(kind, key, wait)? {
            Locking::Busy(holder) => Locking::Busy(Holder { pid: Some(std::process::id()), ..holder }),
            held @ Locking::Held(_) => held,
        })
    })
}

fn digest(key: &Key) -> Digest {
    Digest::of_parts(&[Some(&key.site), Some(&key.slot)])
}

/// Makes a file that is there as long as something is held. False if it stays with somebody else for so long.
fn made(path: &Path, wait: Duration) -> bool {
    let started = Instant::now();
    loop {
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => {
                file.write_all(std::process::id().to_string().as_bytes()).unwrap();
                return true;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{error}"),
        }
        if started.elapsed() >= wait {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn takes_a_file_for_a_lock(it: Bent) -> Bent {
    let place = it.notes.place.clone();
    it.lock(move |_, kind, key, wait| {
        let path = place.join(format!("{kind:?}.{}", digest(key)));
        if made(&path, wait) {
            return Ok(Locking::Held(Box::new(Guard(move || fs::remove_file(&path).unwrap()))));
        }
        let pid = fs::read_to_string(&path).unwrap_or_default().parse().ok();
        Ok(Locking::Busy(Holder { pid, ..Holder::default() }))
    })
}

fn reads_in_two_steps(it: Bent) -> Bent {
    let [by_load, by_apply] = [(); 2].map(|()| Arc::clone(&it.notes));
    it.load(move |store, key| {
        let _alone = by_load.gate.read().unwrap();
        let first = store.load(key)?;
        thread::sleep(Duration::from_millis(1));
        Ok(match (first, store.load(key)?) {
            (Loaded::Found(first), Loaded::Found(mut second)) => {
                let Facts { refresh_expires, .. } = first.session.facts;
                second.session.tokens.refresh.clone_from(&first.session.tokens.refresh);
                second.session.facts.refresh_expires = refresh_expires;
                Loaded::Found(second)
            }
            (_, second) => second,
        })
    })
    .apply(move |store, change| {
        let _alone = by_apply.gate.write().unwrap();
        store.apply(change)
    })
}

fn reads_before_it_waits_for_another_process(it: Bent) -> Bent {
    reading_early(it, |pid| pid.is_some_and(|pid| pid != std::process::id()))
}

fn rewrites_a_list_that_another_process_changed(it: Bent) -> Bent {
    rewriting(it, true)
}

fn is_alive(mark: &str) -> bool {
    let pid =
        mark.split(' ').next().and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// Readers know by the mark that a save is going on, unless it is that of somebody who died.
fn saves_in_two_steps_behind_a_mark(it: Bent) -> Bent {
    static SAVES: AtomicU64 = AtomicU64::new(0);
    let [by_load, by_apply] = [(); 2].map(|()| Arc::clone(&it.notes));
    let path = it.notes.place.join("saving");
    let mark = path.clone();
    it.load(move |store, key| {
        let _alone = by_load.gate.read().unwrap();
        let read = || fs::read_to_string(&mark).unwrap_or_default();
        let before = read();
        let loaded = store.load(key)?;
        let is_saving = before.ends_with("begun") && is_alive(&before);
        Ok(if is_saving || read() != before { Loaded::Torn } else { loaded })
    })
    .apply(move |store, change| {
        let _alone = by_apply.gate.write().unwrap();
        let Change::Save { key, session, replaces: Replaces::Anything } = change else {
            return store.apply(change);
        };
        let Some(stored) = there(store, key) else { return store.apply(change) };
        let number = SAVES.fetch_add(1, Ordering::SeqCst);
        let write = |state: &str| {
            let new = path.with_extension("new");
            fs::write(&new, format!("{} {number} {state}", std::process::id())).unwrap();
            fs::rename(&new, &path).unwrap();
        };
        write("begun");
        let applied = store.apply(&save(key, &half(&stored.session, session))).and_then(|_| {
            thread::sleep(Duration::from_millis(2));
            store.apply(change)
        });
        write("ended");
        applied
    })
}

fn saves_behind_a_file_that_stays(it: Bent) -> Bent {
    let place = it.notes.place.clone();
    it.apply(move |store, change| {
        let Change::Save { key, session, .. } = change else { return store.apply(change) };
        let path = place.join(format!("saving.{}", digest(key)));
        if !made(&path, Duration::from_secs(3)) {
            return a_fault("somebody saves all the time");
        }
        if is_ordinary(session) {
            thread::sleep(Duration::from_millis(1));
        }
        let applied = store.apply(change);
        fs::remove_file(&path).unwrap();
        applied
    })
}

/// Not one of the very long ones, of which there are many.
fn is_ordinary(session: &Session) -> bool {
    session.tokens.access.as_ref().is_some_and(|token| token.len() < 100)
}
