//! A subject on trial for one clause, and the hands that clauses use.

use std::fmt::Debug;
use std::panic;
use std::thread;
use std::time::Duration;

use auth_core::Foreign;
use auth_core::error::StoreFault;
use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, Store, Stored};
use auth_core::session::{Facts, Session};

use super::sample;
use super::subject::{Grain, Subject, Unable};

/// Long enough for whatever is certain to happen.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Why a clause ended before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Failed { expected: String, found: String },
    Skipped(String),
}

pub(super) type Outcome<T = ()> = Result<T, Stop>;

pub(super) fn failed<T>(expected: impl Into<String>, found: impl Into<String>) -> Outcome<T> {
    Err(Stop::Failed { expected: expected.into(), found: found.into() })
}

impl From<Unable> for Stop {
    fn from(unable: Unable) -> Self {
        match unable {
            Unable::Lacks(why) => Self::Skipped(why),
            Unable::Failed(why) => {
                Self::Failed { expected: "the subject does what the clause needs".to_owned(), found: why }
            }
        }
    }
}

/// One fresh place.
pub(super) struct Trial<'a> {
    pub(super) subject: &'a dyn Subject,
}

impl Trial<'_> {
    pub(super) fn open(&self) -> Outcome<Box<dyn Store>> {
        well("the store opens", self.subject.open())
    }

    /// A handle on a place that already holds this session.
    pub(super) fn open_with(&self, key: &Key, session: &Session) -> Outcome<Box<dyn Store>> {
        let store = self.open()?;
        save(&*store, key, session)?;
        Ok(store)
    }
}

/// What a store answers when nothing is wrong with it.
pub(super) fn well<T>(expected: &str, answer: Result<T, StoreFault>) -> Outcome<T> {
    answer.or_else(|fault| failed(expected, format!("a fault: {fault}")))
}

pub(super) fn apply(store: &dyn Store, what: &str, change: &Change) -> Outcome<Applied> {
    well(what, store.apply(change))
}

/// Saves; a clause of its own looks at what is answered.
pub(super) fn save(store: &dyn Store, key: &Key, session: &Session) -> Outcome {
    apply(store, "a save succeeds", &sample::save(key, session)).map(drop)
}

pub(super) fn intend(store: &dyn Store, key: &Key, number: u64) -> Outcome {
    apply(store, "an intent is noted", &sample::intent(key, sample::redeeming(number))).map(drop)
}

pub(super) fn load(store: &dyn Store, key: &Key) -> Outcome<Loaded> {
    well("a load succeeds", store.load(key))
}

pub(super) fn find(store: &dyn Store, key: &Key, expected: &str) -> Outcome<Stored> {
    match load(store, key)? {
        Loaded::Found(stored) => Ok(*stored),
        other => failed(expected, told(&other)),
    }
}

/// Just this session is there, whatever was intended with it.
pub(super) fn finds(store: &dyn Store, key: &Key, session: &Session, expected: &str) -> Outcome {
    same(&find(store, key, expected)?.session, session, expected)
}

pub(super) fn finds_nothing(store: &dyn Store, key: &Key, expected: &str) -> Outcome {
    match load(store, key)? {
        Loaded::None => Ok(()),
        other => failed(expected, told(&other)),
    }
}

/// Compares two sessions, and says in what they differ.
pub(super) fn same(found: &Session, session: &Session, expected: &str) -> Outcome {
    if found == session {
        return Ok(());
    }
    let mut differing = Vec::new();
    for (name, one, other) in [
        ("access token", &found.tokens.access, &session.tokens.access),
        ("refresh token", &found.tokens.refresh, &session.tokens.refresh),
        ("ID token", &found.tokens.id, &session.tokens.id),
    ] {
        match (one, other) {
            (one, other) if one == other => {}
            (None, _) => differing.push(format!("the {name} is missing")),
            (Some(_), None) => differing.push(format!("there is one more: the {name}")),
            (Some(_), Some(_)) => differing.push(format!("the {name} is another")),
        }
    }
    if found.facts != session.facts {
        differing.push(format!("the facts are {:?}, not {:?}", found.facts, session.facts));
    }
    if found.links != session.links {
        let shown = |text: &Option<String>| text.as_ref().map(|text| Foreign::new(text.as_str()));
        let [whoami, refresh] = [&found.links.whoami, &found.links.refresh].map(shown);
        differing.push(format!("the links are whoami {whoami:?}, refresh {refresh:?}"));
    }
    failed(expected, format!("a session in which {}", differing.join(", and ")))
}

pub(super) fn equal<T: PartialEq + Debug>(found: &T, wanted: &T, expected: &str) -> Outcome {
    if found == wanted { Ok(()) } else { failed(expected, format!("{found:?}")) }
}

/// In words, without what is secret.
pub(super) fn told(loaded: &Loaded) -> String {
    match loaded {
        Loaded::None => "nothing".to_owned(),
        Loaded::Torn => "a session that somebody is in the middle of writing".to_owned(),
        Loaded::Found(stored) => {
            let tokens = &stored.session.tokens;
            format!(
                "a session (access token of {:?}, refresh token of {:?}, generation {:?}, intent {:?})",
                sample::origin(tokens.access.as_ref()),
                sample::origin(tokens.refresh.as_ref()),
                tokens.generation().0,
                stored.intent
            )
        }
    }
}

