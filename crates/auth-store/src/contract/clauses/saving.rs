//! What is saved is found again.

use auth_core::ports::{Applied, Change, Replaces};
use auth_core::session::{Facts, Links, Session, Tokens};
use auth_core::time::Timestamp;

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, ALICE, key, key_of, session, token};
use crate::contract::trial::{Outcome, Trial, apply, equal, failed, finds, finds_nothing, save};

pub(super) const CLAUSES: &[Clause] = &[
    clause("save-keeps-tokens", "Every combination of tokens that is saved is found again.", tokens),
    clause(
        "save-keeps-metadata",
        "What a browser was given with a token is found with it in a slot, and is gone with it.",
        metadata,
    ),
    clause("save-keeps-facts", "Every combination of facts that is saved is found again.", facts),
    clause("save-keeps-links", "Every combination of links that is saved is found again.", links),
    clause("save-replaces", "A save leaves nothing of the session that was there.", replaces),
    clause(
        "save-of-no-tokens-is-nothing",
        "A session with neither an access nor a refresh token is found as nothing.",
        no_tokens,
    ),
    clause(
        "save-of-an-explicit-sign-in-never-conflicts",
        "A save that may replace anything is done whatever is there.",
        no_conflict,
    ),
    clause(
        "save-replaces-only-what-it-may",
        "A save that may replace one session only is a conflict where another is, or none, and changes nothing.",
        only_what_it_may,
    ),
    clause(
        "save-reaches-open-handles",
        "What one handle saves, another finds that was open and had looked before.",
        open_handles,
    ),
    clause(
        "session-survives-reopening",
        "A session is found when every handle was closed and the place is opened again.",
        reopening,
    ),
];

/// With an ID token beside the two others.
fn with_id(number: u64) -> Session {
    let mut session = session(number);
    session.tokens.id = Some(token("id", ALICE, number));
    session
}

/// Each combination at a key of its own, so that nothing was there before.
fn each_is_found(trial: &Trial<'_>, sessions: impl Iterator<Item = Session>) -> Outcome {
    let store = trial.open()?;
    for (session, number) in sessions.zip(0..) {
        save(&*store, &key(number), &session)?;
        finds(&*store, &key(number), &session, "the session that was saved")?;
    }
    Ok(())
}

fn tokens(trial: &Trial<'_>) -> Outcome {
    let sessions = (1..8_u64).map(|bits| {
        let Session { tokens: Tokens { access, refresh, id, .. }, facts, links } = with_id(bits);
        let access = access.filter(|_| bits & 1 != 0);
        let refresh = refresh.filter(|_| bits & 2 != 0);
        let id = id.filter(|_| bits & 4 != 0);
        // Of a token that is not there nothing is known.
        let facts = Facts {
            received: facts.received.filter(|_| access.is_some()),
            expires: facts.expires.filter(|_| access.is_some()),
            refresh_expires: facts.refresh_expires.filter(|_| refresh.is_some()),
            ..facts
        };
        Session { tokens: Tokens { access, refresh, id, ..Tokens::default() }, facts, links }
    });
    each_is_found(trial, sessions.filter(|session| !session.tokens.is_empty()))
}

fn metadata(trial: &Trial<'_>) -> Outcome {
    let key = key_of("https://studio.example", ALICE);
    let store = trial.open()?;
    for (number, metadata) in [(1, Some(1)), (2, Some(2)), (2, None), (3, Some(3)), (4, None)] {
        let mut session = session(number);
        session.tokens.metadata = metadata.map(|number| token("metadata", ALICE, number));
        save(&*store, &key, &session)?;
        finds(&*store, &key, &session, "the session with its metadata, or with none")?;
    }
    Ok(())
}

fn facts(trial: &Trial<'_>) -> Outcome {
    let combinations = (0..32_u64).map(|bits| {
        let Session { tokens, facts, links } = session(bits);
        let facts = Facts {
            received: facts.received.filter(|_| bits & 1 != 0),
            expires: facts.expires.filter(|_| bits & 2 != 0),
            refresh_expires: facts.refresh_expires.filter(|_| bits & 4 != 0),
            identity: facts.identity.filter(|_| bits & 8 != 0),
            principal: facts.principal.filter(|_| bits & 16 != 0),
        };
        Session { tokens, facts, links }
    });
    let extremes = [i64::MIN, -1, 0, i64::MAX].into_iter().map(|second| {
        let mut session = session(1);
        session.facts.received = Some(Timestamp(second));
        session.facts.expires = Some(Timestamp(second));
        session
    });
    each_is_found(trial, combinations.chain(extremes))
}

