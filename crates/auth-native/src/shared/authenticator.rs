use core::time::Duration;
use std::sync::Arc;

use auth_core::flow::{
    Discover, Discovered, Flow, Governor, LoggedOut, Login, LoginOptions, Logout, Outcome, Renewal, Renewed,
    Revocation, SignedIn, Tell, Warning, Whoami, WhoamiAnswer,
};
use auth_core::ports::{Change, Key, Loaded, SiteEntry, Store};
use auth_core::session::Session;
use auth_core::tiled::TiledUri;
use auth_core::time::Now;
use auth_core::{Error as AuthError, Notice, Secret, Seed};
use auth_http::{Cancel, Waiters};
use auth_store::MemoryStore;

use super::binding::{Binding, Claim};
use super::connection::Credential;
use super::signed::Signed;
use super::unsaved::{InMemory, Unsaved};
use super::{Engine, Link, Place, Renewals, Together};
use crate::address::{address, is_exposed};
use crate::{Error, Status, User};

/// What a program has chosen.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Settings {
    pub(crate) cancel: Cancel,
    pub(crate) never_ask: bool,
    /// How long a person who has said no is not asked again.
    pub(crate) cool_down: Duration,
    /// How long a question stays open that nobody waits for any more.
    pub(crate) question_grace: Duration,
    /// True if sessions in use are renewed ahead of their end, beside what is being done.
    pub(crate) ahead: bool,
    pub(crate) allow_http: bool,
    /// True if sessions are kept in memory only, and none that is stored is used.
    pub(crate) forgets: bool,
    /// The key of the environment.
    pub(crate) key: Option<Secret>,
}

/// Signing in, by whatever engine.
#[derive(Clone)]
pub(crate) struct Shared<E> {
    pub(crate) engine: E,
    pub(crate) settings: Settings,
    /// The one site that the key of the environment goes to.
    binding: Binding,
    /// Who renews which session.
    renewals: Renewals,
    unsaved: Unsaved,
    /// Who signs in where, and is prompted for it.
    sign_ins: Waiters<Signed<E>>,
}

impl<E: Engine> Shared<E> {
    pub(crate) fn new(engine: E, settings: Settings) -> Self {
        Self {
            engine,
            settings,
            binding: Binding::default(),
            renewals: Renewals::default(),
            unsaved: Unsaved::default(),
            sign_ins: Waiters::default(),
        }
    }

    pub(crate) fn with_store(&self, store: Arc<dyn Store>) -> Self {
        Self { engine: self.engine.with_store(store), renewals: Renewals::default(), ..self.clone() }
    }

    /// The same with a session that could not be saved.
    pub(crate) fn in_memory(&self, key: Key, session: &Session) -> Self {
        let InMemory { store, renewals } = self.unsaved.keep(key, session);
        Self { engine: self.engine.with_store(store), renewals, ..self.clone() }
    }

    pub(crate) async fn connect(
        &self,
        url: &str,
        key: Option<Secret>,
        options: LoginOptions,
    ) -> Result<Arc<Link<E>>, Error> {
        let uri: TiledUri = url.parse()?;
        let (uri, in_address) = uri.take_api_key();
        if key.is_some() && in_address.is_some() {
            return Err(Error::TwoKeys);
        }
        let key = key.or(in_address);
        let names_somebody =
            options.username.is_some() || options.password.is_some() || options.provider.is_some();
        if key.is_some() && names_somebody {
            return Err(Error::KeyAndName);
        }
        let place = self.find(uri).await?;
        if let Some(key) = key {
            let (place, warnings) = self.reach(place, options.allow_http).await?;
            return Ok(self.link_with_key(place, key, warnings));
        }
        if !names_somebody && let Some((key, claim)) = self.claim_key(&place.uri) {
            let (reached, warnings) = self.reach(place.clone(), options.allow_http).await?;
            if claim.bind(&reached.uri) {
                return Ok(self.link_with_key(reached, key, warnings));
            }
        }
        self.connect_as_somebody(place, options).await
    }

