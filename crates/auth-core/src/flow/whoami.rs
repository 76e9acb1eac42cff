use super::contract::{Machine, Nested, Pending, nest};
use super::{Call, Called, Event, Outcome, Renewal, Step, Warning};
use crate::error::{Error, Misuse, Policy, Trouble};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::Session;
use crate::tiled::{Principal, TiledUri, detail, failure, read_whoami, whoami};
use crate::time::Now;
use crate::wire::Response;

/// Asks the server who is signed in, renewing the stored session if need be (spec: Tiled, section 12).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Whoami {
    uri: TiledUri,
    seed: Seed,
    allow_http: bool,
    has_key: bool,
    #[cfg(test)]
    is_bounded: bool,
    renewed: Option<Session>,
    /// What the server is asked with first.
    found: Session,
    warnings: Vec<Warning>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    Renewing(Box<Renewal>),
    Calling(Box<Call>),
}

/// Who is signed in, by the server's own word. If the flow ends with an error instead, the session is as it was.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WhoamiAnswer {
    /// Who; or why that is not known, after the session was renewed.
    pub principal: Result<Principal, Error>,
    /// The session asked with. It may be a newer one, to be kept whatever was answered.
    pub session: Session,
}

impl Whoami {
    /// For the session stored for a server.
    pub fn new(uri: TiledUri, seed: Seed) -> Self {
        let renewal = Renewal::new(uri.clone(), seed.clone());
        Self {
            uri,
            seed,
            allow_http: false,
            has_key: false,
            #[cfg(test)]
            is_bounded: false,
            renewed: None,
            found: Session::default(),
            warnings: Vec::new(),
            state: State::Renewing(Box::new(renewal)),
            pending: Pending::default(),
        }
    }

    /// For an API key.
    pub fn with_key(uri: TiledUri, key: Secret, seed: Seed) -> Self {
        let call = Call::with_key(uri.clone(), whoami(&uri, &Session::default()), key, seed.clone());
        Self { state: State::Calling(Box::new(call)), has_key: true, ..Self::new(uri, seed) }
    }

    /// See [`Discover::allow_http`](super::Discover::allow_http).
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self.state = match self.state {
            State::Renewing(renewal) => State::Renewing(Box::new(renewal.allow_http(allow))),
            State::Calling(call) => State::Calling(Box::new(call.allow_http(allow))),
        };
        self
    }

    /// Its call is [bounded](Call::bounded).
    #[cfg(test)]
    pub(super) fn bounded(mut self) -> Self {
        self.is_bounded = true;
        self
    }

    fn renew(&mut self, now: Now, mut renewal: Renewal, event: Event) -> Result<Step<WhoamiAnswer>, Misuse> {
        match nest::<_, WhoamiAnswer>(&mut renewal, now, event)? {
            Nested::Step(step) => {
                self.state = State::Renewing(Box::new(renewal));
                Ok(step)
            }
            Nested::Done(Ok(Outcome { value, warnings })) => {
                self.warnings.extend(warnings);
                self.renewed = value.fresh.then(|| value.session.clone());
                self.found.clone_from(&value.session);
                let request = whoami(&self.uri, &value.session);
                let call = Call::new(self.uri.clone(), request, value.session, self.seed.clone());
                let call = call.allow_http(self.allow_http);
                #[cfg(test)]
                let call = if self.is_bounded { call.bounded() } else { call };
                // Without an answer that could be used, the refresh token may have been redeemed all the same.
                let unclear = |warning: &Warning| matches!(warning, Warning::NotRenewed(Error::Transient(_)));
                let may_be_spent = self.warnings.iter().any(unclear);
                self.call(now, if may_be_spent { call.without_renewal() } else { call }, Event::Start)
            }
            Nested::Done(Err(error)) => Ok(Step::Done(Err(error))),
        }
    }

    fn call(&mut self, now: Now, mut call: Call, event: Event) -> Result<Step<WhoamiAnswer>, Misuse> {
        Ok(match nest::<_, WhoamiAnswer>(&mut call, now, event)? {
            Nested::Step(step) => {
                self.state = State::Calling(Box::new(call));
                step
            }
            Nested::Done(Ok(Outcome { value: Called { response, session, .. }, warnings })) => {
                self.warnings.extend(warnings);
                self.end(response, session)
            }
            Nested::Done(Err(error)) => match self.renewed.clone() {
                Some(session) => self.end(Err(error), session),
                // Its asker has to know which session is over: the stored one may be another than theirs.
                None if error.ends_session() => self.end(Err(error), self.found.clone()),
                None => Step::Done(Err(error)),
            },
        })
    }

    fn end(&mut self, response: Result<Response, Error>, session: Session) -> Step<WhoamiAnswer> {
        let warnings = core::mem::take(&mut self.warnings);
        let principal = response.and_then(|response| match (response.status(), read_whoami(&response)) {
            (_, Some(principal)) => Ok(principal),
            // A server for one user knows no users, and not this address either.
            (404, None) if self.has_key => Err(Policy::ApiKeyOnly.into()),
            (200, None) => Err(Trouble::Unreadable.into()),
            (401 | 403, None) => Err(Error::Rejected(detail(&response))),
            (_, None) => Err(failure(&response)),
        });
        Step::Done(Ok(Outcome { value: WhoamiAnswer { principal, session }, warnings }))
    }
}

impl Machine for Whoami {
    type Output = WhoamiAnswer;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        match &self.state {
            State::Renewing(renewal) => renewal.is_redeeming(),
            State::Calling(call) => call.is_redeeming(),
        }
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<WhoamiAnswer>, Misuse> {
        match self.state.clone() {
            State::Renewing(renewal) => self.renew(now, *renewal, event),
            State::Calling(call) => self.call(now, *call, event),
        }
    }
}

#[cfg(test)]
#[path = "../tests/whoami.rs"]
mod tests;
