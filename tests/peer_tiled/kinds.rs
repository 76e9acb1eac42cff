//! Every kind of server, by both drivers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_native::error::{AuthError, CannotPrompt, Policy};
use auth_native::ports::{Dismiss, Prompt};
use auth_native::{
    Access, Answer, Authorization, Body, Error, LoginOptions, MemoryStore, Method, Notice, PromptFault,
    Question, Request, Secret, blocking, nonblocking,
};
use conformance::tiled;

use crate::proxy;

/// Somebody who has one name and one password, and chooses the second of two providers.
struct Person {
    name: &'static str,
    password: &'static str,
    asked: Mutex<Vec<&'static str>>,
}

impl Prompt for Person {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let mut asked = self.asked.lock().unwrap();
        if let Question::Password(question) = question {
            asked.push("password");
            let username = question.username.clone().unwrap_or_else(|| self.name.into());
            return Ok(Answer::Password { username, password: Secret::from(self.password) });
        }
        asked.push("provider");
        Ok(Answer::Provider(1))
    }

    fn tell(&self, _: &Notice) {}
}

/// How somebody comes to a server.
#[derive(Clone, Copy)]
enum How {
    /// As a person who may be asked.
    Asked(&'static str, &'static str),
    /// As one who signs in by name.
    Named(&'static str, &'static str),
    /// As a program that asks nobody.
    Alone,
    /// With an API key.
    Key(&'static str),
}

/// What came of it.
#[derive(PartialEq, Eq, Debug)]
struct Came {
    access: Access,
    /// What reading the root was answered with, twice: with a token renewed in between, where there is one.
    statuses: [u16; 2],
    who: Result<String, Error>,
    asked: Vec<&'static str>,
}

macro_rules! prompted {
    (blocking, $builder:ident, $person:ident) => {
        $builder.prompt($person.clone())
    };
    (nonblocking, $builder:ident, $person:ident) => {
        $builder.prompt(Arc::new(nonblocking::Threaded::new($person.clone())))
    };
}

/// One connection's life, by a driver; `$wait` is what follows a call.
macro_rules! life {
    ($driver:ident, $person:ident, $url:ident, $how:ident $(, $wait:tt)*) => {{
        let mut builder = $driver::Authenticator::builder()
            .user_agent("conformance/0")
            .authorities(proxy::authority())
            .store(Arc::new(MemoryStore::new()))
            .ignore_environment_key();
        if matches!($how, How::Alone) {
            builder = builder.never_ask();
        }
        let auth = prompted!($driver, builder, $person).build()?;
        let connection = match $how {
            How::Key(key) => auth.connect_with_key($url, Secret::from(key))$($wait)*?,
            How::Named(name, password) => {
                let options = LoginOptions {
                    username: Some(name.into()),
                    password: Some(Secret::from(password)),
                    provider: Some("two".into()),
                    ..LoginOptions::default()
                };
                auth.connect_with($url, options)$($wait)*?
            }
            How::Asked(..) | How::Alone => auth.connect($url)$($wait)*?,
        };
        let first = connection.get("metadata/")$($wait)*?.status();
        if connection.access() == Access::Session {
            let old = connection.session();
            // Longer than any token lives: it is renewed.
            connection.token(Some(Duration::from_hours(24)))$($wait)*?;
            assert_ne!(connection.session().facts.received, None);
            assert!(connection.session().tokens.refresh.is_some() && old.tokens.refresh.is_some());
        }
        let second = connection.get("metadata/")$($wait)*?.status();
        let who = connection.whoami()$($wait)*.map(|user| user.name().to_string());
        Ok(Came { access: connection.access(), statuses: [first, second], who, asked: Vec::new() })
    }};
}

fn both(url: &str, how: How) -> Result<Came, Error> {
    let (name, password) = match how {
        How::Asked(name, password) => (name, password),
        _ => ("nobody", "asked"),
    };
    let person = || Arc::new(Person { name, password, asked: Mutex::default() });
    let asked = |person: &Person| std::mem::take(&mut *person.asked.lock().unwrap());
    let (on_threads, on_tasks) = (person(), person());
    let by_threads: Result<Came, Error> = (|| life!(blocking, on_threads, url, how))();
    let by_threads = by_threads.map(|came| Came { asked: asked(&on_threads), ..came });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let by_tasks: Result<Came, Error> =
        runtime.block_on(async { life!(nonblocking, on_tasks, url, how, ., await) });
    let by_tasks = by_tasks.map(|came| Came { asked: asked(&on_tasks), ..came });
    assert_eq!(by_threads, by_tasks, "{url}");
    by_threads
}

#[expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]
fn came(access: Access, who: Result<&str, Error>, asked: &[&'static str]) -> Result<Came, Error> {
    let who = who.map(str::to_owned);
    Ok(Came { access, statuses: [200, 200], who, asked: asked.to_vec() })
}

const ALICE: How = How::Asked("alice", "secret1");

#[test]
fn a_server_that_requires_it_asks_at_once() {
    for name in ["internal", "plain"] {
        assert_eq!(both(&tiled(name), ALICE), came(Access::Session, Ok("alice"), &["password"]), "{name}");
        assert_eq!(both(&tiled(name), How::Alone), Err(AuthError::NotSignedIn.into()), "{name}");
    }
    let wrong = both(&tiled("plain"), How::Asked("alice", "wrong")).unwrap_err();
    assert!(matches!(wrong, Error::Auth(AuthError::Rejected(_))), "{wrong}");
}

#[test]
fn a_server_for_one_user_takes_its_key_and_nothing_else() {
    let url = tiled("single");
    let no_users = || AuthError::from(Policy::ApiKeyOnly).into();
    assert_eq!(both(&url, How::Key("peersecret")), came(Access::ApiKey, Err(no_users()), &[]));
    assert_eq!(both(&url, ALICE), Err(no_users()));
    let wrong = both(&url, How::Key("wrong")).unwrap();
    assert_eq!((wrong.access, wrong.statuses), (Access::ApiKey, [401, 401]));
}

#[test]
fn a_public_server_lets_everybody_in_but_who_shows_a_wrong_key() {
    let url = tiled("public");
    let nobody = || Err(AuthError::NotSignedIn.into());
    assert_eq!(both(&url, ALICE), came(Access::Anonymous, nobody(), &[]));
    assert_eq!(both(&url, How::Alone), came(Access::Anonymous, nobody(), &[]));
    assert_eq!(both(&url, How::Key("wrong")).unwrap().statuses, [401, 401]);
}

#[test]
fn where_signing_in_is_optional_it_happens_to_who_is_named() {
    let url = tiled("optional");
    let nobody = || Err(AuthError::NotSignedIn.into());
    assert_eq!(both(&url, ALICE), came(Access::Anonymous, nobody(), &[]));
    assert_eq!(both(&url, How::Named("cara", "secret3")), came(Access::Session, Ok("cara"), &[]));
}

#[test]
fn one_of_two_providers_is_chosen() {
    let auth = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new()));
    let person = Person { name: "cara", password: "secret3", asked: Mutex::default() };
    let auth = auth.prompt(Arc::new(person)).ignore_environment_key().build().unwrap();
    let signed_in = auth.login(&tiled("optional"), LoginOptions::default()).unwrap().value;
    assert_eq!(signed_in.session.facts.identity.unwrap().provider.raw(), "two");
    let silent = auth.login(&tiled("optional"), LoginOptions { never_ask: true, ..LoginOptions::default() });
    assert_eq!(silent.unwrap_err(), AuthError::from(CannotPrompt::NotAllowed).into());
}

