use crate::error::{CannotPrompt, Error, Misuse, Policy, SignsIn, StoreFault};
use crate::flow::contract::{Machine, Nested, Pending, nest};
use crate::flow::shotgun::{AppSession, Discover, Granted, Password, Program};
use crate::flow::{Asks, Event, Held, Outcome, Resource, Step, Warning};
use crate::foreign::Foreign;
use crate::ports::{Change, Key, Loaded, LockKind, Replaces, SiteEntry};
use crate::question::{Answer, MethodQuestion, Notice, PromptFault, Question};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::{Generation, Session};
use crate::shotgun::{Console, ShotgunSite, SignInMethod, SiteInfo, on_console, same_login};
use crate::site::Origin;
use crate::time::Now;

/// How to sign in.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct LoginOptions {
    /// Use a stored session if there is one, and ask nobody then.
    pub reuse: bool,
    /// Ask nobody at all: what is missing is an error.
    pub never_ask: bool,
    /// The login to sign in with; every other login is refused. A blank one is an error ([`Policy::BlankName`]).
    pub username: Option<Foreign>,
    /// Else the login to be taken if a person gives none. A blank one is an error, too.
    pub suggested: Option<Foreign>,
    /// The password, which is presented once. It needs a login.
    pub password: Option<Secret>,
    /// The code to the password, which is presented if the site wants one.
    pub code: Option<Secret>,
    /// The way to sign in.
    pub method: Option<SignInMethod>,
    /// Else the way that is suggested: the one taken last.
    pub preferred: Option<SignInMethod>,
    /// Send credentials in clear over a network.
    pub allow_http: bool,
}

/// Signs somebody in to a Shotgun site: what the site is, the way to sign in, and the session saved (spec: Shotgun,
/// sections 4.1, 18, 27).
///
/// The same signs somebody in again whose token the site has refused: what somebody else got meanwhile is taken first
/// (spec: Shotgun, section 21). From the moment the site has given a token until it is saved it cannot be cancelled.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Login {
    site: ShotgunSite,
    program: Program,
    seed: Seed,
    options: LoginOptions,
    info: Option<SiteInfo>,
    /// The token that will not do.
    refused: Option<Secret>,
    method: Option<SignInMethod>,
    /// Whose pages may be opened besides the site's own.
    pages: Option<Origin>,
    /// What was stored when the user was prompted.
    stored: Option<Generation>,
    granted: Option<(Key, Granted)>,
    held: Option<Held>,
    warnings: Vec<Warning>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    New,
    Looking,
    Warning,
    Telling,
    Discovering(Box<Discover>),
    Choosing(Vec<SignInMethod>),
    Password(Box<Password>),
    AppSession(Box<AppSession>),
    Locking,
    /// Telling for whom the lock is waited.
    LockBusy,
    Waiting,
    Saving,
    Unlocking,
    Preferring,
}

/// Somebody is signed in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SignedIn {
    /// Who.
    pub login: Foreign,
    /// What they have.
    pub session: Session,
    /// True if it was stored already, and nobody was asked.
    pub reused: bool,
}

impl Login {
    /// For a site and a program that says who it is.
    pub fn new(site: ShotgunSite, program: Program, options: LoginOptions, seed: Seed) -> Self {
        Self {
            site,
            program,
            seed,
            options,
            info: None,
            refused: None,
            method: None,
            pages: None,
            stored: None,
            granted: None,
            held: None,
            warnings: Vec::new(),
            state: State::New,
            pending: Pending::default(),
        }
    }

    /// The site has been asked a moment ago what it is.
    #[must_use]
    pub fn knowing(mut self, info: Option<SiteInfo>) -> Self {
        self.info = info;
        self
    }

    /// This one's token will not do, another will: the site has refused it to the user who is named, or it is not the
    /// user's who is meant.
    #[must_use]
    pub fn refused(mut self, session: &Session) -> Self {
        self.refused.clone_from(&session.tokens.access);
        self
    }

    /// The pages of another origin may be opened too: a person has agreed before.
    #[must_use]
    pub fn allow_pages(mut self, pages: Option<Origin>) -> Self {
        self.pages = pages;
        self
    }

