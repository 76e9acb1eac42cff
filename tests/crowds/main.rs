//! Many callers who wait for one question or one lock: threads and descriptors stay few. A program of its own, whose
//! tests take turns: they count what the whole process has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]
#![cfg(target_os = "linux")]

#[path = "../questions/rig.rs"]
mod rig;

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_native::error::AuthError;
use auth_native::ports::{Key, LockKind, Locking, Store as _};
use auth_native::{Error, TiledDirectory};
use rig::{Link, PROTOCOLS, Protocol, Rig, Servers, runtime, until};
use tokio::task::JoinHandle;

const TASKS: usize = 1_000;
/// So many are started at a time: a server takes no thousand connections at once.
const BATCH: usize = 50;
/// What a runtime, a store and a server need for themselves at most.
const FEW: usize = 8;

static TURN: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many threads and descriptors this process has.
fn counted() -> (usize, usize) {
    let entries = |path| fs::read_dir(path).unwrap().count();
    (entries("/proc/self/task"), entries("/proc/self/fd"))
}

/// Waits until no more are left than there were, but for a few.
async fn settled(before: (usize, usize)) {
    tokio::time::sleep(Duration::from_millis(200)).await;
    until(|| {
        let now = counted();
        now.0 <= before.0 + FEW && now.1 <= before.1 + FEW
    })
    .await;
}

struct Files {
    _home: tempfile::TempDir,
    store: Arc<TiledDirectory>,
}

impl Files {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = TiledDirectory::new(home.path().join("tokens"), home.path().join("state"));
        Self { _home: home, store: Arc::new(store) }
    }

    /// Has a lock, as another program would.
    fn keep(&self, kind: LockKind, key: &Key) -> Box<dyn Send> {
        let Locking::Held(guard) = self.store.lock(kind, key, Duration::ZERO).unwrap() else {
            unreachable!("nobody else has it")
        };
        guard
    }
}

/// The locks of the site's sessions, whoever has them.
fn keys(rig: &Rig) -> Vec<Key> {
    match rig.protocol {
        Protocol::Tiled => vec![rig.url.parse::<auth_core::tiled::TiledUri>().unwrap().key()],
        Protocol::Shotgun => {
            let site: auth_native::shotgun::ShotgunSite = rig.url.parse().unwrap();
            vec![site.site_key()]
        }
    }
}

/// How often the server has refused a session.
fn refused(rig: &Rig) -> usize {
    match &rig.servers {
        Servers::Tiled(_) => usize::MAX,
        Servers::Shotgun(server) => {
            usize::try_from(server.site().lock().unwrap().counters().refused).unwrap()
        }
    }
}

#[test]
fn a_thousand_tasks_wait_for_one_question_with_few_threads() {
    let _turn = alone();
    for protocol in PROTOCOLS {
        let (rig, files) = (Rig::new(protocol), Files::new());
        runtime().block_on(async {
            let auth = rig.build(rig.builder().store(files.store.clone()));
            let link = rig.over(&auth).await;
            let mut tasks = vec![tokio::spawn(link.clone().read())];
            until(|| rig.user.asked() == 1).await;
            settled(counted()).await;
            let (before, seen) = (counted(), refused(&rig));
            while tasks.len() < TASKS {
                tasks.extend((0..BATCH).map(|_| tokio::spawn(link.clone().read())));
                until(|| refused(&rig) >= seen.saturating_add(tasks.len() - 1)).await;
            }
            settled(before).await;
            rig.user.answer(TASKS);
            for task in tasks {
                // The sandbox may be too slow for so many reads at once.
                let end = task.await.unwrap();
                let is_late = |error: &Error| matches!(error, Error::Auth(AuthError::Transient(_)));
                assert!(end.as_ref().err().is_none_or(is_late), "{end:?}");
            }
            assert_eq!((rig.user.asked(), rig.user.withdrawn(), rig.logins()), (1, 0, 2), "{protocol:?}");
            settled(before).await;
        });
    }
}

/// Calls with a time limit, again and again.
async fn hurry(link: &Link) {
    for _ in 0..10 {
        let limit = Duration::from_millis(50);
        let calls: Vec<JoinHandle<_>> =
            (0..20).map(|_| tokio::spawn(tokio::time::timeout(limit, link.clone().read()))).collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
    }
}

/// Another program has the lock for questions, or renews.
#[test]
fn calls_that_time_out_leave_no_threads_or_descriptors() {
    let _turn = alone();
    for (protocol, kind) in [
        (Protocol::Tiled, LockKind::Prompt),
        (Protocol::Shotgun, LockKind::Prompt),
        (Protocol::Tiled, LockKind::Renewal),
    ] {
        let (rig, files) = (Rig::new(protocol), Files::new());
        runtime().block_on(async {
            let auth = rig.build(rig.builder().store(files.store.clone()));
            let link = if kind == LockKind::Prompt {
                let link = rig.over(&auth).await;
                rig.forget(&auth).await;
                link
            } else {
                rig.user.answer(1);
                let link = auth.connect().await.unwrap();
                rig.clock.advance(Duration::from_hours(1));
                link
            };
            let asked = rig.user.asked();
            let before = counted();
            let kept: Vec<_> = keys(&rig).iter().map(|key| files.keep(kind, key)).collect();
            hurry(&link).await;
            settled(before).await;
            assert_eq!(rig.user.asked(), asked, "{protocol:?} {kind:?}");
            drop(kept);
            rig.user.answer(1);
            link.read().await.unwrap();
            let asks = usize::from(kind == LockKind::Prompt);
            assert_eq!(rig.user.asked(), asked + asks, "{protocol:?} {kind:?}");
        });
    }
}
