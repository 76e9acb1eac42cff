use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Connection;
use crate::Error;
use crate::origin::is_at;

/// A tower layer for any client of `http` requests: shows the connection's credential to its server, and to no other.
///
/// A token that is near its end is renewed before it is shown. One that the server says has ended is renewed once, and
/// the request made again, twice at most, if it only reads. The client below should follow no redirects.
#[derive(Clone)]
pub struct AuthorizeLayer(Arc<Connection>);

impl AuthorizeLayer {
    /// For the server of a connection.
    pub fn new(connection: Arc<Connection>) -> Self {
        Self(connection)
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = AuthorizeService<S>;

    fn layer(&self, inner: S) -> AuthorizeService<S> {
        AuthorizeService { connection: Arc::clone(&self.0), inner }
    }
}

/// What an [`AuthorizeLayer`] makes of a client.
#[derive(Clone)]
pub struct AuthorizeService<S> {
    connection: Arc<Connection>,
    inner: S,
}

/// Why a request was not answered: there was no credential, or the client below failed.
#[derive(Debug)]
pub enum AuthorizeError<E> {
    /// There is no credential to show.
    Auth(Error),
    /// The client below failed.
    Inner(E),
}

impl<E: fmt::Display> fmt::Display for AuthorizeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(error) => error.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for AuthorizeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Auth(error) => error.source(),
            Self::Inner(error) => error.source(),
        }
    }
}

type Answering<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, AuthorizeError<E>>> + Send>>;

impl<S, B, R> Service<Request<B>> for AuthorizeService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Clone + Send + 'static,
    R: Send,
{
    type Response = Response<R>;
    type Error = AuthorizeError<S::Error>;
    type Future = Answering<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(AuthorizeError::Inner)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let connection = Arc::clone(&self.connection);
        // The one that is ready is used first, and its copy for asking again.
        let mut spare = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, spare.clone());
        Box::pin(async move {
            if !is_at(connection.uri().origin(), &request.uri().to_string()) {
                return ready.call(request).await.map_err(AuthorizeError::Inner);
            }
            let again = (request.method() == Method::GET).then(|| request.clone());
            let shown = connection.show(request.headers_mut()).await.map_err(AuthorizeError::Auth)?;
            let Some(mut shown) = shown else {
                return ready.call(request).await.map_err(AuthorizeError::Inner);
            };
            let mut response = ready.call(request).await.map_err(AuthorizeError::Inner)?;
            while let Some(another) = connection
                .show_another(&mut shown, response.status(), response.headers())
                .await
                .map_err(AuthorizeError::Auth)?
            {
                let Some(mut again) = again.clone() else { break };
                connection.put(again.headers_mut(), &another);
                std::future::poll_fn(|context| spare.poll_ready(context))
                    .await
                    .map_err(AuthorizeError::Inner)?;
                response = spare.call(again).await.map_err(AuthorizeError::Inner)?;
            }
            Ok(response)
        })
    }
}

impl fmt::Debug for AuthorizeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthorizeLayer").field(&self.0).finish()
    }
}

impl<S> fmt::Debug for AuthorizeService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeService").field("connection", &self.connection).finish_non_exhaustive()
    }
}