    fn start(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        let suggested = Policy::check_names(&self.options.suggested);
        let key = match suggested.map_err(Error::from).and_then(|()| self.session()) {
            Ok(key) => key,
            Err(blank) => return Ok(Step::Done(Err(blank))),
        };
        if self.options.reuse {
            self.state = State::Looking;
            return Ok(Step::Load(key));
        }
        self.begin(now)
    }

    /// Somebody has to sign in.
    fn begin(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        let can_present = self.options.password.is_some() && self.options.username.is_some();
        if self.options.never_ask && !can_present {
            let is_new = self.refused.is_none() || self.options.username.is_none();
            let error = if is_new { Error::NotSignedIn } else { CannotPrompt::NotAllowed.into() };
            return Ok(Step::Done(Err(error)));
        }
        if self.site.origin().is_exposed() && !self.options.allow_http {
            return Ok(Step::Done(Err(Policy::PlainHttp(self.site.origin().clone()).into())));
        }
        if self.site.origin().is_exposed() {
            self.state = State::Warning;
            return Ok(Step::Tell(Notice::PlainHttp(self.site.origin().clone())));
        }
        self.tell(now)
    }

    /// Says that the session is over, where there was one.
    fn tell(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        match (&self.refused, self.options.username.clone()) {
            (Some(_), Some(username)) => {
                self.state = State::Telling;
                Ok(Step::Tell(Notice::Ended { origin: self.site.origin().clone(), username }))
            }
            _ => self.ask_site(now),
        }
    }

    fn ask_site(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        if self.info.is_some() {
            return self.choose(now);
        }
        self.discover(now, Discover::new(self.site.clone(), self.seed.clone()), Event::Start)
    }

    fn discover(&mut self, now: Now, mut discover: Discover, event: Event) -> Result<Step<SignedIn>, Misuse> {
        match nest::<_, SignedIn>(&mut discover, now, event)? {
            Nested::Step(step) => {
                self.state = State::Discovering(Box::new(discover));
                Ok(step)
            }
            Nested::Done(Ok(found)) => {
                self.info = Some(found.value);
                self.choose(now)
            }
            Nested::Done(Err(error)) => Ok(Step::Done(Err(error))),
        }
    }

    fn choose(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        let Some(info) = &self.info else { return Err(Misuse::Unexpected) };
        let origin = || self.site.origin().clone();
        let by_itself = self.options.password.as_ref().map(|_| SignInMethod::Password);
        let asked = self.options.method.or(by_itself);
        let choice = match asked {
            Some(SignInMethod::Password) if info.is_sso() => {
                return Ok(Step::Done(Err(no_passwords(SignsIn::SingleSignOn, info).into())));
            }
            Some(SignInMethod::AppSession) if !info.app_session => {
                return Ok(Step::Done(Err(Policy::NoAppSession.into())));
            }
            Some(SignInMethod::Web) => {
                return Ok(Step::Done(Err(Policy::NoWindow.into())));
            }
            Some(method) => Console::Only(method),
            None => on_console(info, self.options.preferred),
        };
        match choice {
            Console::Only(method) => self.sign_in(now, method),
            Console::Ask { methods, suggested } => {
                self.state = State::Choosing(methods.clone());
                let question = MethodQuestion { origin: origin(), methods, suggested };
                Ok(Step::Ask(Question::Method(question)))
            }
            Console::NoWay => Ok(Step::Done(Err(Policy::NoConsoleWay { by: SignsIn::SingleSignOn }.into()))),
        }
    }

    fn sign_in(&mut self, now: Now, method: SignInMethod) -> Result<Step<SignedIn>, Misuse> {
        self.method = Some(method);
        let username = self.options.username.clone();
        if method == SignInMethod::AppSession {
            if self.options.never_ask {
                return Ok(Step::Done(Err(CannotPrompt::NotAllowed.into())));
            }
            let flow = AppSession::new(self.site.clone(), self.program.clone(), username, self.seed.clone());
            return self.app_session(now, flow.allow_pages(self.pages.clone()), Event::Start);
        }
        let flow = Password::new(self.site.clone(), username)
            .suggested(self.options.suggested.clone())
            .given(self.options.password.take(), self.options.code.take())
            .never_ask(self.options.never_ask);
        self.password(now, flow, Event::Start)
    }

