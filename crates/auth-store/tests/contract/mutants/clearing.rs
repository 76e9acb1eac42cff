//! Faults in removing a session.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use auth_core::ports::{Applied, Change, Loaded};

use super::bent::{Bent, a_fault, clear, conflict, there};
use super::mutants;

mutants! { Memory:
    "clear-removes" => clears_in_word_only,
    "clear-compares-every-token" => compares_access_tokens_only,
    "clear-ignores-facts" => compares_facts_too,
    "clear-of-nothing-is-done" => cannot_clear_nothing,
    "conflict-tells-what-is-there" => leaves_the_intent_out_of_a_conflict,
    "conflict-changes-nothing" => removes_what_it_does_not_know,
    "generation-is-the-same-everywhere" => knows_generations_it_has_seen_only,
    "clear-spares-what-is-newer" => compares_before_and_removes_after,
}

fn clears_in_word_only(it: Bent) -> Bent {
    it.apply(|store, change| match change {
        Change::ClearIf { key, generation } => match there(store, key) {
            Some(stored) if stored.session.tokens.generation() == *generation => Ok(Applied::Done),
            _ => store.apply(change),
        },
        _ => store.apply(change),
    })
}

fn compares_access_tokens_only(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.apply(move |store, change| {
        if let Change::ClearIf { key, generation } = change
            && let Some(stored) = there(store, key)
            && let Some(meant) = notes.sessions.lock().unwrap().get(generation)
            && meant.tokens.access == stored.session.tokens.access
        {
            return store.apply(&clear(key, &stored.session));
        }
        store.apply(change)
    })
}

fn compares_facts_too(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.apply(move |store, change| {
        if let Change::ClearIf { key, generation } = change
            && let Some(stored) = there(store, key)
            && let Some(first) = notes.sessions.lock().unwrap().get(generation)
            && first.facts != stored.session.facts
        {
            return Ok(conflict(stored));
        }
        store.apply(change)
    })
}

fn cannot_clear_nothing(it: Bent) -> Bent {
    it.apply(|store, change| match change {
        Change::ClearIf { key, .. } if store.load(key)? == Loaded::None => a_fault("there is nothing"),
        _ => store.apply(change),
    })
}

fn leaves_the_intent_out_of_a_conflict(it: Bent) -> Bent {
    it.apply(|store, change| match store.apply(change)? {
        Applied::Conflict(Some(mut stored)) => {
            stored.intent = None;
            Ok(Applied::Conflict(Some(stored)))
        }
        applied => Ok(applied),
    })
}

fn removes_what_it_does_not_know(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.apply(move |store, change| {
        let applied = store.apply(change)?;
        if let (Change::ClearIf { key, generation }, Applied::Conflict(Some(stored))) = (change, &applied)
            && !notes.sessions.lock().unwrap().contains_key(generation)
        {
            store.apply(&clear(key, &stored.session))?;
        }
        Ok(applied)
    })
}

fn knows_generations_it_has_seen_only(it: Bent) -> Bent {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let loaded = Arc::clone(&seen);
    it.load(move |store, key| {
        let found = store.load(key)?;
        if let Loaded::Found(stored) = &found {
            loaded.lock().unwrap().insert(stored.session.tokens.generation());
        }
        Ok(found)
    })
    .apply(move |store, change| {
        match change {
            Change::Save { session, .. } => drop(seen.lock().unwrap().insert(session.tokens.generation())),
            Change::ClearIf { key, generation } if !seen.lock().unwrap().contains(generation) => {
                return Ok(there(store, key).map_or(Applied::Done, conflict));
            }
            _ => {}
        }
        store.apply(change)
    })
}

fn compares_before_and_removes_after(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::ClearIf { key, generation } = change
            && let Some(stored) = there(store, key)
            && stored.session.tokens.generation() == *generation
        {
            thread::sleep(Duration::from_millis(2));
            return there(store, key).map_or(Ok(Applied::Done), |now| store.apply(&clear(key, &now.session)));
        }
        store.apply(change)
    })
}
