use core::time::Duration;
use std::fmt;
use std::sync::Arc;

use auth_core::Foreign;
use auth_core::error::Policy;
use auth_core::flow::{
    Discover, Discovered, Flow, LoggedOut, Login, LoginOptions, Logout, Outcome, Renewal, Renewed,
    Revocation, SignedIn, Warning, Whoami, WhoamiAnswer,
};
use auth_core::ports::{Change, Clock, Loaded, Prompt, SiteEntry, Store, Transport};
use auth_core::session::Session;
use auth_core::tiled::TiledUri;
use auth_core::time::Now;
use auth_core::{Notice, Seed};
use auth_http::Cancel;
use auth_http::blocking::Driver;

use super::silent::Unplugged;
use super::{Builder, Connection, Status, User};
use crate::Error;
use crate::address::{address, encrypted, is_exposed};

/// Signs in to Tiled servers, and keeps, renews and ends the sessions.
///
/// A server is named by its address, whatever part of it is at hand: `http://127.0.0.1:8000`, its API's address, or
/// that of something inside it. An address with an API key in it is refused.
///
/// Each method that needs the network or a person can be stopped by [`Builder::cancel`]. What went wrong on the way
/// and did not matter enough to fail is in [`Outcome::warnings`].
#[derive(Clone)]
pub struct Authenticator {
    pub(super) driver: Driver,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) store: Arc<dyn Store>,
    /// True if the store keeps nobody waiting, so that it can be read on the calling thread.
    pub(super) is_quick: bool,
    pub(super) prompt: Arc<dyn Prompt>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: Cancel,
    pub(super) never_ask: bool,
    pub(super) allow_http: bool,
}

/// A server that was named, and what is remembered of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) uri: TiledUri,
    pub(super) allow_http: bool,
    user: Option<Foreign>,
}

impl Place {
    /// Says no if what is sent there can be read on the way and nobody allowed it.
    fn check(&self) -> Result<(), Policy> {
        if is_exposed(&self.uri) && !self.allow_http {
            return Err(Policy::PlainHttp(self.uri.origin().clone()));
        }
        Ok(())
    }
}

impl Authenticator {
    /// Starts putting one together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Signs in: with the stored session if there is one that can be used or renewed, else by asking.
    pub fn connect(&self, url: &str) -> Result<Connection, Error> {
        self.connect_with(url, LoginOptions { reuse: true, ..LoginOptions::default() })
    }

    /// The same in another way than by default.
    pub fn connect_with(&self, url: &str, options: LoginOptions) -> Result<Connection, Error> {
        let place = self.place(url)?;
        let allow_http = place.allow_http || options.allow_http;
        let Outcome { value, warnings } = self.sign_in(&place, options)?;
        Ok(Connection::new(
            self.clone(),
            Place { uri: value.uri, allow_http, ..place },
            value.session,
            warnings,
        ))
    }

    /// Signs somebody in, saves the session and makes the site the one meant when none is named. Asks even if
    /// somebody is signed in already, unless [`LoginOptions::reuse`] is set.
    pub fn login(&self, url: &str, options: LoginOptions) -> Result<Outcome<SignedIn>, Error> {
        self.sign_in(&self.place(url)?, options)
    }

    /// A session whose access token lasts at least this long, if one renewal can bring that about; without a wish,
    /// longer than its [`margin`](crate::Session::margin). The stored one if it is good, else a renewed one; nobody
    /// is asked.
    pub fn token(&self, url: &str, min_validity: Option<Duration>) -> Result<Outcome<Renewed>, Error> {
        self.renew(&self.place(url)?, min_validity)
    }

    /// Asks the server who is signed in, renewing the session if need be.
    pub fn whoami(&self, url: &str) -> Result<Outcome<User>, Error> {
        let Outcome { value, warnings } = self.ask_who(&self.place(url)?)?;
        Ok(Outcome { value: User::from(value.principal?), warnings })
    }

    /// Ends the session on the server and removes it here. It is removed here whatever the server says; what the
    /// server said is the outcome. The site stays in the list, so that no other one takes its place unnoticed;
    /// [`forget`](Self::forget) strikes it off.
    ///
    /// A session on a server whose traffic is not encrypted, where that was not allowed, is removed here and not
    /// revoked there.
    pub fn logout(&self, url: &str) -> Result<LoggedOut, Error> {
        let place = self.place(url)?;
        let flow = Logout::new(place.uri.clone());
        if let Err(policy) = place.check() {
            let transport = Arc::new(Unplugged);
            let (store, prompt, clock) = (&self.store, &self.prompt, &self.clock);
            let driver = Driver::new(transport, Arc::clone(store), Arc::clone(prompt), Arc::clone(clock));
            let LoggedOut { revocation } = driver.run(flow, &self.cancel)?.value;
            return Ok(LoggedOut {
                revocation: match revocation {
                    Revocation::Failed(_) => Revocation::Failed(policy.into()),
                    other => other,
                },
            });
        }
        self.warn(&place);
        Ok(self.run(flow)?.value)
    }

