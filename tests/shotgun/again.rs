//! How often one call asks for another session, whatever becomes of those that are got.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use auth_core::ports::{Dismiss, Prompt, Transport, Unreachable};
use auth_core::shotgun::ShotgunSite as Site;
use auth_core::time::Timestamp;
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question, Secret, Seed};
use auth_http::blocking::UreqTransport;
use auth_native::shotgun::{LoginOptions, Program, User};
use auth_native::{Error, blocking};
use auth_sandbox::{Person, Server, SessionLife, ShotgunConfig, ShotgunSite, SiteClock, SiteInfo};
use auth_store::MemoryStore;
use canary::plant;

#[derive(Default)]
struct Ada {
    asked: AtomicU32,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let Question::Password(_) = question else { return Err(PromptFault::Cancelled) };
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Answer::Password { username: "ada".into(), password: Secret::from(plant("ada's password")) })
    }

    fn tell(&self, _: &Notice) {}
}

struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
    ada: Arc<Ada>,
}

impl World {
    fn new(session_life: SessionLife) -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            info: SiteInfo { app_sessions: Some(false), ..SiteInfo::default() },
            session_life,
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        Self { server, store: Arc::default(), ada: Arc::default() }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn program(&self, transport: Arc<dyn Transport>) -> blocking::shotgun::Authenticator {
        blocking::Authenticator::builder()
            .store(self.store.clone())
            .prompt(self.ada.clone())
            .clock(Arc::new(self.server.clock().clone()))
            .transport(transport)
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap()
    }

    fn ureq() -> UreqTransport {
        UreqTransport::new("conformance/0").unwrap()
    }

    fn login(&self) -> User {
        let auth = self.program(Arc::new(Self::ureq()));
        auth.login(&self.site(), LoginOptions::default()).unwrap().value
    }

    fn asked(&self) -> u32 {
        self.ada.asked.swap(0, Ordering::SeqCst)
    }
}

#[test]
fn nobody_is_asked_twice_for_one_call_by_a_site_that_takes_none_of_its_own_sessions() {
    let world = World::new(SessionLife::Absolute(Duration::ZERO));
    let auth = world.program(Arc::new(World::ureq()));
    let connection = auth.connect(world.login());
    assert_eq!(world.asked(), 1);
    let end = connection.resolve_entity();
    assert!(matches!(end, Err(Error::Auth(AuthError::Expired(_)))), "{end:?}");
    assert_eq!(world.asked(), 1);
}

type Deed = Box<dyn FnOnce() + Send>;

/// Lets something happen while answers are on their way.
struct Meanwhile {
    below: UreqTransport,
    /// What happens with each of the next answers.
    deeds: Mutex<Vec<Option<Deed>>>,
}

impl Transport for Meanwhile {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let response = self.below.send(request);
        let deed = self.deeds.lock().unwrap().pop().flatten();
        if let Some(deed) = deed {
            deed();
        }
        response
    }
}

#[test]
fn a_session_that_comes_after_two_that_have_ended_is_used_and_nobody_is_asked() {
    let world = Arc::new(World::new(SessionLife::Idle(Duration::from_hours(1))));
    let first = world.login();
    let signs_in = |world: &Arc<World>, ends: bool| -> Option<Deed> {
        let world = Arc::clone(world);
        Some(Box::new(move || {
            world.login();
            if ends {
                world.server.site().lock().unwrap().revoke_all("ada");
            }
        }))
    };
    world.server.site().lock().unwrap().revoke_all("ada");
    // The site says what it is, refuses the first session, refuses the second one, and takes the third.
    let mut deeds = vec![None, signs_in(&world, true), signs_in(&world, false)];
    deeds.reverse();
    let transport = Arc::new(Meanwhile { below: World::ureq(), deeds: Mutex::new(deeds) });
    let connection = Arc::new(world.program(transport.clone()).connect(first));
    world.asked();
    assert!(connection.resolve_entity().unwrap().is_some());
    // By the two other programs.
    assert_eq!(world.asked(), 2);
    let third = connection.user();
    assert_eq!(world.program(Arc::new(World::ureq())).default_user(&world.site()), Ok(Some(third.clone())));
    // Other calls have each session from when it is got, though the call that got it is not over.
    world.server.site().lock().unwrap().revoke_all("ada");
    let seen = Arc::new(Mutex::new(None));
    let look: Deed = {
        let (connection, seen) = (Arc::downgrade(&connection), Arc::clone(&seen));
        Box::new(move || *seen.lock().unwrap() = connection.upgrade().map(|connection| connection.user()))
    };
    // The site refuses the third session, and looks at the fourth one.
    let fourth = world.login();
    *transport.deeds.lock().unwrap() = vec![Some(look), None];
    assert!(connection.resolve_entity().unwrap().is_some());
    assert_eq!(*seen.lock().unwrap(), Some(fourth.clone()));
    assert_eq!((connection.user(), fourth == third), (fourth, false));
}
