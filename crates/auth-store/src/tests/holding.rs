use std::fs;
use std::time::Duration;

use auth_core::error::StoreFaultKind;
use auth_core::ports::{Asked, Change, LockKind, Locking, Store as _};
use auth_core::{Digest, Secret};

use super::*;
use crate::rig::Rig;
use crate::samples::{found, key, save, session};

/// With a session, in a folder whose locks are links.
fn rig() -> Rig {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("state/locks")).unwrap();
    fs::write(rig.path("state/locks/method"), "links\n").unwrap();
    rig.store.apply(&save(session("a0", "r0"))).unwrap();
    rig
}

fn renewing(rig: &Rig) -> Locking {
    let locking = rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap();
    assert!(matches!(locking, Locking::Held(_)));
    locking
}

/// Another machine takes the renewal lock over.
fn take_over(rig: &Rig) {
    let name = rig.store.roots.name_of("renewal", &key());
    fs::write(rig.path(&format!("state/locks/{name}.lock.2")), "12 345 another 7 other-host\n").unwrap();
}

fn intent() -> Change {
    Change::Intent { key: key(), redeeming: Digest::of(&Secret::from("r0")) }
}

#[test]
fn who_lost_the_renewal_lock_neither_redeems_nor_saves_f6() {
    let rig = rig();
    let held = renewing(&rig);
    let clone = rig.store.clone();
    rig.store.apply(&intent()).unwrap();
    let before = found(&rig.store);
    take_over(&rig);
    let holder = Holder { pid: Some(12), host: Some("other-host".into()), stopped: false };
    for store in [&rig.store, &clone] {
        for change in [intent(), save(session("a1", "r1"))] {
            let fault = store.apply(&change).unwrap_err();
            assert_eq!(fault.kind, StoreFaultKind::Locked(holder.clone()));
        }
        store.note_asked(&key(), Asked::Answered).unwrap();
    }
    assert_eq!(found(&rig.store), before);
    // Whoever took it over is not hindered, nor is anybody who holds none.
    let other = TiledDirectory::new(rig.path("cache"), rig.path("state"));
    other.apply(&save(session("a2", "r2"))).unwrap();
    drop(held);
    rig.store.apply(&save(session("a3", "r3"))).unwrap();
    assert_eq!(rig.store.renewals.held().len(), 0);
}

#[test]
fn a_lock_taken_anew_counts_beside_one_that_was_lost_f6() {
    let rig = rig();
    let lost = renewing(&rig);
    take_over(&rig);
    let name = rig.store.roots.name_of("renewal", &key());
    fs::write(rig.path(&format!("state/locks/{name}.lock.2")), "").unwrap();
    let held = renewing(&rig);
    rig.store.apply(&intent()).unwrap();
    drop(lost);
    rig.store.apply(&save(session("a1", "r1"))).unwrap();
    drop(held);
}

#[test]
fn a_long_wait_for_a_change_is_told_once_with_its_holder_f7() {
    let mut rig = Rig::new();
    let (sender, told) = std::sync::mpsc::channel();
    rig.store = rig.store.on_long_wait(move |holder| sender.send(holder.clone()).unwrap());
    let state = rig.store.made_state().unwrap();
    let changing = rig.store.change(&state, &rig.store.names(&key()).change).unwrap();
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| rig.store.apply(&save(session("a0", "r0"))));
        let holder = told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(holder.pid, Some(std::process::id()));
        drop(changing);
        saving.join().unwrap().unwrap();
    });
    assert!(told.try_recv().is_err());
}

#[test]
fn a_lock_of_the_system_is_never_lost_f6() {
    let rig = Rig::new();
    let held = renewing(&rig);
    take_over(&rig);
    rig.store.apply(&save(session("a1", "r1"))).unwrap();
    drop(held);
}
