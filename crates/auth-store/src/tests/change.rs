//! Saves and removals while another program, which knows none of our locks, does something at every step.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auth_core::ports::{Change, Loaded, Replaces, Store as _};

use super::*;
use crate::rig::{Rig, SETTLED, make_older};
use crate::samples::{clear, found, key, save, session_of};
use crate::steps::Step;
use crate::steps::script::meddled;

/// More than any change takes.
const STEPS: usize = 200;

/// What the Python client does, at once and whole. Its files are made old, so that nobody waits for them.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Peer {
    SignsBobIn,
    Renews,
    SignsOut,
}

impl Peer {
    fn act(self, folder: &Path) {
        let (refresh, access) = match self {
            Self::SignsBobIn => ("bob-r7", "bob-a7"),
            Self::Renews => ("alice-r7", "alice-a7"),
            Self::SignsOut => {
                for name in ["access_token", "refresh_token", "id_token"] {
                    let _ = fs::remove_file(folder.join(name));
                }
                return;
            }
        };
        for (name, token) in [("refresh_token", refresh), ("access_token", access)] {
            fs::write(folder.join(name), token).unwrap();
            make_older(&folder.join(name), SETTLED);
        }
    }

    fn left(self, folder: &Path) -> bool {
        let token = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let (refresh, access) = (token("refresh_token"), token("access_token"));
        match self {
            Self::SignsBobIn => refresh.as_deref() == Some("bob-r7"),
            Self::Renews => refresh.as_deref() == Some("alice-r7"),
            Self::SignsOut => refresh.is_none() && access.is_none(),
        }
    }
}

fn alice(number: u8) -> Session {
    session_of("alice", &format!("alice-a{number}"), &format!("alice-r{number}"))
}

fn redeemed() -> Change {
    let replaces = Replaces::Redeemed(Digest::of(&Secret::from("alice-r0")));
    Change::Save { key: key(), session: Box::new(alice(1)), replaces }
}

fn rig() -> (Rig, PathBuf) {
    let rig = Rig::new();
    rig.store.apply(&save(alice(0))).unwrap();
    let folder = rig.tokens();
    (rig, folder)
}

/// Whose tokens there are.
fn people(folder: &Path) -> BTreeSet<String> {
    let token = |name: &str| fs::read_to_string(folder.join(name)).ok().filter(|text| !text.is_empty());
    let tokens = ["access_token", "refresh_token", "id_token"].into_iter().filter_map(token);
    tokens.filter_map(|text| text.split('-').next().map(str::to_owned)).collect()
}

/// Does something at each step of a change in turn; `check` is told what came of it, and whether the step was the one
/// that replaces or removes a token, which nothing can be looked at after.
fn at_each_step(change: impl Fn() -> Change, check: impl Fn(Peer, bool, &Applied, &Rig, &str)) {
    for peer in [Peer::SignsBobIn, Peer::Renews, Peer::SignsOut] {
        for at in 0..STEPS {
            let (rig, folder) = rig();
            let meddle = move || peer.act(&folder);
            let (applied, log) = meddled(at, meddle, || rig.store.apply(&change()).unwrap());
            let Some((step, name)) = log.get(at) else { break };
            let context = format!("{peer:?} before {step:?} {name}, {at} of {log:?}");
            let too_late = matches!(step, Step::Rename | Step::Unlink) && name.ends_with("_token");
            check(peer, too_late, &applied, &rig, &context);
            let people = people(&rig.tokens());
            assert!(people.len() <= 1, "two people, {context}: {people:?}");
        }
    }
}

#[test]
fn a_save_after_a_redeem_undoes_nothing_another_program_did_f4_h15() {
    at_each_step(redeemed, |peer, too_late, applied, rig, context| {
        let folder = rig.tokens();
        let is_done = fs::read_to_string(folder.join("access_token")).is_ok_and(|text| text == "alice-a1");
        match applied {
            // It came before the last look, and was found; or after the save.
            Applied::Conflict(there) => {
                assert!(peer.left(&folder), "{context}");
                assert_eq!(there.is_none(), peer == Peer::SignsOut, "{context}");
            }
            Applied::Done => assert!(too_late || is_done || peer.left(&folder), "{context}"),
        }
        if !too_late && !is_done {
            assert!(peer.left(&folder), "{context}");
        }
    });
}