    /// The key of the environment, unless another site has it.
    fn claim_key(&self, uri: &TiledUri) -> Option<(Secret, Claim)> {
        let key = self.settings.key.clone().filter(|key| !key.is_empty())?;
        Some((key, self.binding.claim(uri)?))
    }

    /// Asks the server what it is, without a credential.
    async fn reach(&self, place: Place, allow_http: bool) -> Result<(Place, Vec<Warning>), Error> {
        let allow_http = allow_http || place.allow_http;
        let discover = Discover::new(place.uri.clone(), seed()?).allow_http(allow_http);
        let Outcome { value, warnings } = self.run(discover).await?;
        Ok((Place { uri: value.uri, allow_http, ..place }, warnings))
    }

    fn link_with_key(&self, place: Place, key: Secret, warnings: Vec<Warning>) -> Arc<Link<E>> {
        Link::new(self.clone(), place, Credential::Key(key), true, warnings)
    }

    async fn connect_as_somebody(&self, place: Place, options: LoginOptions) -> Result<Arc<Link<E>>, Error> {
        let allow_http = place.allow_http || options.allow_http;
        let never_ask = options.never_ask;
        let (shared, Outcome { value, warnings }) = self.sign_in(&place, options, None).await?;
        let place = Place { uri: value.uri, allow_http, ..place };
        Ok(Link::new(shared, place, Credential::Session(Box::new(value.session)), never_ask, warnings))
    }

    /// In memory only; what is stored is not used, and of no use from then on.
    async fn sign_in_forgetting(
        &self,
        place: &Place,
        options: LoginOptions,
        cancel: &Cancel,
    ) -> Result<(Self, Outcome<SignedIn>), Error> {
        let shared = self.with_store(Arc::new(MemoryStore::new()));
        let mut outcome = shared.sign_in_here(place, options, None, cancel).await?;
        if outcome.value.session.tokens.is_empty() {
            return Ok((shared, outcome));
        }
        let stale = Logout::new(outcome.value.uri.clone());
        match self.engine.unplugged().run(stale, cancel).await {
            Ok(_) | Err(AuthError::NotSignedIn | AuthError::Removed) => {}
            Err(AuthError::Store(fault)) => outcome.warnings.push(Warning::NotCleared(fault)),
            Err(error) => return Err(error.into()),
        }
        Ok((shared, outcome))
    }

    pub(crate) async fn login(&self, url: &str, options: LoginOptions) -> Result<Outcome<SignedIn>, Error> {
        let place = self.place(url).await?;
        Ok(self.sign_in(&place, options, None).await?.1)
    }

    pub(crate) async fn token(&self, url: &str, need: Option<Duration>) -> Result<Outcome<Renewed>, Error> {
        let place = self.place(url).await?;
        self.check_remembers()?;
        self.renew(&place, need).await
    }

    /// Says no where nothing that is stored is used.
    fn check_remembers(&self) -> Result<(), Error> {
        if self.settings.forgets { Err(AuthError::NotSignedIn.into()) } else { Ok(()) }
    }

    pub(crate) async fn whoami(&self, url: &str) -> Result<Outcome<User>, Error> {
        let place = self.place(url).await?;
        self.check_remembers()?;
        let Outcome { value, warnings } = self.ask_who(&place).await?;
        Ok(Outcome { value: User::from(value.principal?), warnings })
    }

    pub(crate) async fn logout(&self, url: &str) -> Result<LoggedOut, Error> {
        self.end(&self.place(url).await?).await
    }

    pub(crate) async fn end(&self, place: &Place) -> Result<LoggedOut, Error> {
        let flow = Logout::new(place.uri.clone());
        if let Err(policy) = place.check() {
            let engine = self.engine.unplugged();
            let LoggedOut { revocation } = engine.run(flow, &self.settings.cancel).await?.value;
            return Ok(LoggedOut {
                revocation: match revocation {
                    Revocation::Failed(_) => Revocation::Failed(policy.into()),
                    other => other,
                },
            });
        }
        self.warn(place).await?;
        Ok(self.run(flow).await?.value)
    }