    /// What is stored for a site. Asks neither the server nor a person.
    pub fn status(&self, url: &str) -> Result<Status, Error> {
        let Place { uri, allow_http, user } = self.place(url)?;
        let loaded = self.store.load(&uri.key())?;
        Ok(Status::new(uri, user, allow_http, loaded, self.clock.now()))
    }

    /// The sites somebody signed in to, the one signed in to last first: the one meant when none is named.
    pub fn sites(&self) -> Result<Vec<SiteEntry>, Error> {
        Ok(self.store.sites()?)
    }

    /// Strikes a site off the list. Its session is not touched.
    pub fn forget(&self, url: &str) -> Result<(), Error> {
        self.store.apply(&Change::Forget(self.place(url)?.uri.key()))?;
        Ok(())
    }

    /// Asks a server what it is and how one signs in to it. No credential is sent.
    pub fn discover(&self, url: &str) -> Result<Outcome<Discovered>, Error> {
        let place = self.place(url)?;
        self.run(Discover::new(place.uri, seed()?).allow_http(place.allow_http))
    }

    /// What is remembered of a server. One that was found to have an encrypted address is meant by both.
    fn place(&self, url: &str) -> Result<Place, Error> {
        let uri = address(url)?;
        let sites = self.store.sites()?;
        let known = |uri: &TiledUri| sites.iter().find(|entry| entry.key == uri.key());
        let (uri, entry) = match known(&uri) {
            Some(entry) => (uri, Some(entry)),
            None => match encrypted(&uri).and_then(|url| address(&url).ok()) {
                Some(other) if known(&other).is_some() => (other.clone(), known(&other)),
                _ => (uri, None),
            },
        };
        Ok(Place {
            uri,
            allow_http: self.allow_http || entry.is_some_and(|entry| entry.allow_http),
            user: entry.and_then(|entry| entry.user.clone()),
        })
    }

    fn sign_in(&self, place: &Place, options: LoginOptions) -> Result<Outcome<SignedIn>, Error> {
        let allow_http = options.allow_http || place.allow_http;
        let place = Place { allow_http, ..place.clone() };
        // One that is not would be renewed, in clear.
        let has_good = || {
            let stored = self.stored(&place)?;
            Ok::<_, Error>(stored.is_some_and(|session| is_good(&session, self.clock.now(), None)))
        };
        let options = LoginOptions {
            reuse: options.reuse && (place.check().is_ok() || has_good()?),
            never_ask: options.never_ask || self.never_ask,
            allow_http,
            ..options
        };
        self.run(Login::new(place.uri, options, seed()?))
    }

    fn stored(&self, place: &Place) -> Result<Option<Session>, Error> {
        Ok(match self.store.load(&place.uri.key())? {
            Loaded::Found(stored) => Some(stored.session),
            Loaded::None | Loaded::Torn => None,
        })
    }

    pub(super) fn renew(&self, place: &Place, need: Option<Duration>) -> Result<Outcome<Renewed>, Error> {
        let exposed = is_exposed(&place.uri);
        let stored = if self.is_quick || exposed { self.stored(place)? } else { None };
        if let Some(session) = stored {
            let now = self.clock.now();
            let still_lasts = session.lasts(now, need.unwrap_or_default());
            let good = is_good(&session, now, need);
            let value = Renewed { session, fresh: false };
            match place.check() {
                _ if good => return Ok(Outcome::clean(value)),
                Err(policy) if still_lasts => {
                    return Ok(Outcome { value, warnings: vec![Warning::NotRenewed(policy.into())] });
                }
                Err(policy) => return Err(policy.into()),
                Ok(()) => self.warn(place),
            }
        }
        let renewal = Renewal::new(place.uri.clone(), seed()?).lasting(need).allow_http(place.allow_http);
        self.run(renewal)
    }

    pub(super) fn ask_who(&self, place: &Place) -> Result<Outcome<WhoamiAnswer>, Error> {
        self.approach(place)?;
        self.run(Whoami::new(place.uri.clone(), seed()?).allow_http(place.allow_http))
    }

    /// To be called before a credential goes to a server.
    pub(super) fn approach(&self, place: &Place) -> Result<(), Error> {
        place.check()?;
        self.warn(place);
        Ok(())
    }

    fn warn(&self, place: &Place) {
        if is_exposed(&place.uri) {
            self.prompt.tell(&Notice::PlainHttp(place.uri.origin().clone()));
        }
    }

    pub(super) fn run<F: Flow>(&self, flow: F) -> Result<Outcome<F::Output>, Error> {
        Ok(self.driver.run(flow, &self.cancel)?)
    }
}

/// True if a session need not be renewed yet.
pub(super) fn is_good(session: &Session, now: Now, need: Option<Duration>) -> bool {
    let margin = session.margin();
    session.lasts(now, need.map_or(margin, |need| need.max(margin)))
}

pub(super) fn seed() -> Result<Seed, Error> {
    auth_http::seed().map_err(|_| Error::NoEntropy)
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("never_ask", &self.never_ask)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../tests/authenticator.rs"]
mod tests;
