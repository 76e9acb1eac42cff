use core::time::Duration;

use super::contract::{Machine, Nested, Pending, nest};
use super::{
    Asks, Discover, Discovered, Event, Granted, Held, Outcome, Password, Renewal, Renewed, Resource, Step,
    Warning,
};
use crate::error::{CannotPrompt, Error, Misuse, Peer, Policy, StoreFault, StoreFaultKind};
use crate::foreign::Foreign;
use crate::ports::{Change, Key, Loaded, LockKind, Replaces, SiteEntry};
use crate::question::{Answer, Notice, PromptFault, ProviderQuestion, Question};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::{Generation, Session};
use crate::tiled::{Mode, Provider, TiledUri, confirmation};
use crate::time::Now;

/// How to sign in.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct LoginOptions {
    /// Use a stored session if there is one that can be used or renewed, and ask nobody then.
    pub reuse: bool,
    /// Ask nobody at all: what is missing is an error.
    pub never_ask: bool,
    /// Be nobody where the server lets everybody in and no session is left, unless a name or a provider is given.
    pub anonymous: bool,
    /// The provider to sign in with, by the server's name for it.
    pub provider: Option<Foreign>,
    /// The name to sign in with. A blank one is an error ([`Policy::BlankName`]).
    pub username: Option<Foreign>,
    /// The password, which is presented once. It needs a name.
    pub password: Option<Secret>,
    /// See [`Discover::allow_http`].
    pub allow_http: bool,
}

/// Signs somebody in to a Tiled server: handshake, provider, password, and the session saved
/// (spec: Tiled, sections 2, 4, 5, 9).
///
/// From the moment the server has given tokens until they are saved it cannot be cancelled; a session that cannot be
/// saved is still a session, with a warning.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Login {
    uri: TiledUri,
    seed: Seed,
    options: LoginOptions,
    /// The session that is of no use any more.
    refused: Option<Session>,
    /// How a stored session ended, if it did.
    ended: Option<Error>,
    found: Option<Discovered>,
    /// What was stored when the user was prompted, or was about to be. Only that is replaced by a sign-in that nobody
    /// asked for.
    stored: Option<Generation>,
    provider: Option<Provider>,
    session: Option<Session>,
    held: Option<Held>,
    warnings: Vec<Warning>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    New,
    Reusing(Box<Renewal>),
    Discovering(Box<Discover>),
    /// Noting what a sign-in replaces.
    Looking,
    Choosing,
    Password(Box<Password>),
    Locking,
    /// Telling for whom the lock is waited.
    Telling,
    Waiting,
    Saving,
    Unlocking,
    Preferring,
    Confirming,
}

/// Somebody is signed in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SignedIn {
    /// Where; on `https` if the server has that.
    pub uri: TiledUri,
    /// What they have; no tokens if the server lets everybody in and nobody is signed in.
    pub session: Session,
    /// True if it was stored already, and nobody was asked.
    pub reused: bool,
}

impl Login {
    /// For the server at an address.
    pub fn new(uri: TiledUri, options: LoginOptions, seed: Seed) -> Self {
        Self {
            uri,
            seed,
            options,
            refused: None,
            ended: None,
            found: None,
            stored: None,
            provider: None,
            session: None,
            held: None,
            warnings: Vec::new(),
            state: State::New,
            pending: Pending::default(),
        }
    }

    /// The server has refused this one's access token: it is not used again, whatever it says of its own end.
    #[must_use]
    pub fn refused(mut self, session: &Session) -> Self {
        self.refused = Some(session.clone());
        self
    }

    fn start(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        if let Err(blank) = Policy::check_names(&self.options.username) {
            return Ok(Step::Done(Err(blank.into())));
        }
        if self.options.reuse {
            let renewal =
                Renewal::new(self.uri.clone(), self.seed.clone()).allow_http(self.options.allow_http);
            let renewal = match &self.refused {
                Some(session) => renewal.refused(session),
                None => renewal,
            };
            return self.reuse(now, renewal, Event::Start);
        }
        self.begin(now)
    }