    pub(crate) async fn status(&self, url: &str) -> Result<Status, Error> {
        let Place { uri, allow_http, user } = self.place(url).await?;
        let key = uri.key();
        let loaded = self.engine.look(move |store| store.load(&key)).await?;
        Ok(Status::new(uri, user, allow_http, loaded, self.engine.now()))
    }

    pub(crate) async fn sites(&self) -> Result<Vec<SiteEntry>, Error> {
        Ok(self.engine.look(|store| store.sites()).await?)
    }

    pub(crate) async fn forget(&self, url: &str) -> Result<(), Error> {
        let key = self.place(url).await?.uri.key();
        self.engine.look(move |store| store.apply(&Change::Forget(key))).await?;
        Ok(())
    }

    pub(crate) async fn discover(&self, url: &str) -> Result<Outcome<Discovered>, Error> {
        let place = self.place(url).await?;
        self.run(Discover::new(place.uri, seed()?).allow_http(place.allow_http)).await
    }

    /// What is remembered of a server.
    async fn place(&self, url: &str) -> Result<Place, Error> {
        self.find(address(url)?).await
    }

    async fn find(&self, uri: TiledUri) -> Result<Place, Error> {
        Ok(Place::find(uri, &self.sites().await?, self.settings.allow_http))
    }

    /// Signs somebody in, perhaps in place of a session that is over. Returns where the session is kept, too.
    ///
    /// Callers whom one answer of the user serves share the sign-in. One that prompts nobody, or brings a password,
    /// waits for no other.
    pub(crate) async fn sign_in(
        &self,
        place: &Place,
        options: LoginOptions,
        over: Option<&Session>,
    ) -> Result<(Self, Outcome<SignedIn>), Error> {
        let never_ask = options.never_ask || self.settings.never_ask;
        let options = LoginOptions { never_ask, ..options };
        if never_ask || options.password.is_some() {
            return Box::pin(self.sign_in_alone(place, options, over, &self.settings.cancel)).await;
        }
        let together = Together {
            engine: &self.engine,
            waiters: &self.sign_ins,
            cancel: &self.settings.cancel,
            grace: self.settings.question_grace,
        };
        let glance = || self.glance(place, &options, over);
        let begin = |cancel: Cancel| {
            let (this, place, options, over) = (self.clone(), place.clone(), options.clone(), over.cloned());
            async move {
                let result = this.sign_in_alone(&place, options.clone(), over.as_ref(), &cancel).await;
                Signed { options, result }
            }
        };
        let serves = |signed: &Signed<E>| signed.serves(&options, over);
        let signed = Box::pin(together.get(&place.uri.key(), serves, glance, begin)).await;
        signed.map_or(Err(AuthError::Cancelled.into()), |signed| signed.result)
    }

    /// What can be had without a question while another caller's is open: a session that is stored meanwhile, or none
    /// on a server that requires none.
    async fn glance(
        &self,
        place: &Place,
        options: &LoginOptions,
        over: Option<&Session>,
    ) -> Option<Signed<E>> {
        if !options.reuse || over.is_some() {
            return None;
        }
        let quiet = LoginOptions { never_ask: true, ..options.clone() };
        let result = self.sign_in_alone(place, quiet, None, &self.settings.cancel).await;
        result.is_ok().then(|| Signed { options: options.clone(), result })
    }

    async fn sign_in_alone(
        &self,
        place: &Place,
        options: LoginOptions,
        over: Option<&Session>,
        cancel: &Cancel,
    ) -> Result<(Self, Outcome<SignedIn>), Error> {
        if self.settings.forgets && over.is_none() {
            return self.sign_in_forgetting(place, options, cancel).await;
        }
        Ok((self.clone(), self.sign_in_here(place, options, over, cancel).await?))
    }

