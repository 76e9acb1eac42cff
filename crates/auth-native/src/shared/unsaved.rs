use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::ports::{Change, Key, Replaces, Store};
use auth_core::session::{Generation, Session};
use auth_store::MemoryStore;

use super::Renewals;

/// How many sessions are remembered here. A connection that holds one keeps it alive beyond that.
const MOST: usize = 64;

/// The sessions of an authenticator that could not be saved, each in a store in memory. Connections with the same session
/// share its store and its renewals: a refresh token that may be used once is redeemed once.
#[derive(Clone, Default)]
pub(crate) struct Unsaved(Arc<Mutex<VecDeque<(Generation, InMemory)>>>);

/// Where one of them is kept.
#[derive(Clone)]
pub(crate) struct InMemory {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) renewals: Renewals,
}

impl Unsaved {
    /// Where this session is kept; it is saved there if it is new.
    pub(crate) fn keep(&self, key: Key, session: &Session) -> InMemory {
        let generation = session.tokens.generation();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kept)) = sessions.iter().find(|(known, _)| *known == generation) {
            return kept.clone();
        }
        let store = Arc::new(MemoryStore::new());
        let session = Box::new(session.clone());
        // Memory takes every session.
        let _ = store.apply(&Change::Save { key, session, replaces: Replaces::Anything });
        let kept = InMemory { store, renewals: Renewals::default() };
        if sessions.len() == MOST {
            sessions.pop_front();
        }
        sessions.push_back((generation, kept.clone()));
        kept
    }
}
