//! The list of sites somebody signed in to.

use auth_core::ports::{Change, Key, SiteEntry, Store, Stored};
use auth_core::shotgun::SignInMethod;
use auth_core::site::Url;

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{ALICE, BOB, clear, entry, key, key_of, redeeming, session};
use crate::contract::trial::{Outcome, Trial, apply, equal, failed, find, intend, save, well};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "preferred-site-is-first",
        "The site preferred last is listed first, the others in their order.",
        order,
    ),
    clause(
        "site-is-kept",
        "A site is listed with all that it was given: the user, the permissions, the way to sign in.",
        kept,
    ),
    clause("site-is-listed-once", "Preferring a site again replaces what was listed of it.", once),
    clause("forget-strikes-off-one", "Forgetting strikes off that site and no other.", forget_one),
    clause("forget-of-unknown-is-done", "Forgetting a site that is not listed is done.", forget_unknown),
    clause(
        "sites-touch-no-session",
        "Preferring and forgetting a site changes neither its session nor an intent.",
        touch_no_session,
    ),
    clause("sessions-touch-no-site", "Saving and clearing sessions changes nothing in the list.", untouched),
    clause(
        "sites-survive-reopening",
        "The list is found when every handle was closed and the place is opened again.",
        reopening,
    ),
];

fn prefer(store: &dyn Store, entry: &SiteEntry) -> Outcome {
    apply(store, "a site is preferred", &Change::Prefer(entry.clone())).map(drop)
}

fn forget(store: &dyn Store, key: &Key) -> Outcome {
    apply(store, "a site is forgotten", &Change::Forget(key.clone())).map(drop)
}

fn sites(store: &dyn Store) -> Outcome<Vec<SiteEntry>> {
    well("sites can be listed", store.sites())
}

fn numbered(number: u64) -> SiteEntry {
    entry(key(number), ALICE, false)
}

fn order(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let mut expected: Vec<SiteEntry> = Vec::new();
    for number in [1, 2, 3, 1, 1, 2] {
        prefer(&*store, &numbered(number))?;
        expected.retain(|known| known.key != key(number));
        expected.insert(0, numbered(number));
        equal(&sites(&*store)?, &expected, "the sites in the order of their last use")?;
    }
    Ok(())
}

fn kept(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let users =
        [None, Some(""), Some(ALICE), Some("\u{1b}[1mb\u{f6}b\n\"\\\0"), Some("\u{65e5}\u{672c} \u{202e}x")];
    for (number, user) in (1..).zip(users) {
        let page = || "https://pages.example:8443/p".parse::<Url>().ok();
        let entry = SiteEntry {
            key: key(number),
            user: user.map(Into::into),
            allow_http: number % 2 == 0,
            method: (number % 2 == 0).then_some(SignInMethod::AppSession),
            pages: page().filter(|_| number % 2 == 0).map(|page| page.origin().clone()),
        };
        prefer(&*store, &entry)?;
        let found = sites(&*store)?.into_iter().find(|found| found.key == entry.key);
        equal(&found, &Some(entry), "the site as it was given")?;
    }
    Ok(())
}

fn once(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for (user, allow_http) in [(ALICE, true), (BOB, false), (BOB, true)] {
        let entry = entry(key(1), user, allow_http);
        prefer(&*store, &entry)?;
        equal(&sites(&*store)?, &vec![entry], "the site once, as it was given last")?;
    }
    Ok(())
}

fn forget_one(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let site = key(1).site;
    // Names a careless comparison takes for the same.
    let keys = [
        key_of(&site, ""),
        key_of(&site, ALICE),
        key_of(&site, BOB),
        key_of(site.trim_end_matches('/'), ""),
        key_of(&format!("{site}more/"), ""),
        key_of(&site.to_uppercase(), ""),
    ];
    for key in &keys {
        prefer(&*store, &entry(key.clone(), ALICE, false))?;
    }
    let mut expected: Vec<_> = keys.iter().rev().collect();
    for key in keys.iter().skip(1) {
        forget(&*store, key)?;
        expected.retain(|known| *known != key);
        let listed = sites(&*store)?;
        equal(
            &listed.iter().map(|entry| &entry.key).collect(),
            &expected,
            "all but the one that was forgotten",
        )?;
    }
    Ok(())
}

fn forget_unknown(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    forget(&*store, &key(1))?;
    prefer(&*store, &numbered(1))?;
    forget(&*store, &key(2))
}

fn touch_no_session(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let store = &*store;
    let intended = |number| -> Outcome {
        save(store, &key(number), &session(number))?;
        intend(store, &key(number), number)
    };
    let is_there = |number, expected| {
        let there = Stored { session: session(number), intent: Some(redeeming(number)) };
        equal(&find(store, &key(number), expected)?, &there, expected)
    };
    intended(1)?;
    prefer(store, &numbered(1))?;
    is_there(1, "the session with its intent after its site was preferred")?;
    prefer(store, &numbered(2))?;
    intended(2)?;
    forget(store, &key(2))?;
    is_there(2, "the session with its intent after its site was forgotten")
}

fn untouched(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for number in [1, 2] {
        prefer(&*store, &numbered(number))?;
    }
    let listed = vec![numbered(2), numbered(1)];
    for number in [1, 3] {
        save(&*store, &key(number), &session(number))?;
        equal(&sites(&*store)?, &listed, "the list as it was before a save")?;
        intend(&*store, &key(number), number)?;
        apply(&*store, "clearing succeeds", &clear(&key(number), &session(number)))?;
        equal(&sites(&*store)?, &listed, "the list as it was before a clear")?;
    }
    Ok(())
}

fn reopening(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let entries = [numbered(1), entry(key(2), BOB, true)];
    for entry in &entries {
        prefer(&*store, entry)?;
    }
    drop(store);
    let [first, second] = entries;
    let listed = sites(&*trial.open()?)?;
    if listed == [second, first] { Ok(()) } else { failed("the list as it was", format!("{listed:?}")) }
}
