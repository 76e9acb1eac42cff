use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::error::{Policy, StoreFault};
use auth_core::flow::shotgun::{Call, Called, ChooseSite, Discover, Login, LoginOptions, Program, SignedIn};
use auth_core::flow::{Flow, Governor, Outcome, Warning};
use auth_core::ports::{Applied, Change, Key, Loaded, Replaces, SiteEntry};
use auth_core::session::{Facts, Identity, Session, Tokens};
use auth_core::shotgun::{Credentials, Infos, PROVIDER, ShotgunSite, SiteInfo, same_login};
use auth_core::{Error as AuthError, Foreign, Secret};
use auth_http::{Cancel, ProxyChoice, Waiters};

use super::{Engine, Settings, Together, seed};
use crate::Error;
use crate::shotgun::{
    DefaultsManager, HumanUser, Remembered, ScriptUser, SessionDetails, User, UserCredentials,
};

/// How often a session that changes under our hands is removed again.
const CLEARS: u8 = 3;

/// Signing in to Shotgun sites, by whatever engine.
#[derive(Clone)]
pub(crate) struct Studio<E> {
    pub(crate) engine: E,
    pub(crate) settings: Settings,
    pub(crate) program: Program,
    defaults: Arc<dyn DefaultsManager>,
    pub(crate) proxy: ProxyChoice,
    /// What sites have said a moment ago.
    infos: Arc<Mutex<Infos>>,
    /// Who signs in where, and is prompted for it.
    sign_ins: Waiters<Signed>,
    /// Who is asked which site is meant.
    choices: Waiters<Result<ShotgunSite, Error>>,
}

/// What came of a sign-in that callers share.
#[derive(Clone)]
struct Signed {
    /// How it was wanted.
    options: LoginOptions,
    result: Result<Outcome<SignedIn>, Error>,
}

impl Signed {
    /// Whether this is what a caller would have got who wants to sign in like this, in place of a session that is over.
    ///
    /// An explicit sign-in takes only what was wanted in the same way. Any other takes the session of the user whom it
    /// names. What a user has just given serves all who want it, even where it is the token that was refused before.
    fn serves(&self, wanted: &LoginOptions, over: Option<&Session>) -> bool {
        let is_same = self.options == *wanted;
        let Ok(Outcome { value: SignedIn { login, session, reused }, .. }) = &self.result else {
            return is_same;
        };
        let is_refused = *reused && over.is_some_and(|over| over.tokens.access == session.tokens.access);
        let is_of = |user: &Foreign| same_login(user.raw(), login.raw());
        !is_refused && (is_same || (wanted.reuse && wanted.username.as_ref().is_none_or(is_of)))
    }
}

impl<E: Engine> Studio<E> {
    pub(crate) fn new(
        engine: E,
        settings: Settings,
        program: Program,
        defaults: Arc<dyn DefaultsManager>,
        proxy: ProxyChoice,
    ) -> Self {
        let (infos, sign_ins, choices) = (Arc::default(), Waiters::default(), Waiters::default());
        Self { engine, settings, program, defaults, proxy, infos, sign_ins, choices }
    }

    /// What is remembered of earlier sign-ins.
    pub(crate) async fn remembered(&self) -> Result<Remembered, Error> {
        Ok(Remembered::new(self.engine.look(|store| store.sites()).await?))
    }

