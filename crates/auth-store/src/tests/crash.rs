//! Saving, stopped or failing after every change to the file system.

use std::collections::BTreeSet;

use auth_core::Secret;
use auth_core::ports::{Replaces, Stored};
use auth_core::session::Facts;
use rustix::io::Errno;

use super::*;
use crate::rig::{Rig, SETTLED, make_older};
use crate::samples::{clear, found, key, save, session, session_of};
use crate::steps::Step;
use crate::steps::script::{Script, under};
use crate::tokens::Name;

/// More than any change takes.
const STEPS: usize = 200;

fn with_id(mut session: Session, id: &str) -> Session {
    session.tokens.id = Some(Secret::from(id));
    session
}

/// What is saved over what. Tokens end in a number that says their age.
fn pairs() -> Vec<(&'static str, bool, Session, Session)> {
    let alice = |n: &str| session_of("alice", &format!("alice-a{n}"), &format!("alice-r{n}"));
    let bob = |n: &str| session_of("bob", &format!("bob-a{n}"), &format!("bob-r{n}"));
    let unknown = |session: Session| Session { facts: Facts::default(), ..session };
    vec![
        ("renewal", true, alice("0"), alice("1")),
        (
            "renewal with a new id token",
            true,
            with_id(alice("0"), "alice-i0"),
            with_id(alice("1"), "alice-i1"),
        ),
        (
            "renewal without a new refresh token",
            true,
            alice("0"),
            session_of("alice", "alice-a1", "alice-r0"),
        ),
        ("renewal that lost its refresh token", true, alice("0"), session_of("alice", "alice-a1", "")),
        ("the first sign-in", false, Session::default(), alice("1")),
        ("somebody else", false, with_id(alice("0"), "alice-i0"), with_id(bob("1"), "bob-i1")),
        ("somebody else without an id token", false, with_id(alice("0"), "alice-i0"), bob("1")),
        ("somebody else without a refresh token", false, alice("0"), session_of("bob", "bob-a1", "")),
        ("nobody knows who", false, with_id(unknown(alice("0")), "alice-i0"), unknown(bob("1"))),
    ]
}

fn rig(old: &Session) -> Rig {
    let rig = Rig::new();
    rig.store.apply(&save(old.clone())).unwrap();
    let intent = Change::Intent { key: key(), redeeming: Digest::of(&Secret::from("alice-r0")) };
    rig.store.apply(&intent).unwrap();
    rig
}

/// What must hold of a directory whatever happened, for its reader and for the Python client.
fn check(rig: &Rig, old: &Session, new: &Session, context: &str) {
    let token = |name| rig.token(name).filter(|text| !text.is_empty());
    let (access, refresh, id) = (token("access_token"), token("refresh_token"), token("id_token"));
    let held: Vec<_> = [&access, &refresh, &id].into_iter().flatten().collect();
    let people: BTreeSet<_> = held.iter().filter_map(|text| text.split('-').next()).collect();
    assert!(people.len() <= 1, "two people, {context}: {held:?}");
    let known = [&old.tokens, &new.tokens].map(|t| [t.access.clone(), t.refresh.clone(), t.id.clone()]);
    let known: Vec<_> = known.iter().flatten().flatten().map(Secret::expose).collect();
    assert!(held.iter().all(|text| known.contains(&text.as_str())), "cut, {context}: {held:?}");
    let is_new =
        |text: &Option<String>, of: &Option<Secret>| text.as_deref() == of.as_ref().map(Secret::expose);
    if is_new(&access, &new.tokens.access) && access.is_some() {
        assert!(is_new(&refresh, &new.tokens.refresh), "access before refresh, {context}: {held:?}");
    }
    // A token that is being redeemed is noted until it is replaced.
    if let Loaded::Found(stored) = rig.store.load(&key()).unwrap() {
        let facts = &stored.session.facts;
        let of_new = access.is_some() && is_new(&access, &new.tokens.access);
        let of_old = access.is_some() && is_new(&access, &old.tokens.access);
        let expected = if of_new { &new.facts } else { &old.facts };
        if of_new || of_old {
            assert_eq!(facts.identity, expected.identity, "{context}");
            assert_eq!(facts.expires, expected.expires, "{context}");
        } else {
            assert!(facts.expires.is_none(), "{context}");
        }
        // One that the server did not replace is as good as before.
        let is_replaced = !is_new(&refresh, &new.tokens.refresh);
        if refresh.as_deref() == Some("alice-r0") && !of_new && is_replaced {
            assert_eq!(stored.intent, Some(Digest::of(&Secret::from("alice-r0"))), "{context}");
        }
    }
}

#[test]
fn stopped_anywhere_nobody_is_mixed_up_and_no_access_token_comes_before_its_refresh_token_f4_f5() {
    for (name, same, old, new) in pairs() {
        let mut finished = false;
        for stop in 0..STEPS {
            let rig = rig(&old);
            let (saved, log) = under(Script::StopAfter(stop), || rig.store.apply(&save(new.clone())));
            let context = format!("{name}, stopped after {stop} of {log:?}");
            check(&rig, &old, &new, &context);
            if same {
                // A reader waits for what comes after the refresh token; nobody waits for a writer that died.
                if rig.store.load(&key()).unwrap() == Loaded::Torn {
                    assert_eq!(rig.token("refresh_token").as_deref(), Some("alice-r1"), "{context}");
                    make_older(&rig.tokens().join("refresh_token"), SETTLED);
                    make_older(&rig.tokens(), SETTLED);
                }
                assert!(matches!(rig.store.load(&key()).unwrap(), Loaded::Found(_)), "{context}");
            }
            // Whoever comes after can go on.
            rig.store.apply(&save(new.clone())).unwrap();
            assert_eq!(found(&rig.store), Stored { session: new.clone(), intent: None }, "{context}");
            if saved.is_ok() {
                finished = true;
                break;
            }
        }
        assert!(finished, "{name} takes more than {STEPS} steps");
    }
}

