use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::ports::Key;
use auth_core::tiled::TiledUri;

use crate::address::encrypted;

/// The one site that receives the API key of the environment.
///
/// A `connect` claims the key before its handshake, so that no other site receives it meanwhile. If the handshake fails,
/// dropping the claim releases the key.
#[derive(Clone, Default)]
pub(crate) struct Binding(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The site that the claims are for, by its encrypted address if it may have one.
    claimed: Option<Key>,
    /// The site that a handshake reached. From then on the key is bound to it.
    reached: Option<Key>,
    /// How many handshakes are under way.
    claims: usize,
}

impl Binding {
    /// Claims the key for the site at `uri`. Returns `None` if another site has it.
    pub(crate) fn claim(&self, uri: &TiledUri) -> Option<Claim> {
        let site = expected(uri);
        let mut state = self.state();
        if state.claimed.as_ref().is_some_and(|claimed| *claimed != site) && !state.is_reached_at(uri) {
            return None;
        }
        state.claimed.get_or_insert(site);
        state.claims += 1;
        Some(Claim(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_reached_at(&self, uri: &TiledUri) -> bool {
        self.reached.as_ref() == Some(&uri.key())
    }
}

/// The right to send the key to one site, held during the handshake.
pub(crate) struct Claim(Binding);

impl Claim {
    /// Binds the key to the site that the handshake reached. Returns `false` if another one was reached before.
    #[must_use]
    pub(crate) fn bind(self, uri: &TiledUri) -> bool {
        let mut state = self.0.state();
        state.reached.get_or_insert_with(|| uri.key());
        state.is_reached_at(uri)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.claims -= 1;
        if state.claims == 0 && state.reached.is_none() {
            state.claimed = None;
        }
    }
}

/// Where a handshake with `uri` leads if the server has an encrypted address.
fn expected(uri: &TiledUri) -> Key {
    encrypted(uri).and_then(|url| url.parse::<TiledUri>().ok()).map_or_else(|| uri.key(), |uri| uri.key())
}
