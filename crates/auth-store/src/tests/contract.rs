//! What every store promises, whatever it keeps sessions in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store, Stored};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};

/// Long enough for whatever is certain to happen.
const LONG: Duration = Duration::from_secs(20);

pub(crate) fn key() -> Key {
    Key { site: "http://127.0.0.1:18701/api/v1/".to_owned(), slot: String::new() }
}

fn other_key() -> Key {
    Key { site: "https://tiled.example.org/api/v1/".to_owned(), slot: String::new() }
}

fn token(text: &str) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::from(text))
}

/// Somebody's session, with all there can be in one.
pub(crate) fn session_of(user: &str, access: &str, refresh: &str) -> Session {
    Session {
        tokens: Tokens { access: token(access), refresh: token(refresh), id: None },
        facts: Facts {
            received: (!access.is_empty()).then_some(Timestamp(1_000)),
            expires: (!access.is_empty()).then_some(Timestamp(1_900)),
            refresh_expires: (!refresh.is_empty()).then_some(Timestamp(9_000)),
            identity: Some(Identity { id: Foreign::from(user), provider: Foreign::from("toy") }),
            principal: Some(Foreign::new(format!("principal of {user}"))),
        },
        links: Links {
            whoami: Some("/api/v1/auth/whoami".to_owned()),
            refresh: Some("/api/v1/auth/session/refresh".to_owned()),
        },
    }
}

pub(crate) fn session(access: &str, refresh: &str) -> Session {
    session_of("alice", access, refresh)
}

pub(crate) fn save(session: Session) -> Change {
    Change::Save { key: key(), session: Box::new(session) }
}

pub(crate) fn clear(session: &Session) -> Change {
    Change::ClearIf { key: key(), generation: session.tokens.generation() }
}

pub(crate) fn found(store: &dyn Store) -> Stored {
    match store.load(&key()).unwrap() {
        Loaded::Found(stored) => *stored,
        nothing => panic!("{nothing:?}"),
    }
}

fn entry(key: Key, user: &str, allow_http: bool) -> SiteEntry {
    SiteEntry { key, user: Some(Foreign::from(user)), allow_http }
}

fn held(locking: Locking) -> Box<dyn Send> {
    match locking {
        Locking::Held(guard) => guard,
        Locking::Busy(holder) => panic!("{holder:?}"),
    }
}

/// Puts empty stores through everything.
pub(crate) fn suite(make: &dyn Fn() -> Box<dyn Store>) {
    type Case = fn(&dyn Store);
    let cases: [(&str, Case); 10] = [
        ("an empty store has nothing", nothing),
        ("what is saved is found again", round_trip),
        ("only the session that is meant is removed", compare_and_clear),
        ("an intent lasts until a save or a removal", intents),
        ("the site preferred last is first", sites),
        ("one site's session is not another's", keys),
        ("a lock keeps others out, and only from what it is for", exclusion),
        ("a lock is waited for until it is free", waiting),
        ("a lock is waited for no longer than asked", deadline),
        ("a lock is held by one thread at a time", threads),
    ];
    for (name, case) in cases {
        println!("{name}");
        case(&*make());
    }
}

fn nothing(store: &dyn Store) {
    assert_eq!(store.load(&key()), Ok(Loaded::None));
    assert_eq!(store.sites(), Ok(Vec::new()));
    assert_eq!(store.apply(&clear(&session("a", "r"))), Ok(Applied::Done));
    assert_eq!(store.apply(&Change::Forget(key())), Ok(Applied::Done));
    assert_eq!(store.load(&key()), Ok(Loaded::None));
}

fn round_trip(store: &dyn Store) {
    let mut with_id = session("a2", "r2");
    with_id.tokens.id = token("i2");
    let bare = Session { tokens: session("a5", "").tokens, ..Session::default() };
    let sessions = [
        session("a1", "r1"),
        with_id,
        session("a3", "r2"),
        session_of("bob", "", "r4"),
        bare,
        session("a1", "r1"),
    ];
    let mut generations = Vec::new();
    for session in sessions {
        assert_eq!(store.apply(&save(session.clone())), Ok(Applied::Done));
        let stored = found(store);
        assert_eq!(stored, Stored { session, intent: None });
        generations.push(stored.session.tokens.generation());
    }
    assert_eq!(generations.first(), generations.last());
    generations.dedup();
    assert_eq!(generations.len(), 6, "each save is a new generation");
    assert_eq!(store.apply(&save(Session::default())), Ok(Applied::Done));
    assert_eq!(store.load(&key()), Ok(Loaded::None));
}

fn compare_and_clear(store: &dyn Store) {
    let (old, new) = (session("a1", "r1"), session("a2", "r2"));
    store.apply(&save(old.clone())).unwrap();
    store.apply(&save(new.clone())).unwrap();
    let there = Stored { session: new.clone(), intent: None };
    assert_eq!(store.apply(&clear(&old)), Ok(Applied::Conflict(Box::new(there.clone()))));
    assert_eq!(found(store), there, "a loser touches nothing");
    assert_eq!(store.apply(&clear(&new)), Ok(Applied::Done));
    assert_eq!(store.load(&key()), Ok(Loaded::None));
    assert_eq!(store.apply(&clear(&new)), Ok(Applied::Done), "gone is gone");
}

