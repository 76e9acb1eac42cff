//! Faults in locks, and in waiting for them.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use auth_core::Holder;
use auth_core::ports::{Key, LockKind, Locking, Store as _};
use auth_store::MemoryStore;

use super::bent::{Bent, Guard, a_fault, key_of};
use super::mutants;

mutants! { Memory:
    "lock-excludes-its-own-thread" => gives_a_thread_its_lock_again,
    "lock-excludes-other-handles" => keeps_prompt_locks_for_each_handle,
    "lock-admits-one-at-a-time" => looks_and_then_takes,
    "lock-kinds-are-independent" => has_one_lock_for_both_kinds,
    "lock-keys-are-independent" => has_one_lock_for_all_slots,
    "lock-keys-are-independent" => has_one_lock_for_all_spellings,
    "lock-hinders-no-change" => refuses_changes_while_somebody_is_asked,
    "lock-is-freed-in-any-thread" => frees_a_lock_only_where_it_was_taken,
    "lock-names-its-holder" => names_another_process,
    "lock-try-answers-at-once" => waits_where_it_should_try,
    "lock-waits-as-long-as-asked" => gives_up_half_way,
    "lock-gives-up-in-time" => gives_up_late,
    "lock-goes-to-who-waits" => looks_again_only_at_the_end,
    "lock-given-up-stays-free" => takes_a_lock_after_giving_up,
    "lock-won-by-waiting-is-freed" => keeps_a_lock_it_waited_for,
}

fn busy() -> Locking {
    Locking::Busy(Holder { pid: Some(std::process::id()), ..Holder::default() })
}

fn gives_a_thread_its_lock_again(it: Bent) -> Bent {
    type Owners = Mutex<HashMap<(LockKind, Key), ThreadId>>;
    let owners: Arc<Owners> = Arc::default();
    it.lock(move |store, kind, key, wait| {
        let name = (kind, key.clone());
        if owners.lock().unwrap().get(&name) == Some(&thread::current().id()) {
            return Ok(Locking::Held(Box::new(())));
        }
        let Locking::Held(guard) = store.lock(kind, key, wait)? else { return Ok(busy()) };
        owners.lock().unwrap().insert(name.clone(), thread::current().id());
        let owners = Arc::clone(&owners);
        let mut guard = Some(guard);
        Ok(Locking::Held(Box::new(Guard(move || {
            owners.lock().unwrap().remove(&name);
            drop(guard.take());
        }))))
    })
}

fn keeps_prompt_locks_for_each_handle(it: Bent) -> Bent {
    let own = MemoryStore::new();
    it.lock(move |store, kind, key, wait| match kind {
        LockKind::Renewal => store.lock(kind, key, wait),
        LockKind::Prompt => own.lock(kind, key, wait),
    })
}

fn looks_and_then_takes(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.lock(move |store, kind, key, wait| {
        if kind == LockKind::Renewal {
            return store.lock(kind, key, wait);
        }
        let started = Instant::now();
        while notes.taken.lock().unwrap().contains(key) {
            if started.elapsed() >= wait {
                return Ok(busy());
            }
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(200));
        notes.taken.lock().unwrap().insert(key.clone());
        let (notes, key) = (Arc::clone(&notes), key.clone());
        Ok(Locking::Held(Box::new(Guard(move || {
            notes.taken.lock().unwrap().remove(&key);
        }))))
    })
}

fn has_one_lock_for_both_kinds(it: Bent) -> Bent {
    it.lock(|store, _, key, wait| store.lock(LockKind::Renewal, key, wait))
}

fn has_one_lock_for_all_slots(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        store.lock(kind, &Key { site: key.site.clone(), slot: String::new() }, wait)
    })
}

fn has_one_lock_for_all_spellings(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        store.lock(kind, &Key { site: key.site.to_lowercase(), slot: key.slot.clone() }, wait)
    })
}

fn refuses_changes_while_somebody_is_asked(it: Bent) -> Bent {
    let [by_lock, by_apply] = [(); 2].map(|()| Arc::clone(&it.notes));
    it.lock(move |store, kind, key, wait| match store.lock(kind, key, wait)? {
        Locking::Held(guard) if kind == LockKind::Prompt => {
            by_lock.taken.lock().unwrap().insert(key.clone());
            let (notes, key, mut guard) = (Arc::clone(&by_lock), key.clone(), Some(guard));
            Ok(Locking::Held(Box::new(Guard(move || {
                notes.taken.lock().unwrap().remove(&key);
                drop(guard.take());
            }))))
        }
        locking => Ok(locking),
    })
    .apply(move |store, change| {
        if by_apply.taken.lock().unwrap().contains(key_of(change)) {
            return a_fault("somebody is being asked");
        }
        store.apply(change)
    })
}

fn frees_a_lock_only_where_it_was_taken(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        let locking = store.lock(kind, key, wait)?;
        let Locking::Held(guard) = locking else { return Ok(locking) };
        let (taker, mut guard) = (thread::current().id(), Some(guard));
        Ok(Locking::Held(Box::new(Guard(move || {
            if thread::current().id() != taker {
                mem::forget(guard.take());
            }
        }))))
    })
}

fn names_another_process(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        Ok(match store.lock(kind, key, wait)? {
            Locking::Busy(holder) => Locking::Busy(Holder { pid: holder.pid.map(|pid| pid + 1), ..holder }),
            held @ Locking::Held(_) => held,
        })
    })
}

fn waits_where_it_should_try(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        store.lock(kind, key, if wait.is_zero() { Duration::from_millis(700) } else { wait })
    })
}

fn gives_up_half_way(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| store.lock(kind, key, wait / 2))
}

fn gives_up_late(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        let locking = store.lock(kind, key, wait)?;
        if matches!(locking, Locking::Busy(_)) && !wait.is_zero() {
            thread::sleep(Duration::from_millis(1_600));
        }
        Ok(locking)
    })
}

fn looks_again_only_at_the_end(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| match store.lock(kind, key, Duration::ZERO)? {
        Locking::Busy(_) if kind == LockKind::Prompt => {
            thread::sleep(wait);
            store.lock(kind, key, Duration::ZERO)
        }
        Locking::Busy(_) => store.lock(kind, key, wait),
        held @ Locking::Held(_) => Ok(held),
    })
}

fn takes_a_lock_after_giving_up(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        let locking = store.lock(kind, key, wait)?;
        if matches!(locking, Locking::Busy(_)) && !wait.is_zero() {
            let (store, key) = (Arc::clone(store), key.clone());
            thread::spawn(move || {
                if let Ok(Locking::Held(guard)) = store.lock(kind, &key, Duration::from_secs(10)) {
                    mem::forget(guard);
                }
            });
        }
        Ok(locking)
    })
}

fn keeps_a_lock_it_waited_for(it: Bent) -> Bent {
    it.lock(|store, kind, key, wait| {
        let first = store.lock(kind, key, Duration::ZERO)?;
        if wait.is_zero() || matches!(first, Locking::Held(_)) {
            return Ok(first);
        }
        match store.lock(kind, key, wait)? {
            Locking::Held(guard) if kind == LockKind::Prompt => {
                mem::forget(guard);
                Ok(Locking::Held(Box::new(())))
            }
            locking => Ok(locking),
        }
    })
}
