//! Faults in keeping sessions, strange ones, and their keys apart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use auth_core::ports::{Applied, Change, Key, Loaded, Replaces, Stored};
use auth_core::session::Session;
use auth_core::{Foreign, Secret};

use super::bent::{Bent, a_fault, clear, conflict, save, there};
use super::mutants;

mutants! { Memory:
    "fresh-place-is-empty" => lists_a_site_of_its_own_where_none_is,
    "save-keeps-tokens" => loses_the_id_token_without_a_refresh_token,
    "save-keeps-metadata" => forgets_the_metadata_of_a_second_session,
    "save-keeps-facts" => loses_the_end_of_the_refresh_token_of_nobody,
    "save-keeps-facts" => takes_a_moment_before_1970_for_none,
    "save-keeps-links" => loses_one_link_without_the_other,
    "save-replaces" => keeps_the_old_id_token,
    "save-of-no-tokens-is-nothing" => finds_a_session_without_tokens,
    "save-of-an-explicit-sign-in-never-conflicts" => saves_and_says_conflict,
    "save-replaces-only-what-it-may" => saves_over_anything,
    "save-replaces-only-what-it-may" => wants_the_access_token_as_well,
    "save-reaches-open-handles" => remembers_what_it_loaded,
    "session-survives-reopening" => forgets_the_id_token_when_closed,
    "strange-text-is-kept-or-refused" => strips_control_characters,
    "strange-text-is-kept-or-refused" => cuts_long_text,
    "strange-tokens-are-kept-or-refused" => trims_tokens,
    "refusal-changes-nothing" => removes_and_then_refuses,
    "refusal-shows-no-token" => names_the_token_it_refuses,
    "sites-are-kept-apart" => takes_sites_for_the_same_in_any_case,
    "sites-are-kept-apart" => takes_a_slash_at_the_end_for_nothing,
    "sites-are-kept-apart" => cuts_long_sites,
    "sites-are-kept-apart" => climbs_out_of_a_folder,
    "slots-are-kept-apart" => ignores_slots,
    "slots-are-kept-apart" => joins_site_and_slot,
    "session-without-login-is-refused" => saves_without_a_login,
    "session-without-login-is-refused" => clears_the_last_user_without_a_login,
}

fn lists_a_site_of_its_own_where_none_is(it: Bent) -> Bent {
    it.sites(|store| {
        let mut sites = store.sites()?;
        if sites.is_empty() {
            let key = Key { site: "http://127.0.0.1/".to_owned(), slot: String::new() };
            sites.push(auth_core::ports::SiteEntry {
                key,
                user: None,
                allow_http: false,
                method: None,
                pages: None,
            });
        }
        Ok(sites)
    })
}

fn loses_the_id_token_without_a_refresh_token(it: Bent) -> Bent {
    it.edit_session(|session| {
        if session.tokens.refresh.is_none() {
            session.tokens.id = None;
        }
    })
}

fn forgets_the_metadata_of_a_second_session(it: Bent) -> Bent {
    it.edit(|store, change| {
        if let Change::Save { key, session, .. } = change
            && there(store, key).is_some()
        {
            session.tokens.metadata = None;
        }
    })
}

fn loses_the_end_of_the_refresh_token_of_nobody(it: Bent) -> Bent {
    it.edit_session(|session| {
        if session.facts.identity.is_none() {
            session.facts.refresh_expires = None;
        }
    })
}

fn takes_a_moment_before_1970_for_none(it: Bent) -> Bent {
    it.edit_session(|session| session.facts.received = session.facts.received.filter(|moment| moment.0 >= 0))
}

fn loses_one_link_without_the_other(it: Bent) -> Bent {
    it.edit_session(|session| {
        if session.links.refresh.is_none() {
            session.links.whoami = None;
        }
    })
}

fn keeps_the_old_id_token(it: Bent) -> Bent {
    it.edit(|store, change| {
        if let Change::Save { key, session, .. } = change
            && session.tokens.id.is_none()
        {
            session.tokens.id = there(store, key).and_then(|stored| stored.session.tokens.id);
        }
    })
}

fn finds_a_session_without_tokens(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.load(move |store, key| match store.load(key)? {
        Loaded::None
            if notes.sessions.lock().unwrap().contains_key(&Session::default().tokens.generation()) =>
        {
            Ok(Loaded::Found(Box::new(Stored { session: Session::default(), intent: None })))
        }
        loaded => Ok(loaded),
    })
}

fn saves_and_says_conflict(it: Bent) -> Bent {
    it.apply(|store, change| {
        let before = match change {
            Change::Save { key, replaces: Replaces::Anything, .. } => there(store, key),
            _ => None,
        };
        let applied = store.apply(change)?;
        Ok(before.map_or(applied, conflict))
    })
}

fn saves_over_anything(it: Bent) -> Bent {
    it.edit(|_, change| {
        if let Change::Save { replaces, .. } = change {
            *replaces = Replaces::Anything;
        }
    })
}

/// A session whose access token another program removed is not replaced.
fn wants_the_access_token_as_well(it: Bent) -> Bent {
    it.apply(|store, change| match change {
        Change::Save { key, replaces: Replaces::Redeemed(_), .. }
            if there(store, key).is_some_and(|there| there.session.tokens.access.is_none()) =>
        {
            Ok(Applied::Conflict(there(store, key).map(Box::new)))
        }
        change => store.apply(change),
    })
}

