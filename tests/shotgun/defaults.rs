//! Who somebody is where a program says little, and who is made a user without a question.

use std::sync::{Arc, Mutex};

use auth_core::error::Policy;
use auth_core::ports::{Change, Dismiss, Key, Prompt, SiteEntry, Store as _};
use auth_core::shotgun::{ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Answer, Error as AuthError, Foreign, Notice, PromptFault, Question, Secret, Seed};
use auth_native::shotgun::{
    CoreDefaults, CurrentUser, Defaults, DefaultsManager, LoginOptions, Program, Proxy, Remembered,
    SessionDetails, User, UserCredentials,
};
use auth_native::{Error, ProxyChoice, blocking};
use auth_sandbox::{Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock};
use auth_store::MemoryStore;
use canary::plant;

/// Answers as Ada, and remembers what was asked.
struct Ada {
    site: String,
    asked: Mutex<Vec<Question>>,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        self.asked.lock().unwrap().push(question.clone());
        match question {
            Question::Site(_) => Ok(Answer::Site(self.site.clone().into())),
            Question::Method(question) => {
                let by_password = |method: &SignInMethod| *method == SignInMethod::Password;
                Ok(Answer::Method(question.methods.iter().position(by_password).unwrap()))
            }
            Question::Password(_) => Ok(Answer::Password {
                username: "ada".into(),
                password: Secret::from(plant("ada's password")),
            }),
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, _: &Notice) {}
}

struct World {
    server: Server<ShotgunSite>,
    store: Arc<MemoryStore>,
    ada: Arc<Ada>,
}

impl World {
    fn new() -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            scripts: vec![Script::new("robot", plant("key"))],
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let ada = Arc::new(Ada { site: server.url().to_string(), asked: Mutex::default() });
        Self { server, store: Arc::default(), ada }
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn auth(&self, defaults: impl DefaultsManager + 'static) -> blocking::shotgun::Authenticator {
        blocking::Authenticator::builder()
            .store(self.store.clone())
            .prompt(self.ada.clone())
            .clock(Arc::new(self.server.clock().clone()))
            .defaults(Arc::new(defaults))
            .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
            .unwrap()
    }

    /// The kinds of what was asked since this was last looked at.
    fn asked(&self) -> Vec<&'static str> {
        let asked = std::mem::take(&mut *self.ada.asked.lock().unwrap());
        let kind = |question: &Question| match question {
            Question::Site(_) => "site",
            Question::Password(_) => "password",
            _ => "method",
        };
        asked.iter().map(kind).filter(|kind| *kind != "method").collect()
    }
}

fn ada() -> SessionDetails {
    SessionDetails { login: "ada".into(), ..SessionDetails::default() }
}

#[test]
fn the_site_is_asked_for_once_and_is_the_default_from_then_on() {
    let world = World::new();
    let auth = world.auth(Defaults::new());
    assert_eq!((auth.default_host(), auth.default_user(None)), (Ok(None), Ok(None)));
    let user = auth.user(None).unwrap().value;
    assert_eq!((user.site(), user.to_string().as_str()), (&world.site(), "ada"));
    assert_eq!(world.asked(), ["site", "password"]);
    assert_eq!(auth.default_host(), Ok(Some(world.site())));
    assert_eq!(auth.default_user(None), Ok(Some(user.clone())));
    assert_eq!(auth.user(None).map(|outcome| outcome.value), Ok(user.clone()));
    assert_eq!(world.asked(), Vec::<&str>::new());
    assert_eq!(auth.clear_default_user(None), Ok(Some(user)));
    assert_eq!((auth.default_user(None), auth.clear_default_user(None)), (Ok(None), Ok(None)));
    // A person may want another site than the one before.
    auth.user(None).unwrap();
    let asked = world.ada.asked.lock().unwrap().first().cloned();
    let Some(Question::Site(question)) = asked else { panic!("{asked:?}") };
    assert_eq!(question.suggested, Some(Foreign::from(world.site().to_string())));
}

#[test]
fn a_fixed_site_is_not_asked_for_and_a_login_is_suggested() {
    let world = World::new();
    let auth = world.auth(Defaults::new().fixed_host(world.site()).default_login("ada"));
    let options = LoginOptions { never_ask: true, ..LoginOptions::default() };
    assert_eq!(auth.login(None, options), Err(AuthError::NotSignedIn.into()));
    auth.user(None).unwrap();
    let asked = world.ada.asked.lock().unwrap().last().cloned();
    let Some(Question::Password(question)) = asked else { panic!("{asked:?}") };
    assert_eq!((question.username, question.suggested), (None, Some("ada".into())));
    assert_eq!(world.asked(), ["password"]);
}