    fn password(&mut self, now: Now, mut flow: Password, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match nest::<_, SignedIn>(&mut flow, now, event)? {
            Nested::Step(step) => {
                self.state = State::Password(Box::new(flow));
                step
            }
            Nested::Done(result) => self.was_granted(result),
        })
    }

    fn app_session(
        &mut self,
        now: Now,
        mut flow: AppSession,
        event: Event,
    ) -> Result<Step<SignedIn>, Misuse> {
        Ok(match nest::<_, SignedIn>(&mut flow, now, event)? {
            Nested::Step(step) => {
                self.state = State::AppSession(Box::new(flow));
                step
            }
            Nested::Done(result) => {
                self.pages = flow.pages().cloned();
                self.was_granted(result)
            }
        })
    }

    fn was_granted(&mut self, result: Result<Outcome<Granted>, Error>) -> Step<SignedIn> {
        match result {
            Ok(Outcome { value, warnings }) => match self.site.key(value.login.raw()) {
                Ok(key) => {
                    self.warnings.extend(warnings);
                    self.granted = Some((key, value));
                    self.lock(State::Locking, false)
                }
                Err(blank) => Step::Done(Err(blank.into())),
            },
            Err(Error::Policy(Policy::NoPasswords { by })) => {
                let refusal =
                    self.info.as_ref().map_or(Policy::NoPasswords { by }, |info| no_passwords(by, info));
                Step::Done(Err(refusal.into()))
            }
            Err(error) => Step::Done(Err(error)),
        }
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<SignedIn> {
        let Some((key, _)) = self.granted.clone() else { return self.end() };
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key }, wait }
    }

    /// Without the lock it is saved all the same: what was given is not thrown away.
    fn save(&mut self, held: Option<Held>) -> Step<SignedIn> {
        self.held = held;
        let Some((key, Granted { login, session })) = self.granted.clone() else { return self.end() };
        self.state = State::Saving;
        // A slot holds the sessions of one login only, so what is replaced there is the same user's. Where the login was
        // known beforehand, what another program stored meanwhile is left all the same.
        let known = self.options.username.as_ref().is_some_and(|asked| same_login(asked.raw(), login.raw()));
        let replaces =
            if self.options.reuse && known { Replaces::Found(self.stored) } else { Replaces::Anything };
        Step::Apply(Change::Save { key, session: Box::new(session), replaces })
    }

    fn unlock(&mut self) -> Step<SignedIn> {
        match self.held.take() {
            Some(held) => {
                self.state = State::Unlocking;
                Step::Close(held)
            }
            None => self.prefer(),
        }
    }

    fn prefer(&mut self) -> Step<SignedIn> {
        let Some((key, Granted { login, .. })) = self.granted.clone() else { return self.end() };
        let entry = SiteEntry {
            key,
            user: Some(login),
            allow_http: self.options.allow_http && self.site.origin().is_exposed(),
            method: self.method,
            pages: self.pages.clone(),
        };
        self.state = State::Preferring;
        Step::Apply(Change::Prefer(entry))
    }

    fn end(&mut self) -> Step<SignedIn> {
        let Some((_, Granted { login, session })) = self.granted.take() else {
            return Step::Done(Err(Error::NotSignedIn));
        };
        let value = SignedIn { login, session, reused: false };
        Step::Done(Ok(Outcome { value, warnings: core::mem::take(&mut self.warnings) }))
    }
}

/// A site that takes no passwords, by the ways that it has.
fn no_passwords(by: SignsIn, info: &SiteInfo) -> Policy {
    if info.app_session { Policy::NoPasswords { by } } else { Policy::NoConsoleWay { by } }
}

impl Asks for Login {
    fn site(&self) -> Key {
        self.site.site_key()
    }

    fn session(&self) -> Result<Key, Error> {
        let named = self.options.username.as_ref().map(|login| self.site.key(login.raw()));
        Ok(named.transpose()?.unwrap_or_else(|| self.site.site_key()))
    }

