use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::error::Trouble;
use auth_core::flow::Warning;
use auth_core::flow::shotgun::Called;
use auth_core::shotgun::find::{self, READ};
use auth_core::wire::json::{Json, NotJson};
use auth_core::{Error as AuthError, Foreign, Secret};
use serde_json::Value;

use super::{Asked, Engine, Studio};
use crate::Error;
use crate::shotgun::{Expired, User};

/// A user who calls a site, by whatever engine. What is got in place of a session that has ended is kept here.
pub(crate) struct Caller<E> {
    pub(crate) studio: Studio<E>,
    user: Mutex<User>,
    session_uuid: Mutex<Option<Foreign>>,
    warnings: Mutex<Vec<Warning>>,
    /// True once the person has been told that the site is called in clear, if it is.
    is_told: AtomicBool,
}

impl<E: Engine> Caller<E> {
    pub(crate) fn new(studio: Studio<E>, user: User) -> Self {
        let (session_uuid, warnings) = (Mutex::default(), Mutex::default());
        Self { studio, user: Mutex::new(user), session_uuid, warnings, is_told: AtomicBool::new(false) }
    }

    pub(crate) fn user(&self) -> User {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, User> {
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

    /// Tells the person once for all calls what each of them risks.
    async fn warn(&self, user: &User) -> Result<(), Error> {
        if self.is_told.swap(true, Ordering::SeqCst) {
            Ok(())
        } else {
            self.studio.warn_of_http(user.site()).await
        }
    }

    fn asking<'a>(&self, method: &'a str, args: Option<Secret>) -> Asked<'a> {
        let session_uuid = self.session_uuid.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Asked { method, args, session_uuid }
    }

    pub(crate) async fn call(&self, method: &str, args: Option<&Value>) -> Result<Value, Error> {
        let args = args.map(|args| Secret::from(args.to_string()));
        let results = self.results(method, args).await?;
        let json = Json::read(&results).map_err(|NotJson| AuthError::from(Trouble::Unreadable))?;
        Ok(json.value().clone())
    }

    async fn results(&self, method: &str, args: Option<Secret>) -> Result<Secret, Error> {
        let before = self.user();
        self.warn(&before).await?;
        let mut user = before.clone();
        let mut warnings = Vec::new();
        let results = self.studio.call(&mut user, self.asking(method, args), &mut warnings).await;
        self.warned().extend(warnings);
        let mut now = self.lock();
        // What another call has put there meanwhile may be younger.
        if user != before && *now == before {
            *now = user;
        }
        results
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
                if let Err(error) = self.warn(&user).await {
                    return Expired::Unknown(error);
                }
                self.studio.call_once(&user, self.asking(READ, Some(args))).await
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
