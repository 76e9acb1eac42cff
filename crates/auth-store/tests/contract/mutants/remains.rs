//! Faults in what others left, around the Tiled directory.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::ports::{Change, Key, Loaded, Stored};
use auth_core::session::{Session, Tokens};
use auth_store::TiledDirectory;

use super::bent::{Bent, a_fault};
use super::mutants;
use crate::tiled::{self, NO_PROCESS};

mutants! { Tiled:
    "torn-session-is-no-session" => believes_half_a_token,
    "torn-session-can-be-replaced" => waits_for_who_never_ends,
    "litter-hinders-nothing" => stumbles_over_temporary_files,
    "unknown-data-survives" => drops_members_it_does_not_know,
}

fn believes_half_a_token(it: Bent) -> Bent {
    let honest = tiled::store(&it.notes.place);
    it.load(move |store, key| {
        let loaded = store.load(key)?;
        let Some(tokens) = half_written(&honest, key).filter(|_| loaded == Loaded::Torn) else {
            return Ok(loaded);
        };
        let session = Session { tokens, ..Session::default() };
        Ok(Loaded::Found(Box::new(Stored { session, intent: None })))
    })
}

fn waits_for_who_never_ends(it: Bent) -> Bent {
    let honest = tiled::store(&it.notes.place);
    it.apply(move |store, change| {
        if let Change::Save { key, .. } = change {
            let started = Instant::now();
            while store.load(key) == Ok(Loaded::Torn) && half_written(&honest, key).is_some() {
                if started.elapsed() > Duration::from_millis(500) {
                    return a_fault("somebody else is writing");
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        store.apply(change)
    })
}

/// The tokens of a session whose access token another program left half written. What a killed save of ours leaves has
/// whole tokens.
fn half_written(honest: &TiledDirectory, key: &Key) -> Option<Tokens> {
    let folder = honest.token_directory(key).ok()?;
    let [access, refresh] =
        ["access_token", "refresh_token"].map(|name| fs::read_to_string(folder.join(name)).ok());
    let (access, refresh) = (access?, refresh?);
    let is_half = access.len() + 4 < refresh.len();
    is_half.then(|| Tokens {
        access: Some(Secret::from(access)),
        refresh: Some(Secret::from(refresh)),
        ..Tokens::default()
    })
}

fn stumbles_over_temporary_files(it: Bent) -> Bent {
    let honest = tiled::store(&it.notes.place);
    it.load(move |store, key| {
        let entries = honest.token_directory(key).ok().and_then(|folder| fs::read_dir(folder).ok());
        let mut names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        if names.any(|name| name.to_string_lossy().contains(NO_PROCESS)) {
            return a_fault("what is this");
        }
        store.load(key)
    })
}

fn drops_members_it_does_not_know(it: Bent) -> Bent {
    let about = it.notes.place.join("state/tiled");
    it.apply(move |store, change| {
        let applied = store.apply(change)?;
        if let Change::Save { .. } = change {
            for entry in fs::read_dir(&about).unwrap().flatten() {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                if text.contains("\"sessions\"") && text.contains("\"later\"") {
                    fs::write(entry.path(), text.replace("\"later\"", "\"site\"")).unwrap();
                }
            }
        }
        Ok(applied)
    })
}