#[test]
fn behind_a_reverse_proxy_with_a_private_authority_wrong_links_lead_nowhere_else_n5_n7() {
    let origin = proxy::start(&tiled("sub-path"), "/deep/tiled");
    for address in ["/deep/tiled", "/deep/tiled/api/v1/metadata/"] {
        let url = format!("{origin}{address}");
        assert_eq!(both(&url, ALICE), came(Access::Session, Ok("alice"), &["password"]), "{url}");
    }
    // Without the authority nothing is said to it.
    let auth = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).never_ask();
    let error = auth.build().unwrap().discover(&format!("{origin}/deep/tiled")).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[test]
fn a_key_of_a_person_is_that_person_until_it_is_revoked() {
    let url = tiled("plain");
    let auth = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).never_ask();
    let auth = auth.ignore_environment_key().build().unwrap();
    let options = LoginOptions {
        username: Some("alice".into()),
        password: Some(Secret::from("secret1")),
        ..LoginOptions::default()
    };
    let alice = auth.connect_with(&url, options).unwrap();
    let wish = r#"{"scopes":null,"expires_in":3600,"note":"conformance"}"#;
    let create = Request {
        method: Method::Post,
        body: Some(Body::Json(Secret::from(wish))),
        ..Request::get(alice.uri().below("auth/apikey"))
    };
    let created = alice.call(create).unwrap();
    let created: serde_json::Value = serde_json::from_str(created.body().expose()).unwrap();
    let key = created["secret"].as_str().unwrap();
    // In the address, as Python takes it.
    let connection = auth.connect(&format!("{url}/?api_key={key}")).unwrap();
    assert_eq!(connection.access(), Access::ApiKey);
    assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
    let revoke = Request {
        method: Method::Delete,
        ..Request::get(alice.uri().below("auth/apikey").with_query(&format!("first_eight={}", &key[..8])))
    };
    assert_eq!(alice.call(revoke).unwrap().status(), 204);
    assert_eq!(connection.get("metadata/").unwrap().status(), 401);
}