    async fn sign_in_here(
        &self,
        place: &Place,
        options: LoginOptions,
        over: Option<&Session>,
        cancel: &Cancel,
    ) -> Result<Outcome<SignedIn>, Error> {
        let allow_http = options.allow_http || place.allow_http;
        let place = Place { allow_http, ..place.clone() };
        let mut reuse = options.reuse;
        if reuse && place.check().is_err() {
            // One that is not good would be renewed, in clear.
            let stored = self.stored(&place).await?;
            reuse = stored.is_some_and(|session| is_good(&session, self.engine.now(), None));
        }
        let options = LoginOptions { reuse, allow_http, ..options };
        let login = Login::new(place.uri, options, seed()?);
        let login = match over {
            Some(over) => login.refused(over),
            None => login,
        };
        Ok(self.engine.run(Governor::new(login).cool_down(self.settings.cool_down), cancel).await?)
    }

    async fn stored(&self, place: &Place) -> Result<Option<Session>, Error> {
        let key = place.uri.key();
        Ok(match self.engine.look(move |store| store.load(&key)).await? {
            Loaded::Found(stored) => Some(stored.session),
            Loaded::None | Loaded::Torn => None,
        })
    }

    pub(crate) async fn renew(
        &self,
        place: &Place,
        need: Option<Duration>,
    ) -> Result<Outcome<Renewed>, Error> {
        let key = place.uri.key();
        let look_first =
            self.engine.is_quick() || is_exposed(&place.uri) || self.renewals.rests(&key, self.engine.now());
        let stored = if look_first { self.stored(place).await? } else { None };
        if let Some(session) = stored {
            let now = self.engine.now();
            let still_lasts = session.lasts(now, need.unwrap_or_default());
            let good = is_good(&session, now, need);
            let is_usable = session.lasts(now, Duration::ZERO);
            let why = self.renewals.why(&key, now, is_usable);
            let value = Renewed { session, fresh: false };
            match place.check() {
                _ if good => return Ok(Outcome::clean(value)),
                Err(policy) if still_lasts => {
                    return Ok(Outcome { value, warnings: vec![Warning::NotRenewed(policy.into())] });
                }
                Err(policy) => return Err(policy.into()),
                Ok(()) => match why {
                    Some(why) if is_usable => {
                        return Ok(Outcome { value, warnings: vec![Warning::NotRenewed(why)] });
                    }
                    Some(why) => return Err(why.into()),
                    None => self.warn(place).await?,
                },
            }
        }
        let serves = |outcome: &Outcome<Renewed>| serves(outcome, self.engine.now(), need);
        let mut outcome = self.in_turn(place, serves, |renewal| renewal.lasting(need)).await?;
        let life = outcome.value.session.remaining(self.engine.now());
        outcome.warnings.retain(|warning| !matches!(warning, Warning::TooShort(_)));
        if let (true, Some(need), Some(life)) = (outcome.value.fresh, need, life)
            && life <= need
        {
            outcome.warnings.push(Warning::TooShort(life));
        }
        Ok(outcome)
    }

    /// A session in place of one whose token the server has refused.
    pub(crate) async fn replace(&self, place: &Place, old: &Session) -> Result<Outcome<Renewed>, Error> {
        // What was got just now is everybody's, accepted or not.
        let serves = |outcome: &Outcome<Renewed>| {
            outcome.value.fresh || outcome.value.session.tokens.access != old.tokens.access
        };
        self.in_turn(place, serves, |renewal| renewal.refused(old)).await
    }

