use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::flow::Refusals;
use http::{Extensions, Method};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::Connection;
use super::show::is_refused;
use crate::origin::is_at;

/// A middleware for a reqwest client of one's own: shows the connection's credential to its server, and to no other.
///
/// A token that is near its end is renewed before it is shown. One that the server says has ended is renewed once, and
/// the request made once more if it only reads.
///
/// reqwest follows redirects below this, and keeps the credential where only the scheme changes: the client is best
/// built with [`redirect::Policy::none`](reqwest::redirect::Policy::none).
///
/// ```no_run
/// # fn example(connection: auth_native::nonblocking::Connection) -> Result<(), reqwest::Error> {
/// use auth_native::nonblocking::Authorize;
///
/// let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client).with(Authorize::new(connection.into())).build();
/// # Ok(())
/// # }
/// ```
pub struct Authorize(Arc<Connection>);

impl Authorize {
    /// For the server of a connection.
    pub fn new(connection: Arc<Connection>) -> Self {
        Self(connection)
    }
}

#[async_trait]
impl Middleware for Authorize {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if !is_at(self.0.uri().origin(), request.url().as_str()) {
            return next.run(request, extensions).await;
        }
        let again = request.try_clone().filter(|request| request.method() == Method::GET);
        let Some(shown) = self.0.authorize(request.headers_mut()).await.map_err(Error::middleware)? else {
            return next.run(request, extensions).await;
        };
        let (mut shown, mut refusals) = (shown, Refusals::default());
        let mut response = next.clone().run(request, extensions).await?;
        while is_refused(response.status(), response.headers()) {
            let another = self.0.another(&shown, &mut refusals).await.map_err(Error::middleware)?;
            let again = again.as_ref().and_then(Request::try_clone);
            let (Some(another), Some(mut again)) = (another, again) else { break };
            self.0.put(again.headers_mut(), &another);
            response = next.clone().run(again, extensions).await?;
            shown = another;
        }
        Ok(response)
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("connection", &self.0).finish_non_exhaustive()
    }
}