#[test]
fn nobody_is_asked_for_a_site_who_must_not_be_asked() {
    let world = World::new();
    let auth = world.auth(Defaults::new());
    let options = LoginOptions { never_ask: true, ..LoginOptions::default() };
    assert_eq!(auth.login(None, options), Err(Error::NoSite));
    assert_eq!(auth.session_user(ada()), Err(Error::NoSite));
    assert_eq!(auth.script_user(None, "robot", Secret::from("key")), Err(Error::NoSite));
    let nameless = SessionDetails { site: Some(world.site()), ..SessionDetails::default() };
    assert_eq!(auth.session_user(nameless), Err(Policy::BlankName.into()));
    assert_eq!(world.asked(), Vec::<&str>::new());
}

#[test]
fn a_token_goes_before_a_password_and_a_password_before_what_is_kept() {
    let world = World::new();
    let auth = world.auth(Defaults::new().fixed_host(world.site()));
    assert_eq!(auth.session_user(ada()), Err(AuthError::NotSignedIn.into()));
    let password = || Some(Secret::from(plant("ada's password")));
    let wrong = SessionDetails { password: Some(Secret::from("wrong")), ..ada() };
    assert!(matches!(auth.session_user(wrong), Err(Error::Auth(AuthError::Rejected(_)))));
    let by_password = auth.session_user(SessionDetails { password: password(), ..ada() }).unwrap().value;
    auth.connect(by_password.clone()).resolve_entity().unwrap().unwrap();
    assert_eq!(auth.session_user(ada()).unwrap().value, by_password);
    let (token, metadata) = (Some(Secret::from(plant("token"))), Some(Secret::from(plant("metadata"))));
    let brought =
        SessionDetails { token: token.clone(), metadata: metadata.clone(), password: password(), ..ada() };
    let by_token = auth.session_user(brought).unwrap().value;
    assert_ne!(by_token, by_password);
    // Whoever names only the login gets all that is kept, metadata included, and changes nothing.
    for _ in 0..2 {
        let User::Human(found) = auth.session_user(ada()).unwrap().value else { panic!("a person") };
        assert_eq!(User::Human(found), by_token);
        let Ok(auth_core::ports::Loaded::Found(stored)) = world.store.load(&world.site().key("ada").unwrap())
        else {
            panic!("a session")
        };
        let tokens = &stored.session.tokens;
        assert_eq!((&tokens.access, &tokens.metadata), (&token, &metadata));
    }
    assert_eq!(world.asked(), Vec::<&str>::new());
}

#[test]
fn a_core_configurations_script_is_the_user_and_is_not_removed() {
    let world = World::new();
    let core = || CoreDefaults::new(world.site(), Defaults::new());
    let auth = world.auth(core().script("robot", Secret::from(plant("key"))));
    let user = auth.user(None).unwrap().value;
    assert_eq!((user.login(), user.display_name()), (None, &"robot".into()));
    assert!(auth.connect(user).resolve_entity().unwrap().is_some());
    assert_eq!(auth.clear_default_user(None), Ok(None));
    assert_eq!(world.asked(), Vec::<&str>::new());
    // Without it, a person.
    assert_eq!(world.auth(core()).user(None).unwrap().value.login(), Some(&"ada".into()));
    assert_eq!(world.asked(), ["password"]);
}

#[test]
fn a_core_configurations_key_is_shown_to_its_site_alone_p6() {
    let (world, other) = (World::new(), World::new());
    let core = CoreDefaults::new(other.site(), Defaults::new()).script("robot", Secret::from(plant("key")));
    let auth = world.auth(core);
    assert_eq!(auth.default_user(&world.site()), Ok(None));
    assert!(auth.default_user(&other.site()).unwrap().is_some());
    assert_eq!(auth.user(&world.site()).unwrap().value.login(), Some(&"ada".into()));
    assert_eq!(world.asked(), ["password"]);
    assert!(auth.clear_default_user(&world.site()).unwrap().is_some());
}

#[test]
fn who_is_meant_by_the_rules_is_asked_for_though_somebody_else_signed_in_last() {
    let world = World::new();
    world.auth(Defaults::new()).login(&world.site(), LoginOptions::default()).unwrap();
    assert_eq!(world.asked(), ["password"]);
    let nobody =
        Studio { site: world.site(), credentials: UserCredentials::Nobody, signed_in: Arc::default() };
    world.auth(nobody).user(&world.site()).unwrap();
    assert_eq!(world.asked(), ["password"]);
    world.auth(Means("bob")).user(&world.site()).unwrap();
    assert_eq!(world.asked(), ["password"]);
    world.auth(Means("ADA")).user(&world.site()).unwrap();
    assert_eq!(world.asked(), Vec::<&str>::new());
}

