use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::error::Trouble;
use auth_core::flow::shotgun::{Call, Called, Discover, Login, LoginOptions, Program, SignedIn};
use auth_core::flow::{Flow, Governor, Outcome};
use auth_core::ports::{Change, Key, Loaded, SiteEntry};
use auth_core::shotgun::{Credentials, Infos, ShotgunSite, SiteInfo, same_login};
use auth_core::wire::json::Json;
use auth_core::{Error as AuthError, Foreign, Secret};
use auth_http::{Turn, Waiters};
use serde_json::{Value, json};

use super::{Engine, Settings, seed};
use crate::Error;
use crate::shotgun::{Expired, HumanUser, ScriptUser, User};

/// Signing in to Shotgun sites, by whatever engine.
#[derive(Clone)]
pub(crate) struct Studio<E> {
    pub(crate) engine: E,
    pub(crate) settings: Settings,
    pub(crate) program: Program,
    /// What sites have said a moment ago.
    infos: Arc<Mutex<Infos>>,
    /// Who signs in again for whom.
    sign_ins: Waiters<Result<Outcome<SignedIn>, Error>>,
}

impl<E: Engine> Studio<E> {
    pub(crate) fn new(engine: E, settings: Settings, program: Program) -> Self {
        Self { engine, settings, program, infos: Arc::default(), sign_ins: Waiters::default() }
    }

    /// Asks a site what it is, unless it has just said so.
    pub(crate) async fn discover(&self, site: &ShotgunSite) -> Result<SiteInfo, Error> {
        if let Some(info) = self.known(site) {
            return Ok(info);
        }
        let info = self.run(Discover::new(site.clone(), seed()?)).await?.value;
        self.infos().put(self.engine.now(), site, "", info.clone());
        Ok(info)
    }

    pub(crate) async fn sign_in(
        &self,
        site: &ShotgunSite,
        options: LoginOptions,
    ) -> Result<Outcome<SignedIn>, Error> {
        let login = self.login(site, options).await?;
        self.run(Governor::new(login).cool_down(self.settings.cool_down)).await
    }

    /// A session in place of one whose token the site has refused. Whoever else wants one for the same user waits.
    pub(crate) async fn replace(&self, user: &HumanUser) -> Result<Outcome<SignedIn>, Error> {
        let key = user.site.key(user.login.raw());
        loop {
            let mut turn = self.sign_ins.join(&key);
            match turn.turn(&self.settings.cancel).await {
                Turn::Landed(outcome) => {
                    let is_another =
                        |signed_in: &SignedIn| signed_in.session.tokens.access != user.session.tokens.access;
                    if outcome.as_ref().map_or(true, |outcome| is_another(&outcome.value)) {
                        return outcome;
                    }
                }
                Turn::Lead | Turn::Cancelled => {
                    let options = LoginOptions {
                        reuse: true,
                        username: Some(user.login.clone()),
                        ..LoginOptions::default()
                    };
                    let login = self.login(&user.site, options).await?.refused(&user.session);
                    let outcome = self.run(Governor::new(login).cool_down(self.settings.cool_down)).await;
                    turn.land(&outcome);
                    return outcome;
                }
            }
        }
    }

    async fn login(&self, site: &ShotgunSite, options: LoginOptions) -> Result<Login, Error> {
        let entries = self.entries(site).await?;
        let last = entries.first();
        let of_user = options.username.as_ref().and_then(|login| {
            let is_theirs = |entry: &&SiteEntry| same_login(&entry.key.slot, login.raw());
            entries.iter().find(is_theirs)
        });
        let allowed = entries.iter().any(|entry| entry.allow_http);
        let preferred = of_user.or(last).and_then(|entry| entry.method);
        let suggested = last.and_then(|entry| entry.user.clone());
        let options = LoginOptions {
            never_ask: options.never_ask || self.settings.never_ask,
            allow_http: options.allow_http || self.settings.allow_http || allowed,
            preferred: options.preferred.or(preferred),
            suggested: options.suggested.or(suggested),
            ..options
        };
        let login = Login::new(site.clone(), self.program.clone(), options, seed()?);
        Ok(login.knowing(self.known(site)))
    }

    /// Who signed in to a site, the last one first.
    async fn entries(&self, site: &ShotgunSite) -> Result<Vec<SiteEntry>, Error> {
        let name = site.key("").site;
        let mut entries = self.engine.look(|store| store.sites()).await?;
        entries.retain(|entry| entry.key.site == name);
        Ok(entries)
    }

    /// The sites somebody signed in to, the last one first.
    pub(crate) async fn recent(&self) -> Result<Vec<ShotgunSite>, Error> {
        let entries = self.engine.look(|store| store.sites()).await?;
        let mut sites: Vec<ShotgunSite> = Vec::new();
        for entry in entries.iter().filter(|entry| !entry.key.site.ends_with('/')) {
            if let Ok(site) = entry.key.site.parse()
                && !sites.contains(&site)
            {
                sites.push(site);
            }
        }
        Ok(sites)
    }

    /// The session that is kept for a user; with an empty login for whoever signed in last.
    pub(crate) async fn stored(&self, site: &ShotgunSite, login: &str) -> Result<Option<HumanUser>, Error> {
        let key = site.key(login);
        let Loaded::Found(stored) = self.engine.look(move |store| store.load(&key)).await? else {
            return Ok(None);
        };
        let session = stored.session;
        let login =
            session.facts.identity.as_ref().map_or_else(|| Foreign::from(login), |who| who.id.clone());
        Ok(Some(HumanUser { site: site.clone(), login, session }))
    }

