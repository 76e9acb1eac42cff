use core::time::Duration;
use std::fmt;
use std::sync::Arc;

use auth_core::Secret;
use auth_core::flow::{LoggedOut, Warning};
use auth_core::session::Session;
use auth_core::tiled::{SessionEntry, TiledUri};
use auth_core::wire::{Authorization, Request, Response};
use auth_http::wait_for;

use super::engine::Threads;
use crate::shared::Link;
#[cfg(feature = "ureq")]
use crate::shared::Shown;
use crate::{Access, Error, SessionEvent, Subscription, User};

/// How long a renewal that is under way may take to be sent, answered and saved.
const LAST_RENEWAL: Duration = Duration::from_secs(20);

/// Somebody signed in to a server, bound to its origin: made by [`Authenticator::connect`](super::Authenticator::connect).
/// One serves any number of threads.
///
/// The session is renewed when it has to be, and the renewed one is stored for all programs that share the store. If
/// it cannot be stored, it is kept for as long as this connection lives, and [`warnings`](Self::warnings) says so. If it
/// is over, the person who was signed in is asked again, unless the program asks nobody.
///
/// When another user signs in to the same site meanwhile, this connection answers
/// [`AnotherUser`](crate::error::Policy::AnotherUser) as soon as its own session would have to be renewed.
pub struct Connection {
    link: Arc<Link<Threads>>,
}

impl Connection {
    pub(super) fn new(link: Arc<Link<Threads>>) -> Self {
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

    /// Calls `told` whenever the session changes, needs a person or has ended, on whatever thread that is noticed,
    /// until the subscription is dropped. It must not keep its caller waiting.
    pub fn subscribe(&self, told: impl Fn(&SessionEvent) + Send + Sync + 'static) -> Subscription {
        self.link.subscribers.add(Arc::new(told))
    }

    /// Asks the server who is signed in.
    pub fn whoami(&self) -> Result<User, Error> {
        wait_for(self.link.whoami())
    }

    /// Reads something from the server: a path below the API's root, with a query or without, as in
    /// `metadata/raw/scan_1?fields=metadata`. The answer is handed over whatever its status.
    ///
    /// A session that has ended is renewed once, and the request made once more (RFC 6750 section 3.1).
    pub fn get(&self, path: &str) -> Result<Response, Error> {
        wait_for(self.link.get(path))
    }

    /// Makes a request with the credential, whatever else it carries. It goes to this server's origin whatever its
    /// address says. One that does more than read is made once.
    pub fn call(&self, request: Request) -> Result<Response, Error> {
        wait_for(self.link.call(request))
    }

    /// An access token that lasts at least this long, if one renewal can bring that about; without a wish, longer than
    /// the session's [`margin`](Session::margin).
    pub fn token(&self, min_validity: Option<Duration>) -> Result<Secret, Error> {
        wait_for(self.link.token(min_validity))
    }

    /// What to show to this server now, for a client of one's own: its [header](Authorization::header), or on a
    /// WebSocket its [first message](Authorization::first_message). `None` for nobody. It is good for this connection's [origin](TiledUri::origin) only.
    ///
    /// ```no_run
    /// # use auth_native::{Authorization, Error};
    /// # fn example(connection: &auth_native::blocking::Connection) -> Result<(), Error> {
    /// let header = connection.authorization()?.map(|shown| shown.header());
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorization(&self) -> Result<Option<Authorization>, Error> {
        wait_for(self.link.authorization())
    }

    /// Puts what [`authorization`](Self::authorization) gives into a request's headers, in place of any other, and says
    /// what that was. The header is made once for each token, and not for each request.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
    pub fn authorize(&self, headers: &mut http::HeaderMap) -> Result<Option<Authorization>, Error> {
        wait_for(self.link.authorize(headers))
    }

    /// Puts this into a request's headers.
    #[cfg(feature = "ureq")]
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
    pub fn refused(&self, shown: &Authorization) -> Result<Option<Authorization>, Error> {
        wait_for(self.link.refused(shown))
    }

    /// Puts the credential into a request's headers. `None` if there is none to send.
    #[cfg(feature = "ureq")]
    pub(super) fn show(&self, headers: &mut http::HeaderMap) -> Result<Option<Shown>, Error> {
        wait_for(self.link.show(headers))
    }

    /// The credential to send a request with again, if the server has refused the one before.
    #[cfg(feature = "ureq")]
    pub(super) fn show_another(
        &self,
        shown: &mut Shown,
        status: http::StatusCode,
        headers: &http::HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        wait_for(self.link.show_another(shown, status.as_u16(), headers))
    }

    /// Where the account is signed in, and was until lately, by the server's own word.
    pub fn sessions(&self) -> Result<Vec<SessionEntry>, Error> {
        wait_for(self.link.sessions())
    }

    /// Ends one of the account's [`sessions`](Self::sessions) on the server, by its name. What is stored is not touched.
    pub fn revoke_session(&self, uuid: &str) -> Result<(), Error> {
        wait_for(self.link.revoke_session(uuid))
    }

    /// Ends the session as [`Authenticator::logout`](super::Authenticator::logout) does.
    pub fn logout(&self) -> Result<LoggedOut, Error> {
        wait_for(self.link.logout())
    }
}

impl Drop for Connection {
    /// What is being redeemed in the background would be lost if the program ended now.
    fn drop(&mut self) {
        self.link.ahead.finish(LAST_RENEWAL);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("uri", self.uri()).finish_non_exhaustive()
    }
}
