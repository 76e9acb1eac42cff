//! A store between the suite and an honest one, which does some of it wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store, Stored};
use auth_core::session::{Generation, Session};
use auth_core::{Digest, Foreign, Secret};
use auth_store::MemoryStore;

/// What all handles of one place in this process know together.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) place: PathBuf,
    pub(super) keys: Mutex<BTreeSet<Key>>,
    pub(super) sessions: Mutex<HashMap<Generation, Session>>,
    pub(super) intents: Mutex<BTreeMap<Key, Digest>>,
    pub(super) loaded: Mutex<BTreeMap<Key, Loaded>>,
    pub(super) token: Mutex<Option<Secret>>,
    pub(super) gate: RwLock<()>,
    pub(super) taken: Mutex<BTreeSet<Key>>,
    pub(super) locks: MemoryStore,
    handles: AtomicUsize,
}

impl Notes {
    pub(super) fn at(place: &Path) -> Self {
        Self { place: place.to_owned(), ..Self::default() }
    }
}

type Applying = Box<dyn Fn(&Arc<dyn Store>, &Change) -> Result<Applied, StoreFault> + Send + Sync>;
type Loading = Box<dyn Fn(&Arc<dyn Store>, &Key) -> Result<Loaded, StoreFault> + Send + Sync>;
type Taking =
    Box<dyn Fn(&Arc<dyn Store>, LockKind, &Key, Duration) -> Result<Locking, StoreFault> + Send + Sync>;
type Listing = Box<dyn Fn(&Arc<dyn Store>) -> Result<Vec<SiteEntry>, StoreFault> + Send + Sync>;
type Closing = Box<dyn Fn(&Arc<dyn Store>) + Send + Sync>;

/// Whatever is not bent is as in the honest store.
pub(super) struct Bent {
    pub(super) notes: Arc<Notes>,
    inner: Arc<dyn Store>,
    applying: Applying,
    loading: Loading,
    taking: Taking,
    listing: Listing,
    closing: Closing,
    checks_login: bool,
}

impl Bent {
    pub(super) fn new(inner: Arc<dyn Store>, notes: Arc<Notes>) -> Self {
        notes.handles.fetch_add(1, Ordering::SeqCst);
        Self {
            notes,
            inner,
            applying: Box::new(|store, change| store.apply(change)),
            loading: Box::new(|store, key| store.load(key)),
            taking: Box::new(|store, kind, key, wait| store.lock(kind, key, wait)),
            listing: Box::new(|store| store.sites()),
            closing: Box::new(|_| ()),
            checks_login: true,
        }
    }

    /// Removes the check of the login, so that only the bent operation checks it.
    pub(super) fn unchecked(mut self) -> Self {
        self.checks_login = false;
        self
    }

    pub(super) fn apply(
        mut self,
        bend: impl Fn(&Arc<dyn Store>, &Change) -> Result<Applied, StoreFault> + Send + Sync + 'static,
    ) -> Self {
        self.applying = Box::new(bend);
        self
    }

    /// Each change is changed before it is made.
    pub(super) fn edit(self, edit: impl Fn(&Arc<dyn Store>, &mut Change) + Send + Sync + 'static) -> Self {
        self.apply(move |store, change| {
            let mut change = change.clone();
            edit(store, &mut change);
            store.apply(&change)
        })
    }

    /// Each session is changed before it is saved.
    pub(super) fn edit_session(self, edit: impl Fn(&mut Session) + Send + Sync + 'static) -> Self {
        self.edit(move |_, change| {
            if let Change::Save { session, .. } = change {
                edit(session);
            }
        })
    }

    pub(super) fn load(
        mut self,
        bend: impl Fn(&Arc<dyn Store>, &Key) -> Result<Loaded, StoreFault> + Send + Sync + 'static,
    ) -> Self {
        self.loading = Box::new(bend);
        self
    }

    pub(super) fn lock(
        mut self,
        bend: impl Fn(&Arc<dyn Store>, LockKind, &Key, Duration) -> Result<Locking, StoreFault>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.taking = Box::new(bend);
        self
    }

    pub(super) fn sites(
        mut self,
        bend: impl Fn(&Arc<dyn Store>) -> Result<Vec<SiteEntry>, StoreFault> + Send + Sync + 'static,
    ) -> Self {
        self.listing = Box::new(bend);
        self
    }

    /// When the last handle is closed.
    pub(super) fn close(mut self, bend: impl Fn(&Arc<dyn Store>) + Send + Sync + 'static) -> Self {
        self.closing = Box::new(bend);
        self
    }
}

impl Store for Bent {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        (self.loading)(&self.inner, key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        if self.checks_login {
            change.check_login()?;
        }
        if let Change::Save { key, session, .. } = change {
            self.notes.keys.lock().unwrap().insert(key.clone());
            let generation = session.tokens.generation();
            self.notes.sessions.lock().unwrap().entry(generation).or_insert_with(|| Session::clone(session));
        }
        (self.applying)(&self.inner, change)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        (self.taking)(&self.inner, kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        (self.listing)(&self.inner)
    }
}

impl Drop for Bent {
    fn drop(&mut self) {
        if self.notes.handles.fetch_sub(1, Ordering::SeqCst) == 1 {
            (self.closing)(&self.inner);
        }
    }
}

/// The key that a change is about.
pub(super) fn key_of(change: &Change) -> &Key {
    match change {
        Change::Save { key, .. }
        | Change::ClearIf { key, .. }
        | Change::Intent { key, .. }
        | Change::Withdraw { key, .. }
        | Change::Forget(key) => key,
        Change::Prefer(entry) => &entry.key,
    }
}

pub(super) fn save(key: &Key, session: &Session) -> Change {
    Change::Save { key: key.clone(), session: Box::new(session.clone()), replaces: Replaces::Anything }
}

pub(super) fn clear(key: &Key, session: &Session) -> Change {
    Change::ClearIf { key: key.clone(), generation: session.tokens.generation() }
}

/// What is there, if it can be had.
pub(super) fn there(store: &Arc<dyn Store>, key: &Key) -> Option<Stored> {
    match store.load(key) {
        Ok(Loaded::Found(stored)) => Some(*stored),
        _ => None,
    }
}

pub(super) fn conflict(stored: Stored) -> Applied {
    Applied::Conflict(Some(Box::new(stored)))
}

pub(super) fn a_fault<T>(text: &str) -> Result<T, StoreFault> {
    Err(StoreFault { kind: StoreFaultKind::Other(Foreign::from(text)), path: Foreign::default() })
}

/// Calls something when it is dropped.
pub(super) struct Guard<F: FnMut() + Send>(pub(super) F);

impl<F: FnMut() + Send> Drop for Guard<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