    fn reuse(&mut self, now: Now, mut renewal: Renewal, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match nest::<_, SignedIn>(&mut renewal, now, event)? {
            Nested::Step(step) => {
                self.state = State::Reusing(Box::new(renewal));
                step
            }
            Nested::Done(Ok(Outcome { value: Renewed { session, .. }, .. }))
                if self.other_user(&session).is_some() =>
            {
                let another = self.other_user(&session).map_or(Error::NotSignedIn, Error::from);
                if self.can_ask() {
                    self.ended = Some(another);
                    self.begin(now)?
                } else {
                    Step::Done(Err(another))
                }
            }
            Nested::Done(Ok(Outcome { value: Renewed { session, .. }, warnings })) => {
                let value = SignedIn { uri: self.uri.clone(), session, reused: true };
                Step::Done(Ok(Outcome { value, warnings }))
            }
            Nested::Done(Err(error)) => {
                let signed_out = error.is_signed_out() || error.ends_session();
                if signed_out && (self.can_ask() || self.may_be_nobody()) {
                    self.ended = Some(error);
                    self.begin(now)?
                } else {
                    Step::Done(Err(error))
                }
            }
        })
    }

    fn can_ask(&self) -> bool {
        !self.options.never_ask || self.options.password.is_some()
    }

    /// What is wrong with a stored session if another user than this one is asked for.
    fn other_user(&self, session: &Session) -> Option<Policy> {
        let (asked, got) = (self.options.username.as_ref()?, &session.facts.identity.as_ref()?.id);
        (asked != got).then(|| Policy::SignedInAs { asked: asked.clone(), got: got.clone() })
    }

    fn begin(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        let discover = Discover::new(self.uri.clone(), self.seed.clone()).allow_http(self.options.allow_http);
        self.discover(now, discover, Event::Start)
    }

    fn discover(&mut self, now: Now, mut discover: Discover, event: Event) -> Result<Step<SignedIn>, Misuse> {
        match nest::<_, SignedIn>(&mut discover, now, event)? {
            Nested::Step(step) => {
                self.state = State::Discovering(Box::new(discover));
                Ok(step)
            }
            Nested::Done(Ok(found)) => {
                self.uri = found.value.uri.clone();
                self.found = Some(found.value);
                // Where a question comes first, its governor looks.
                if self.options.reuse && self.options.password.is_some() {
                    self.state = State::Looking;
                    return Ok(Step::Load(self.uri.key()));
                }
                self.choose(now)
            }
            Nested::Done(Err(error)) => Ok(Step::Done(Err(error))),
        }
    }

    fn providers(&self) -> &[Provider] {
        self.found.as_ref().map_or(&[], |found| &found.about.providers)
    }

    fn may_be_nobody(&self) -> bool {
        let LoginOptions { anonymous, provider, username, password, .. } = &self.options;
        *anonymous && provider.is_none() && username.is_none() && password.is_none()
    }

    fn be_nobody(&mut self, found: &Discovered) -> Step<SignedIn> {
        if let Some(error) = self.ended.take().filter(Error::ends_session) {
            self.warnings.push(Warning::Anonymous(error));
        }
        self.session = Some(Session { links: found.about.links.clone(), ..Session::default() });
        self.end()
    }

    fn choose(&mut self, now: Now) -> Result<Step<SignedIn>, Misuse> {
        let open = self.found.clone().filter(|found| !found.about.required && self.may_be_nobody());
        if let Some(found) = open {
            return Ok(self.be_nobody(&found));
        }
        let no_way = self.options.never_ask && self.options.password.is_none();
        if let Some(error) = self.ended.take().filter(|_| no_way) {
            return Ok(Step::Done(Err(error)));
        }
        let names = || self.providers().iter().map(|provider| provider.name.clone()).collect();
        let chosen = match (&self.options.provider, self.providers()) {
            (_, []) => {
                let required = self.found.as_ref().is_some_and(|found| found.about.required);
                let policy = if required { Policy::ApiKeyOnly } else { Policy::NobodyToSignIn };
                return Ok(Step::Done(Err(policy.into())));
            }
            (Some(asked), providers) => {
                let Some(provider) = providers.iter().find(|provider| provider.name == *asked) else {
                    let error = Policy::NoSuchProvider { asked: asked.clone(), offered: names() };
                    return Ok(Step::Done(Err(error.into())));
                };
                provider.clone()
            }
            (None, [only]) => only.clone(),
            (None, _) if self.options.never_ask => {
                return Ok(Step::Done(Err(CannotPrompt::NotAllowed.into())));
            }
            (None, _) => {
                let question = ProviderQuestion { origin: self.uri.origin().clone(), providers: names() };
                self.state = State::Choosing;
                return Ok(Step::Ask(Question::Provider(question)));
            }
        };
        self.sign_in(now, chosen)
    }

    fn sign_in(&mut self, now: Now, provider: Provider) -> Result<Step<SignedIn>, Misuse> {
        let endpoint = match &provider.mode {
            Mode::Password(endpoint) => endpoint.clone(),
            Mode::External => {
                return Ok(Step::Done(Err(Policy::NotSupported { provider: provider.name }.into())));
            }
            Mode::Unknown(mode) => {
                let error = Peer::UnknownMode { provider: provider.name, mode: mode.clone() };
                return Ok(Step::Done(Err(error.into())));
            }
        };
        let can_present = self.options.password.is_some() && self.options.username.is_some();
        if self.options.never_ask && !can_present {
            return Ok(Step::Done(Err(CannotPrompt::NotAllowed.into())));
        }
        let password = Password::new(endpoint, provider.name.clone(), self.options.username.clone())
            .given(self.options.password.take());
        self.provider = Some(provider);
        self.password(now, password, Event::Start)
    }

    fn password(&mut self, now: Now, mut password: Password, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match nest::<_, SignedIn>(&mut password, now, event)? {
            Nested::Step(step) => {
                self.state = State::Password(Box::new(password));
                step
            }
            Nested::Done(Ok(Outcome { value: Granted { mut session }, warnings })) => {
                if let Some(found) = &self.found {
                    session.links = found.about.links.clone();
                }
                self.session = Some(session);
                self.warnings.extend(warnings);
                self.lock(State::Locking, false)
            }
            Nested::Done(Err(error)) => Step::Done(Err(error)),
        })
    }

    fn lock(&mut self, state: State, wait: bool) -> Step<SignedIn> {
        self.state = state;
        Step::Open { what: Resource::Lock { kind: LockKind::Renewal, key: self.uri.key() }, wait }
    }

    /// The lock keeps a renewal of the session before this one from being saved after it. Without the lock it is
    /// saved all the same: what was given is not thrown away.
    fn save(&mut self, held: Option<Held>) -> Step<SignedIn> {
        self.held = held;
        self.state = State::Saving;
        Step::Apply(Change::Save {
            key: self.uri.key(),
            session: Box::new(self.session.clone().unwrap_or_default()),
            replaces: if self.options.reuse { Replaces::Found(self.stored) } else { Replaces::Anything },
        })
    }

    fn unlock(&mut self) -> Step<SignedIn> {
        match self.held.take() {
            Some(held) => {
                self.state = State::Unlocking;
                Step::Close(held)
            }
            None => self.after_saving(),
        }
    }

    /// Where another program's session was left in place, the list of sites keeps its user, too.
    fn after_saving(&mut self) -> Step<SignedIn> {
        let is_superseded = |warning: &Warning| {
            matches!(warning, Warning::NotSaved(StoreFault { kind: StoreFaultKind::Superseded, .. }))
        };
        if self.warnings.iter().any(is_superseded) { self.confirm() } else { self.prefer() }
    }

    fn prefer(&mut self) -> Step<SignedIn> {
        self.state = State::Preferring;
        let allow_http = self.options.allow_http && self.uri.origin().is_exposed();
        let entry =
            SiteEntry { key: self.uri.key(), user: self.user(), allow_http, method: None, pages: None };
        Step::Apply(Change::Prefer(entry))
    }

    fn user(&self) -> Option<Foreign> {
        let told = self.session.as_ref()?.facts.identity.as_ref().map(|identity| identity.id.clone());
        told.or_else(|| self.options.username.clone())
    }

    fn confirm(&mut self) -> Step<SignedIn> {
        let message =
            self.provider.as_ref().map(|provider| provider.confirmation.clone()).unwrap_or_default();
        if message.is_empty() {
            return self.end();
        }
        self.state = State::Confirming;
        Step::Tell(Notice::Confirmation(confirmation(&message, &self.user().unwrap_or_default())))
    }

    fn end(&mut self) -> Step<SignedIn> {
        let session = self.session.take().unwrap_or_default();
        let value = SignedIn { uri: self.uri.clone(), session, reused: false };
        Step::Done(Ok(Outcome { value, warnings: core::mem::take(&mut self.warnings) }))
    }
}

