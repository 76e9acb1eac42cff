use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::error::{CannotPrompt, Trouble};
use auth_core::flow::shotgun::{Called, SignedIn};
use auth_core::flow::{Outcome, Tell, Warning};
use auth_core::shotgun::ShotgunSite;
use auth_core::shotgun::find::{self, READ};
use auth_core::wire::json::{Json, NotJson};
use auth_core::{Error as AuthError, Foreign, Notice, Secret};
use auth_http::{Turn, Waiters};
use serde_json::Value;

use super::{Asked, Engine, Studio};
use crate::Error;
use crate::shotgun::{Expired, HumanUser, User};

/// A user who calls a site, by whatever engine. What is got in place of a session that has ended is kept here.
pub(crate) struct Caller<E> {
    pub(crate) studio: Studio<E>,
    user: Mutex<Current>,
    session_uuid: Mutex<Option<Foreign>>,
    warnings: Mutex<Vec<Warning>>,
    /// True once the person has been told that the site is called in clear, if it is.
    is_told: AtomicBool,
    telling: Waiters<()>,
}

/// The user as they are now.
struct Current {
    user: User,
    /// How often they have signed in again. What was given since a call began is its answer, accepted or not.
    given: u64,
}

impl<E: Engine> Caller<E> {
    pub(crate) fn new(studio: Studio<E>, user: User) -> Self {
        let (session_uuid, warnings) = (Mutex::default(), Mutex::default());
        let (is_told, telling) = (AtomicBool::new(false), Waiters::default());
        Self {
            studio,
            user: Mutex::new(Current { user, given: 0 }),
            session_uuid,
            warnings,
            is_told,
            telling,
        }
    }