#[test]
fn a_conflict_tells_whose_session_is_there_h15() {
    for peer in [Peer::SignsBobIn, Peer::Renews] {
        let (rig, folder) = rig();
        peer.act(&folder);
        let Applied::Conflict(Some(there)) = rig.store.apply(&redeemed()).unwrap() else {
            panic!("a conflict")
        };
        assert_eq!(Loaded::Found(there), rig.store.load(&key()).unwrap());
    }
    let (rig, folder) = rig();
    Peer::SignsOut.act(&folder);
    assert_eq!(rig.store.apply(&redeemed()), Ok(Applied::Conflict(None)));
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(rig.store.apply(&redeemed()), Ok(Applied::Conflict(None)));
    assert!(!folder.exists(), "and no folder is made for nothing");
}

#[test]
fn a_save_after_a_redeem_needs_no_access_token_h15() {
    let (rig, folder) = rig();
    fs::remove_file(folder.join("access_token")).unwrap();
    assert_eq!(rig.store.apply(&redeemed()), Ok(Applied::Done));
    assert_eq!(found(&rig.store).session, alice(1));
}

#[test]
fn what_a_dead_writer_emptied_is_replaced_f4() {
    let (rig, folder) = rig();
    let empty = |name: &str| {
        fs::write(folder.join(name), "").unwrap();
        make_older(&folder.join(name), SETTLED);
    };
    // Beside our own access token, and beside none.
    for remove in [false, true] {
        rig.store.apply(&save(alice(0))).unwrap();
        empty("refresh_token");
        if remove {
            fs::remove_file(folder.join("access_token")).unwrap();
        }
        assert_eq!(rig.store.apply(&redeemed()), Ok(Applied::Done));
        assert_eq!(found(&rig.store).session, alice(1));
    }
    // Beside another program's it is not ours.
    rig.store.apply(&save(alice(0))).unwrap();
    Peer::SignsBobIn.act(&folder);
    empty("refresh_token");
    assert!(matches!(rig.store.apply(&redeemed()), Ok(Applied::Conflict(Some(_)))));
}

#[test]
fn an_explicit_sign_in_replaces_whatever_is_written_meanwhile_f4() {
    let change = || save(session_of("carol", "carol-a1", "carol-r1"));
    at_each_step(change, |_, _, applied, _, context| assert_eq!(*applied, Applied::Done, "{context}"));
}

#[test]
fn a_removal_takes_no_session_another_program_stored_h14() {
    at_each_step(
        || clear(&alice(0)),
        |peer, too_late, _, rig, context| {
            if !too_late && peer != Peer::SignsOut {
                assert!(peer.left(&rig.tokens()), "{context}");
            }
        },
    );
}

#[test]
fn an_intent_is_only_of_the_token_that_is_there_f5() {
    let intent = |token: &str| Change::Intent { key: key(), redeeming: Digest::of(&Secret::from(token)) };
    let (rig, folder) = rig();
    assert_eq!(rig.store.apply(&intent("alice-r0")), Ok(Applied::Done));
    Peer::Renews.act(&folder);
    assert!(matches!(rig.store.apply(&intent("alice-r0")), Ok(Applied::Conflict(Some(_)))));
    Peer::SignsOut.act(&folder);
    assert_eq!(rig.store.apply(&intent("alice-r0")), Ok(Applied::Conflict(None)));
}

#[test]
fn a_half_saved_renewal_is_waited_for_and_then_taken_f5() {
    let (rig, folder) = rig();
    let redeeming = Digest::of(&Secret::from("alice-r0"));
    rig.store.apply(&Change::Intent { key: key(), redeeming }).unwrap();
    // The refresh token is durable, and what is known of it is not written yet.
    fs::write(folder.join("refresh_token"), "alice-r1").unwrap();
    make_older(&folder.join("access_token"), SETTLED);
    assert_eq!(rig.store.load(&key()), Ok(Loaded::Torn));
    make_older(&folder.join("refresh_token"), SETTLED);
    assert_eq!(found(&rig.store).session.tokens.refresh, Some(Secret::from("alice-r1")));
    assert_eq!(found(&rig.store).intent, None, "the note is of its predecessor");
}
