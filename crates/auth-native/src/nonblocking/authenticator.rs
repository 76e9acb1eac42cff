use core::time::Duration;
use std::fmt;

use auth_core::Secret;
use auth_core::flow::{Discovered, LoggedOut, LoginOptions, Outcome, Renewed, SignedIn};
use auth_core::ports::SiteEntry;

use super::engine::Tasks;
use super::{Builder, Connection};
use crate::shared::{Engine as _, Shared};
use crate::{Error, Status, User};

/// Signs in to Tiled servers, and keeps, renews and ends the sessions, on a tokio runtime whose timer is enabled.
///
/// Its futures can be dropped at any time; a flow that has redeemed a token goes on until what it was given is saved, as
/// long as the runtime lives.
///
/// A server is named by its address, whatever part of it is at hand: `http://127.0.0.1:8000`, its API's address, or
/// that of something inside it. Only connecting takes an address with an API key in it.
///
/// Each method that needs the network or a person can be stopped by [`Builder::cancel`]. What went wrong on the way
/// and did not matter enough to fail is in [`Outcome::warnings`].
#[derive(Clone)]
pub struct Authenticator {
    pub(super) shared: Shared<Tasks>,
}

impl Authenticator {
    /// Starts putting one together.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Signs in: with the stored session if there is one that can be used or renewed, else by asking. Where the server
    /// lets everybody in nobody is asked, and the connection is nobody's: see [`Connection::access`].
    ///
    /// An API key goes before all that: the one in the address, or that of `TILED_API_KEY`, which goes to the first site
    /// that is connected to and to no other (spec: Tiled, section 10).
    pub async fn connect(&self, url: &str) -> Result<Connection, Error> {
        let options = LoginOptions { reuse: true, anonymous: true, ..LoginOptions::default() };
        self.connect_with(url, options).await
    }

    /// The same in another way than by default.
    pub async fn connect_with(&self, url: &str, options: LoginOptions) -> Result<Connection, Error> {
        Ok(Connection::new(self.shared.connect(url, None, options).await?))
    }

    /// With an API key. The server is asked what it is, and not yet whether it takes the key.
    pub async fn connect_with_key(&self, url: &str, key: Secret) -> Result<Connection, Error> {
        let options = LoginOptions::default();
        Ok(Connection::new(self.shared.connect(url, Some(key), options).await?))
    }

    /// Signs somebody in, saves the session and makes the site the one meant when none is named. Asks even if
    /// somebody is signed in already, unless [`LoginOptions::reuse`] is set.
    pub async fn login(&self, url: &str, options: LoginOptions) -> Result<Outcome<SignedIn>, Error> {
        self.shared.login(url, options).await
    }

    /// A session whose access token lasts at least this long, if one renewal can bring that about; without a wish,
    /// longer than its [`margin`](crate::Session::margin). The stored one if it is good, else a renewed one; nobody
    /// is asked.
    pub async fn token(&self, url: &str, min_validity: Option<Duration>) -> Result<Outcome<Renewed>, Error> {
        self.shared.token(url, min_validity).await
    }

    /// Asks the server who is signed in, renewing the session if need be.
    pub async fn whoami(&self, url: &str) -> Result<Outcome<User>, Error> {
        self.shared.whoami(url).await
    }

    /// Ends the session on the server and removes it here. It is removed here whatever the server says; what the
    /// server said is the outcome. The site stays in the list, so that no other one takes its place unnoticed;
    /// [`forget`](Self::forget) strikes it off.
    ///
    /// A session on a server whose traffic is not encrypted, where that was not allowed, is removed here and not
    /// revoked there.
    pub async fn logout(&self, url: &str) -> Result<LoggedOut, Error> {
        self.shared.logout(url).await
    }

    /// What is stored for a site. Asks neither the server nor a person.
    pub async fn status(&self, url: &str) -> Result<Status, Error> {
        self.shared.status(url).await
    }

    /// The sites somebody signed in to, the one signed in to last first: the one meant when none is named.
    pub async fn sites(&self) -> Result<Vec<SiteEntry>, Error> {
        self.shared.sites().await
    }

    /// Waits until no session is being saved and no question lingers, at most for `limit`. Returns whether that was
    /// reached.
    ///
    /// A question that no caller waits for any more is taken back, and its prompt restores the terminal. Call this
    /// before the program ends. See also `blocking::Authenticator::finish`.
    pub async fn finish(&self, limit: Duration) -> bool {
        let underway = self.shared.engine.underway().clone();
        auth_http::nonblocking::aside(move || underway.finish(limit)).await.unwrap_or(false)
    }

    /// Strikes a site off the list. Its session is not touched.
    pub async fn forget(&self, url: &str) -> Result<(), Error> {
        self.shared.forget(url).await
    }

    /// Asks a server what it is and how one signs in to it. No credential is sent.
    pub async fn discover(&self, url: &str) -> Result<Outcome<Discovered>, Error> {
        self.shared.discover(url).await
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("never_ask", &self.shared.settings.never_ask)
            .field("allow_http", &self.shared.settings.allow_http)
            .finish_non_exhaustive()
    }
}
