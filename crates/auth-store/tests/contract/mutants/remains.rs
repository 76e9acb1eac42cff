//! Faults in what others left, around the Tiled directory.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::ports::{Change, Loaded, Stored};
use auth_core::session::{Session, Tokens};

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
        let read =
            |name| fs::read_to_string(honest.token_directory(key)?.join(name)).or_else(|_| a_fault("gone"));
        if loaded == Loaded::Torn
            && let (Ok(access), Ok(refresh)) = (read("access_token"), read("refresh_token"))
            && access.len() + 4 < refresh.len()
        {
            let [access, refresh] = [access, refresh].map(|token| Some(Secret::from(token)));
            let session =
                Session { tokens: Tokens { access, refresh, ..Tokens::default() }, ..Session::default() };
            return Ok(Loaded::Found(Box::new(Stored { session, intent: None })));
        }
        Ok(loaded)
    })
}

fn waits_for_who_never_ends(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Save { key, .. } = change {
            let started = Instant::now();
            while store.load(key) == Ok(Loaded::Torn) {
                if started.elapsed() > Duration::from_millis(500) {
                    return a_fault("somebody else is writing");
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        store.apply(change)
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