    pub(crate) fn user(&self) -> User {
        self.lock().user.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was warned of since this was last asked.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warned())
    }

    fn warned(&self) -> MutexGuard<'_, Vec<Warning>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the run of the program that what is called belongs to.
    pub(crate) fn tag(&self, session_uuid: Option<Foreign>) {
        *self.session_uuid.lock().unwrap_or_else(PoisonError::into_inner) = session_uuid;
    }

    /// Whether what a user shows may go over a network in clear. The person is told first, once for all calls.
    async fn may_send_in_clear(&self, site: &ShotgunSite) -> Result<bool, Error> {
        if !self.studio.sends_in_clear(site).await? {
            return Ok(false);
        }
        // Nobody sends anything while another thread is still telling.
        let mut turn = self.telling.join(&site.site_key());
        match turn.turn(&self.studio.settings.cancel).await {
            Turn::Lead if !self.is_told.load(Ordering::SeqCst) => {
                self.studio.run(Tell::new(Notice::PlainHttp(site.origin().clone()))).await?;
                self.is_told.store(true, Ordering::SeqCst);
                turn.land(&());
            }
            Turn::Lead | Turn::Landed(()) => {}
            Turn::Cancelled => return Err(AuthError::Cancelled.into()),
        }
        Ok(true)
    }

    async fn asking<'a>(&self, method: &'a str, args: Option<Secret>) -> Result<Asked<'a>, Error> {
        let allow_http = self.may_send_in_clear(self.user().site()).await?;
        let session_uuid = self.session_uuid.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Asked { method, args, session_uuid, allow_http })
    }

    pub(crate) async fn call(&self, method: &str, args: Option<&Value>) -> Result<Value, Error> {
        let args = args.map(|args| Secret::from(args.to_string()));
        let results = self.results(method, args).await?;
        let json = Json::read(&results).map_err(|NotJson| AuthError::from(Trouble::Unreadable))?;
        Ok(json.value().clone())
    }

    /// One call. A session that has ended is replaced, and the call made once more; a stored one that has ended too is
    /// replaced as well.
    async fn results(&self, method: &str, args: Option<Secret>) -> Result<Secret, Error> {
        let asked = self.asking(method, args).await?;
        let (mut user, given) = {
            let now = self.lock();
            (now.user.clone(), now.given)
        };
        let called = self.studio.call_once(&user, asked.clone()).await?;
        if !called.has_ended {
            return Ok(called.results?);
        }
        let was_stored = self.renew(&mut user, given, &called).await?;
        let called = self.studio.call_once(&user, asked.clone()).await?;
        // What another program had stored may be as old: then a person is asked. Nobody is asked twice for one call.
        if !called.has_ended || !was_stored {
            return Ok(called.results?);
        }
        self.renew(&mut user, given, &called).await?;
        Ok(self.studio.call_once(&user, asked).await?.results?)
    }

    /// Another session in place of one that has ended; true if it was stored. Where nobody can be asked, what matters is
    /// why somebody would have to be.
    async fn renew(&self, user: &mut User, given: u64, called: &Called) -> Result<bool, Error> {
        {
            let now = self.lock();
            if now.given != given {
                user.clone_from(&now.user);
                return Ok(false);
            }
        }
        let User::Human(ended) = user else { return Ok(false) };
        match self.studio.replace(ended).await {
            Ok(Outcome { value: SignedIn { session, reused, .. }, warnings }) => {
                self.warned().extend(warnings);
                let renewed = User::Human(HumanUser { session, ..ended.clone() });
                let ended = std::mem::replace(user, renewed);
                let mut now = self.lock();
                // What another call has put there meanwhile has not ended, as far as is known.
                if now.user == ended {
                    now.user = user.clone();
                }
                // Calls that share it count it once.
                if !reused && now.given == given {
                    now.given += 1;
                }
                Ok(reused)
            }
            Err(error) => {
                let nobody = [CannotPrompt::NoTerminal, CannotPrompt::NotAllowed].map(AuthError::from);
                let is_alone = error.as_auth().is_some_and(|error| nobody.contains(error));
                let over = called.results.as_ref().err().filter(|_| is_alone);
                Err(over.map_or(error, |over| over.clone().into()))
            }
        }
    }

    pub(crate) async fn find_one(
        &self,
        kind: &str,
        filters: &[(&str, &str)],
        fields: &[&str],
    ) -> Result<Option<Value>, Error> {
        let info = self.studio.discover(self.user().site()).await?;
        let results = self.results(READ, Some(find::args(&info, kind, filters, fields))).await?;
        find::first(&results).map_err(|NotJson| AuthError::from(Trouble::Unreadable).into())
    }

    /// Whether what the user shows is still accepted; nobody is asked.
    pub(crate) async fn is_expired(&self) -> Expired {
        let user = self.user();
        if matches!(user, User::Script(_)) {
            return Expired::No;
        }
        let called = match self.studio.discover(user.site()).await {
            Ok(info) => {
                let args = find::args(&info, "HumanUser", &[], &["id"]);
                match self.asking(READ, Some(args)).await {
                    Ok(asked) => self.studio.call_once(&user, asked).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        match called {
            Ok(called) if called.has_ended => Expired::Yes,
            Ok(Called { results: Ok(_), .. }) => Expired::No,
            Ok(Called { results: Err(error), .. }) => Expired::Unknown(error.into()),
            Err(error) => Expired::Unknown(error),
        }
    }

    /// Makes sure that the session is accepted, which may ask a person.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        if matches!(self.user(), User::Human(_)) {
            self.find_one("HumanUser", &[], &["id"]).await?;
        }
        Ok(())
    }

    /// The site's entity of the user: of a person by the login, of a script by its name.
    pub(crate) async fn resolve(&self) -> Result<Option<Value>, Error> {
        let user = self.user();
        let (kind, field) = match &user {
            User::Human(_) => ("HumanUser", "login"),
            User::Script(_) => ("ApiUser", "firstname"),
        };
        self.find_one(kind, &[(field, user.display_name().raw())], &["id"]).await
    }
}