#[test]
fn a_failure_anywhere_is_reported_and_a_second_try_succeeds_f4() {
    for (number, (name, _, old, new)) in pairs().into_iter().enumerate() {
        for at in 0..STEPS {
            // Every step meets both in some pair.
            let errno = if (number + at) % 2 == 0 { Errno::NOSPC } else { Errno::IO };
            let rig = rig(&old);
            let script = Script::FailAt(at, errno.raw_os_error());
            let (saved, log) = under(script, || rig.store.apply(&save(new.clone())));
            check(&rig, &old, &new, &format!("{name}, {errno:?} at {at} of {log:?}"));
            if log.len() <= at {
                assert_eq!(saved, Ok(Applied::Done));
                break;
            }
            let fault = saved.unwrap_err();
            assert_eq!(fault.kind == StoreFaultKind::Full, errno == Errno::NOSPC, "{name} {log:?}: {fault}");
            let litter = |path: &PathBuf| path.to_string_lossy().contains("authctl-tmp");
            assert_eq!(rig.files().into_iter().find(litter), None, "{name} {log:?}");
            rig.store.apply(&save(new.clone())).unwrap();
            assert_eq!(found(&rig.store).session, new);
        }
    }
}

#[test]
fn a_removal_stopped_anywhere_leaves_no_access_token_without_its_refresh_token() {
    let there = with_id(session_of("alice", "alice-a0", "alice-r0"), "alice-i0");
    for stop in 0..STEPS {
        let rig = rig(&there);
        let (cleared, log) = under(Script::StopAfter(stop), || rig.store.apply(&clear(&there)));
        let access_alone = rig.token("access_token").is_some() && rig.token("refresh_token").is_none();
        assert!(!access_alone, "{log:?}");
        if cleared.is_ok() {
            assert!(rig.files().iter().all(|path| !path.starts_with("cache")), "{:?}", rig.files());
            return;
        }
        let dir = rig.store.tokens(&key(), false).unwrap().unwrap();
        let rest = Snapshot::read(&dir, Name::all(&key())).unwrap().tokens();
        let rest = Session { tokens: rest, ..Session::default() };
        assert_eq!(rig.store.apply(&clear(&rest)), Ok(Applied::Done));
        assert_eq!(rig.store.load(&key()), Ok(Loaded::None));
    }
    panic!("more than {STEPS} steps");
}

#[test]
fn a_renewal_is_durable_before_it_is_used_and_in_this_order_f1_f5() {
    let rig = rig(&session("a0", "r0"));
    let (saved, log) = under(Script::Pass, || rig.store.apply(&save(session("a1", "r1"))));
    saved.unwrap();
    let renamed: Vec<_> = log
        .iter()
        .filter(|(step, _)| matches!(step, Step::Rename | Step::Unlink))
        .map(|(step, name)| format!("{step:?} {}", name.rsplit('.').next().unwrap()))
        .collect();
    // The refresh token, what is known of both with the end of the intent, the access token; there is no id token.
    let expected = ["Rename refresh_token", "Rename json", "Rename access_token", "Unlink id_token"];
    assert_eq!(renamed, expected);
    for pair in log.windows(2) {
        if pair[0].0 == Step::Rename {
            assert_eq!(pair[1].0, Step::SyncDirectory, "{log:?}");
        }
        if pair[1].0 == Step::Rename {
            assert_eq!(pair[0].0, Step::Sync, "{log:?}");
        }
    }
}

#[test]
fn a_renewed_opaque_token_is_replaced_in_place_h15() {
    let opaque =
        |access: &str, refresh: &str| Session { facts: Facts::default(), ..session(access, refresh) };
    let rig = rig(&opaque("a0", "alice-r0"));
    let replaces = Replaces::Redeemed(Digest::of(&Secret::from("alice-r0")));
    let change = Change::Save { key: key(), session: Box::new(opaque("a1", "r1")), replaces };
    let (saved, log) = under(Script::Pass, || rig.store.apply(&change));
    assert_eq!(saved, Ok(Applied::Done));
    let removed = |(step, name): &&(Step, String)| *step == Step::Unlink && name.ends_with("access_token");
    assert_eq!(log.iter().find(removed), None, "its access token is usable until it is replaced");
    assert_eq!(found(&rig.store).session, opaque("a1", "r1"));
}

#[test]
fn what_is_mounted_on_is_rewritten_and_emptied_where_it_is() {
    let rig = rig(&session("a0-longer", "r0"));
    let busy = Errno::BUSY.raw_os_error();
    let (saved, _) = under(Script::Fail(Step::Rename, busy), || rig.store.apply(&save(session("a1", "r1"))));
    saved.unwrap();
    assert_eq!(found(&rig.store), Stored { session: session("a1", "r1"), intent: None });
    let (cleared, _) =
        under(Script::Fail(Step::Unlink, busy), || rig.store.apply(&clear(&session("a1", "r1"))));
    cleared.unwrap();
    assert_eq!(rig.token("access_token").as_deref(), Some(""));
    assert_eq!(rig.token("refresh_token").as_deref(), Some(""));
}
