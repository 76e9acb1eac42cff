use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use auth_core::error::{CannotPrompt, Policy};
use auth_core::flow::{
    Call, Called, LoggedOut, LoginOptions, Outcome, Refusals, Renewed, Warning, Whoami, WhoamiAnswer,
};
use auth_core::session::{Generation, Session, Tokens};
use auth_core::tiled::{SessionEntry, read_revoke_session, revoke_session};
use auth_core::time::{Now, Timestamp};
use auth_core::wire::{Authorization, Request, Response};
use auth_core::{Error as AuthError, Secret};
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
use http::header::{AUTHORIZATION, HeaderMap};

use super::{Ahead, Engine, Place, SessionEvent, Shared, Subscribers, is_good, seed};
use crate::address::is_exposed;
use crate::{Access, Error, User};

/// How many different warnings are kept for whoever asks.
const MOST_WARNINGS: usize = 32;
/// How early a session is renewed in the background at least, in thousandths of its margin,
const LEAST_EARLY: u32 = 1_250;
/// and by up to how much (a thousandth to the millisecond) that differs, so that not all connections do it at once.
const EARLY_SPREAD: Duration = Duration::from_millis(750);

/// What a connection shows.
#[derive(Clone)]
pub(crate) enum Credential {
    /// A session; one without tokens is nobody's.
    Session(Box<Session>),
    Key(Secret),
    /// It was signed out.
    Ended,
}

/// Where a session comes from, for callers whose own token was refused.
#[derive(Clone, Copy)]
enum Source {
    /// Not fetched in place of a refused token: where it is refused too, another one is tried.
    Found,
    /// Renewed in place of a refused token: no other one is tried.
    Fetched,
    /// From a sign-in of the user, which began after this many others.
    Given(u64),
}

/// A connection, by whatever engine.
pub(crate) struct Link<E> {
    /// This very connection, for what goes on beside its callers.
    me: Weak<Self>,
    pub(crate) place: Place,
    pub(crate) ahead: Ahead,
    pub(crate) subscribers: Subscribers,
    /// True if nobody is asked again.
    never_ask: bool,
    /// Tells the time without a lock.
    engine: E,
    /// True if the person is to be told whenever a credential goes there.
    exposed: bool,
    state: Mutex<State<E>>,
}

struct State<E> {
    shared: Shared<E>,
    credential: Credential,
    /// The access token that was fetched last in place of one that was refused.
    fetched: Option<Secret>,
    warnings: Vec<Warning>,
    /// How often the user has signed in again. What was given since a call began is its answer, accepted or not.
    given: u64,
    /// How early a session is renewed in the background, in thousandths of its margin; zero: it is not.
    early: u32,
    #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
    header: super::header::Header,
}

impl<E: Engine> Link<E> {
    pub(super) fn new(
        shared: Shared<E>,
        place: Place,
        credential: Credential,
        never_ask: bool,
        warnings: Vec<Warning>,
    ) -> Arc<Self> {
        let never_ask = never_ask || shared.settings.never_ask;
        // Without chance nothing is done ahead of need.
        let chance = seed().ok().filter(|_| shared.settings.ahead);
        let early =
            chance.map_or(0, |seed| LEAST_EARLY + seed.jitter("ahead", 0, EARLY_SPREAD).subsec_millis());
        let (engine, exposed) = (shared.engine.clone(), is_exposed(&place.uri));
        let mut state = State {
            shared,
            credential,
            fetched: None,
            warnings: Vec::new(),
            given: 0,
            early,
            #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
            header: super::header::Header::default(),
        };
        state.note(&place, warnings);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            place,
            ahead: Ahead::default(),
            subscribers: Subscribers::default(),
            never_ask,
            engine,
            exposed,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn access(&self) -> Access {
        match &self.state().credential {
            Credential::Key(_) => Access::ApiKey,
            Credential::Ended => Access::Anonymous,
            Credential::Session(session) if session.tokens.is_empty() => Access::Anonymous,
            Credential::Session(_) => Access::Session,
        }
    }

    pub(crate) fn session(&self) -> Session {
        match &self.state().credential {
            Credential::Session(session) => (**session).clone(),
            Credential::Key(_) | Credential::Ended => Session::default(),
        }
    }

    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = core::mem::take(&mut self.state().warnings);
        if self.subscribers.take_panicked() {
            warnings.push(Warning::Callback("a session subscriber"));
        }
        warnings
    }