    fn reuses(&self) -> bool {
        self.options.reuse
    }

    fn replaces(&mut self, stored: Option<Generation>) {
        self.stored = stored;
    }

    fn adopt(&self, _now: Now, session: Session) -> Option<SignedIn> {
        let token = session.tokens.access.as_ref()?;
        if self.refused.as_ref() == Some(token) {
            return None;
        }
        let whose = session.facts.identity.as_ref().map(|identity| identity.id.clone());
        let login = match (whose, self.options.username.clone()) {
            (Some(whose), Some(asked)) => Some(whose).filter(|whose| same_login(asked.raw(), whose.raw())),
            (whose, asked) => whose.or(asked),
        };
        login.filter(|login| !login.is_blank()).map(|login| SignedIn { login, session, reused: true })
    }
}

impl Machine for Login {
    type Output = SignedIn;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        match &self.state {
            State::AppSession(flow) => flow.is_redeeming(),
            state => matches!(state, State::Locking | State::LockBusy | State::Waiting | State::Saving),
        }
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Discovering(discover), event) => return self.discover(now, *discover, event),
            (State::Password(flow), event) => return self.password(now, *flow, event),
            (State::AppSession(flow), event) => return self.app_session(now, *flow, event),
            (_, Event::Cancel | Event::PromptFailed(PromptFault::Cancelled)) => {
                Step::Done(Err(Error::Cancelled))
            }
            (State::New, _) => return self.start(now),
            (State::Looking, Event::Loaded(Loaded::Found(stored))) => {
                self.stored = Some(stored.session.tokens.generation());
                match self.adopt(now, stored.session) {
                    Some(value) => Step::Done(Ok(Outcome::clean(value))),
                    None => return self.begin(now),
                }
            }
            (State::Looking, Event::Loaded(_)) => return self.begin(now),
            (State::Looking, Event::StoreFailed(fault)) => Step::Done(Err(fault.into())),
            (State::Looking, _) => Step::Done(Err(StoreFault::timed_out().into())),
            (State::Warning, _) => return self.tell(now),
            (State::Telling, _) => return self.ask_site(now),
            (State::Choosing(methods), Event::Answer(Answer::Method(index))) => {
                let Some(method) = methods.get(index) else { return Err(Misuse::BadAnswer) };
                return self.sign_in(now, *method);
            }
            (State::Choosing(_), Event::PromptFailed(PromptFault::Cannot(reason))) => {
                Step::Done(Err(reason.into()))
            }
            (State::Choosing(_), Event::TimedOut) => Step::Done(Err(CannotPrompt::Unanswered.into())),
            (State::Choosing(_), _) => return Err(Misuse::BadAnswer),
            (State::Locking | State::Waiting, Event::Opened(held)) => self.save(Some(held)),
            (State::Locking, Event::Busy(holder)) => {
                self.state = State::LockBusy;
                Step::Tell(Notice::Waiting(holder))
            }
            (State::LockBusy, _) => self.lock(State::Waiting, true),
            (State::Locking | State::Waiting, _) => self.save(None),
            (State::Saving, Event::StoreFailed(fault)) => {
                self.warnings.push(Warning::NotSaved(fault));
                self.unlock()
            }
            (State::Saving, Event::TimedOut) => {
                self.warnings.push(Warning::NotSaved(StoreFault::timed_out()));
                self.unlock()
            }
            (State::Saving, Event::Conflict(_)) => {
                self.warnings.push(Warning::NotSaved(StoreFault::superseded()));
                self.unlock()
            }
            (State::Saving, _) => self.unlock(),
            (State::Unlocking, _) => self.prefer(),
            (State::Preferring, Event::StoreFailed(fault)) => {
                self.warnings.push(Warning::NotRemembered(fault));
                self.end()
            }
            (State::Preferring, Event::TimedOut) => {
                self.warnings.push(Warning::NotRemembered(StoreFault::timed_out()));
                self.end()
            }
            (State::Preferring, _) => self.end(),
        })
    }
}

#[cfg(test)]
#[path = "../../tests/shotgun_flow_login.rs"]
mod tests;