/// Rules that mean one login, whoever signed in.
#[derive(Debug)]
struct Means(&'static str);

impl DefaultsManager for Means {
    fn login(&self, _: &Site, _: &Remembered) -> Option<Foreign> {
        Some(self.0.into())
    }
}

#[test]
fn who_is_not_to_be_remembered_is_not_stored_and_nobody_stored_is_used() {
    let world = World::new();
    world.auth(Defaults::new()).login(&world.site(), LoginOptions::default()).unwrap();
    let kept = world.store.load(&world.site().key("ada").unwrap()).unwrap();
    let auth = blocking::Authenticator::builder()
        .store(world.store.clone())
        .prompt(world.ada.clone())
        .clock(Arc::new(world.server.clock().clone()))
        .remember_me(false)
        .build_shotgun(Program { product: "tool".into(), machine: "render07".into() })
        .unwrap();
    world.asked();
    let user = auth.user(&world.site()).unwrap().value;
    assert_eq!(world.asked(), ["password"]);
    assert_eq!(auth.user(&world.site()).unwrap().value, user);
    assert_eq!(world.asked(), Vec::<&str>::new());
    assert_eq!(world.store.load(&world.site().key("ada").unwrap()).unwrap(), kept);
}

#[test]
fn who_signs_out_is_signed_out_of_what_another_program_has_got_meanwhile() {
    let world = World::new();
    let auth = world.auth(Defaults::new());
    let old = auth.login(&world.site(), LoginOptions::default()).unwrap().value;
    let new = world.auth(Defaults::new()).login(&world.site(), LoginOptions::default()).unwrap().value;
    assert_ne!(old, new);
    auth.clear_user(&old).unwrap();
    assert_eq!(auth.default_user(&world.site()), Ok(None));
}

#[test]
fn one_login_is_struck_off_the_list_and_others_of_the_site_stay() {
    let world = World::new();
    let auth = world.auth(Defaults::new());
    let brought = |login: &str| SessionDetails {
        site: Some(world.site()),
        login: login.into(),
        token: Some(Secret::from(plant("token"))),
        ..SessionDetails::default()
    };
    auth.login(&world.site(), LoginOptions::default()).unwrap();
    auth.session_user(brought("bob")).unwrap();
    let bobs = SiteEntry { user: Some("bob".into()), ..entry(world.site().key("bob").unwrap()) };
    world.store.apply(&Change::Prefer(bobs)).unwrap();
    auth.forget_login(&world.site(), &"Bob".into()).unwrap();
    let logins =
        || -> Vec<_> { world.store.sites().unwrap().into_iter().map(|entry| entry.key.slot).collect() };
    assert_eq!(logins(), [world.site().key("ada").unwrap().slot]);
    auth.forget(&world.site()).unwrap();
    assert_eq!(logins(), Vec::<String>::new());
}

fn entry(key: Key) -> SiteEntry {
    SiteEntry { key, user: None, allow_http: false, method: None, pages: None }
}

/// A studio whose users come from elsewhere.
#[derive(Clone, Debug)]
struct Studio {
    site: Site,
    credentials: UserCredentials,
    signed_in: Arc<Mutex<Vec<Foreign>>>,
}

impl DefaultsManager for Studio {
    fn host(&self, _: &Remembered) -> Option<Site> {
        Some(self.site.clone())
    }

    fn http_proxy(&self) -> ProxyChoice {
        ProxyChoice::Through(Proxy::read("joe:pw@proxy.example").unwrap().unwrap())
    }

    fn user_credentials(&self) -> UserCredentials {
        self.credentials.clone()
    }

    fn signed_in(&self, _: &Site, login: &Foreign) {
        self.signed_in.lock().unwrap().push(login.clone());
    }
}

#[test]
fn a_studios_own_rules_name_the_user_and_the_proxy_and_hear_of_sign_ins() {
    let world = World::new();
    let studio = |credentials| Studio { site: world.site(), credentials, signed_in: Arc::default() };
    let token = Secret::from(plant("token"));
    let (site, login) = (world.site(), Foreign::from("bob"));
    let session = UserCredentials::Session { site, login, token: token.clone(), metadata: None };
    let auth = world.auth(studio(session));
    let user = auth.user(None).unwrap().value;
    // What was got in its place since is not overwritten by it.
    let loaded = world.store.load(&world.site().key("bob").unwrap()).unwrap();
    assert_eq!(loaded, auth_core::ports::Loaded::None);
    assert_eq!(
        (user.login(), user.proxy().clone()),
        (Some(&"bob".into()), studio(UserCredentials::Nobody).http_proxy())
    );
    let nobody = studio(UserCredentials::Nobody);
    let auth = world.auth(nobody.clone());
    assert_eq!(auth.default_user(None), Ok(None));
    assert_eq!(auth.default_http_proxy(), &nobody.http_proxy());
    auth.login(&world.site(), LoginOptions::default()).unwrap();
    assert_eq!(*nobody.signed_in.lock().unwrap(), [Foreign::from("ada")]);
}

#[test]
fn a_program_has_one_user_if_it_wants_one() {
    let world = World::new();
    let auth = world.auth(Defaults::new().fixed_host(world.site()));
    let current = CurrentUser::default();
    assert_eq!(current.get(), None);
    assert_eq!(current.set(Some(auth.user(None).unwrap().value)), None);
    let part = current.clone();
    let found = std::thread::scope(|scope| scope.spawn(|| part.get()).join().unwrap());
    assert!(auth.connect(found.unwrap()).resolve_entity().unwrap().is_some());
    assert_eq!(current.set(None).map(|user| user.to_string()).as_deref(), Some("ada"));
}
