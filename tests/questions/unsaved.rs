//! Connections that share a session which could not be saved.

use std::sync::Arc;
use std::time::Duration;

use auth_native::error::{StoreFault, StoreFaultKind};
use auth_native::ports::{Applied, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store};
use auth_native::{Foreign, MemoryStore};
use auth_sandbox::RefreshRule;

use super::rig::{Auth, Link, Protocol, Rig, Servers, runtime, until};

const CALLERS: usize = 8;

/// A store that saves no session.
struct ReadOnly(MemoryStore);

impl Store for ReadOnly {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.0.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        match change {
            Change::Save { .. } => {
                Err(StoreFault { kind: StoreFaultKind::ReadOnly, path: Foreign::default() })
            }
            change => self.0.apply(change),
        }
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.0.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.0.sites()
    }
}

#[test]
fn connections_with_one_unsaved_session_renew_it_once_h15() {
    let rig = Rig::new(Protocol::Tiled);
    let Servers::Tiled(server) = &rig.servers else { unreachable!("a Tiled server") };
    let site = server.site();
    site.lock().unwrap().config.refresh_rule = RefreshRule::SingleUse;
    let auth = rig.build(rig.builder().store(Arc::new(ReadOnly(MemoryStore::new()))));
    runtime().block_on(async {
        let connects: Vec<_> = (0..CALLERS)
            .map(|_| {
                let auth: Auth = auth.clone();
                tokio::spawn(async move { auth.connect().await })
            })
            .collect();
        until(|| rig.user.asked() == 1).await;
        // Each of them asks the server what it is, and then waits for the one question.
        until(|| site.lock().unwrap().log().len() >= CALLERS).await;
        tokio::task::yield_now().await;
        rig.user.answer(1);
        let mut links: Vec<Link> = Vec::new();
        for connect in connects {
            links.push(connect.await.unwrap().unwrap());
        }
        rig.clock.advance(Duration::from_hours(1));
        let reads: Vec<_> = links.into_iter().map(|link| tokio::spawn(link.read())).collect();
        for read in reads {
            read.await.unwrap().unwrap();
        }
    });
    let counted = site.lock().unwrap().counters();
    assert_eq!((rig.user.asked(), counted.refreshes, counted.replays), (1, 1, 0));
}