    /// Asks the studio's rules something, which may take as long as the program that made them wants.
    fn rules<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn DefaultsManager) -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        let defaults = Arc::clone(&self.defaults);
        let asked = self.engine.aside(move || ask(&*defaults));
        async move { asked.await.ok_or(Error::Defaults) }
    }

    /// The site that is meant where none is named.
    pub(crate) async fn host(&self) -> Result<Option<ShotgunSite>, Error> {
        let remembered = self.remembered().await?;
        self.rules(move |rules| rules.host(&remembered)).await
    }

    /// The site that was named, or is meant, or that a person names.
    async fn place(&self, site: Option<&ShotgunSite>, options: &LoginOptions) -> Result<ShotgunSite, Error> {
        if let Some(site) = site {
            return Ok(site.clone());
        }
        let remembered = self.remembered().await?;
        let sites = remembered.sites();
        let (meant, is_fixed) =
            self.rules(move |rules| (rules.host(&remembered), rules.is_host_fixed())).await?;
        if is_fixed || options.never_ask || self.settings.never_ask {
            return meant.ok_or(Error::NoSite);
        }
        self.choose(ChooseSite::new(&sites, meant.as_ref())).await
    }

    /// The site that the user names. Callers share the question.
    async fn choose(&self, flow: ChooseSite) -> Result<ShotgunSite, Error> {
        let together = Together {
            engine: &self.engine,
            waiters: &self.choices,
            cancel: &self.settings.cancel,
            grace: self.settings.question_grace,
        };
        let begin = |cancel: Cancel| {
            let (engine, flow) = (self.engine.clone(), flow.clone());
            async move { Ok(engine.run(flow, &cancel).await?.value) }
        };
        let anywhere = Key { site: String::new(), slot: String::new() };
        let chosen = Box::pin(together.get(&anywhere, |_| true, || async { None }, begin)).await;
        chosen.unwrap_or(Err(AuthError::Cancelled.into()))
    }

    /// The site that was named or is meant; nobody is asked.
    async fn known_place(&self, site: Option<ShotgunSite>) -> Result<ShotgunSite, Error> {
        match site {
            Some(site) => Ok(site),
            None => self.host().await?.ok_or(Error::NoSite),
        }
    }

    /// Who is there without being asked, on the site that was named or is meant. A key or a token that the studio's
    /// rules give is shown to no site but its own.
    pub(crate) async fn default_user(&self, site: Option<&ShotgunSite>) -> Result<Option<User>, Error> {
        let remembered = self.remembered().await?;
        let is_here = |theirs: &ShotgunSite| site.is_none_or(|site| site == theirs);
        match self.rules(|rules| rules.user_credentials()).await? {
            UserCredentials::Nobody => return Ok(None),
            UserCredentials::Script { site, name, key } if is_here(&site) => {
                return Ok(Some(User::Script(self.script(site, name, key)?)));
            }
            UserCredentials::Session { site, login, token, metadata } if is_here(&site) => {
                // It is not kept: what was got in its place since may be, and is found when this is refused.
                let tokens = Tokens { access: Some(token), metadata, ..Tokens::default() };
                let session = self.brought(&login, tokens);
                return Ok(Some(User::Human(self.human(site, login, session)?)));
            }
            _ => {}
        }
        let named = site.cloned();
        let meant = move |rules: &dyn DefaultsManager| {
            let site = named.or_else(|| rules.host(&remembered))?;
            let login = rules.login(&site, &remembered);
            Some((site, login))
        };
        let Some((site, login)) = self.rules(meant).await? else { return Ok(None) };
        Ok(self.stored(&site, login.as_ref()).await?.map(User::Human))
    }

    /// Who is there without being asked, else somebody who is. Whoever else has signed in while the person would have
    /// been asked is taken, if the studio's rules mean them.
    pub(crate) async fn user(&self, site: Option<&ShotgunSite>) -> Result<Outcome<User>, Error> {
        if let Some(user) = self.default_user(site).await? {
            return Ok(Outcome::clean(user));
        }
        let options = LoginOptions { reuse: true, ..LoginOptions::default() };
        let site = self.place(site, &options).await?;
        loop {
            let unwanted = self.stored(&site, None).await?;
            if let Some(user) = self.default_user(Some(&site)).await? {
                return Ok(Outcome::clean(user));
            }
            let unwanted = unwanted.map(|human| human.session);
            let Outcome { value: signed_in, warnings } =
                self.sign_in_except(&site, options.clone(), unwanted.as_ref()).await?;
            let is_wanted = !signed_in.reused
                || self.rules(|rules| rules.user_credentials()).await? == UserCredentials::Nobody;
            if is_wanted {
                let SignedIn { login, session, .. } = signed_in;
                return Ok(Outcome { value: User::Human(self.human(site, login, session)?), warnings });
            }
        }
    }

    /// A script of the site that was named or is meant.
    pub(crate) async fn script_user(
        &self,
        site: Option<ShotgunSite>,
        name: Foreign,
        key: Secret,
    ) -> Result<User, Error> {
        Ok(User::Script(self.script(self.known_place(site).await?, name, key)?))
    }

    fn script(&self, site: ShotgunSite, name: Foreign, key: Secret) -> Result<ScriptUser, Policy> {
        Policy::check_names([&name])?;
        Ok(ScriptUser { proxy: self.proxy.clone(), ..ScriptUser::new(site, name, key) })
    }

    /// Makes somebody a user, by a token, a password or what is kept of them.
    pub(crate) async fn session_user(&self, details: SessionDetails) -> Result<Outcome<User>, Error> {
        let SessionDetails { site, login, token, metadata, password, code } = details;
        let site = self.known_place(site).await?;
        Policy::check_names([&login])?;
        if token.is_some() {
            let tokens = Tokens { access: token, metadata, ..Tokens::default() };
            let Outcome { value, warnings } = self.adopt(site, login, tokens).await?;
            return Ok(Outcome { value: User::Human(value), warnings });
        }
        if password.is_some() {
            let username = Some(login);
            let options =
                LoginOptions { username, password, code, never_ask: true, ..LoginOptions::default() };
            return self.sign_in(Some(&site), options).await;
        }
        let stored = self.stored(&site, Some(&login)).await?;
        stored.map(|human| Outcome::clean(User::Human(human))).ok_or(AuthError::NotSignedIn.into())
    }

    /// Keeps what somebody has brought.
    async fn adopt(
        &self,
        site: ShotgunSite,
        login: Foreign,
        tokens: Tokens,
    ) -> Result<Outcome<HumanUser>, Error> {
        let session = self.brought(&login, tokens);
        let human = self.human(site, login, session)?;
        let change = Change::Save {
            key: Key::clone(&human.key),
            session: Box::new(human.session.clone()),
            replaces: Replaces::Anything,
        };
        let kept = self.engine.look(move |store| store.apply(&change)).await;
        let warnings = kept.err().map(Warning::NotSaved).into_iter().collect();
        Ok(Outcome { value: human, warnings })
    }

    fn brought(&self, login: &Foreign, tokens: Tokens) -> Session {
        let identity = Identity { id: login.clone(), provider: Foreign::from(PROVIDER) };
        let received = Some(self.engine.now().wall);
        let facts = Facts { identity: Some(identity), received, ..Facts::default() };
        Session { tokens, facts, ..Session::default() }
    }

    fn human(&self, site: ShotgunSite, login: Foreign, session: Session) -> Result<HumanUser, Policy> {
        let key = site.key(login.raw())?;
        Ok(HumanUser { site, login, key: Box::new(key), session, proxy: self.proxy.clone() })
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
        site: Option<&ShotgunSite>,
        options: LoginOptions,
    ) -> Result<Outcome<User>, Error> {
        let site = self.place(site, &options).await?;
        let Outcome { value, warnings } = self.sign_in_except(&site, options, None).await?;
        Ok(Outcome { value: User::Human(self.human(site, value.login, value.session)?), warnings })
    }

    /// Signs somebody in; a stored session that is not wanted will not do.
    async fn sign_in_except(
        &self,
        site: &ShotgunSite,
        options: LoginOptions,
        unwanted: Option<&Session>,
    ) -> Result<Outcome<SignedIn>, Error> {
        let Signed { options: theirs, result } = self.sign_in_once(site, &options, unwanted).await?;
        let mut signed_in = result?;
        // Whom somebody else has signed in is taken if the rules mean them, as if it was stored.
        signed_in.value.reused |= theirs != options;
        Ok(signed_in)
    }

    /// A session in place of one whose token the site has refused.
    pub(crate) async fn replace(&self, user: &HumanUser) -> Result<Outcome<SignedIn>, Error> {
        let username = Some(user.login.clone());
        let options = LoginOptions { reuse: true, username, ..LoginOptions::default() };
        self.sign_in_once(&user.site, &options, Some(&user.session)).await?.result
    }

    /// Signs somebody in, or waits for another caller whose user's answer serves this one too. A sign-in that prompts
    /// nobody, or brings a password, waits for no other.
    async fn sign_in_once(
        &self,
        site: &ShotgunSite,
        options: &LoginOptions,
        over: Option<&Session>,
    ) -> Result<Signed, Error> {
        if options.never_ask || self.settings.never_ask || options.password.is_some() {
            return Ok(Box::pin(self.sign_in_alone(site, options.clone(), over, &self.settings.cancel)).await);
        }
        let together = Together {
            engine: &self.engine,
            waiters: &self.sign_ins,
            cancel: &self.settings.cancel,
            grace: self.settings.question_grace,
        };
        let glance = || self.glance(site, options, over);
        let begin = |cancel: Cancel| {
            let (this, site, options, over) = (self.clone(), site.clone(), options.clone(), over.cloned());
            async move { this.sign_in_alone(&site, options, over.as_ref(), &cancel).await }
        };
        let serves = |signed: &Signed| signed.serves(options, over);
        let signed = Box::pin(together.get(&site.site_key(), serves, glance, begin)).await;
        signed.ok_or(AuthError::Cancelled.into())
    }

    /// What is stored while another caller's question is open.
    async fn glance(
        &self,
        site: &ShotgunSite,
        options: &LoginOptions,
        over: Option<&Session>,
    ) -> Option<Signed> {
        if !options.reuse || over.is_some() {
            return None;
        }
        let quiet = LoginOptions { never_ask: true, ..options.clone() };
        let Signed { result, .. } = self.sign_in_alone(site, quiet, None, &self.settings.cancel).await;
        result.is_ok().then(|| Signed { options: options.clone(), result })
    }

    async fn sign_in_alone(
        &self,
        site: &ShotgunSite,
        options: LoginOptions,
        over: Option<&Session>,
        cancel: &Cancel,
    ) -> Signed {
        let is_again = over.is_some() && options.username.is_some();
        let mut result = match self.login(site, options.clone()).await {
            Ok(login) => {
                let login = over.into_iter().fold(login, Login::refused);
                let governor = Governor::new(login).cool_down(self.settings.cool_down);
                self.engine.run(governor, cancel).await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        // Who signs in again is known already.
        if let Ok(signed_in) = &mut result
            && !signed_in.value.reused
            && !is_again
        {
            let (site, login) = (site.clone(), signed_in.value.login.clone());
            if self.rules(move |rules| rules.signed_in(&site, &login)).await.is_err() {
                signed_in.warnings.push(Warning::Callback("DefaultsManager::signed_in"));
            }
        }
        Signed { options, result }
    }

    async fn login(&self, site: &ShotgunSite, options: LoginOptions) -> Result<Login, Error> {
        let remembered = self.remembered().await?;
        let last = remembered.of(site).next();
        let of_user = options.username.as_ref().and_then(|login| {
            let is_theirs = |entry: &&SiteEntry| same_login(&entry.key.slot, login.raw());
            remembered.of(site).find(is_theirs)
        });
        let preferred = of_user.or(last).and_then(|entry| entry.method);
        let pages = remembered.of(site).find_map(|entry| entry.pages.clone());
        let allow_http = options.allow_http || self.allows_http(&remembered, site);
        let mut suggested = options.suggested;
        if suggested.is_none() {
            let site = site.clone();
            suggested = self.rules(move |rules| rules.login(&site, &remembered)).await?;
        }
        let options = LoginOptions {
            never_ask: options.never_ask || self.settings.never_ask,
            allow_http,
            preferred: options.preferred.or(preferred),
            suggested,
            ..options
        };
        let login = Login::new(site.clone(), self.program.clone(), options, seed()?);
        Ok(login.knowing(self.known(site)).allow_pages(pages))
    }

    /// True if a site is called over a network in clear, and that is allowed.
    pub(crate) async fn sends_in_clear(&self, site: &ShotgunSite) -> Result<bool, Error> {
        Ok(site.origin().is_exposed() && self.allows_http(&self.remembered().await?, site))
    }

    fn allows_http(&self, remembered: &Remembered, site: &ShotgunSite) -> bool {
        self.settings.allow_http || remembered.of(site).any(|entry| entry.allow_http)
    }

    /// The session that is stored for a login; without one, for the user who signed in last.
    pub(crate) async fn stored(
        &self,
        site: &ShotgunSite,
        login: Option<&Foreign>,
    ) -> Result<Option<HumanUser>, Error> {
        let named = login.map(|login| site.key(login.raw())).transpose()?;
        let key = named.clone().unwrap_or_else(|| site.site_key());
        let Loaded::Found(stored) = self.engine.look(move |store| store.load(&key)).await? else {
            return Ok(None);
        };
        let session = stored.session;
        let whose = session.facts.identity.as_ref().map(|identity| identity.id.clone());
        let login = whose.or_else(|| login.cloned()).unwrap_or_default();
        let mut human = self.human(site.clone(), login, session).map_err(|_blank| StoreFault::no_login())?;
        // What was loaded is what is removed, whoever the session says that it belongs to.
        if let Some(named) = named {
            *human.key = named;
        }
        Ok(Some(human))
    }

    /// Removes what is kept for a user; who signed in last stays known.
    pub(crate) async fn clear(&self, user: &HumanUser) -> Result<(), Error> {
        let mut generation = user.session.tokens.generation();
        for _ in 0..CLEARS {
            let change = Change::ClearIf { key: Key::clone(&user.key), generation };
            let applied = self.engine.look(move |store| store.apply(&change)).await?;
            let Applied::Conflict(Some(stored)) = applied else {
                return Ok(());
            };
            // Got in its place by somebody else: it is the same person's, and it goes too.
            generation = stored.session.tokens.generation();
        }
        Err(StoreFault::superseded().into())
    }

    /// Strikes a site, or one login there, off the list of sites; sessions are not touched.
    pub(crate) async fn forget(&self, site: &ShotgunSite, login: Option<&Foreign>) -> Result<(), Error> {
        let one = login.map(|login| site.key(login.raw())).transpose()?;
        let remembered = self.remembered().await?;
        let is_meant = |key: &&Key| one.as_ref().is_none_or(|one| one == *key);
        let keys = remembered.of(site).map(|entry| &entry.key).filter(is_meant);
        for key in keys.cloned() {
            self.engine.look(move |store| store.apply(&Change::Forget(key))).await?;
        }
        Ok(())
    }

    /// One call; nothing is renewed.
    pub(crate) async fn call_once(
        &self,
        user: &User,
        Asked { method, args, session_uuid, allow_http }: Asked<'_>,
    ) -> Result<Called, Error> {
        let (site, credentials) = match user {
            User::Human(HumanUser { site, session, .. }) => {
                let token = session.tokens.access.clone().ok_or(AuthError::NotSignedIn)?;
                (site, Credentials::Session { token, reject_if_expired: false })
            }
            User::Script(ScriptUser { site, name, key, sudo_as_login, .. }) => {
                let (name, key) = (name.clone(), key.clone());
                (site, Credentials::Script { name, key, sudo_as_login: sudo_as_login.clone() })
            }
        };
        let call = Call::new(site.clone(), method, args, Some(credentials), seed()?);
        let known = self.known(site);
        let is_news = known.is_none();
        let call = call.session_uuid(session_uuid).knowing(known).allow_http(allow_http);
        let called = self.run(call).await?.value;
        // What was known before is not made younger.
        if is_news {
            self.infos().put(self.engine.now(), site, "", called.info.clone());
        }
        Ok(called)
    }

    fn known(&self, site: &ShotgunSite) -> Option<SiteInfo> {
        self.infos().get(self.engine.now(), site, "").cloned()
    }

    fn infos(&self) -> MutexGuard<'_, Infos> {
        self.infos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn run<F>(&self, flow: F) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(self.engine.run(flow, &self.settings.cancel).await?)
    }
}

/// What is to be called.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) args: Option<Secret>,
    pub(crate) session_uuid: Option<Foreign>,
    /// True if credentials may go over a network in clear, of which the person knows.
    pub(crate) allow_http: bool,
}