    pub(crate) async fn whoami(&self) -> Result<User, Error> {
        let (shared, credential) = self.parts();
        if let Credential::Key(key) = credential {
            shared.approach(&self.place).await?;
            let whoami = Whoami::with_key(self.place.uri.clone(), key, seed()?);
            let WhoamiAnswer { principal, .. } =
                shared.run(whoami.allow_http(self.place.allow_http)).await?.value;
            return Ok(User::from(principal?));
        }
        let (session, given) = self.ours()?;
        if session.tokens.is_empty() {
            return Err(AuthError::NotSignedIn.into());
        }
        let (over, error) = match shared.ask_who(&self.place).await {
            // The session that is stored, which may be another than the one here.
            Ok(Outcome { value: WhoamiAnswer { principal: Err(error), session: found }, warnings })
                if error.ends_session() =>
            {
                self.adopt(session.tokens.generation(), found.clone(), Source::Found, warnings)?;
                (found, error)
            }
            Ok(asked) => return self.identify(&session, asked),
            Err(Error::Auth(error)) => (session, error),
            Err(error) => return Err(error),
        };
        if !self.can_ask_again(&error) {
            return Err(error.into());
        }
        let refused = over.tokens.access.clone().filter(|_| error.ends_session());
        let (session, _) = self.sign_in_again(over, error.clone(), given).await?;
        if refused.is_some() && session.tokens.access == refused {
            return Err(error.into());
        }
        // It may be kept elsewhere now.
        self.identify(&session, self.parts().0.ask_who(&self.place).await?)
    }

