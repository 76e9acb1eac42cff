//! Pages that are not on the site's own origin.

use std::sync::{Arc, Mutex};

use auth_core::ports::{Dismiss, Prompt, Store};
use auth_core::shotgun::{ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret, Seed};
use auth_native::shotgun::{LoginOptions, Program};
use auth_native::{Error, blocking};
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::{MemoryStore, TiledDirectory};
use canary::plant;

const ELSEWHERE: &str = "https://pages.example";

/// Approves as `ada` of whatever page it is told of, if it may be opened.
struct Ada {
    site: Arc<Mutex<ShotgunSite>>,
    agrees: Mutex<bool>,
    seen: Mutex<Vec<String>>,
}

impl Ada {
    fn see(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        match question {
            Question::Browser(_) => Ok(Answer::Proceed),
            Question::Page(question) => {
                self.see(format!("asked of {}", question.page.origin()));
                self.agrees.lock().unwrap().then_some(Answer::Proceed).ok_or(PromptFault::Cancelled)
            }
            Question::Password(_) => Ok(Answer::Password {
                username: "ada".into(),
                password: Secret::from(plant("ada's password")),
            }),
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, notice: &Notice) {
        if let Notice::Page { page, .. } = notice {
            self.see(format!("told of {}", page.origin()));
            let mut site = self.site.lock().unwrap();
            for waiting in site.pending() {
                site.approve(&waiting.id, "ada");
            }
        }
    }
}

struct World {
    server: Server<ShotgunSite>,
    ada: Arc<Ada>,
    auth: blocking::shotgun::Authenticator,
}

impl World {
    fn new(store: Arc<dyn Store>, pages: Option<&str>) -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            app_session_pages: pages.map(ToOwned::to_owned),
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let ada = Arc::new(Ada { site: server.site(), agrees: Mutex::new(true), seen: Mutex::default() });
        let auth = blocking::Authenticator::builder()
            .store(store)
            .prompt(ada.clone())
            .clock(Arc::new(server.clock().clone()))
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap();
        Self { server, ada, auth }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn sign_in(&self, method: SignInMethod) -> Result<(), Error> {
        let options = LoginOptions { method: Some(method), ..LoginOptions::default() };
        self.auth.login(&self.site(), options).map(|_| ())
    }
}

#[test]
fn a_page_of_another_origin_is_agreed_to_once_for_a_site_t3() {
    let folder = tempfile::tempdir().unwrap();
    let files = TiledDirectory::new(folder.path().join("cache"), folder.path().join("state"));
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(files)];
    for store in stores {
        let world = World::new(store, Some(ELSEWHERE));
        let (asked, told) = (format!("asked of {ELSEWHERE}"), format!("told of {ELSEWHERE}"));
        *world.ada.agrees.lock().unwrap() = false;
        let no = world.sign_in(SignInMethod::AppSession).unwrap_err();
        assert_eq!(no.as_auth(), Some(&AuthError::Cancelled));
        assert_eq!(world.ada.seen(), [asked.as_str()]);
        *world.ada.agrees.lock().unwrap() = true;
        world.sign_in(SignInMethod::AppSession).unwrap();
        assert_eq!(world.ada.seen(), [asked.as_str(), &told]);
        // Another way to sign in does not make it forgotten.
        world.sign_in(SignInMethod::Password).unwrap();
        world.sign_in(SignInMethod::AppSession).unwrap();
        assert_eq!(world.ada.seen(), [told]);
        world.server.site().lock().unwrap().config.app_session_pages = Some("https://other.example".into());
        world.sign_in(SignInMethod::AppSession).unwrap();
        assert_eq!(world.ada.seen(), ["asked of https://other.example", "told of https://other.example"]);
    }
}

#[test]
fn a_page_of_the_sites_own_is_opened_unasked() {
    let world = World::new(Arc::new(MemoryStore::new()), None);
    world.sign_in(SignInMethod::AppSession).unwrap();
    assert_eq!(world.ada.seen(), [format!("told of {}", world.server.url().origin())]);
}
