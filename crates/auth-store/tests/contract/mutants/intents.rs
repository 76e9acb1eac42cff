//! Faults in noting an intent.

use std::sync::Arc;

use auth_core::ports::{Applied, Change, Loaded, Stored};
use auth_core::session::Session;

use super::bent::{Bent, save, there};
use super::mutants;

mutants! { Memory:
    "intent-is-found" => tells_an_intent_once,
    "intent-ends-with-save" => keeps_an_intent_while_the_refresh_token_stays,
    "intent-is-of-what-is-there" => makes_a_session_of_an_intent,
    "intent-is-of-what-is-there" => does_not_look_before_an_intent,
    "intent-is-withdrawn" => keeps_an_intent_that_is_withdrawn,
    "intent-is-withdrawn" => withdraws_any_intent,
    "intent-belongs-to-its-key" => notes_an_intent_everywhere,
    "intent-survives-reopening" => forgets_intents_when_closed,
}

fn tells_an_intent_once(it: Bent) -> Bent {
    it.load(|store, key| {
        let loaded = store.load(key)?;
        if let Loaded::Found(stored) = &loaded
            && stored.intent.is_some()
        {
            store.apply(&save(key, &stored.session))?;
        }
        Ok(loaded)
    })
}

fn keeps_an_intent_while_the_refresh_token_stays(it: Bent) -> Bent {
    it.apply(|store, change| {
        let Change::Save { key, session, .. } = change else { return store.apply(change) };
        let before = there(store, key);
        let applied = store.apply(change)?;
        if let Some(Stored { session: old, intent: Some(redeeming) }) = before
            && old.tokens.refresh == session.tokens.refresh
        {
            store.apply(&Change::Intent { key: key.clone(), redeeming })?;
        }
        Ok(applied)
    })
}

fn makes_a_session_of_an_intent(it: Bent) -> Bent {
    let notes = [Arc::clone(&it.notes), Arc::clone(&it.notes)];
    let [by_apply, by_load] = notes;
    it.apply(move |store, change| {
        if let Change::Intent { key, redeeming } = change
            && there(store, key).is_none()
        {
            by_apply.intents.lock().unwrap().insert(key.clone(), *redeeming);
        }
        store.apply(change)
    })
    .load(move |store, key| {
        let loaded = store.load(key)?;
        match by_load.intents.lock().unwrap().get(key) {
            Some(intent) if loaded == Loaded::None => {
                let stored = Stored { session: Session::default(), intent: Some(*intent) };
                Ok(Loaded::Found(Box::new(stored)))
            }
            _ => Ok(loaded),
        }
    })
}

/// Whatever is there, it says that the intent is noted.
fn does_not_look_before_an_intent(it: Bent) -> Bent {
    it.apply(|store, change| {
        let applied = store.apply(change)?;
        Ok(if matches!(change, Change::Intent { .. }) { Applied::Done } else { applied })
    })
}

fn keeps_an_intent_that_is_withdrawn(it: Bent) -> Bent {
    it.apply(|store, change| match change {
        Change::Withdraw { .. } => Ok(Applied::Done),
        change => store.apply(change),
    })
}

fn withdraws_any_intent(it: Bent) -> Bent {
    it.apply(|store, change| {
        let Change::Withdraw { key, .. } = change else { return store.apply(change) };
        let noted = there(store, key).and_then(|stored| stored.intent);
        let withdraw = |redeeming| Change::Withdraw { key: key.clone(), redeeming };
        noted.map_or(Ok(Applied::Done), |noted| store.apply(&withdraw(noted)))
    })
}

fn notes_an_intent_everywhere(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.apply(move |store, change| {
        if let Change::Intent { redeeming, .. } = change {
            for key in notes.keys.lock().unwrap().iter() {
                store.apply(&Change::Intent { key: key.clone(), redeeming: *redeeming })?;
            }
        }
        store.apply(change)
    })
}

fn forgets_intents_when_closed(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.close(move |store| {
        for key in notes.keys.lock().unwrap().iter() {
            if let Some(stored) = there(store, key) {
                store.apply(&save(key, &stored.session)).unwrap();
            }
        }
    })
}
