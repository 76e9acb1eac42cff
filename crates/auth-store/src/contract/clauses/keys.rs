//! One session is not another's.

use auth_core::ports::{Change, Key, Loaded, Store};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, key_of, session};
use crate::contract::trial::{Outcome, Trial, apply, failed, finds, save, told};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "sites-are-kept-apart",
        "Sessions of any two sites are kept apart, and a site that cannot be is refused with a fault.",
        sites,
    ),
    clause(
        "slots-are-kept-apart",
        "Sessions in any two slots of a site are kept apart, and a slot that cannot be is refused with a fault.",
        slots,
    ),
    clause(
        "session-without-login-is-refused",
        "Saving and clearing under a key that lacks a login is refused with a fault, and touches no other session.",
        without_login,
    ),
];

/// Names that a careless store takes for the same, for a folder of its own, or for the end of a name.
fn names(base: &str) -> Vec<String> {
    let long = "y".repeat(150);
    let longer = "z".repeat(100_000);
    let mut names: Vec<String> = [
        "",
        "/",
        "//",
        "a",
        "A",
        "/a",
        "/a/",
        "/a/b",
        "/a%2Fb",
        "/a%2fb",
        "/a%252Fb",
        "/a+b",
        "/a b",
        "/a%20b",
        "/%00",
        "/\0",
        "/\0x",
        "/\n",
        ".json",
        ".lock",
        ".tmp",
        "~",
        "/\u{e9}",
        "/e\u{301}",
        "/\u{65e5}",
        "?x=1",
        "#x",
        "/.",
        "/..",
        "/../a",
    ]
    .map(|ending| format!("{base}{ending}"))
    .to_vec();
    names.extend(["", ".", "..", "../..", "/", "/tmp/x", "\\", "\0", "con", "-"].map(str::to_owned));
    names.extend([format!("{base}/{long}"), format!("{base}/{long}.")]);
    names.extend([format!("{base}/{longer}"), format!("{base}/{longer}.")]);
    names
}

/// Saves a session under every key that is not refused, and looks for each when all are there.
fn apart(store: &dyn Store, keys: &[Key]) -> Outcome {
    let shown = |key: &Key| {
        let text =
            |text: &str| auth_core::Foreign::new(text.chars().take(40).collect::<String>()).to_string();
        format!("site \"{}\", slot \"{}\"", text(&key.site), text(&key.slot))
    };
    let mut kept = Vec::new();
    for (key, number) in keys.iter().zip(1..) {
        match store.apply(&sample::save(key, &session(number))) {
            Ok(_) => kept.push((key, number)),
            Err(_) => match store.load(key) {
                Err(_) | Ok(Loaded::None) => {}
                Ok(loaded) => {
                    return failed(format!("nothing where {} was refused", shown(key)), told(&loaded));
                }
            },
        }
    }
    // An ordinary one that is refused would make all of this true of a store that keeps nothing.
    if !kept.iter().any(|(_, number)| *number == 1) {
        return failed("a session under an ordinary key is saved", "a fault");
    }
    for (key, number) in &kept {
        finds(store, key, &session(*number), &format!("the session saved under {}", shown(key)))?;
    }
    // Nor does the end of one touch the others.
    for (key, number) in kept.iter().step_by(2) {
        apply(store, "clearing succeeds", &sample::clear(key, &session(*number)))?;
    }
    for (key, number) in kept.iter().skip(1).step_by(2) {
        finds(store, key, &session(*number), &format!("still the session saved under {}", shown(key)))?;
    }
    Ok(())
}

fn sites(trial: &Trial<'_>) -> Outcome {
    let names = names("https://site.example/api");
    let of_one_session = names.iter().map(|site| key_of(&format!("{site}/x/"), ""));
    let of_several = names.iter().map(|site| key_of(site, if site.ends_with('/') { "" } else { "alice" }));
    apart(&*trial.open()?, &of_one_session.chain(of_several).collect::<Vec<_>>())
}

fn slots(trial: &Trial<'_>) -> Outcome {
    let sites = ["https://site.example/api/", "https://site.example/"];
    let slots = names("alice");
    let slots = std::iter::once("").chain(slots.iter().map(String::as_str).filter(|slot| !slot.is_empty()));
    let mut keys: Vec<_> = slots.flat_map(|slot| sites.map(|site| key_of(site, slot))).collect();
    // The same letters, divided in another place.
    keys.extend([key_of("https://site.example/api/al", "ice"), key_of("https://site.example", "/alice")]);
    apart(&*trial.open()?, &keys)
}

fn without_login(trial: &Trial<'_>) -> Outcome {
    const SITE: &str = "https://site.example";
    let store = trial.open()?;
    let alice = key_of(SITE, "alice");
    save(&*store, &alice, &session(1))?;
    apply(&*store, "a site is preferred", &Change::Prefer(sample::entry(alice.clone(), "alice", false)))?;
    for slot in ["", " ", "\n", "\u{a0}", "\u{2003}\t", "\u{1c}"] {
        let key = key_of(SITE, slot);
        for change in [sample::save(&key, &session(2)), sample::clear(&key, &session(1))] {
            if let Ok(applied) = store.apply(&change) {
                return failed(format!("a fault for the slot {slot:?}"), format!("{applied:?}"));
            }
        }
        finds(&*store, &alice, &session(1), "still the session of the login")?;
    }
    Ok(())
}
