//! Removing a session, but only the one that is meant.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auth_core::Foreign;
use auth_core::ports::{Applied, Change, Stored};
use auth_core::session::{Generation, Session};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, ALICE, clear, key, session, token};
use crate::contract::trial::{
    Outcome, Trial, apply, equal, failed, find, finds, finds_nothing, intend, joined, save,
};

pub(super) const CLAUSES: &[Clause] = &[
    clause("clear-removes", "A session that is cleared by its generation is gone.", removes),
    clause(
        "clear-compares-every-token",
        "A generation clears only if the access, the refresh and the ID token are all those it names.",
        compares_every_token,
    ),
    clause(
        "clear-ignores-facts",
        "A generation names tokens, so it clears whatever became known of them since.",
        ignores_facts,
    ),
    clause(
        "clear-of-nothing-is-done",
        "Clearing where nothing is, or where it is gone already, is done.",
        nothing_is_done,
    ),
    clause(
        "conflict-tells-what-is-there",
        "A conflict carries the session that is there, with its intent.",
        conflict_tells,
    ),
    clause("conflict-changes-nothing", "After a conflict everything is as it was.", conflict_changes_nothing),
    clause(
        "generation-is-the-same-everywhere",
        "A generation means the same to a handle that has not seen the session yet.",
        same_everywhere,
    ),
    clause(
        "clear-spares-what-is-newer",
        "A session saved while an older one is being cleared stays.",
        spares_what_is_newer,
    ),
];

fn removes(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    apply(&*store, "clearing succeeds", &clear(&key(1), &session(1)))?;
    finds_nothing(&*store, &key(1), "nothing after a clear")
}

fn compares_every_token(trial: &Trial<'_>) -> Outcome {
    let with = |access, refresh, id: Option<u64>| {
        let mut session = session(1);
        session.tokens.access = Some(token("access", ALICE, access));
        session.tokens.refresh = Some(token("refresh", ALICE, refresh));
        session.tokens.id = id.map(|number| token("id", ALICE, number));
        session
    };
    let there = with(1, 1, Some(1));
    let others = [
        ("access token", with(2, 1, Some(1))),
        ("refresh token", with(1, 2, Some(1))),
        ("ID token", with(1, 1, Some(2))),
        ("presence of an ID token", with(1, 1, None)),
    ];
    let store = trial.open()?;
    for (differing, other) in others {
        save(&*store, &key(1), &other)?;
        save(&*store, &key(1), &there)?;
        if apply(&*store, "clearing answers", &clear(&key(1), &other))? == Applied::Done {
            return failed("a conflict", format!("done, though the {differing} is another"));
        }
    }
    Ok(())
}

fn ignores_facts(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    let mut known = session(1);
    known.facts.principal = Some(Foreign::from("learnt since"));
    known.facts.expires = None;
    known.links.whoami = None;
    save(&*store, &key(1), &known)?;
    match apply(&*store, "clearing succeeds", &clear(&key(1), &session(1)))? {
        Applied::Done => Ok(()),
        Applied::Conflict(_) => failed("done: the tokens are the same", "a conflict"),
    }
}

fn nothing_is_done(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for turn in ["where nothing ever was", "where it is cleared already"] {
        if apply(&*store, &format!("clearing {turn} is done"), &clear(&key(1), &session(1)))? != Applied::Done
        {
            return failed(format!("clearing {turn} is done"), "a conflict");
        }
        save(&*store, &key(1), &session(1))?;
        apply(&*store, "clearing succeeds", &clear(&key(1), &session(1)))?;
    }
    Ok(())
}

fn conflict_tells(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    intend(&*store, &key(1), 1)?;
    let there = Stored { session: session(1), intent: Some(sample::redeeming(1)) };
    match apply(&*store, "clearing answers", &clear(&key(1), &session(2)))? {
        Applied::Conflict(Some(stored)) if *stored == there => Ok(()),
        Applied::Conflict(stored) => failed(format!("{there:?}"), format!("{stored:?}")),
        Applied::Done => failed("a conflict", "done"),
    }
}

fn conflict_changes_nothing(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    // A session that was there before, and one that never was.
    for number in [1, 3] {
        save(&*store, &key(number), &session(1))?;
        save(&*store, &key(number), &session(2))?;
        intend(&*store, &key(number), 2)?;
        apply(&*store, "clearing answers", &clear(&key(number), &session(number)))?;
        let expected = "the session that was there, with its intent";
        let there = Stored { session: session(2), intent: Some(sample::redeeming(2)) };
        equal(&find(&*store, &key(number), expected)?, &there, expected)?;
    }
    Ok(())
}

fn same_everywhere(trial: &Trial<'_>) -> Outcome {
    let generation: Generation = session(1).tokens.generation();
    let _first = trial.open_with(&key(1), &session(1))?;
    let other = trial.open()?;
    match apply(&*other, "clearing succeeds", &Change::ClearIf { key: key(1), generation })? {
        Applied::Done => Ok(()),
        Applied::Conflict(_) => failed("done: that session is there", "a conflict"),
    }
}

fn spares_what_is_newer(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let store = &*store;
    for round in 0..30 {
        let (old, new): (Session, Session) = (session(2 * round), session(2 * round + 1));
        save(store, &key(1), &old)?;
        let clearing = AtomicBool::new(false);
        thread::scope(|scope| {
            let cleared = scope.spawn(|| {
                clearing.store(true, Ordering::SeqCst);
                apply(store, "clearing answers", &clear(&key(1), &old))
            });
            // Mostly the one begins a moment earlier, and now and then the other.
            while round % 4 != 0 && !clearing.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            save(store, &key(1), &new)?;
            joined(cleared)
        })?;
        finds(store, &key(1), &new, "the session that was saved meanwhile")?;
    }
    Ok(())
}
