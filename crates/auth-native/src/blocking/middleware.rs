use std::fmt;
use std::sync::Arc;

use auth_core::wire::Authorization;
use ureq::http::{HeaderMap, Method, Request, Response, Uri};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::{Agent, Body, SendBody};

use super::Connection;
use crate::origin::is_at;

/// A middleware for a ureq client of one's own: shows the connection's credential to its server, and to no other.
///
/// A token that is near its end is renewed before it is shown. One that the server says has ended is renewed too; the
/// request is made again, twice at most, if it only reads and there is an agent for that. Both agents must hand over answers of every
/// status, with `http_status_as_error(false)`: otherwise ureq ends a refused request before this sees it.
///
/// ```no_run
/// # fn example(connection: auth_native::blocking::Connection) -> Result<(), ureq::Error> {
/// use auth_native::blocking::Authorize;
/// use ureq::{Agent, config::Config};
///
/// let config = || Config::builder().http_status_as_error(false).max_redirects(0);
/// let authorize = Authorize::new(connection.into()).replaying_with(config().build().into());
/// let agent: Agent = config().middleware(authorize).build().into();
/// agent.get("http://127.0.0.1:8000/api/v1/metadata/").call()?;
/// # Ok(())
/// # }
/// ```
pub struct Authorize {
    connection: Arc<Connection>,
    again: Option<Agent>,
}

impl Authorize {
    /// For the server of a connection.
    pub fn new(connection: Arc<Connection>) -> Self {
        Self { connection, again: None }
    }

    /// Makes a refused read again with this agent, set up as the one that this is for, but without this.
    #[must_use]
    pub fn replaying_with(self, agent: Agent) -> Self {
        Self { again: Some(agent), ..self }
    }
}

impl Middleware for Authorize {
    fn handle(
        &self,
        mut request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        if !is_at(self.connection.uri().origin(), &request.uri().to_string()) {
            return next.handle(request);
        }
        let head = Head::of(&request);
        let Some(mut shown) = self.connection.show(request.headers_mut()).map_err(other)? else {
            return next.handle(request);
        };
        let mut response = next.handle(request)?;
        while let Some(another) =
            self.connection.show_another(&mut shown, response.status(), response.headers()).map_err(other)?
        {
            let (Some(head), Some(agent)) = (&head, &self.again) else { break };
            response = agent.run(head.shown(&self.connection, &another)?)?;
        }
        Ok(response)
    }
}

/// What a request that only reads is made of.
struct Head {
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn of(request: &Request<SendBody<'_>>) -> Option<Self> {
        let reads = request.method() == Method::GET;
        reads.then(|| Self { uri: request.uri().clone(), headers: request.headers().clone() })
    }

    fn shown(&self, connection: &Connection, other: &Authorization) -> Result<Request<()>, ureq::Error> {
        let mut request = Request::get(self.uri.clone()).body(())?;
        request.headers_mut().clone_from(&self.headers);
        connection.put(request.headers_mut(), other);
        Ok(request)
    }
}

fn other(error: crate::Error) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("connection", &self.connection).finish_non_exhaustive()
    }
}