    /// Removes what is kept for a user; who signed in last stays known.
    pub(crate) async fn clear(&self, user: &HumanUser) -> Result<(), Error> {
        let key: Key = user.site.key(user.login.raw());
        let generation = user.session.tokens.generation();
        self.engine.look(move |store| store.apply(&Change::ClearIf { key, generation })).await?;
        Ok(())
    }

    /// One call. A session that has ended is replaced once, and the call made once more.
    pub(crate) async fn call(
        &self,
        user: &mut User,
        method: &str,
        args: Option<Secret>,
    ) -> Result<Secret, Error> {
        let called = self.call_once(user, method, args.clone()).await?;
        let User::Human(human) = user else { return Ok(called.results?) };
        if !called.has_ended {
            return Ok(called.results?);
        }
        let SignedIn { session, .. } = self.replace(human).await?.value;
        human.session = session;
        let called = self.call_once(user, method, args.clone()).await?;
        let User::Human(human) = user else { return Ok(called.results?) };
        // What another program had stored may be as old: then a person is asked.
        if !called.has_ended {
            return Ok(called.results?);
        }
        let SignedIn { session, reused, .. } = self.replace(human).await?.value;
        human.session = session;
        if reused {
            return Ok(called.results?);
        }
        Ok(self.call_once(user, method, args).await?.results?)
    }

    pub(crate) async fn call_once(
        &self,
        user: &User,
        method: &str,
        args: Option<Secret>,
    ) -> Result<Called, Error> {
        let (site, credentials) = match user {
            User::Human(HumanUser { site, session, .. }) => {
                let token = session.tokens.access.clone().ok_or(AuthError::NotSignedIn)?;
                (site, Credentials::Session { token, reject_if_expired: false })
            }
            User::Script(ScriptUser { site, name, key, sudo_as_login }) => {
                let (name, key) = (name.clone(), key.clone());
                (site, Credentials::Script { name, key, sudo_as_login: sudo_as_login.clone() })
            }
        };
        let allow_http =
            self.settings.allow_http || self.entries(site).await?.iter().any(|entry| entry.allow_http);
        let call = Call::new(site.clone(), method, args, Some(credentials), seed()?);
        let called = self.run(call.knowing(self.known(site)).allow_http(allow_http)).await?.value;
        self.infos().put(self.engine.now(), site, "", called.info.clone());
        Ok(called)
    }

    fn known(&self, site: &ShotgunSite) -> Option<SiteInfo> {
        self.infos().get(self.engine.now(), site, "").cloned()
    }

    fn infos(&self) -> MutexGuard<'_, Infos> {
        self.infos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<F>(&self, flow: F) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(self.engine.run(flow, &self.settings.cancel).await?)
    }
}

/// A user who calls a site, by whatever engine. What is got in place of a session that has ended is kept here.
pub(crate) struct Caller<E> {
    pub(crate) studio: Studio<E>,
    user: Mutex<User>,
}

impl<E: Engine> Caller<E> {
    pub(crate) fn new(studio: Studio<E>, user: User) -> Self {
        Self { studio, user: Mutex::new(user) }
    }

    pub(crate) fn user(&self) -> User {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, User> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn call(&self, method: &str, args: Option<&Value>) -> Result<Value, Error> {
        let args = args.map(|args| Secret::from(args.to_string()));
        let before = self.user();
        let mut user = before.clone();
        let results = self.studio.call(&mut user, method, args).await;
        if user != before {
            *self.lock() = user;
        }
        let json = Json::read(&results?).map_err(|_| AuthError::from(Trouble::Unreadable))?;
        Ok(json.value().clone())
    }

    /// Whether what the user shows is still accepted; nobody is asked.
    pub(crate) async fn is_expired(&self) -> Expired {
        let user = self.user();
        if matches!(user, User::Script(_)) {
            return Expired::No;
        }
        let args = Some(Secret::from(find("HumanUser", None).to_string()));
        match self.studio.call_once(&user, "read", args).await {
            Ok(called) if called.has_ended => Expired::Yes,
            Ok(Called { results: Ok(_), .. }) => Expired::No,
            Ok(Called { results: Err(error), .. }) => Expired::Unknown(error.into()),
            Err(error) => Expired::Unknown(error),
        }
    }

    /// Makes sure that the session is accepted, which may ask a person.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        if matches!(self.user(), User::Human(_)) {
            self.call("read", Some(&find("HumanUser", None))).await?;
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
        let args = find(kind, Some((field, user.display_name().raw())));
        let found = self.call("read", Some(&args)).await?;
        Ok(found.get("entities").and_then(|entities| entities.get(0)).cloned())
    }
}

/// The arguments of `read` that find the first entity of a kind, or the first whose field has this value (spec:
/// Shotgun, section 2.13).
fn find(kind: &str, filter: Option<(&str, &str)>) -> Value {
    let conditions: Vec<Value> = filter
        .iter()
        .map(|(path, value)| json!({ "path": path, "relation": "is", "values": [value] }))
        .collect();
    json!({
        "type": kind,
        "return_fields": ["id"],
        "filters": { "logical_operator": "and", "conditions": conditions },
        "return_only": "active",
        "paging": { "entities_per_page": 1, "current_page": 1 },
        "api_return_image_urls": true,
        "return_paging_info": false,
    })
}
