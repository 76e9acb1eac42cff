//! The note that a refresh token is about to be redeemed.

use auth_core::ports::{Applied, Change, Stored};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, ALICE, key, redeeming, session, token};
use crate::contract::trial::{Outcome, Trial, apply, equal, failed, find, finds_nothing, intend, save};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "intent-is-found",
        "An intent is found with the session as it was, however often that is loaded.",
        is_found,
    ),
    clause(
        "intent-ends-with-save",
        "A save ends an intent, also if it brings the same tokens.",
        ends_with_save,
    ),
    clause(
        "intent-is-of-what-is-there",
        "An intent of another refresh token than the one stored, or of none, is a conflict and is not noted.",
        is_of_what_is_there,
    ),
    clause(
        "intent-is-withdrawn",
        "Withdrawing takes back the note of that refresh token and no other.",
        withdrawn,
    ),
    clause(
        "intent-belongs-to-its-key",
        "An intent is found under its key and under no other.",
        belongs_to_its_key,
    ),
    clause(
        "intent-survives-reopening",
        "An intent is found when every handle was closed and the place is opened again.",
        survives_reopening,
    ),
];

fn intended() -> Stored {
    Stored { session: session(1), intent: Some(redeeming(1)) }
}

fn is_found(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    intend(&*store, &key(1), 1)?;
    for _ in 0..3 {
        equal(&find(&*store, &key(1), "the session")?, &intended(), "the session with its intent")?;
    }
    Ok(())
}

fn ends_with_save(trial: &Trial<'_>) -> Outcome {
    let mut only_access_is_new = session(1);
    only_access_is_new.tokens.access = Some(token("access", ALICE, 2));
    let store = trial.open_with(&key(1), &session(1))?;
    for saved in [session(1), only_access_is_new, session(3)] {
        save(&*store, &key(1), &session(1))?;
        intend(&*store, &key(1), 1)?;
        save(&*store, &key(1), &saved)?;
        equal(&find(&*store, &key(1), "the session")?.intent, &None, "no intent after a save")?;
    }
    Ok(())
}

fn is_of_what_is_there(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let intent = |number| sample::intent(&key(1), redeeming(number));
    match apply(&*store, "an intent of nothing is answered", &intent(1))? {
        Applied::Conflict(None) => {}
        other => return failed("a conflict with nothing", format!("{other:?}")),
    }
    finds_nothing(&*store, &key(1), "nothing after an intent of nothing")?;
    save(&*store, &key(1), &session(1))?;
    match apply(&*store, "an intent of another token is answered", &intent(2))? {
        Applied::Conflict(Some(there)) if there.session == session(1) => {}
        other => return failed("a conflict with what is there", format!("{other:?}")),
    }
    equal(&find(&*store, &key(1), "the session")?.intent, &None, "no intent after a conflict")
}

fn withdrawn(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    let withdraw = |number| Change::Withdraw { key: key(1), redeeming: redeeming(number) };
    intend(&*store, &key(1), 1)?;
    apply(&*store, "withdrawing another is done", &withdraw(2))?;
    equal(&find(&*store, &key(1), "the session")?, &intended(), "the intent, which is of another token")?;
    apply(&*store, "withdrawing is done", &withdraw(1))?;
    let expected = Stored { session: session(1), intent: None };
    equal(&find(&*store, &key(1), "the session")?, &expected, "the session without an intent")
}

fn belongs_to_its_key(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    save(&*store, &key(2), &session(1))?;
    intend(&*store, &key(1), 1)?;
    equal(&find(&*store, &key(2), "the other session")?.intent, &None, "no intent at the other key")?;
    equal(&find(&*store, &key(1), "the session")?, &intended(), "the intent at its own key")
}

fn survives_reopening(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    intend(&*store, &key(1), 1)?;
    drop(store);
    let found = find(&*trial.open()?, &key(1), "the session")?;
    equal(&found, &intended(), "the session with its intent")
}