impl Asks for Login {
    fn site(&self) -> Key {
        self.uri.key()
    }

    fn session(&self) -> Result<Key, Error> {
        Ok(self.uri.key())
    }

    fn reuses(&self) -> bool {
        self.options.reuse
    }

    fn replaces(&mut self, stored: Option<Generation>) {
        self.stored = stored;
    }

    fn adopt(&self, now: Now, session: Session) -> Option<SignedIn> {
        let token = |session: &Session| session.tokens.access.clone();
        let is_refused = self.refused.as_ref().is_some_and(|refused| token(refused) == token(&session));
        let lasts = session.lasts(now, Duration::ZERO) && !is_refused && self.other_user(&session).is_none();
        lasts.then(|| SignedIn { uri: self.uri.clone(), session, reused: true })
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
            State::Reusing(renewal) => renewal.is_redeeming(),
            State::Locking | State::Telling | State::Waiting | State::Saving => true,
            _ => false,
        }
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<SignedIn>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Reusing(renewal), event) => return self.reuse(now, *renewal, event),
            (State::Discovering(discover), event) => return self.discover(now, *discover, event),
            (State::Password(password), event) => return self.password(now, *password, event),
            (_, Event::Cancel) => Step::Done(Err(Error::Cancelled)),
            (State::New, _) => return self.start(now),
            (State::Looking, event) => {
                if let Event::Loaded(Loaded::Found(stored)) = event {
                    self.stored = Some(stored.session.tokens.generation());
                }
                return self.choose(now);
            }
            (State::Choosing, Event::Answer(Answer::Provider(index))) => {
                let Some(provider) = self.providers().get(index).cloned() else {
                    return Err(Misuse::BadAnswer);
                };
                return self.sign_in(now, provider);
            }
            (State::Choosing, Event::PromptFailed(PromptFault::Cancelled)) => {
                Step::Done(Err(Error::Cancelled))
            }
            (State::Choosing, Event::PromptFailed(PromptFault::Cannot(reason))) => {
                Step::Done(Err(reason.into()))
            }
            (State::Choosing, Event::TimedOut) => Step::Done(Err(CannotPrompt::Unanswered.into())),
            (State::Choosing, _) => return Err(Misuse::BadAnswer),
            (State::Locking | State::Waiting, Event::Opened(held)) => self.save(Some(held)),
            (State::Locking, Event::Busy(holder)) => {
                self.state = State::Telling;
                Step::Tell(Notice::Waiting(holder))
            }
            (State::Telling, _) => self.lock(State::Waiting, true),
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
            (State::Unlocking, _) => self.after_saving(),
            (State::Preferring, Event::StoreFailed(fault)) => {
                self.warnings.push(Warning::NotRemembered(fault));
                self.confirm()
            }
            (State::Preferring, Event::TimedOut) => {
                self.warnings.push(Warning::NotRemembered(StoreFault::timed_out()));
                self.confirm()
            }
            (State::Preferring, _) => self.confirm(),
            (State::Confirming, _) => self.end(),
        })
    }
}

#[cfg(test)]
#[path = "../tests/login.rs"]
mod tests;
