use super::discover::followed;
use crate::error::{Error, Misuse, Peer, Policy, TransportFault, Trouble};
use crate::flow::contract::{Machine, Nested, Pending, nest};
use crate::flow::retry::Attempts;
use crate::flow::shotgun::Discover;
use crate::flow::{Event, Outcome, Step};
use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::seed::Seed;
use crate::shotgun::rpc::{Credentials, Envelope, FaultKind, RpcReply};
use crate::shotgun::{ShotgunSite, SiteInfo, rpc};
use crate::site::Url;
use crate::time::Now;
use crate::wire::{Request, Response};

/// How many redirects are followed.
const HOPS: u8 = 5;

/// One call of a method of a site's API (spec: Shotgun, sections 2.2 to 2.8).
///
/// What the site is must be known before a session token is sent to it, so it is asked first where it is not. Only reads
/// are repeated; a permanent redirect within the site's origin is followed. Renews nothing: see
/// [`Called::has_ended`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Call {
    site: ShotgunSite,
    seed: Seed,
    method: String,
    args: Option<Secret>,
    credentials: Option<Credentials>,
    session_uuid: Option<Foreign>,
    info: Option<SiteInfo>,
    allow_http: bool,
    url: Url,
    hops: u8,
    attempts: Attempts,
    state: State,
    pending: Pending,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    New,
    Discovering(Box<Discover>),
    Sending,
    Pausing,
}

/// What a call came to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Called {
    /// What the site answered, as JSON; or the fault that it answered with.
    pub results: Result<Secret, Error>,
    /// True if the site says that the session has ended: fault 102, or that the claims of a single sign-on have.
    pub has_ended: bool,
    /// What the site is.
    pub info: SiteInfo,
}

impl Call {
    /// A method of a site with its arguments, a JSON value, if it has any; and who calls it.
    pub fn new(
        site: ShotgunSite,
        method: &str,
        args: Option<Secret>,
        credentials: Option<Credentials>,
        seed: Seed,
    ) -> Self {
        let url = site.rpc();
        Self {
            site,
            seed,
            method: method.to_owned(),
            args,
            credentials,
            session_uuid: None,
            info: None,
            allow_http: false,
            url,
            hops: 0,
            attempts: Attempts::default(),
            state: State::New,
            pending: Pending::default(),
        }
    }

    /// The site is known.
    #[must_use]
    pub fn knowing(mut self, info: Option<SiteInfo>) -> Self {
        self.info = info;
        self
    }

    /// Names the session of a person's browser that caused it (`session_uuid`).
    #[must_use]
    pub fn session_uuid(mut self, uuid: Option<Foreign>) -> Self {
        self.session_uuid = uuid;
        self
    }

    /// Lets credentials go over a network in clear.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    fn start(&mut self, now: Now) -> Result<Step<Called>, Misuse> {
        let names = self.credentials.iter().flat_map(Credentials::names);
        if let Err(blank) = Policy::check_names(names) {
            return Ok(Step::Done(Err(blank.into())));
        }
        if self.credentials.is_some() && self.site.origin().is_exposed() && !self.allow_http {
            return Ok(Step::Done(Err(Policy::PlainHttp(self.site.origin().clone()).into())));
        }
        if self.info.is_some() {
            return Ok(self.send());
        }
        self.discover(now, Discover::new(self.site.clone(), self.seed.clone()), Event::Start)
    }

    fn discover(&mut self, now: Now, mut discover: Discover, event: Event) -> Result<Step<Called>, Misuse> {
        Ok(match nest::<_, Called>(&mut discover, now, event)? {
            Nested::Step(step) => {
                self.state = State::Discovering(Box::new(discover));
                step
            }
            Nested::Done(Ok(found)) => {
                self.info = Some(found.value);
                self.send()
            }
            Nested::Done(Err(error)) => Step::Done(Err(error)),
        })
    }

    fn send(&mut self) -> Step<Called> {
        let Some(info) = &self.info else { return Step::Done(Err(Misuse::Unexpected.into())) };
        if let Some(needs) = self.credentials.as_ref().and_then(|credentials| credentials.lacks(info)) {
            return Step::Done(Err(Policy::TooOld { needs }.into()));
        }
        let mut credentials = self.credentials.clone();
        if let Some(Credentials::Session { reject_if_expired, .. }) = &mut credentials {
            *reject_if_expired = info.rejects_expired();
        }
        let envelope = Envelope { credentials, session_uuid: self.session_uuid.clone() };
        self.state = State::Sending;
        let request = rpc::request(&self.site, &self.method, &envelope, self.args.as_ref());
        Step::Send(Request { url: self.url.clone(), ..request })
    }

    fn answered(&mut self, response: &Response) -> Step<Called> {
        if let Some(url) = followed(&self.url, response).filter(|_| self.hops < HOPS) {
            self.hops += 1;
            self.url = url;
            return self.send();
        }
        let has_session = matches!(self.credentials, Some(Credentials::Session { .. }));
        match rpc::read(response) {
            RpcReply::Results(results) => self.end(Ok(results), false),
            RpcReply::ClaimsExpired => {
                let why = Foreign::from("the single sign-on has expired");
                self.end(Err(Error::Expired(why)), has_session)
            }
            RpcReply::Fault(fault) => match fault.kind() {
                FaultKind::Authentication if has_session => {
                    self.end(Err(Error::Expired(fault.message)), true)
                }
                FaultKind::Authentication => self.end(Err(Error::Rejected(fault.message)), false),
                _ => self.end(Err(Peer::Fault { message: fault.message }.into()), false),
            },
            RpcReply::Failed(error) => Step::Done(Err(error)),
        }
    }

    fn end(&mut self, results: Result<Secret, Error>, has_ended: bool) -> Step<Called> {
        match self.info.clone() {
            Some(info) => Step::Done(Ok(Outcome::clean(Called { results, has_ended, info }))),
            None => Step::Done(Err(Misuse::Unexpected.into())),
        }
    }
}

impl Machine for Call {
    type Output = Called;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Called>, Misuse> {
        if let State::Discovering(discover) = self.state.clone() {
            return self.discover(now, *discover, event);
        }
        if self.state == State::Sending
            && rpc::is_read(&self.method)
            && let Some(until) = self.attempts.again(now, &event, &self.seed)
        {
            self.state = State::Pausing;
            return Ok(Step::Wait { until });
        }
        Ok(match (&self.state, event) {
            (_, Event::Cancel) => Step::Done(Err(Error::Cancelled)),
            (State::New, _) => return self.start(now),
            (State::Pausing, _) => self.send(),
            (_, Event::Response(response)) => self.answered(&response),
            (_, Event::Unreachable { fault, .. }) => Step::Done(Err(Trouble::Unreachable(fault).into())),
            _ => Step::Done(Err(Trouble::Unreachable(TransportFault::Timeout).into())),
        })
    }
}

#[cfg(test)]
#[path = "../../tests/shotgun_flow_call.rs"]
mod tests;
