//! A site that is called in clear over a network.

use std::sync::{Arc, Mutex};

use auth_core::error::Policy;
use auth_core::ports::{Dismiss, Prompt, Transport, Unreachable};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret};
use auth_native::blocking;
use auth_native::shotgun::{Expired, Program, ScriptUser, User};
use auth_store::MemoryStore;
use canary::plant;

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<Notice>>);

impl Prompt for Told {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}

/// A site that nobody can reach from here.
struct Studio;

impl Transport for Studio {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let is_info = request.content().is_some_and(|body| body.expose().contains("\"info\""));
        let body = if is_info { r#"{"version":[8,60,0]}"# } else { r#"{"results":{"entities":[]}}"# };
        Ok(Response::new(200, [("content-type", "application/json")], body))
    }
}

fn script(auth: &blocking::shotgun::Authenticator, site: &Site) -> blocking::shotgun::Connection {
    let key = Secret::from(plant("key"));
    auth.connect(User::Script(ScriptUser::new(site.clone(), "robot", key)))
}

#[test]
fn what_each_call_risks_is_told_once_for_each_connection_n1() {
    let site: Site = "http://studio.example".parse().unwrap();
    let auth = |allow, told: &Arc<Told>| {
        blocking::Authenticator::builder()
            .store(Arc::new(MemoryStore::new()))
            .prompt(told.clone())
            .transport(Arc::new(Studio))
            .allow_http(allow)
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap()
    };
    let told = Arc::default();
    let refused = script(&auth(false, &told), &site).resolve_entity().unwrap_err();
    assert_eq!(refused.as_auth(), Some(&AuthError::Policy(Policy::PlainHttp(site.origin().clone()))));
    assert_eq!(*told.0.lock().unwrap(), []);
    let auth = auth(true, &told);
    for _ in 0..2 {
        let connection = script(&auth, &site);
        for _ in 0..3 {
            assert_eq!(connection.resolve_entity(), Ok(None));
            assert_eq!(connection.are_credentials_expired(), Expired::No);
        }
        let notices = std::mem::take(&mut *told.0.lock().unwrap());
        assert_eq!(notices, [Notice::PlainHttp(site.origin().clone())]);
    }
}
