//! A client of one's own shows a connection's credential: one with ureq, one with reqwest, and one that tower knows.

use std::sync::Arc;

use auth_native::{blocking, nonblocking};
use http::{Method, Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::rig::{Listener, Rig};

/// A client of one's own: the status of what is asked for.
trait Client {
    fn ask(&self, method: Method, url: &str) -> u16;
}

struct Ureq(ureq::Agent);

impl Client for Ureq {
    fn ask(&self, method: Method, url: &str) -> u16 {
        let request = Request::builder().method(method).uri(url).body(()).unwrap();
        self.0.run(request).unwrap().status().as_u16()
    }
}

struct Reqwest(tokio::runtime::Runtime, reqwest_middleware::ClientWithMiddleware);

impl Client for Reqwest {
    fn ask(&self, method: Method, url: &str) -> u16 {
        self.0.block_on(self.1.request(method, url).send()).unwrap().status().as_u16()
    }
}

/// A client that tower knows: reqwest again, with other clothes.
#[derive(Clone)]
struct Inner(reqwest::Client);

impl Service<Request<()>> for Inner {
    type Response = Response<()>;
    type Error = reqwest::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<()>, reqwest::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), reqwest::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let (parts, ()) = request.into_parts();
        let asked = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        Box::pin(async move {
            let answer = asked.send().await?;
            let mut response = Response::builder().status(answer.status());
            *response.headers_mut().unwrap() = answer.headers().clone();
            Ok(response.body(()).unwrap())
        })
    }
}

struct Tower(tokio::runtime::Runtime, nonblocking::AuthorizeService<Inner>);

impl Client for Tower {
    fn ask(&self, method: Method, url: &str) -> u16 {
        let request = Request::builder().method(method).uri(url).body(()).unwrap();
        self.0.block_on(self.1.clone().call(request)).unwrap().status().as_u16()
    }
}

fn plain() -> reqwest::Client {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn agent() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    ureq::config::Config::builder().http_status_as_error(false).max_redirects(0).proxy(None)
}

fn clients(rig: &Rig) -> Vec<(&'static str, Box<dyn Client>)> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let authorize = blocking::Authorize::new(Arc::new(rig.blocking())).replaying_with(agent().build().into());
    let with_ureq = Ureq(agent().middleware(authorize).build().into());
    let connected = || {
        let runtime = runtime();
        let connection = Arc::new(runtime.block_on(rig.nonblocking()));
        (runtime, connection)
    };
    let (runtime, connection) = connected();
    let client = reqwest_middleware::ClientBuilder::new(plain());
    let with_reqwest = Reqwest(runtime, client.with(nonblocking::Authorize::new(connection)).build());
    let (runtime, connection) = connected();
    let with_tower = Tower(runtime, nonblocking::AuthorizeLayer::new(connection).layer(Inner(plain())));
    vec![("ureq", Box::new(with_ureq)), ("reqwest", Box::new(with_reqwest)), ("tower", Box::new(with_tower))]
}

#[test]
fn a_token_that_has_ended_is_renewed_once_and_the_read_made_once_more_h16() {
    for at in 0..3 {
        let rig = Rig::new();
        let (name, client) = clients(&rig).remove(at);
        assert_eq!(client.ask(Method::GET, &rig.at("metadata/")), 200, "{name}");
        assert_eq!(rig.refreshes(), 0, "{name}");
        rig.outlive_the_token();
        assert_eq!(client.ask(Method::GET, &rig.at("metadata/")), 200, "{name}");
        assert_eq!(rig.statuses("metadata/"), [Some(200), Some(401), Some(200)], "{name}");
        assert_eq!(rig.refreshes(), 1, "{name}");
        let revoke = format!("auth/session/revoke/{}", "0".repeat(32));
        // What may have been acted on is not made again, and what was renewed for it serves the next.
        rig.outlive_the_token();
        assert_eq!(client.ask(Method::DELETE, &rig.at(&revoke)), 401, "{name}");
        assert_eq!(client.ask(Method::GET, &rig.at("metadata/")), 200, "{name}");
        assert_eq!(rig.refreshes(), 2, "{name}");
    }
}

#[test]
fn a_second_refused_token_has_the_person_asked_once_h17() {
    for at in 0..3 {
        let rig = Rig::new().sharing();
        let (name, client) = clients(&rig).remove(at);
        // Another program signs in, and then the server knows no token any more.
        drop(rig.blocking());
        rig.server.site().lock().unwrap().change_keys();
        assert_eq!(client.ask(Method::GET, &rig.at("metadata/")), 200, "{name}");
        assert_eq!(rig.statuses("metadata/"), [Some(401), Some(401), Some(200)], "{name}");
        assert_eq!(rig.statuses("auth/session/refresh"), [Some(401)], "{name}");
        assert_eq!(rig.asked.load(std::sync::atomic::Ordering::SeqCst), 1, "{name}");
    }
}

#[test]
fn a_missing_permission_renews_nothing_h16() {
    let rig = Rig::new();
    for (name, client) in clients(&rig) {
        assert_eq!(client.ask(Method::GET, &rig.at("auth/principal")), 401, "{name}");
        assert_eq!(rig.refreshes(), 0, "{name}");
    }
}

#[test]
fn no_credential_goes_to_another_origin_n3() {
    let rig = Rig::new();
    let stranger = Listener::start();
    let path = stranger.url.replace("127.0.0.1", "localhost");
    for (name, client) in clients(&rig) {
        for url in [&stranger.url, &path] {
            assert_eq!(client.ask(Method::GET, &format!("{url}/api/v1/metadata/")), 200, "{name}");
        }
    }
    let heard = stranger.heard();
    assert_eq!(heard.matches("get /api/v1/metadata/").count(), 6);
    assert!(!heard.contains("authorization"), "{heard}");
}
