use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::{Extensions, Method};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::Connection;
use crate::origin::is_at;

/// A middleware for a reqwest client of one's own: shows the connection's credential to its server, and to no other.
///
/// A token that is near its end is renewed before it is shown. One that the server says has ended is renewed once, and
/// the request made again, twice at most, if it only reads.
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
        let Some(mut shown) = self.0.show(request.headers_mut()).await.map_err(Error::middleware)? else {
            return next.run(request, extensions).await;
        };
        let mut response = next.clone().run(request, extensions).await?;
        while let Some(another) = self
            .0
            .show_another(&mut shown, response.status(), response.headers())
            .await
            .map_err(Error::middleware)?
        {
            let Some(mut again) = again.as_ref().and_then(Request::try_clone) else { break };
            self.0.put(again.headers_mut(), &another);
            response = next.clone().run(again, extensions).await?;
        }
        Ok(response)
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("connection", &self.0).finish_non_exhaustive()
    }
}
