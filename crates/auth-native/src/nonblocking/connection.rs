use core::time::Duration;
use std::fmt;
use std::sync::Arc;

use auth_core::Secret;
use auth_core::flow::{LoggedOut, Warning};
use auth_core::session::Session;
use auth_core::tiled::{SessionEntry, TiledUri};
use auth_core::wire::{Authorization, Request, Response};

use super::engine::Tasks;
use crate::shared::Link;
#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
use crate::shared::Shown;
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

    /// Returns the credential to send in place of one that the server has refused with 401 because it has ended. `None` if
    /// there is no other.
    ///
    /// Uses the stored session if another program has renewed it, else renews the session, and prompts the user if it is
    /// over. The server may refuse a stored token too. This method does not count how often a request was refused: call it
    /// at most twice for each request. If you call it until the server accepts a token, a server that refuses every token
    /// causes one renewal or question for each call.
    ///
    /// # Errors
    ///
    /// - [`NotSignedIn`](crate::error::AuthError::NotSignedIn) if this connection was signed out.
    /// - The error that ended the session, if the user may not be prompted or cannot be.
    /// - What the sign-in failed with, if the user was prompted: [`Cancelled`](crate::error::AuthError::Cancelled) or
    ///   [`Rejected`](crate::error::AuthError::Rejected), for example.
    /// - [`AnotherUser`](crate::error::Policy::AnotherUser) if another user's session is stored for the server now.
    /// - [`Transient`](crate::error::AuthError::Transient) if the server cannot be reached. The stored session is kept.
    pub async fn refused(&self, shown: &Authorization) -> Result<Option<Authorization>, Error> {
        self.link.refused(shown).await
    }

    /// Puts the credential into a request's headers. `None` if there is none to send.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) async fn show(&self, headers: &mut http::HeaderMap) -> Result<Option<Shown>, Error> {
        self.link.show(headers).await
    }

    /// The credential to send a request with again, if the server has refused the one before.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(super) async fn show_another(
        &self,
        shown: &mut Shown,
        status: http::StatusCode,
        headers: &http::HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        self.link.show_another(shown, status.as_u16(), headers).await
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
