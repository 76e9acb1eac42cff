//! Faults that take several threads to be seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use auth_core::ports::{Change, Key, Loaded, Locking, Replaces};
use auth_core::session::Session;

use super::bent::{Bent, save, there};
use super::mutants;

mutants! { Memory:
    "readers-find-whole-sessions" => saves_in_two_steps,
    "saves-at-once-leave-one-whole" => mixes_what_two_threads_save,
    "next-holder-finds-what-was-saved" => reads_before_it_waits_for_the_lock,
    "no-site-is-lost-among-threads" => rewrites_a_list_it_read_before,
}

/// The new access token and facts beside the old refresh token.
pub(super) fn half(old: &Session, new: &Session) -> Session {
    let mut half = new.clone();
    half.tokens.refresh.clone_from(&old.tokens.refresh);
    half
}

fn saves_in_two_steps(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Save { key, session, replaces: Replaces::Anything } = change
            && let Some(stored) = there(store, key)
        {
            store.apply(&save(key, &half(&stored.session, session)))?;
            thread::sleep(Duration::from_micros(50));
        }
        store.apply(change)
    })
}

fn mixes_what_two_threads_save(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.edit(move |_, change| {
        if let Change::Save { session, .. } = change {
            notes.token.lock().unwrap().clone_from(&session.tokens.refresh);
            thread::sleep(Duration::from_micros(100));
            session.tokens.refresh.clone_from(&notes.token.lock().unwrap());
        }
    })
}

/// What each handle read before it waited, until it loads.
type Early = Arc<Mutex<HashMap<Key, Loaded>>>;

/// Keeps what was there when the lock was found busy for the first load after it was had.
pub(super) fn reading_early(it: Bent, is_early: fn(Option<u32>) -> bool) -> Bent {
    let early: Early = Arc::default();
    let read = Arc::clone(&early);
    it.lock(move |store, kind, key, wait| match store.lock(kind, key, Duration::ZERO)? {
        Locking::Busy(holder) if !wait.is_zero() => {
            let loaded = store.load(key)?;
            let locking = store.lock(kind, key, wait)?;
            if matches!(locking, Locking::Held(_)) && is_early(holder.pid) {
                early.lock().unwrap().insert(key.clone(), loaded);
            }
            Ok(locking)
        }
        locking => {
            // So that others come to wait.
            thread::sleep(Duration::from_micros(200));
            Ok(locking)
        }
    })
    .load(move |store, key| match read.lock().unwrap().remove(key) {
        Some(loaded) => Ok(loaded),
        None => store.load(key),
    })
}

fn reads_before_it_waits_for_the_lock(it: Bent) -> Bent {
    reading_early(it, |_| true)
}

/// Reads the list, and writes it with the new site, as if nobody else did meanwhile.
pub(super) fn rewriting(it: Bent, exclusive: bool) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.apply(move |store, change| {
        let Change::Prefer(entry) = change else { return store.apply(change) };
        let _exclusive = exclusive.then(|| notes.gate.write().unwrap());
        let known = store.sites()?;
        thread::sleep(Duration::from_micros(500));
        let applied = store.apply(change)?;
        for other in store.sites()? {
            if other.key != entry.key && !known.iter().any(|known| known.key == other.key) {
                store.apply(&Change::Forget(other.key))?;
            }
        }
        Ok(applied)
    })
}

fn rewrites_a_list_it_read_before(it: Bent) -> Bent {
    rewriting(it, false)
}