fn remembers_what_it_loaded(it: Bent) -> Bent {
    let remembered = Arc::new(Mutex::new(BTreeMap::new()));
    let [by_load, by_apply, by_lock] = [(); 3].map(|()| Arc::clone(&remembered));
    it.load(move |store, key| {
        if let Some(loaded) = by_load.lock().unwrap().get(key) {
            return Ok(Loaded::clone(loaded));
        }
        let loaded = store.load(key)?;
        by_load.lock().unwrap().insert(key.clone(), loaded.clone());
        Ok(loaded)
    })
    .apply(move |store, change| {
        let applied = store.apply(change);
        by_apply.lock().unwrap().clear();
        applied
    })
    .lock(move |store, kind, key, wait| {
        let locking = store.lock(kind, key, wait);
        by_lock.lock().unwrap().clear();
        locking
    })
}

fn forgets_the_id_token_when_closed(it: Bent) -> Bent {
    let notes = Arc::clone(&it.notes);
    it.close(move |store| {
        for key in notes.keys.lock().unwrap().iter() {
            if let Some(mut stored) = there(store, key)
                && stored.session.tokens.id.take().is_some()
            {
                store.apply(&save(key, &stored.session)).unwrap();
            }
        }
    })
}

fn strips_control_characters(it: Bent) -> Bent {
    it.edit_session(|session| {
        let stripped = |text: &Foreign| Foreign::new(text.raw().replace(char::is_control, ""));
        session.facts.principal = session.facts.principal.as_ref().map(stripped);
    })
}

fn cuts_long_text(it: Bent) -> Bent {
    it.edit_session(|session| {
        let cut = |text: &Foreign| Foreign::new(text.raw().chars().take(255).collect::<String>());
        session.facts.principal = session.facts.principal.as_ref().map(cut);
    })
}

fn trims_tokens(it: Bent) -> Bent {
    it.edit_session(|session| {
        let trimmed = |token: &Secret| Secret::from(token.expose().trim());
        session.tokens.refresh = session.tokens.refresh.as_ref().map(trimmed);
    })
}

/// The token of a session that no header can carry.
fn refused(change: &Change) -> Option<&Secret> {
    let Change::Save { session, .. } = change else { return None };
    session.tokens.access.as_ref().filter(|token| token.expose().contains('\0'))
}

fn removes_and_then_refuses(it: Bent) -> Bent {
    it.apply(|store, change| match (change, refused(change)) {
        (Change::Save { key, .. }, Some(_)) => {
            if let Some(stored) = there(store, key) {
                store.apply(&clear(key, &stored.session))?;
            }
            a_fault("refused")
        }
        _ => store.apply(change),
    })
}

fn names_the_token_it_refuses(it: Bent) -> Bent {
    it.apply(|store, change| match refused(change) {
        Some(token) => a_fault(&format!("this cannot be kept: {}", token.expose())),
        None => store.apply(change),
    })
}

/// Sessions are kept under another key than was asked for; locks and sites are not.
fn under_another_key(it: Bent, rename: fn(&Key) -> Key) -> Bent {
    it.edit(move |_, change| match change {
        Change::Save { key, .. }
        | Change::ClearIf { key, .. }
        | Change::Intent { key, .. }
        | Change::Withdraw { key, .. } => {
            *key = rename(key);
        }
        Change::Prefer(_) | Change::Forget(_) => {}
    })
    .load(move |store, key| store.load(&rename(key)))
}

fn with_site(key: &Key, site: impl Into<String>) -> Key {
    Key { site: site.into(), slot: key.slot.clone() }
}

/// The slash at the end of a site that has one session.
fn end(key: &Key) -> &'static str {
    if key.site.ends_with('/') { "/" } else { "" }
}

fn takes_sites_for_the_same_in_any_case(it: Bent) -> Bent {
    under_another_key(it, |key| with_site(key, key.site.to_lowercase()))
}

fn takes_a_slash_at_the_end_for_nothing(it: Bent) -> Bent {
    under_another_key(it, |key| with_site(key, key.site.trim_end_matches('/').to_owned() + end(key)))
}

fn cuts_long_sites(it: Bent) -> Bent {
    under_another_key(it, |key| with_site(key, key.site.chars().take(64).collect::<String>() + end(key)))
}

fn climbs_out_of_a_folder(it: Bent) -> Bent {
    under_another_key(it, |key| with_site(key, key.site.replace("/..", "/.")))
}

fn ignores_slots(it: Bent) -> Bent {
    under_another_key(it, |key| {
        if key.slot.is_empty() { key.clone() } else { Key { site: key.site.clone(), slot: "any".to_owned() } }
    })
}

fn joins_site_and_slot(it: Bent) -> Bent {
    under_another_key(it, |key| {
        if key.slot.is_empty() {
            key.clone()
        } else {
            Key { site: format!("{}{}/", key.site, key.slot), slot: String::new() }
        }
    })
}

fn saves_without_a_login(it: Bent) -> Bent {
    it.unchecked().apply(|store, change| match change {
        Change::Save { key, .. } if key.lacks_login() => Ok(Applied::Done),
        _ => store.apply(change),
    })
}

/// Clears what is loaded under the same key.
fn clears_the_last_user_without_a_login(it: Bent) -> Bent {
    it.unchecked().apply(|store, change| match change {
        Change::ClearIf { key, generation } if key.lacks_login() => {
            let last = store.sites()?.into_iter().find(|entry| entry.key.site == key.site);
            let Some(entry) = last else { return Ok(Applied::Done) };
            store.apply(&Change::ClearIf { key: entry.key, generation: *generation })
        }
        _ => store.apply(change),
    })
}