    fn identify(&self, from: &Session, asked: Outcome<WhoamiAnswer>) -> Result<User, Error> {
        self.adopt(from.tokens.generation(), asked.value.session, Source::Found, asked.warnings)?;
        Ok(User::from(asked.value.principal?))
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<SessionEntry>, Error> {
        Ok(self.whoami().await?.principal().sessions.clone())
    }

    pub(crate) async fn revoke_session(&self, name: &str) -> Result<(), Error> {
        let request = revoke_session(&self.place.uri, name).ok_or(Error::NoSession)?;
        let response = self.call(request).await?;
        Ok(read_revoke_session(&response)?)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response, Error> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let url = self.place.uri.below(path.trim_start_matches('/'));
        let url = query.map_or(url.clone(), |query| url.with_query(query));
        self.call(Request::get(url)).await
    }

    pub(crate) async fn call(&self, request: Request) -> Result<Response, Error> {
        let (shared, credential) = self.parts();
        if let Credential::Key(key) = credential {
            shared.approach(&self.place).await?;
            let call = Call::with_key(self.place.uri.clone(), request, key, seed()?);
            return Ok(shared.run(call.allow_http(self.place.allow_http)).await?.value.response?);
        }
        let given = self.given();
        let (mut session, mut refusals) = (self.fresh(None).await?, Refusals::default());
        loop {
            let called = self.call_once(request.clone(), session.clone()).await?;
            if !called.has_ended || !refusals.allow_another() {
                return Ok(called.response?);
            }
            // Rare and large: it is kept out of every call's future.
            match Box::pin(self.in_place_of(session, &mut refusals, given)).await? {
                Some(other) => session = other,
                None => return Ok(called.response?),
            }
        }
    }

    async fn call_once(&self, request: Request, session: Session) -> Result<Called, Error> {
        let (shared, _) = self.parts();
        shared.approach(&self.place).await?;
        let call = Call::new(self.place.uri.clone(), request, session, seed()?).without_renewal();
        Ok(shared.run(call.allow_http(self.place.allow_http)).await?.value)
    }

    /// The session to go on with where the server has refused this one's token. `None` if its token is the same again:
    /// then the refusal is the answer.
    async fn in_place_of(
        &self,
        old: Session,
        refusals: &mut Refusals,
        given: u64,
    ) -> Result<Option<Session>, Error> {
        let refused = old.tokens.access.clone();
        let (session, is_fetched) = self.find_or_fetch(old, given).await?;
        refusals.note(is_fetched);
        Ok(Some(session).filter(|session| session.tokens.access != refused))
    }

    /// The session of another caller that had the same refusal, else a renewed one, else one that the user signs in for.
    /// Says whether it was fetched in place of a refused token.
    async fn find_or_fetch(&self, old: Session, given: u64) -> Result<(Session, bool), Error> {
        let from = {
            let state = self.state();
            let Credential::Session(session) = &state.credential else {
                return Err(AuthError::NotSignedIn.into());
            };
            let is_given = state.given != given;
            if is_given || session.tokens.access != old.tokens.access {
                let is_fetched = is_given || state.fetched == session.tokens.access;
                return Ok(((**session).clone(), is_fetched));
            }
            session.tokens.generation()
        };
        match self.parts().0.replace(&self.place, &old).await {
            Ok(Outcome { value: Renewed { session, fresh }, warnings }) => {
                let source = if fresh { Source::Fetched } else { Source::Found };
                self.adopt(from, session.clone(), source, warnings)?;
                Ok((session, fresh))
            }
            Err(Error::Auth(error)) if self.can_ask_again(&error) => {
                self.sign_in_again(old, error, given).await
            }
            Err(error) => Err(error),
        }
    }

    /// The access token, if it lasts long enough: what every request asks for, so nothing is copied for it.
    fn at_hand(&self, need: Option<Duration>) -> Option<Secret> {
        let wall = self.engine.wall();
        self.state().at_hand(wall, need)
    }

    /// Puts the credential into a request's headers, in place of any other.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
    pub(crate) async fn authorize(&self, headers: &mut HeaderMap) -> Result<Option<Authorization>, Error> {
        if !self.exposed {
            let wall = self.engine.wall();
            let mut state = self.state();
            if let Some(shown) = state.at_hand(wall, None).map(Authorization::Bearer) {
                let value = state.header.of(&shown);
                drop(state);
                value.map(|value| headers.insert(AUTHORIZATION, value));
                return Ok(Some(shown));
            }
        }
        let shown = self.authorization().await?;
        if let Some(shown) = &shown {
            self.put(headers, shown);
        }
        Ok(shown)
    }

    /// Puts this into a request's headers.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
    pub(crate) fn put(&self, headers: &mut HeaderMap, shown: &Authorization) {
        let value = self.state().header.of(shown);
        value.map(|value| headers.insert(AUTHORIZATION, value));
    }

    pub(crate) async fn token(&self, need: Option<Duration>) -> Result<Secret, Error> {
        if let Some(token) = self.at_hand(need) {
            return Ok(token);
        }
        let session = match self.parts().1 {
            Credential::Key(_) | Credential::Ended => Session::default(),
            Credential::Session(_) => self.fresh(need).await?,
        };
        // A session without one is renewed or refused.
        session.tokens.access.ok_or(Error::Auth(AuthError::NotSignedIn))
    }

    pub(crate) async fn authorization(&self) -> Result<Option<Authorization>, Error> {
        if !self.exposed
            && let Some(token) = self.at_hand(None)
        {
            return Ok(Some(Authorization::Bearer(token)));
        }
        let (shared, credential) = self.parts();
        shared.approach(&self.place).await?;
        Ok(match credential {
            Credential::Key(key) => Some(Authorization::ApiKey(key)),
            Credential::Ended => return Err(AuthError::NotSignedIn.into()),
            Credential::Session(_) => self.fresh(None).await?.tokens.access.map(Authorization::Bearer),
        })
    }

    /// The credential to send in place of one that the server has refused: `None` if there is no other.
    pub(crate) async fn refused(&self, shown: &Authorization) -> Result<Option<Authorization>, Error> {
        self.instead_of(shown, &mut Refusals::default(), self.given()).await
    }

    /// The same for a request that may have been refused before, and began when the user had signed in this often.
    pub(super) async fn instead_of(
        &self,
        shown: &Authorization,
        refusals: &mut Refusals,
        given: u64,
    ) -> Result<Option<Authorization>, Error> {
        let Authorization::Bearer(token) = shown else { return Ok(None) };
        let session = match self.parts().1 {
            Credential::Key(_) => return Ok(None),
            Credential::Ended => return Err(AuthError::NotSignedIn.into()),
            Credential::Session(session) => *session,
        };
        if !refusals.allow_another() {
            return Ok(None);
        }
        let tokens = Tokens { access: Some(token.clone()), ..session.tokens.clone() };
        let other = self.in_place_of(Session { tokens, ..session }, refusals, given).await?;
        Ok(other.and_then(|session| session.tokens.access).map(Authorization::Bearer))
    }

    pub(crate) async fn logout(&self) -> Result<LoggedOut, Error> {
        // A key is not ended here, and what somebody has stored is not this connection's.
        if self.access() != Access::Session {
            return Err(AuthError::NotSignedIn.into());
        }
        let (shared, _) = self.parts();
        let logged_out = shared.end(&self.place).await?;
        self.state().end();
        self.subscribers.tell(&SessionEvent::Ended(AuthError::NotSignedIn));
        Ok(logged_out)
    }

    /// The session, renewed if it does not last long enough, and asked for if it is over.
    async fn fresh(&self, need: Option<Duration>) -> Result<Session, Error> {
        let (session, given) = self.ours()?;
        let (shared, _) = self.parts();
        let now = shared.engine.now();
        if session.tokens.is_empty() || is_good(&session, now, need) {
            self.renew_ahead(&shared, &session, now);
            return Ok(session);
        }
        match Box::pin(shared.renew(&self.place, need)).await {
            Ok(Outcome { value, warnings }) => {
                self.adopt(session.tokens.generation(), value.session.clone(), Source::Found, warnings)?;
                Ok(value.session)
            }
            Err(Error::Auth(error)) if self.can_ask_again(&error) => {
                Ok(Box::pin(self.sign_in_again(session, error, given)).await?.0)
            }
            Err(error) => Err(error),
        }
    }

    /// Renews a session that comes near its margin beside what it is used for, so that nobody waits for it. When that
    /// is differs from connection to connection, so that they do not all do it at once.
    fn renew_ahead(&self, shared: &Shared<E>, session: &Session, now: Now) {
        let early = self.state().early;
        let need = session.margin() * early / 1_000;
        if early == 0 || session.tokens.refresh.is_none() || is_good(session, now, Some(need)) {
            return;
        }
        let Some(running) = self.ahead.begin() else { return };
        let (me, from) = (self.me.clone(), session.tokens.generation());
        shared.engine.beside(async move {
            running.here();
            if let Some(link) = me.upgrade()
                && let Ok(Outcome { value, warnings }) = link.parts().0.renew(&link.place, Some(need)).await
            {
                // Somebody else's session is found out where it matters.
                let _ = link.adopt(from, value.session, Source::Found, warnings);
            }
            drop(running);
        });
    }

    fn can_ask_again(&self, error: &AuthError) -> bool {
        let is_over = error.ends_session() || error.is_signed_out();
        if is_over && self.never_ask {
            self.subscribers.tell(&SessionEvent::Ended(error.clone()));
            return false;
        }
        is_over
    }

    /// Prompts the user to sign in again in place of the session that has failed, unless the user has done so meanwhile.
    /// Says whether the session is the user's answer, and not a stored one.
    async fn sign_in_again(
        &self,
        session: Session,
        error: AuthError,
        given: u64,
    ) -> Result<(Session, bool), Error> {
        let (ours, given_now) = self.ours()?;
        if given_now != given {
            return Ok((ours, true));
        }
        let from = session.tokens.generation();
        let (shared, _) = self.parts();
        self.subscribers.tell(&SessionEvent::NeedsPerson);
        let (username, provider) = match session.facts.identity.clone() {
            Some(identity) => (Some(identity.id), Some(identity.provider).filter(|name| !name.is_empty())),
            None => (None, None),
        };
        let options = LoginOptions { reuse: true, username, provider, ..LoginOptions::default() };
        match shared.sign_in(&self.place, options, Some(&session)).await {
            Ok((kept, Outcome { value, warnings })) => {
                let source = if value.reused { Source::Found } else { Source::Given(given) };
                self.adopt_kept(from, Some(kept), value.session.clone(), source, warnings)?;
                Ok((value.session, !value.reused))
            }
            Err(failed) => {
                self.subscribers.tell(&SessionEvent::Ended(error.clone()));
                // Where nobody can be asked, what matters is why somebody would have to be.
                let nobody = [CannotPrompt::NoTerminal, CannotPrompt::NotAllowed].map(AuthError::from);
                let is_alone = failed.as_auth().is_some_and(|failed| nobody.contains(failed));
                Err(if is_alone { error.into() } else { failed })
            }
        }
    }

    /// Goes on with what came of the session called `from`, unless it is somebody else's.
    fn adopt(
        &self,
        from: Generation,
        session: Session,
        source: Source,
        warnings: Vec<Warning>,
    ) -> Result<(), Error> {
        self.adopt_kept(from, None, session, source, warnings)
    }

    /// The same with a session that may be kept elsewhere.
    fn adopt_kept(
        &self,
        from: Generation,
        kept: Option<Shared<E>>,
        session: Session,
        source: Source,
        warnings: Vec<Warning>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let Credential::Session(ours) = &mut state.credential else {
            // It was signed out meanwhile.
            state.note(&self.place, warnings);
            return Err(AuthError::NotSignedIn.into());
        };
        if let (Some(ours), Some(theirs)) = (&ours.facts.principal, &session.facts.principal)
            && ours != theirs
        {
            return Err(Policy::AnotherUser.into());
        }
        // A slower thread may come back with what others have gone on from; when that was got tells which is newer.
        let is_next = ours.tokens.generation() == from;
        let is_new = is_next || session.facts.received >= ours.facts.received;
        let changed = is_new && ours.tokens.generation() != session.tokens.generation();
        // All of it at once: a caller in between would take the session for one that was found.
        if is_new {
            let token = session.tokens.access.clone();
            **ours = session;
            state.shared = kept.unwrap_or_else(|| state.shared.clone());
            if !matches!(source, Source::Found) {
                state.fetched = token;
            }
        }
        // Callers who share a sign-in count it once.
        if matches!(source, Source::Given(since) if since == state.given) {
            state.given += 1;
        }
        state.note(&self.place, warnings);
        drop(state);
        if changed {
            self.subscribers.tell(&SessionEvent::Changed);
        }
        Ok(())
    }

    /// The session and how often the user has signed in again. Fails if the session was signed out.
    fn ours(&self) -> Result<(Session, u64), Error> {
        let state = self.state();
        match &state.credential {
            Credential::Session(session) => Ok(((**session).clone(), state.given)),
            Credential::Key(_) | Credential::Ended => Err(AuthError::NotSignedIn.into()),
        }
    }

    /// How often the user has signed in again.
    pub(super) fn given(&self) -> u64 {
        self.state().given
    }

    fn parts(&self) -> (Shared<E>, Credential) {
        let state = self.state();
        (state.shared.clone(), state.credential.clone())
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> State<E> {
    /// The access token, if it lasts long enough.
    fn at_hand(&self, wall: Timestamp, need: Option<Duration>) -> Option<Secret> {
        let now = Now { wall, ..Now::default() };
        match &self.credential {
            Credential::Session(session) => {
                // One that is to be renewed soon is looked at more closely.
                let need = need.unwrap_or_default().max(session.margin() * self.early / 1_000);
                session.tokens.access.clone().filter(|_| is_good(session, now, Some(need)))
            }
            _ => None,
        }
    }

    /// Keeps nothing that could be shown.
    fn end(&mut self) {
        (self.credential, self.fetched) = (Credential::Ended, None);
        #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
        {
            self.header = super::header::Header::default();
        }
    }

    /// Keeps warnings. Where a session could not be saved, the rest happens in memory.
    fn note(&mut self, place: &Place, warnings: Vec<Warning>) {
        if let Credential::Session(session) = &self.credential
            && warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_)))
        {
            self.shared = self.shared.in_memory(place.uri.key(), session);
        }
        for warning in warnings {
            if !self.warnings.contains(&warning) && self.warnings.len() < MOST_WARNINGS {
                self.warnings.push(warning);
            }
        }
    }
}
