use core::time::Duration;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::Secret;
use auth_core::error::Policy;
use auth_core::flow::{Call, Called, Outcome, Warning};
use auth_core::ports::{Change, Store};
use auth_core::session::Session;
use auth_core::tiled::TiledUri;
use auth_core::wire::{Request, Response};
use auth_http::blocking::Driver;
use auth_store::MemoryStore;

use super::authenticator::{Place, is_good, seed};
use super::{Authenticator, User};
use crate::Error;

/// Somebody signed in to a server: made by [`Authenticator::connect`].
///
/// The session is renewed when it has to be, and the renewed one is stored for all programs that share the store. If
/// it cannot be stored, it is kept for as long as this connection lives, and [`warnings`](Self::warnings) says so.
///
/// When another user signs in to the same site meanwhile, this connection answers
/// [`AnotherUser`](Policy::AnotherUser) as soon as its own session would have to be renewed.
pub struct Connection {
    place: Place,
    state: Mutex<State>,
}

/// How many different warnings are kept for whoever asks.
const MOST_WARNINGS: usize = 32;

struct State {
    auth: Authenticator,
    session: Session,
    warnings: Vec<Warning>,
}

impl Connection {
    pub(super) fn new(auth: Authenticator, place: Place, session: Session, warnings: Vec<Warning>) -> Self {
        let mut state = State { auth, session, warnings: Vec::new() };
        state.note(&place, warnings);
        Self { place, state: Mutex::new(state) }
    }

    /// The server.
    pub fn uri(&self) -> &TiledUri {
        &self.place.uri
    }

    /// The session as it is now.
    pub fn session(&self) -> Session {
        self.state().session.clone()
    }

    /// What went wrong so far and did not matter enough to fail; each is given once.
    pub fn warnings(&self) -> Vec<Warning> {
        core::mem::take(&mut self.state().warnings)
    }

    /// Asks the server who is signed in.
    pub fn whoami(&self) -> Result<User, Error> {
        let auth = self.state().auth.clone();
        let Outcome { value, warnings } = auth.ask_who(&self.place)?;
        self.adopt(value.session, warnings)?;
        Ok(User::from(value.principal?))
    }

    /// Reads something from the server: a path below the API's root, with a query or without, as in
    /// `metadata/raw/scan_1?fields=metadata`. The answer is handed over whatever its status.
    ///
    /// A session that has ended is renewed once, and the request made once more (RFC 6750 section 3.1).
    pub fn get(&self, path: &str) -> Result<Response, Error> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let url = self.place.uri.below(path.trim_start_matches('/'));
        let url = query.map_or(url.clone(), |query| url.with_query(query));
        let session = self.fresh(None)?;
        let auth = self.state().auth.clone();
        auth.approach(&self.place)?;
        let call = Call::new(self.place.uri.clone(), Request::get(url), session, seed()?);
        let Outcome { value, warnings } = auth.run(call.allow_http(self.place.allow_http))?;
        let Called { response, session } = value;
        self.adopt(session, warnings)?;
        Ok(response?)
    }

    /// An access token that lasts at least this long, if one renewal can bring that about; without a wish, longer than
    /// the session's [`margin`](Session::margin).
    pub fn token(&self, min_validity: Option<Duration>) -> Result<Secret, Error> {
        let session = self.fresh(min_validity)?;
        // A session without one is renewed or refused.
        session.tokens.access.ok_or(Error::Auth(auth_core::Error::NotSignedIn))
    }

    /// The session, renewed if it does not last long enough.
    fn fresh(&self, need: Option<Duration>) -> Result<Session, Error> {
        let (auth, session) = {
            let state = self.state();
            (state.auth.clone(), state.session.clone())
        };
        if is_good(&session, auth.clock.now(), need) {
            return Ok(session);
        }
        let Outcome { value, warnings } = auth.renew(&self.place, need)?;
        self.adopt(value.session.clone(), warnings)?;
        Ok(value.session)
    }

    /// Goes on with what a flow came back with, unless it is somebody else's.
    fn adopt(&self, session: Session, warnings: Vec<Warning>) -> Result<(), Error> {
        let mut state = self.state();
        if let (Some(ours), Some(theirs)) = (&state.session.facts.principal, &session.facts.principal)
            && ours != theirs
        {
            return Err(Policy::AnotherUser.into());
        }
        // A slower thread may come back with what it started from.
        if session.facts.received >= state.session.facts.received {
            state.session = session;
        }
        state.note(&self.place, warnings);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps warnings. Where a session could not be saved, the rest happens in memory.
    fn note(&mut self, place: &Place, warnings: Vec<Warning>) {
        if warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_))) {
            let store = MemoryStore::new();
            let save = Change::Save { key: place.uri.key(), session: Box::new(self.session.clone()) };
            // Memory takes everything.
            let _ = store.apply(&save);
            self.auth = self.auth.with_store(store);
        }
        for warning in warnings {
            if !self.warnings.contains(&warning) && self.warnings.len() < MOST_WARNINGS {
                self.warnings.push(warning);
            }
        }
    }
}

impl Authenticator {
    fn with_store(&self, store: MemoryStore) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        let (prompt, clock) = (Arc::clone(&self.prompt), Arc::clone(&self.clock));
        let driver = Driver::new(Arc::clone(&self.transport), Arc::clone(&store), prompt, clock);
        Self { driver, store, ..self.clone() }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("uri", self.uri()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../tests/connection.rs"]
mod tests;
