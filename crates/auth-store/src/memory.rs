use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auth_core::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store, Stored};
use auth_core::session::Session;
use auth_core::{Digest, Holder};

use auth_core::error::StoreFault;

/// How often a wait for a lock checks whether the caller still wants it.
const LOOK: Duration = Duration::from_millis(250);

/// Keeps sessions, sites and locks in this process only. Clones share what they keep.
///
/// ```
/// use auth_core::ports::{Key, Loaded, Store};
/// let store = auth_store::MemoryStore::new();
/// let key = Key { site: "http://127.0.0.1:8000/api/v1/".into(), slot: String::new() };
/// assert_eq!(store.load(&key)?, Loaded::None);
/// # Ok::<(), auth_core::error::StoreFault>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<Key, Session>,
    intents: HashMap<Key, Digest>,
    sites: Vec<SiteEntry>,
    locks: HashSet<(LockKind, Key)>,
    asked: HashMap<Key, Asked>,
}

impl Shared {
    /// A thread that panicked while it held this left no change half made: each is a single insert or remove.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stored(&self, key: &Key) -> Option<Stored> {
        let session = self.sessions.get(key)?.clone();
        (!session.tokens.is_empty()).then(|| Stored { session, intent: self.intents.get(key).copied() })
    }
}

impl State {
    /// The key of the user who signed in to the site last, for a key that lacks a login.
    fn named<'a>(&'a self, key: &'a Key) -> &'a Key {
        let is_last = |entry: &&SiteEntry| entry.key.site == key.site && !entry.key.lacks_login();
        let last = self.sites.iter().find(is_last).filter(|_| key.lacks_login());
        last.map_or(key, |entry| &entry.key)
    }
}

impl MemoryStore {
    /// Nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        let state = self.0.state();
        let key = state.named(key);
        Ok(state.stored(key).map_or(Loaded::None, |stored| Loaded::Found(Box::new(stored))))
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        change.check_login()?;
        let mut state = self.0.state();
        match change {
            Change::Save { key, session, replaces } => {
                let stored = state.stored(key);
                if !replaces.admits(stored.as_ref().map(|stored| &stored.session.tokens), &session.tokens) {
                    return Ok(Applied::Conflict(stored.map(Box::new)));
                }
                state.intents.remove(key);
                state.sessions.insert(key.clone(), Session::clone(session));
            }
            Change::ClearIf { key, generation } => {
                if let Some(stored) = state.stored(key) {
                    if stored.session.tokens.generation() != *generation {
                        return Ok(Applied::Conflict(Some(Box::new(stored))));
                    }
                    state.sessions.remove(key);
                    state.intents.remove(key);
                }
            }
            Change::Intent { key, redeeming } => {
                let stored = state.stored(key);
                let refresh = stored.as_ref().and_then(|stored| stored.session.tokens.refresh.as_ref());
                if refresh.map(Digest::of) != Some(*redeeming) {
                    return Ok(Applied::Conflict(stored.map(Box::new)));
                }
                state.intents.insert(key.clone(), *redeeming);
            }
            Change::Withdraw { key, redeeming } => {
                if state.intents.get(key) == Some(redeeming) {
                    state.intents.remove(key);
                }
            }
            Change::Prefer(entry) => {
                state.sites.retain(|known| known.key != entry.key);
                state.sites.insert(0, entry.clone());
            }
            Change::Forget(key) => state.sites.retain(|known| known.key != *key),
        }
        Ok(Applied::Done)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.lock_while(kind, key, wait, &|| true)
    }

    fn lock_while(
        &self,
        kind: LockKind,
        key: &Key,
        wait: Duration,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Locking, StoreFault> {
        let name = (kind, key.clone());
        let began = Instant::now();
        let mut state = self.0.state();
        while state.locks.contains(&name) && is_wanted() {
            let Some(left) = wait.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else { break };
            let waited = self.0.freed.wait_timeout(state, left.min(LOOK));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !state.locks.insert(name.clone()) {
            return Ok(Locking::Busy(Holder { pid: Some(std::process::id()), ..Holder::default() }));
        }
        Ok(Locking::Held(Box::new(Guard { shared: Arc::clone(&self.0), name })))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        Ok(self.0.state().sites.clone())
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        Ok(self.0.state().asked.get(key).copied().unwrap_or_default())
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.0.state().asked.insert(key.clone(), asked);
        Ok(())
    }
}

struct Guard {
    shared: Arc<Shared>,
    name: (LockKind, Key),
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.state().locks.remove(&self.name);
        self.shared.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn clones_share_everything() {
        let store = MemoryStore::new();
        let clone = store.clone();
        store.apply(&samples::save(samples::session("a", "r"))).unwrap();
        assert_eq!(samples::found(&clone).session, samples::session("a", "r"));
        let held = store.lock(LockKind::Renewal, &samples::key(), Duration::ZERO).unwrap();
        assert!(matches!(
            clone.lock(LockKind::Renewal, &samples::key(), Duration::ZERO).unwrap(),
            Locking::Busy(Holder { pid: Some(pid), .. }) if pid == std::process::id()
        ));
        drop(held);
        assert!(matches!(
            clone.lock(LockKind::Renewal, &samples::key(), Duration::ZERO).unwrap(),
            Locking::Held(_)
        ));
    }

    #[test]
    fn a_thread_that_panics_frees_its_lock_and_breaks_nothing() {
        let store = MemoryStore::new();
        let theirs = store.clone();
        let panicked = std::thread::spawn(move || {
            let _held = theirs.lock(LockKind::Prompt, &samples::key(), Duration::ZERO).unwrap();
            let _state = theirs.0.state.lock().unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        })
        .join();
        assert!(panicked.is_err());
        assert_eq!(store.load(&samples::key()), Ok(Loaded::None));
        let again = store.lock(LockKind::Prompt, &samples::key(), Duration::from_secs(10)).unwrap();
        assert!(matches!(again, Locking::Held(_)));
    }
}
