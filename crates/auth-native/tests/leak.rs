//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why by panicking")]

use std::sync::Arc;

use auth_native::blocking::{Authenticator, Builder, Connection, State, Status, User};
use auth_native::error::StoreFault;
use auth_native::ports::{
    Applied, Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store, Transport, Unreachable,
};
use auth_native::{
    Access, Error, Foreign, LoginOptions, MemoryStore, Outcome, Request, Response, Secret, SessionEvent,
    Subscription,
};
#[cfg(feature = "ureq")]
use canary::has_debug;
use canary::{chain, plant, silent, silent_error};

const URL: &str = "http://127.0.0.1:8000";

/// A server that takes every password, and puts a secret into all that it says.
struct Site;

impl Transport for Site {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let code = plant("a code in a link");
        let body = match request.url.path() {
            "/api/v1/" => format!(
                r#"{{"authentication":{{"required":true,"providers":[{{"provider":"toy","mode":"internal",
                    "links":{{"auth_endpoint":"/token?code={code}"}}}}]}}}}"#
            ),
            "/token" => format!(
                r#"{{"access_token":"{}","refresh_token":"{}","id_token":"{}","expires_in":900}}"#,
                plant("access"),
                plant("refresh"),
                plant("id")
            ),
            "/api/v1/auth/whoami" => r#"{"uuid":"1","type":"user"}"#.to_owned(),
            _ => return Ok(Response::new(307, [("location", format!("/x?code={code}").as_str())], code)),
        };
        Ok(Response::new(200, [("set-cookie", plant("cookie").as_str())], body))
    }
}

/// A store that keeps nothing: the session stays in the connection.
#[derive(Default)]
struct Full(MemoryStore);

impl Store for Full {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.0.load(key)
    }

    fn apply(&self, _: &Change) -> Result<Applied, StoreFault> {
        let kind = auth_native::error::StoreFaultKind::Full;
        Err(StoreFault { kind, path: Foreign::from("/full") })
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: std::time::Duration) -> Result<Locking, StoreFault> {
        self.0.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.0.sites()
    }
}

fn options() -> LoginOptions {
    LoginOptions {
        username: Some(Foreign::from("alice")),
        password: Some(Secret::from(plant("password"))),
        ..LoginOptions::default()
    }
}

fn builder() -> Builder {
    // The sessions of this machine are not touched.
    let store = Arc::new(MemoryStore::new());
    Authenticator::builder().user_agent("tests/1.0").never_ask().transport(Arc::new(Site)).store(store)
}

#[test]
fn a_session_in_use_shows_none_s1() {
    for store in [Arc::new(MemoryStore::new()) as Arc<dyn Store>, Arc::new(Full::default())] {
        let builder = builder().store(store);
        silent::<Builder>(&builder);
        let auth = builder.build().unwrap();
        silent::<Authenticator>(&auth);
        let connection = auth.connect_with(URL, options()).unwrap();
        assert_eq!(connection.token(None).unwrap().expose(), plant("access"));
        silent::<Connection>(&connection);
        silent(&connection.session());
        silent(&connection.warnings());
        silent::<User>(&connection.whoami().unwrap());
        let Outcome { value, warnings } = auth.login(URL, options()).unwrap();
        silent(&(value, warnings));
        let status: Status = auth.status(URL).unwrap();
        silent::<Status>(&status);
        silent::<State>(&status.state);
    }
}

#[test]
fn a_key_in_use_shows_none_s1() {
    let auth = builder().build().unwrap();
    let connection = auth.connect_with_key(URL, Secret::from(plant("an API key"))).unwrap();
    silent::<Connection>(&connection);
    silent::<Access>(&connection.access());
    silent(&connection.authorization().unwrap());
    silent::<Subscription>(&connection.subscribe(|_| {}));
    silent::<SessionEvent>(&SessionEvent::Changed);
}

#[cfg(feature = "async")]
#[test]
fn what_runs_on_a_runtime_shows_none_s1() {
    use auth_native::nonblocking::{Authenticator, Builder, Connection, Threaded};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let builder: Builder = Authenticator::builder()
        .never_ask()
        .transport(Arc::new(Threaded::new(Arc::new(Site))))
        .store(Arc::new(MemoryStore::new()));
    silent(&builder);
    let auth = builder.build().unwrap();
    silent::<Authenticator>(&auth);
    let connection = runtime.block_on(auth.connect_with(URL, options())).unwrap();
    silent::<Connection>(&connection);
    silent(&runtime.block_on(connection.authorization()).unwrap());
}

