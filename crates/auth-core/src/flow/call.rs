use super::contract::{Machine, Nested, Pending, nest};
use super::retry::Attempts;
use super::{Event, Outcome, Refusals, Renewal, Step, Warning};
use crate::error::{Error, Misuse, Policy, TransportFault, Trouble};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::Session;
use crate::tiled::{TiledUri, detail};
use crate::time::{Now, Tick};
use crate::wire::{Authorization, Method, Request, Response};

/// One request with a session's access token. If the server says that the token has ended, the session is renewed
/// once and the request, if it only reads, is made once more (RFC 6750 section 3.1; spec: Tiled, section 8). A token that
/// another program has stored is tried before the renewal.
///
/// A missing permission, 403 and 429 are answers like any other and renew nothing; so is every answer to an API key,
/// or to nobody.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Call {
    uri: TiledUri,
    seed: Seed,
    request: Request,
    session: Session,
    key: Option<Secret>,
    allow_http: bool,
    renews: bool,
    refusals: Refusals,
    has_new_session: bool,
    has_ended: bool,
    attempts: Attempts,
    warnings: Vec<Warning>,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    Sending,
    Pausing,
    Renewing(Box<Renewal>),
}

/// What a request came to. If the flow ends with an error instead, the session is as it was.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Called {
    /// What the server answered at last, whatever its status; or why it did not, after the session was renewed.
    pub response: Result<Response, Error>,
    /// The session it was asked with. It may be a newer one, to be kept whatever the response.
    pub session: Session,
    /// True if the server says that the session's token has ended, and another one would be worth a try: of a read that
    /// was to renew nothing.
    pub has_ended: bool,
}

impl Call {
    /// A request to a server, without a credential, and the session to ask with.
    ///
    /// The token goes to the server's own origin whatever the request says (N3).
    pub fn new(uri: TiledUri, request: Request, session: Session, seed: Seed) -> Self {
        let request = Request { url: request.url.on(uri.origin()), ..request };
        Self {
            uri,
            seed,
            request,
            session,
            key: None,
            allow_http: false,
            renews: true,
            refusals: Refusals::default(),
            has_new_session: false,
            has_ended: false,
            attempts: Attempts::default(),
            warnings: Vec::new(),
            state: State::Sending,
            pending: Pending::default(),
        }
    }

    /// The same with an API key in place of a session; the session it comes back with is empty.
    pub fn with_key(uri: TiledUri, request: Request, key: Secret, seed: Seed) -> Self {
        Self { key: Some(key), ..Self::new(uri, request, Session::default(), seed) }
    }

    /// See [`Discover::allow_http`](super::Discover::allow_http).
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// A refused token is not renewed: somebody else does that, or what it would be renewed with may have been sent
    /// already.
    #[must_use]
    pub fn without_renewal(mut self) -> Self {
        self.renews = false;
        self
    }

    /// The same as if a token that was found had been refused already.
    #[cfg(test)]
    pub(super) fn bounded(mut self) -> Self {
        self.refusals.note(false);
        self
    }

    fn send(&mut self) -> Step<Called> {
        self.state = State::Sending;
        let request = self.request.clone();
        Step::Send(match (&self.key, &self.session.tokens.access) {
            (Some(key), _) => request.authorized(Authorization::ApiKey(key.clone())),
            (None, Some(token)) => request.authorized(Authorization::Bearer(token.clone())),
            (None, None) => Request { authorization: None, ..request },
        })
    }

    fn reads(&self) -> bool {
        self.request.method == Method::Get
    }

    fn answered(&mut self, now: Now, response: Response) -> Result<Step<Called>, Misuse> {
        if self.reads()
            && let Some(until) = self.attempts.again(now, &Event::Response(response.clone()), &self.seed)
        {
            return Ok(self.pause(until));
        }
        let has_session = self.key.is_none() && !self.session.tokens.is_empty();
        let has_ended = has_session && self.reads() && has_ended(&response);
        if has_ended && self.renews && self.refusals.allow_another() {
            let renewal = Renewal::new(self.uri.clone(), self.seed.clone())
                .refused(&self.session)
                .allow_http(self.allow_http);
            return self.renew(now, renewal, Event::Start);
        }
        self.has_ended = has_ended && !self.has_new_session;
        Ok(self.end(Ok(response)))
    }

    fn end(&mut self, response: Result<Response, Error>) -> Step<Called> {
        match (response, self.has_new_session) {
            (Err(error), false) => Step::Done(Err(error)),
            (response, _) => {
                let value = Called { response, session: self.session.clone(), has_ended: self.has_ended };
                Step::Done(Ok(Outcome { value, warnings: core::mem::take(&mut self.warnings) }))
            }
        }
    }

    fn pause(&mut self, until: Tick) -> Step<Called> {
        self.state = State::Pausing;
        Step::Wait { until }
    }

    fn renew(&mut self, now: Now, mut renewal: Renewal, event: Event) -> Result<Step<Called>, Misuse> {
        Ok(match nest::<_, Called>(&mut renewal, now, event)? {
            Nested::Step(step) => {
                self.state = State::Renewing(Box::new(renewal));
                step
            }
            Nested::Done(Ok(renewed)) => {
                self.refusals.note(renewed.value.fresh);
                self.session = renewed.value.session;
                self.has_new_session = true;
                self.warnings.extend(renewed.warnings);
                self.send()
            }
            Nested::Done(Err(error)) => self.end(Err(error)),
        })
    }
}

/// True if a 401 speaks of the token, not of what it allows: a missing permission is a 401 too.
fn has_ended(response: &Response) -> bool {
    response.status() == 401 && !detail(response).raw().contains("Not enough permissions")
}

impl Machine for Call {
    type Output = Called;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        matches!(&self.state, State::Renewing(renewal) if renewal.is_redeeming())
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Called>, Misuse> {
        Ok(match (self.state.clone(), event) {
            (State::Renewing(renewal), event) => return self.renew(now, *renewal, event),
            (_, Event::Cancel) => self.end(Err(Error::Cancelled)),
            (State::Sending, Event::Start) if self.uri.origin().is_exposed() && !self.allow_http => {
                Step::Done(Err(Policy::PlainHttp(self.uri.origin().clone()).into()))
            }
            (State::Sending, Event::Start) | (State::Pausing, _) => self.send(),
            (State::Sending, Event::Response(response)) => return self.answered(now, response),
            (State::Sending, event) => {
                let fault = match event {
                    Event::Unreachable { fault, .. } => fault,
                    _ => TransportFault::Timeout,
                };
                let again = self.reads().then(|| self.attempts.again(now, &event, &self.seed)).flatten();
                match again {
                    Some(until) => self.pause(until),
                    None => self.end(Err(Trouble::Unreachable(fault).into())),
                }
            }
        })
    }
}

#[cfg(test)]
#[path = "../tests/call.rs"]
mod tests;