fn links(trial: &Trial<'_>) -> Outcome {
    let sessions = (0..4_u64).map(|bits| {
        let Session { tokens, facts, links } = session(bits);
        let whoami = links.whoami.filter(|_| bits & 1 != 0);
        let refresh = links.refresh.filter(|_| bits & 2 != 0);
        Session { tokens, facts, links: Links { whoami, refresh } }
    });
    each_is_found(trial, sessions)
}

fn replaces(trial: &Trial<'_>) -> Outcome {
    let bare = Tokens { refresh: None, ..session(2).tokens };
    let bare = Session { tokens: bare, ..Session::default() };
    let store = trial.open_with(&key(1), &with_id(1))?;
    for (session, expected) in
        [(&bare, "only what the second save brought"), (&with_id(3), "all of the third")]
    {
        save(&*store, &key(1), session)?;
        finds(&*store, &key(1), session, expected)?;
    }
    Ok(())
}

fn no_tokens(trial: &Trial<'_>) -> Outcome {
    let only_id = Tokens { access: None, refresh: None, ..with_id(1).tokens };
    for tokens in [Tokens::default(), only_id] {
        let store = trial.open_with(&key(1), &session(1))?;
        save(&*store, &key(1), &Session { tokens, ..Session::default() })?;
        finds_nothing(&*store, &key(1), "nothing to be signed in with")?;
    }
    Ok(())
}

fn no_conflict(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for number in [1, 2, 2] {
        let change = sample::save(&key(1), &session(number));
        match apply(&*store, "a save succeeds", &change)? {
            Applied::Done => {}
            Applied::Conflict(_) => return failed("a save is done", "a conflict"),
        }
    }
    Ok(())
}

fn only_what_it_may(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    let redeemed = |number| Replaces::Redeemed(sample::redeeming(number));
    let generation = |number| Replaces::Found(Some(session(number).tokens.generation()));
    let without_access = |number| {
        let session = session(number);
        Session { tokens: Tokens { access: None, ..session.tokens.clone() }, ..session }
    };
    let cases = [
        (None, Replaces::Found(None), true),
        (None, generation(1), false),
        (None, redeemed(1), false),
        (Some(session(1)), generation(1), true),
        (Some(session(2)), generation(1), false),
        (Some(session(2)), Replaces::Found(None), false),
        (Some(session(1)), redeemed(1), true),
        (Some(without_access(1)), redeemed(1), true),
        (Some(session(2)), redeemed(1), false),
    ];
    for ((there, replaces, is_done), number) in cases.into_iter().zip(1..) {
        if let Some(there) = &there {
            save(&*store, &key(number), there)?;
        }
        let change = Change::Save { key: key(number), session: Box::new(session(9)), replaces };
        let applied = apply(&*store, "a save is answered", &change)?;
        match (&applied, is_done) {
            (Applied::Done, true) => finds(&*store, &key(number), &session(9), "what was saved")?,
            (Applied::Conflict(found), false) => {
                let found = found.as_ref().map(|stored| stored.session.tokens.generation());
                equal(&found, &there.as_ref().map(|there| there.tokens.generation()), "what is there")?;
                match &there {
                    Some(there) => finds(&*store, &key(number), there, "what was there before")?,
                    None => finds_nothing(&*store, &key(number), "nothing, as before")?,
                }
            }
            (other, _) => return failed(format!("done is {is_done} for {replaces:?}"), format!("{other:?}")),
        }
    }
    Ok(())
}

fn open_handles(trial: &Trial<'_>) -> Outcome {
    let (one, other) = (trial.open()?, trial.open()?);
    finds_nothing(&*other, &key(1), "nothing yet")?;
    save(&*one, &key(1), &session(1))?;
    finds(&*other, &key(1), &session(1), "what the first handle saved")?;
    save(&*one, &key(1), &session(2))?;
    finds(&*other, &key(1), &session(2), "what the first handle saved after that")
}

fn reopening(trial: &Trial<'_>) -> Outcome {
    drop(trial.open_with(&key(1), &with_id(1))?);
    finds(&*trial.open()?, &key(1), &with_id(1), "the session that was saved before")
}
