//! What others leave behind: programs that write in place, crashes, later versions.

use auth_core::ports::{Change, Loaded};

use super::{clause, needing};
use crate::contract::sample::{ALICE, clear, entry, key, session};
use crate::contract::trial::{
    Outcome, Trial, apply, failed, finds, finds_nothing, intend, load, same, save, told, well,
};
use crate::contract::{Clause, Needs};

pub(super) const CLAUSES: &[Clause] = &[
    needing(
        Needs::Tearing,
        clause(
            "torn-session-is-no-session",
            "Of a session that another program is in the middle of writing it is said so, or the last whole one is found.",
            torn_is_none,
        ),
    ),
    needing(
        Needs::Tearing,
        clause(
            "torn-session-can-be-replaced",
            "A save succeeds over a session that another program left half written.",
            torn_is_replaced,
        ),
    ),
    needing(
        Needs::Litter,
        clause("litter-hinders-nothing", "What a crash left is in nobody's way.", litter_hinders_nothing),
    ),
    needing(
        Needs::Unknown,
        clause(
            "unknown-data-survives",
            "Data that the store does not know survives its changes.",
            unknown_survives,
        ),
    ),
];

fn torn_is_none(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    trial.subject.tear(&key(1), &session(2))?;
    match load(&*store, &key(1))? {
        Loaded::Torn => Ok(()),
        Loaded::Found(stored) if stored.session == session(1) => Ok(()),
        other => failed("torn, or the session from before", told(&other)),
    }
}

fn torn_is_replaced(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    trial.subject.tear(&key(1), &session(2))?;
    save(&*store, &key(1), &session(3))?;
    finds(&*store, &key(1), &session(3), "what was saved over it")
}

fn litter_hinders_nothing(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    apply(&*store, "a site is preferred", &Change::Prefer(entry(key(1), ALICE, false)))?;
    trial.subject.litter(&key(1))?;
    finds(&*store, &key(1), &session(1), "the session beside what a crash left")?;
    save(&*store, &key(1), &session(2))?;
    finds(&*store, &key(1), &session(2), "what was saved beside it")?;
    let listed = well("sites can be listed", store.sites())?;
    if listed.len() != 1 {
        return failed("one site", format!("{listed:?}"));
    }
    apply(&*store, "clearing succeeds", &clear(&key(1), &session(2)))?;
    finds_nothing(&*store, &key(1), "nothing after a clear")
}

fn unknown_survives(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    apply(&*store, "a site is preferred", &Change::Prefer(entry(key(1), ALICE, false)))?;
    let survives = trial.subject.add_unknown(&key(1))?;
    let check = |after: &str| {
        survives().or_else(|missing| failed(format!("what the store does not know, after {after}"), missing))
    };
    check("nothing was done yet")?;
    match load(&*store, &key(1))? {
        Loaded::Found(stored) => same(&stored.session, &session(1), "the session beside it")?,
        other => return failed("the session beside it", told(&other)),
    }
    save(&*store, &key(1), &session(2))?;
    check("a save")?;
    intend(&*store, &key(1), 2)?;
    check("an intent")?;
    apply(&*store, "a site is preferred", &Change::Prefer(entry(key(2), ALICE, false)))?;
    apply(&*store, "a site is preferred", &Change::Prefer(entry(key(1), ALICE, true)))?;
    check("sites were preferred")?;
    apply(&*store, "clearing succeeds", &clear(&key(1), &session(2)))?;
    check("a clear")?;
    finds_nothing(&*store, &key(1), "nothing after a clear")
}