/// What a reader may find beside a writer of [`sample`] sessions whose numbers lie between `oldest` and `newest`.
pub(super) fn is_whole(grain: Grain, found: &Session, oldest: u64, newest: u64) -> Outcome {
    const WHOLE: &str = "a session as it was saved, or as a store of this grain may show it";
    let mixed = |why: &str| {
        let stored = Stored { session: found.clone(), intent: None };
        failed(WHOLE, format!("{why}: {}", told(&Loaded::Found(Box::new(stored)))))
    };
    let Some((person, refresh)) = sample::origin(found.tokens.refresh.as_ref()) else {
        return mixed("no refresh token that was saved");
    };
    let saved = |number| sample::session_of(person, number);
    if !(oldest..=newest).contains(&refresh) || found.tokens.refresh != saved(refresh).tokens.refresh {
        return mixed("a refresh token that was not saved meanwhile");
    }
    if *found == saved(refresh) {
        return Ok(());
    }
    if grain == Grain::Session {
        return mixed("parts of different sessions");
    }
    let facts = match sample::origin(found.tokens.access.as_ref()) {
        None if found.tokens.access.is_none() => {
            Facts { received: None, expires: None, ..saved(refresh).facts }
        }
        Some((other, _)) if other != person => return mixed("tokens of two people"),
        Some((_, access)) if access > refresh => {
            return mixed("an access token newer than its refresh token");
        }
        Some((_, access)) if access >= oldest && found.tokens.access == saved(access).tokens.access => {
            Facts { refresh_expires: saved(refresh).facts.refresh_expires, ..saved(access).facts }
        }
        _ => return mixed("an access token that was not saved meanwhile"),
    };
    // Of a refresh token whose writer died before it could say more, nothing is known.
    let of_refresh = Facts { refresh_expires: None, ..facts.clone() };
    let of_nothing = (found.tokens.access.is_none()).then(Facts::default);
    if [Some(facts), Some(of_refresh), of_nothing].contains(&Some(found.facts.clone())) {
        Ok(())
    } else {
        mixed("facts of another token")
    }
}

/// What became of an attempt to take a lock that was given back at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Had,
    Busy(auth_core::Holder),
}

pub(super) fn lock(store: &dyn Store, kind: LockKind, key: &Key, wait: Duration) -> Outcome<Locking> {
    well("a lock can be asked for", store.lock(kind, key, wait))
}

/// Takes a lock that is free.
pub(super) fn hold(store: &dyn Store, kind: LockKind, key: &Key) -> Outcome<Box<dyn Send>> {
    match lock(store, kind, key, LONG)? {
        Locking::Held(guard) => Ok(guard),
        Locking::Busy(holder) => failed("a free lock is given", format!("busy, held by {holder:?}")),
    }
}

/// Tries to take a lock from a thread of its own, which gives it back if it gets it.
pub(super) fn attempt(store: &dyn Store, kind: LockKind, key: &Key, wait: Duration) -> Outcome<Attempt> {
    thread::scope(|scope| {
        joined(scope.spawn(|| {
            Ok(match lock(store, kind, key, wait)? {
                Locking::Held(guard) => {
                    drop(guard);
                    Attempt::Had
                }
                Locking::Busy(holder) => Attempt::Busy(holder),
            })
        }))
    })
}

pub(super) fn is_busy(attempt: &Attempt, expected: &str) -> Outcome {
    match attempt {
        Attempt::Busy(_) => Ok(()),
        Attempt::Had => failed(expected, "it was given"),
    }
}

pub(super) fn is_had(attempt: &Attempt, expected: &str) -> Outcome {
    match attempt {
        Attempt::Had => Ok(()),
        Attempt::Busy(holder) => failed(expected, format!("busy, held by {holder:?}")),
    }
}

/// The end of a thread; a panic in it goes on in this one.
pub(super) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

pub(super) const KINDS: [LockKind; 2] = [LockKind::Renewal, LockKind::Prompt];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample::{ALICE, BOB, session, session_of};

    #[test]
    fn what_a_reader_may_find_depends_on_the_grain() {
        let mixed = |access: &Session, refresh: &Session, facts: &Session| {
            let mut session = session(0);
            session.tokens.access = access.tokens.access.clone();
            session.tokens.refresh = refresh.tokens.refresh.clone();
            session.facts = facts.facts.clone();
            session.facts.refresh_expires = refresh.facts.refresh_expires;
            session
        };
        let (one, two, bob) = (session_of(ALICE, 1), session_of(ALICE, 2), session_of(BOB, 2));
        let mut without = mixed(&one, &two, &two);
        without.tokens.access = None;
        without.facts = Facts { received: None, expires: None, ..two.facts.clone() };
        let cases = [
            ("whole", one.clone(), true, true),
            ("the old access token", mixed(&one, &two, &one), false, true),
            ("its facts are the new one's", mixed(&one, &two, &two), false, false),
            ("no access token", without, false, true),
            ("the new access token with the old refresh token", mixed(&two, &one, &two), false, false),
            ("two people", mixed(&one, &bob, &one), false, false),
            ("too old", session(0), false, false),
            ("not saved", session(3), false, false),
            ("nothing", Session::default(), false, false),
        ];
        for (name, found, by_session, by_token) in cases {
            assert_eq!(is_whole(Grain::Session, &found, 1, 2).is_ok(), by_session, "{name}");
            assert_eq!(is_whole(Grain::Token, &found, 1, 2).is_ok(), by_token, "{name}");
        }
    }

    #[test]
    fn a_difference_is_named_without_a_token_s1() {
        let mut other = session(2);
        other.tokens.id = Some(sample::token("id", ALICE, 2));
        let Err(Stop::Failed { found, .. }) = same(&other, &session(1), "") else { panic!("they differ") };
        for part in ["access token is another", "there is one more: the ID token", "the facts are"] {
            assert!(found.contains(part), "{found}");
        }
        assert!(!found.contains(sample::MARK), "{found}");
    }
}