fn intents(store: &dyn Store) {
    let redeeming = Digest::of(&Secret::from("r1"));
    let intent = Change::Intent { key: key(), redeeming };
    store.apply(&save(session("a1", "r1"))).unwrap();
    assert_eq!(store.apply(&intent), Ok(Applied::Done));
    assert_eq!(found(store), Stored { session: session("a1", "r1"), intent: Some(redeeming) });
    match store.apply(&clear(&session("x", "y"))).unwrap() {
        Applied::Conflict(stored) => assert_eq!(stored.intent, Some(redeeming)),
        Applied::Done => panic!("it was another session"),
    }
    // Ended by a save, also one that brings the same tokens.
    for (access, refresh) in [("a1", "r1"), ("a2", "r1"), ("a3", "r3")] {
        store.apply(&intent).unwrap();
        store.apply(&save(session(access, refresh))).unwrap();
        assert_eq!(found(store).intent, None, "{access} {refresh}");
    }
    store.apply(&intent).unwrap();
    store.apply(&clear(&session("a3", "r3"))).unwrap();
    store.apply(&save(session("a4", "r4"))).unwrap();
    assert_eq!(found(store).intent, None);
}

fn sites(store: &dyn Store) {
    let (one, two) = (entry(key(), "alice", false), entry(other_key(), "\u{1b}[1mbob", true));
    for entry in [&one, &two] {
        assert_eq!(store.apply(&Change::Prefer(entry.clone())), Ok(Applied::Done));
    }
    assert_eq!(store.sites(), Ok(vec![two.clone(), one.clone()]));
    let one = SiteEntry { user: None, allow_http: true, ..one };
    store.apply(&Change::Prefer(one.clone())).unwrap();
    assert_eq!(store.sites(), Ok(vec![one.clone(), two.clone()]));
    store.apply(&save(session("a", "r"))).unwrap();
    store.apply(&Change::Forget(key())).unwrap();
    assert_eq!(store.sites(), Ok(vec![two]));
    assert_eq!(found(store).session, session("a", "r"), "forgetting a site signs nobody out");
}

fn keys(store: &dyn Store) {
    store.apply(&save(session("a", "r"))).unwrap();
    let theirs = session_of("bob", "b", "s");
    store.apply(&Change::Save { key: other_key(), session: Box::new(theirs.clone()) }).unwrap();
    store.apply(&Change::Intent { key: other_key(), redeeming: Digest::of(&Secret::from("s")) }).unwrap();
    assert_eq!(found(store), Stored { session: session("a", "r"), intent: None });
    store.apply(&clear(&session("a", "r"))).unwrap();
    match store.load(&other_key()).unwrap() {
        Loaded::Found(stored) => assert_eq!(stored.session, theirs),
        nothing => panic!("{nothing:?}"),
    }
}

fn exclusion(store: &dyn Store) {
    let lock = |kind, key: &Key| store.lock(kind, key, Duration::ZERO).unwrap();
    let renewal = held(lock(LockKind::Renewal, &key()));
    match lock(LockKind::Renewal, &key()) {
        Locking::Busy(holder) => assert_eq!(holder.pid, Some(std::process::id())),
        Locking::Held(_) => panic!("not even the same thread has it twice"),
    }
    let prompt = held(lock(LockKind::Prompt, &key()));
    let elsewhere = held(lock(LockKind::Renewal, &other_key()));
    let slot = held(lock(LockKind::Renewal, &Key { slot: "bob".to_owned(), ..key() }));
    // Changes have a lock of their own.
    store.apply(&save(session("a", "r"))).unwrap();
    assert_eq!(found(store).session, session("a", "r"));
    drop((prompt, elsewhere, slot));
    assert!(matches!(lock(LockKind::Renewal, &key()), Locking::Busy(_)));
    drop(renewal);
    held(lock(LockKind::Renewal, &key()));
    held(lock(LockKind::Renewal, &key()));
}

fn waiting(store: &dyn Store) {
    let guard = held(store.lock(LockKind::Prompt, &key(), Duration::ZERO).unwrap());
    let released = AtomicBool::new(false);
    let (starting, started) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            starting.send(()).unwrap();
            let guard = held(store.lock(LockKind::Prompt, &key(), LONG).unwrap());
            assert!(released.load(Ordering::SeqCst), "it was still held");
            drop(guard);
        });
        started.recv().unwrap();
        assert!(matches!(
            store.lock(LockKind::Prompt, &key(), Duration::from_millis(20)).unwrap(),
            Locking::Busy(_)
        ));
        released.store(true, Ordering::SeqCst);
        drop(guard);
    });
}

fn deadline(store: &dyn Store) {
    let guard = held(store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap());
    for wait in [Duration::from_millis(1), Duration::from_millis(40)] {
        let started = Instant::now();
        assert!(matches!(store.lock(LockKind::Renewal, &key(), wait).unwrap(), Locking::Busy(_)));
        assert!(started.elapsed() >= wait);
    }
    drop(guard);
    // Whoever gave up waiting does not take it after all, or not for long.
    held(store.lock(LockKind::Renewal, &key(), LONG).unwrap());
}

fn threads(store: &dyn Store) {
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let guard = held(store.lock(LockKind::Renewal, &key(), LONG).unwrap());
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                    turns.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                }
            });
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 80);
}