    /// Renews, or waits for another caller who does and got what serves this one too.
    async fn in_turn(
        &self,
        place: &Place,
        serves: impl Fn(&Outcome<Renewed>) -> bool,
        as_wanted: impl Fn(Renewal) -> Renewal,
    ) -> Result<Outcome<Renewed>, Error> {
        let together = Together {
            engine: &self.engine,
            waiters: &self.renewals.waiters,
            cancel: &self.settings.cancel,
            grace: Duration::ZERO,
        };
        let begin = |cancel: Cancel| {
            let (this, key, allow_http) = (self.clone(), place.uri.key(), place.allow_http);
            let renewal =
                |seed: Seed| as_wanted(Renewal::new(place.uri.clone(), seed)).allow_http(allow_http);
            let begun = seed().map(|seed| (renewal(seed.clone()), seed));
            async move {
                let (flow, seed) = begun?;
                let outcome = this.engine.run(flow, &cancel).await.map_err(Error::from);
                if outcome.as_ref().err().and_then(Error::as_auth) != Some(&AuthError::Cancelled) {
                    this.renewals.note(&key, this.engine.now(), &outcome, &seed);
                }
                outcome
            }
        };
        let serves = |outcome: &Result<_, _>| outcome.as_ref().map_or(true, &serves);
        let outcome = Box::pin(together.get(&place.uri.key(), serves, || async { None }, begin)).await;
        outcome.unwrap_or(Err(AuthError::Cancelled.into()))
    }

    pub(crate) async fn ask_who(&self, place: &Place) -> Result<Outcome<WhoamiAnswer>, Error> {
        self.approach(place).await?;
        self.run(Whoami::new(place.uri.clone(), seed()?).allow_http(place.allow_http)).await
    }

    /// To be called before a credential goes to a server.
    pub(crate) async fn approach(&self, place: &Place) -> Result<(), Error> {
        place.check()?;
        self.warn(place).await
    }

    async fn warn(&self, place: &Place) -> Result<(), Error> {
        if is_exposed(&place.uri) {
            self.run(Tell::new(Notice::PlainHttp(place.uri.origin().clone()))).await?;
        }
        Ok(())
    }

    pub(crate) async fn run<F>(&self, flow: F) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(self.engine.run(flow, &self.settings.cancel).await?)
    }
}

/// True if what came of another caller's renewal will do for one who waited for it. It may be too short for this one; but
/// of fresh tokens none is longer, and what has just failed is not tried again by each in turn.
fn serves(outcome: &Outcome<Renewed>, now: Now, need: Option<Duration>) -> bool {
    let failed = |warning: &Warning| matches!(warning, Warning::NotRenewed(_));
    outcome.value.fresh || outcome.warnings.iter().any(failed) || is_good(&outcome.value.session, now, need)
}

/// True if a session need not be renewed yet.
pub(crate) fn is_good(session: &Session, now: Now, need: Option<Duration>) -> bool {
    let margin = session.margin();
    session.lasts(now, need.map_or(margin, |need| need.max(margin)))
}

pub(crate) fn seed() -> Result<Seed, Error> {
    auth_http::seed().map_err(|_| Error::NoEntropy)
}

#[cfg(test)]
mod tests {
    use auth_core::session::{Facts, Tokens};
    use auth_core::time::Timestamp;

    use super::*;

    #[test]
    fn who_waited_takes_what_is_good_or_fresh_or_has_just_failed() {
        let now = Now { wall: Timestamp(1_000), ..Now::default() };
        let outcome = |left: i64, fresh: bool, warnings: Vec<Warning>| {
            let facts = Facts {
                received: Some(Timestamp(1_000 + left - 900)),
                expires: Some(Timestamp(1_000 + left)),
                ..Facts::default()
            };
            let tokens = Tokens { access: Some(Secret::from("t")), ..Tokens::default() };
            let session = Session { tokens, facts, ..Session::default() };
            Outcome { value: Renewed { session, fresh }, warnings }
        };
        let failed = || vec![Warning::NotRenewed(AuthError::NotSignedIn)];
        let hour = Some(Duration::from_hours(1));
        let cases = [
            (outcome(600, false, Vec::new()), None, true),
            (outcome(600, false, Vec::new()), hour, false),
            (outcome(600, true, Vec::new()), hour, true),
            (outcome(30, false, Vec::new()), None, false),
            (outcome(30, false, failed()), None, true),
            (outcome(30, false, failed()), hour, true),
        ];
        for (outcome, need, expected) in cases {
            assert_eq!(serves(&outcome, now, need), expected, "{outcome:?} {need:?}");
        }
    }
}
