use core::time::Duration;
use std::fmt;
use std::sync::Arc;

use auth_core::Secret;
use auth_core::flow::{LoggedOut, Refusals, Warning};
use auth_core::session::Session;
use auth_core::tiled::{SessionEntry, TiledUri};
use auth_core::wire::{Authorization, Request, Response};

use super::engine::Tasks;
use crate::shared::Link;
use crate::{Access, Error, SessionEvent, Subscription, User};

/// Somebody signed in to a server, bound to its origin: made by [`Authenticator::connect`](super::Authenticator::connect).
/// One serves any number of tasks.
///
/// The session is renewed when it has to be, and the renewed one is stored for all programs that share the store. If
/// it cannot be stored, it is kept for as long as this connection lives, and [`warnings`](Self::warnings) says so. If it
/// is over, the person who was signed in is asked again, unless the program asks nobody.
///
/// When another user signs in to the same site meanwhile, this connection answers
/// [`AnotherUser`](crate::error::Policy::AnotherUser) as soon as its own session would have to be renewed.
pub struct Connection {
    link: Arc<Link<Tasks>>,
}

impl Connection {
    pub(super) fn new(link: Arc<Link<Tasks>>) -> Self {
        Self { link }
    }

    /// The server.
    pub fn uri(&self) -> &TiledUri {
        &self.link.place.uri
    }

    /// What it shows to be let in.
    pub fn access(&self) -> Access {
        self.link.access()
    }

    /// The session as it is now; an empty one if there is none.
    pub fn session(&self) -> Session {
        self.link.session()
    }

    /// What went wrong so far and did not matter enough to fail; each is given once.
    pub fn warnings(&self) -> Vec<Warning> {
        self.link.warnings()
    }

    /// Calls `told` whenever the session changes, needs a person or has ended, on whatever task that is noticed,
    /// until the subscription is dropped. It must not keep its caller waiting.
    pub fn subscribe(&self, told: impl Fn(&SessionEvent) + Send + Sync + 'static) -> Subscription {
        self.link.subscribers.add(Arc::new(told))
    }

    /// Asks the server who is signed in.
    pub async fn whoami(&self) -> Result<User, Error> {
        self.link.whoami().await
    }

    /// Reads something from the server: a path below the API's root, with a query or without, as in
    /// `metadata/raw/scan_1?fields=metadata`. The answer is handed over whatever its status.
    ///
    /// A session that has ended is renewed once, and the request made once more (RFC 6750 section 3.1).
    pub async fn get(&self, path: &str) -> Result<Response, Error> {
        self.link.get(path).await
    }

    /// Makes a request with the credential, whatever else it carries. It goes to this server's origin whatever its
    /// address says. One that does more than read is made once.
    pub async fn call(&self, request: Request) -> Result<Response, Error> {
        self.link.call(request).await
    }

    /// An access token that lasts at least this long, if one renewal can bring that about; without a wish, longer than
    /// the session's [`margin`](Session::margin).
    pub async fn token(&self, min_validity: Option<Duration>) -> Result<Secret, Error> {
        self.link.token(min_validity).await
    }

    /// What to show to this server now, for a client of one's own: its [header](Authorization::header), or on a
    /// WebSocket its [first message](Authorization::first_message). `None` for nobody. It is good for this connection's [origin](TiledUri::origin) only.
    ///
    /// ```no_run
    /// # use auth_native::{Authorization, Error};
    /// # async fn example(connection: &auth_native::nonblocking::Connection) -> Result<(), Error> {
    /// let header = connection.authorization().await?.map(|shown| shown.header());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authorization(&self) -> Result<Option<Authorization>, Error> {
        self.link.authorization().await
    }

    /// Puts what [`authorization`](Self::authorization) gives into a request's headers, in place of any other, and says
    /// what that was. The header is made once for each token, and not for each request.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
    pub async fn authorize(&self, headers: &mut http::HeaderMap) -> Result<Option<Authorization>, Error> {
        self.link.authorize(headers).await
    }

    /// Puts this into a request's headers.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) fn put(&self, headers: &mut http::HeaderMap, shown: &Authorization) {
        self.link.put(headers, shown);
    }

    /// What to show in place of something that the server has refused with 401 because it has ended: the session is
    /// renewed once, or the person asked if it is over. `None` if there is nothing else to show.
    ///
    /// What another program has stored is given first. Where the server refuses that too, this can be called once more.
    pub async fn refused(&self, shown: &Authorization) -> Result<Option<Authorization>, Error> {
        self.link.refused(shown, &mut Refusals::default()).await
    }

    /// The same for a request that may have been refused before.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) async fn another(
        &self,
        shown: &Authorization,
        refusals: &mut Refusals,
    ) -> Result<Option<Authorization>, Error> {
        self.link.refused(shown, refusals).await
    }

    /// Where the account is signed in, and was until lately, by the server's own word.
    pub async fn sessions(&self) -> Result<Vec<SessionEntry>, Error> {
        self.link.sessions().await
    }

    /// Ends one of the account's [`sessions`](Self::sessions) on the server, by its name. What is stored is not touched.
    pub async fn revoke_session(&self, uuid: &str) -> Result<(), Error> {
        self.link.revoke_session(uuid).await
    }

    /// Ends the session as [`Authenticator::logout`](super::Authenticator::logout) does.
    pub async fn logout(&self) -> Result<LoggedOut, Error> {
        self.link.logout().await
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("uri", self.uri()).finish_non_exhaustive()
    }
}
