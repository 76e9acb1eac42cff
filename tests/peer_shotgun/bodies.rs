//! What is sent for the same calls, by Shotgun's own client and by both of ours, as a proxy between them and the site
//! notes it.

use std::sync::Arc;

use auth_core::ports::{Dismiss, Prompt};
use auth_core::shotgun::{Proxy, ShotgunSite as Site, SignInMethod};
use auth_core::{Answer, Notice, PromptFault, Question, Secret};
use auth_native::shotgun::{LoginOptions, Program, ScriptUser, User};
use auth_native::{Error, ProxyChoice, blocking, nonblocking};
use auth_store::MemoryStore;
use canary::plant;
use conformance::recorder::{Recorder, Seen};
use serde_json::{Value, json};

use super::{play_by, served};

/// A password that is nobody's, with what JSON gives a meaning to.
const STRANGE: &str = "p\u{e4}ss \"word\"\\";

/// What was called, without the questions what the site is, which each client asks when it needs to know.
fn called(seen: &[Seen]) -> Vec<Value> {
    for request in seen {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api3/json"));
        let kind = request.headers.iter().find(|(name, _)| name == "content-type");
        assert_eq!(kind.unwrap().1.split(';').next(), Some("application/json"));
        assert!(!request.headers.iter().any(|(name, _)| name == "cookie" || name == "authorization"));
        assert_eq!(request.to_proxy.as_deref(), Some("Basic am9lOlNlY3JldEA="), "joe:Secret@");
    }
    let bodies = seen.iter().map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
    let (infos, calls): (Vec<_>, Vec<_>) = bodies.partition(|body| body["method_name"] == "info");
    assert!(infos.iter().all(|info| *info == json!({ "method_name": "info", "params": [] })));
    assert!(!infos.is_empty());
    calls
}

fn program() -> Program {
    Program { product: "tool".into(), machine: "render07".into() }
}

fn signing_in(login: &str, password: &str, code: Option<String>) -> LoginOptions {
    LoginOptions {
        username: Some(login.into()),
        password: Some(Secret::from(password)),
        code: code.map(Secret::from),
        never_ask: true,
        method: Some(SignInMethod::Password),
        ..LoginOptions::default()
    }
}

fn robot(site: Site) -> ScriptUser {
    ScriptUser::new(site, "robot", Secret::from(plant("key")))
}

struct Nobody;

impl Prompt for Nobody {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, _: &Notice) {}
}

/// The same calls in the same order. `$wait` waits for each where that is needed.
macro_rules! calls {
    ($auth:expr, $site:expr, $wait:ident) => {{
        let (auth, site) = ($auth, $site);
        let ada = plant("ada's password");
        let user = $wait!(auth.login(&site, signing_in("ada", &ada, None))).unwrap().value;
        let code = Some(plant("code"));
        $wait!(auth.login(&site, signing_in("grace", &plant("grace's password"), code))).unwrap();
        $wait!(auth.login(&site, signing_in("ad\u{e1} \u{1f600}", STRANGE, None))).unwrap_err();
        let person = auth.connect(user);
        $wait!(person.refresh_credentials()).unwrap();
        $wait!(person.resolve_entity()).unwrap().unwrap();
        let prefs = json!({ "prefs": ["s\u{e9}\u{1f600}"] });
        let refused: Error = $wait!(person.call("preferences_read", Some(&prefs))).unwrap_err();
        assert!(refused.as_auth().is_some());
        person.set_session_uuid(Some("5a1e".into()));
        $wait!(person.find_one("HumanUser", &[], &["login"])).unwrap().unwrap();
        let script = auth.connect(User::Script(robot(site.clone())));
        $wait!(script.resolve_entity()).unwrap().unwrap();
        let acting = auth.connect(User::Script(robot(site.clone()).sudo_as_login("ada")));
        $wait!(acting.find_one("HumanUser", &[], &["id"])).unwrap().unwrap();
    }};
}

macro_rules! at_once {
    ($call:expr) => {
        $call
    };
}

#[test]
fn the_same_calls_are_sent_as_shotguns_own_client_sends_them() {
    let server = served(|_| ());
    let recorder = Recorder::start().unwrap();
    let proxy = format!("joe:Secret@@{}", recorder.place());
    assert_eq!(play_by(&server, "bodies", "", &proxy), ["bodies"]);
    let theirs = without_tokens(called(&recorder.take()));
    assert_eq!(theirs.len(), 10);

    let site = || Site::from(server.url().origin().clone());
    let choice = || ProxyChoice::from(Proxy::read(&proxy).unwrap());
    let prompt: Arc<dyn Prompt> = Arc::new(Nobody);
    let builder = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).prompt(prompt);
    calls!(builder.proxy(choice()).build_shotgun(program()).unwrap(), site(), at_once);
    assert_eq!(without_tokens(called(&recorder.take())), theirs);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    macro_rules! on_runtime {
        ($call:expr) => {
            runtime.block_on($call)
        };
    }
    let builder = nonblocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).never_ask();
    calls!(builder.proxy(choice()).build_shotgun(program()).unwrap(), site(), on_runtime);
    assert_eq!(without_tokens(called(&recorder.take())), theirs);
}

/// Each client has a session of its own; that it is shown is compared, and which it is not.
fn without_tokens(mut calls: Vec<Value>) -> Vec<Value> {
    for call in &mut calls {
        if let Some(token) = call["params"][0].get_mut("session_token") {
            assert_eq!(token.as_str().unwrap().len(), 32);
            *token = Value::from("a session's");
        }
    }
    calls
}