#[test]
fn an_account_ends_one_of_its_sessions() {
    let url = tiled("plain");
    let sign_in = || {
        let auth = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).never_ask();
        let options = LoginOptions {
            username: Some("bob".into()),
            password: Some(Secret::from("secret2")),
            ..LoginOptions::default()
        };
        auth.ignore_environment_key().build().unwrap().connect_with(&url, options).unwrap()
    };
    let before: Vec<_> = sign_in().sessions().unwrap().into_iter().map(|session| session.uuid).collect();
    let (ours, theirs) = (sign_in(), sign_in());
    let listed = ours.sessions().unwrap();
    let new: Vec<_> = listed.iter().filter(|session| !before.contains(&session.uuid)).collect();
    assert_eq!(new.len(), 2, "{listed:?}");
    assert!(new.iter().all(|session| !session.revoked && session.expires.is_some()), "{new:?}");
    for session in new {
        ours.revoke_session(session.uuid.raw()).unwrap();
    }
    let error = theirs.token(Some(Duration::from_hours(24))).unwrap_err();
    assert!(error.as_auth().is_some_and(AuthError::ends_session), "{error}");
    let nobodys = ours.revoke_session(&"0".repeat(32)).unwrap_err();
    assert!(matches!(nobodys, Error::Auth(AuthError::Rejected(_))), "{nobodys}");
}

/// How a real server closes a WebSocket whose first message is this; `None` if it does so without a word.
fn closed_with(url: &str, first: &Secret) -> Option<u16> {
    let stream = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = format!("{}/api/v1/stream/single/", url.replacen("http", "ws", 1));
    let (mut socket, _) = tungstenite::client(address, stream).unwrap();
    socket.send(tungstenite::Message::text(first.expose())).unwrap();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[test]
fn a_web_socket_is_opened_with_a_first_message() {
    const REFUSED: Option<u16> = Some(4003);
    let auth = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).never_ask();
    let auth = auth.ignore_environment_key().build().unwrap();
    let options = LoginOptions {
        username: Some("alice".into()),
        password: Some(Secret::from("secret1")),
        ..LoginOptions::default()
    };
    for (url, connection) in [
        (tiled("plain"), auth.connect_with(&tiled("plain"), options)),
        (tiled("single"), auth.connect_with_key(&tiled("single"), Secret::from("peersecret"))),
    ] {
        let shown = connection.unwrap().authorization().unwrap().unwrap();
        // These servers have nothing to stream: what comes after the first message is not looked at.
        let right = closed_with(&url, &shown.first_message());
        assert!(right != REFUSED && right != Some(4001), "{url}: {right:?}");
        let wrong = match shown {
            Authorization::Bearer(_) => Authorization::Bearer(Secret::from("wrong")),
            Authorization::ApiKey(_) => Authorization::ApiKey(Secret::from("wrong")),
        };
        assert_eq!(closed_with(&url, &wrong.first_message()), REFUSED, "{url}");
        assert_eq!(closed_with(&url, &Secret::from("{}")), Some(4001), "{url}");
    }
}