#[test]
fn errors_and_what_they_came_from_show_none_s1_s2() {
    let auth = builder().build().unwrap();
    let connection = auth.connect_with(URL, options()).unwrap();
    silent(&connection.get(&format!("metadata/?code={}", plant("query"))).unwrap());
    let secret = plant("a secret in an address");
    for address in [
        format!("http://alice:{secret}@127.0.0.1:8000"),
        format!("http://127.0.0.1:8000/?api_key={secret}"),
        format!("ftp://{secret}@h/?{secret}"),
    ] {
        let Err(error) = auth.login(&address, options()) else { panic!("{}", canary::named(&address)) };
        silent_error::<Error>(&error);
        assert!(!chain(&error).is_empty());
    }
    let Err(error) = Authenticator::builder().user_agent(format!("{secret}\n")).build() else {
        panic!("it was built")
    };
    silent_error::<Error>(&error);
}

#[cfg(feature = "ureq")]
#[test]
fn a_ureq_middleware_shows_none_s1() {
    use auth_native::blocking::{Asker, Authorize};

    let connection = builder().build().unwrap().connect_with(URL, options()).unwrap();
    silent::<Authorize>(&Authorize::new(Arc::new(connection)));
    // What a closure holds is its program's, and not shown.
    assert!(!has_debug!(Asker<()>));
}

#[cfg(all(feature = "reqwest-middleware", feature = "tower"))]
#[test]
fn middlewares_of_a_runtime_show_none_s1() {
    use auth_native::nonblocking::{
        Authenticator, Authorize, AuthorizeError, AuthorizeLayer, AuthorizeService, Threaded,
    };
    use tower_layer::Layer as _;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let auth = Authenticator::builder().never_ask().transport(Arc::new(Threaded::new(Arc::new(Site))));
    let auth = auth.store(Arc::new(MemoryStore::new())).build().unwrap();
    let connection = Arc::new(runtime.block_on(auth.connect_with(URL, options())).unwrap());
    silent::<Authorize>(&Authorize::new(Arc::clone(&connection)));
    let layer = AuthorizeLayer::new(connection);
    silent::<AuthorizeLayer>(&layer);
    silent::<AuthorizeService<()>>(&layer.layer(()));
    silent_error::<AuthorizeError<Error>>(&AuthorizeError::Auth(Error::ApiKey));
}

#[test]
#[cfg(feature = "shotgun")]
fn people_and_scripts_of_shotgun_show_none_s1() {
    use auth_native::blocking::shotgun::{Authenticator, Connection};
    use auth_native::shotgun::{
        CoreDefaults, CurrentUser, Defaults, DefaultsManager as _, Expired, HumanUser, Program, Proxy,
        Remembered, ScriptUser, SessionDetails, User, UserCredentials,
    };
    use auth_native::{Facts, Identity, ProxyChoice, Session, Tokens};

    let site: auth_native::shotgun::ShotgunSite = URL.parse().unwrap();
    let store = Arc::new(MemoryStore::new());
    let session = Session {
        tokens: Tokens { access: Some(Secret::from(plant("session"))), ..Tokens::default() },
        facts: Facts {
            identity: Some(Identity { id: "ada".into(), provider: Foreign::default() }),
            ..Facts::default()
        },
        ..Session::default()
    };
    let key: Key = site.key("ada").unwrap();
    store
        .apply(&Change::Save { key: key.clone(), session: Box::new(session), replaces: Replaces::Anything })
        .unwrap();
    let entry = SiteEntry { key, user: Some("ada".into()), allow_http: false, method: None, pages: None };
    store.apply(&Change::Prefer(entry)).unwrap();
    let program = Program { product: "tool".into(), machine: "m".into() };
    let auth = builder().store(store).build_shotgun(program).unwrap();
    silent::<Authenticator>(&auth);
    let user = auth.default_user(&site).unwrap().unwrap();
    silent::<User>(&user);
    let User::Human(human) = &user else { panic!("a person") };
    silent::<HumanUser>(human);
    silent::<Connection>(&auth.connect(user));
    let script = ScriptUser::new(site.clone(), "robot", Secret::from(plant("key")));
    silent::<ScriptUser>(&script);
    silent::<Expired>(&Expired::No);
    let planted = |name| Some(Secret::from(plant(name)));
    let details = SessionDetails {
        login: "ada".into(),
        token: planted("token"),
        metadata: planted("metadata"),
        password: planted("password"),
        code: planted("code"),
        ..SessionDetails::default()
    };
    silent::<SessionDetails>(&details);
    let token = Secret::from(plant("token"));
    silent::<UserCredentials>(&UserCredentials::Session {
        site: site.clone(),
        login: "ada".into(),
        token,
        metadata: planted("metadata"),
    });
    let current = CurrentUser::default();
    current.set(Some(User::Script(script)));
    silent::<CurrentUser>(&current);
    silent::<Remembered>(&Remembered::default());
    let proxy = Proxy::read(&format!("joe:{}@proxy.example", plant("proxy password"))).unwrap();
    let defaults = Defaults::new().with_http_proxy(proxy.into());
    silent::<ProxyChoice>(&defaults.http_proxy());
    silent::<Defaults>(&defaults);
    let core = CoreDefaults::new(URL.parse().unwrap(), defaults);
    silent::<CoreDefaults>(&core.script("robot", Secret::from(plant("key"))));
}
