//! One sign-in, from beginning to end, over every transport and store: the requests must be the same to the letter.

use std::sync::{Arc, Mutex};

use auth_core::flow::{Login, LoginOptions, Logout, Renewal, Revocation, Whoami};
use auth_core::ports::{Dismiss, Prompt, Store, Transport, Unreachable};
use auth_core::tiled::TiledUri;
use auth_core::time::Timestamp;
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_http::Cancel;
use auth_http::blocking::{Driver, UreqTransport};
use auth_sandbox::{InProcess, Server, SiteClock, TiledSite};
use auth_store::{MemoryStore, TiledDirectory};
use core::time::Duration;

/// Writes down what passes, with the server's own address left out.
struct Recorder {
    below: Arc<dyn Transport>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Transport for Recorder {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let headers: Vec<_> =
            request.headers().iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
        let line = format!(
            "{} {} {headers:?} {:?}",
            request.method.as_str(),
            request.url.path(),
            request.content().map(Secret::expose)
        );
        self.seen.lock().unwrap().push(line);
        self.below.send(request)
    }
}

/// Somebody who mistypes once.
struct Person {
    password: Secret,
    asked: Mutex<u8>,
}

impl Prompt for Person {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        assert_eq!((question.refused, question.left), (*asked > 1, 4 - *asked));
        let password = if *asked == 1 { Secret::from("wrong") } else { self.password.clone() };
        Ok(Answer::Password { username: Foreign::from("demo"), password })
    }

    fn tell(&self, _: &Notice) {}
}

fn requests(over_sockets: bool, store: Arc<dyn Store>) -> Vec<String> {
    let clock = SiteClock::standing(Timestamp(1_800_000_000));
    // What the transport logs is searched for secrets when all tests have ended.
    canary::listen();
    let mut site = TiledSite::demo([7; 32]);
    let password = Secret::from(canary::plant("the password of demo"));
    site.config.users[0].password = password.clone();
    let server = Server::start(site, clock.clone()).unwrap();
    let uri: TiledUri = server.url().to_string().parse().unwrap();
    let below: Arc<dyn Transport> = if over_sockets {
        Arc::new(UreqTransport::new("conformance/0").unwrap())
    } else {
        Arc::new(InProcess::new(server.site(), clock.clone(), uri.origin().clone()))
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let recorder = Recorder { below, seen: Arc::clone(&seen) };
    let person = Person { password, asked: Mutex::new(0) };
    let driver = Driver::new(Arc::new(recorder), store, Arc::new(person), Arc::new(clock.clone()));
    let (chance, cancel) = (Seed::new([9; 32]), Cancel::new());

    let signed_in =
        driver.run(Login::new(uri.clone(), LoginOptions::default(), chance.clone()), &cancel).unwrap();
    assert_eq!(signed_in.warnings, []);
    let good = driver.run(Renewal::new(uri.clone(), chance.clone()), &cancel).unwrap().value;
    assert!(!good.fresh);
    clock.advance(Duration::from_hours(1));
    let renewed = driver.run(Renewal::new(uri.clone(), chance.clone()), &cancel).unwrap().value;
    assert!(renewed.fresh);
    assert_ne!(renewed.session.tokens.access, signed_in.value.session.tokens.access);
    let account = driver.run(Whoami::new(uri.clone(), chance.clone()), &cancel).unwrap().value;
    assert_eq!(account.principal.unwrap().identities[0].id, Foreign::from("demo"));
    let out = driver.run(Logout::new(uri.clone()), &cancel).unwrap().value;
    assert_eq!(out.revocation, Revocation::Revoked);
    for (name, session) in [("first", &signed_in.value.session), ("second", &renewed.session)] {
        for token in [&session.tokens.access, &session.tokens.refresh].into_iter().flatten() {
            canary::also(&format!("a {name} token"), token.expose());
        }
    }
    let over = driver.run(Renewal::new(uri, chance), &cancel).unwrap_err();
    assert_eq!(over, auth_core::Error::NotSignedIn);
    seen.lock().unwrap().clone()
}

#[test]
fn every_transport_and_store_makes_the_same_requests_s6() {
    let folder = tempfile::tempdir().unwrap();
    let directory = |name: &str| -> Arc<dyn Store> {
        let root = folder.path().join(name);
        Arc::new(TiledDirectory::new(root.join("cache"), root.join("state")))
    };
    let bare = requests(false, Arc::new(MemoryStore::default()));
    let methods: Vec<_> = bare.iter().map(|line| line.split(" [").next().unwrap()).collect();
    assert_eq!(
        methods,
        [
            "GET /api/v1/",
            "POST /api/v1/auth/provider/sandbox/token",
            "POST /api/v1/auth/provider/sandbox/token",
            "POST /api/v1/auth/session/refresh",
            "GET /api/v1/auth/whoami",
            "POST /api/v1/auth/session/revoke",
        ]
    );
    assert_eq!(requests(true, Arc::new(MemoryStore::default())), bare, "ureq, memory");
    assert_eq!(requests(false, directory("a")), bare, "in process, files");
    assert_eq!(requests(true, directory("b")), bare, "ureq, files");
    assert!(canary::recorded() > 0, "nothing was logged, so nothing was shown by it");
}
