use auth_core::flow::Refusals;
use auth_core::tiled::has_ended;
use auth_core::wire::Authorization;
use http::header::{HeaderMap, WWW_AUTHENTICATE};

use super::{Engine, Link};
use crate::Error;

/// The credential that a client of its own has sent with a request, and what is known of its refusals.
pub(crate) struct Shown {
    credential: Authorization,
    refusals: Refusals,
    /// How often the user had signed in again when the request began.
    given: u64,
}

impl<E: Engine> Link<E> {
    /// Puts the credential into a request's headers. `None` if there is none to send.
    pub(crate) async fn show(&self, headers: &mut HeaderMap) -> Result<Option<Shown>, Error> {
        let given = self.given();
        let credential = self.authorize(headers).await?;
        Ok(credential.map(|credential| Shown { credential, refusals: Refusals::default(), given }))
    }

    /// The credential to send a request with again, if the server has refused the one before. It is got even for a
    /// request that is not sent again: the next one needs it.
    pub(crate) async fn show_another(
        &self,
        shown: &mut Shown,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        let challenge = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        if !has_ended(status, challenge) {
            return Ok(None);
        }
        let other = self.instead_of(&shown.credential, &mut shown.refusals, shown.given).await?;
        if let Some(other) = &other {
            shown.credential = other.clone();
        }
        Ok(other)
    }
}
