//! What comes from outside and is not as it should be, by the facade on both drivers: each has an error of its own, and
//! costs nobody a session.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use auth_core::error::{Blame, Peer, TransportFault, Trouble};
use auth_core::ports::Clock as _;
use auth_core::shotgun::{Proxy, ShotgunSite as Site, SignInMethod};
use auth_core::time::Timestamp;
use auth_core::{Error as AuthError, Foreign, Secret, Seed};
use auth_native::shotgun::{Expired, LoginOptions, Program, User};
use auth_native::{Error, ProxyChoice, blocking, nonblocking};
use auth_sandbox::{Fault, Faults, Person, Server, ShotgunConfig, ShotgunSite, SiteClock, Which};
use auth_store::TiledDirectory;
use canary::plant;

use super::{Way, each};

const NOW: Timestamp = Timestamp(1_800_000_000);
/// Small and large letters, two that are one in some languages, and what takes four bytes.
const LOGIN: &str = "Ad\u{e1} \u{1f600}";

struct World {
    server: Server<ShotgunSite>,
    folder: tempfile::TempDir,
    /// That of the program, which may differ from the site's.
    clock: SiteClock,
    proxy: ProxyChoice,
    way: Way,
}

impl World {
    fn new(way: Way) -> Self {
        canary::listen();
        let people = vec![Person::new(LOGIN, plant("her password"))];
        let site = ShotgunSite::new(ShotgunConfig { people, ..ShotgunConfig::default() }, Seed::new([7; 32]));
        let server = Server::start(site, SiteClock::standing(NOW)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = SiteClock::standing(NOW);
        Self { server, folder, clock, proxy: ProxyChoice::Environment, way }
    }

    fn faults(&self, faults: Faults) {
        self.server.site().lock().unwrap().faults = faults;
    }

    fn site(&self) -> Site {
        self.server.url().origin().clone().into()
    }

    fn sign_in(&self) -> Result<User, Error> {
        let options = LoginOptions {
            username: Some(LOGIN.into()),
            password: Some(Secret::from(plant("her password"))),
            method: Some(SignInMethod::Password),
            never_ask: true,
            ..LoginOptions::default()
        };
        self.with(
            |auth| auth.login(&self.site(), options.clone()),
            |auth, runtime| runtime.block_on(auth.login(&self.site(), options.clone())),
        )
        .map(|outcome| outcome.value)
    }

    fn read(&self, user: &User) -> Result<bool, Error> {
        self.with(
            |auth| auth.connect(user.clone()).resolve_entity(),
            |auth, runtime| runtime.block_on(auth.connect(user.clone()).resolve_entity()),
        )
        .map(|entity| entity.is_some())
    }

    fn is_expired(&self, user: &User) -> Expired {
        self.with(
            |auth| auth.connect(user.clone()).are_credentials_expired(),
            |auth, runtime| runtime.block_on(auth.connect(user.clone()).are_credentials_expired()),
        )
    }

    fn kept(&self) -> Option<User> {
        self.with(
            |auth| auth.default_user(&self.site()),
            |auth, runtime| runtime.block_on(auth.default_user(&self.site())),
        )
        .unwrap()
    }

    fn with<T>(
        &self,
        on_threads: impl Fn(&blocking::shotgun::Authenticator) -> T,
        on_a_runtime: impl Fn(&nonblocking::shotgun::Authenticator, &tokio::runtime::Runtime) -> T,
    ) -> T {
        let (cache, state) = (self.folder.path().join("cache"), self.folder.path().join("state"));
        let store = Arc::new(TiledDirectory::new(cache, state));
        let (clock, proxy) = (Arc::new(self.clock.clone()), self.proxy.clone());
        let program = Program { product: "tool".into(), machine: "render07".into() };
        match self.way {
            Way::Ureq => {
                let builder = blocking::Authenticator::builder().store(store).clock(clock).proxy(proxy);
                on_threads(&builder.never_ask().build_shotgun(program).unwrap())
            }
            Way::Reqwest => {
                let builder = nonblocking::Authenticator::builder().store(store).clock(clock).proxy(proxy);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                on_a_runtime(&builder.never_ask().build_shotgun(program).unwrap(), &runtime)
            }
        }
    }
}

/// A proxy that says the same to everybody.
fn proxy(answer: &'static str) -> ProxyChoice {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let lines = BufReader::new(client.try_clone().unwrap()).lines();
            let _ = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            let _ = client.write_all(answer.as_bytes());
        }
    });
    Proxy::read(&format!("127.0.0.1:{port}")).unwrap().into()
}

/// A proxy that lets nobody through, and where everybody wanted to go.
fn listening_proxy() -> (ProxyChoice, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, wanted) = mpsc::channel();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let lines = BufReader::new(client.try_clone().unwrap()).lines();
            let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            let _ = seen.send(head.first().cloned().unwrap_or_default());
        }
    });
    (Proxy::read(&format!("127.0.0.1:{port}")).unwrap().into(), wanted)
}

#[test]
fn a_host_that_is_a_piece_of_the_word_https_is_a_host() {
    each(|way| {
        let mut world = World::new(way);
        let (proxy, wanted) = listening_proxy();
        world.proxy = proxy;
        for host in ["https", "http", "ttps", "s", "ps", "https.example", "http.s"] {
            for typed in [host.to_owned(), format!("https://{host}")] {
                let site: Site = typed.parse().unwrap();
                let end = world.with(
                    |auth| auth.discover(&site),
                    |auth, runtime| runtime.block_on(auth.discover(&site)),
                );
                assert_eq!(trouble(&end.unwrap_err()), Some(&Trouble::Unreachable(TransportFault::Proxy)));
                assert_eq!(
                    wanted.recv_timeout(Duration::from_mins(1)).unwrap(),
                    format!("CONNECT {host}:443 HTTP/1.1"),
                    "{typed}"
                );
            }
        }
    });
}

#[test]
fn a_host_whose_name_has_no_address_is_said_to_have_none() {
    each(|way| {
        let world = World::new(way);
        let site: Site = "https://studio.invalid".parse().unwrap();
        let end = world
            .with(|auth| auth.discover(&site), |auth, runtime| runtime.block_on(auth.discover(&site)))
            .unwrap_err();
        assert_eq!(trouble(&end), Some(&Trouble::Unreachable(TransportFault::Resolve)), "{end}");
    });
}

fn trouble(error: &Error) -> Option<&Trouble> {
    match error {
        Error::Auth(AuthError::Transient(trouble)) => Some(trouble),
        _ => None,
    }
}

#[test]
fn a_proxy_that_refuses_is_said_to_have_and_the_site_is_not_called_wrong() {
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
    ];
    for refusal in refusals {
        let mut world = World::new(Way::Ureq);
        world.proxy = proxy(refusal);
        let error = world.sign_in().unwrap_err();
        assert_eq!(trouble(&error), Some(&Trouble::Unreachable(TransportFault::Proxy)), "{error}");
    }
    // reqwest hands what is not encrypted to a proxy to pass on: what only a proxy answers is known for that.
    let mut world = World::new(Way::Reqwest);
    world.proxy = proxy(refusals[0]);
    let error = world.sign_in().unwrap_err();
    assert_eq!(trouble(&error), Some(&Trouble::Unreachable(TransportFault::Proxy)), "{error}");
    each(|way| {
        let mut world = World::new(way);
        world.proxy = Proxy::read("127.0.0.1:1").unwrap().into();
        let error = world.sign_in().unwrap_err();
        assert!(matches!(trouble(&error), Some(Trouble::Unreachable(_))), "{error}");
    });
}

#[test]
fn a_site_that_answers_with_a_page_is_none_and_one_with_an_outage_is_one() {
    each(|way| {
        let world = World::new(way);
        world.faults(Faults::none().always(Which::any(), Fault::Page));
        let error = world.sign_in().unwrap_err();
        assert!(matches!(error, Error::Auth(AuthError::Peer(Peer::NotShotgun { .. }))), "{error}");
        for status in [500, 502, 503, 504] {
            let outage = Fault::Status { status, retry_after: None };
            world.faults(Faults::none().always(Which::any(), outage));
            let error = world.sign_in().unwrap_err();
            assert!(
                matches!(trouble(&error), Some(Trouble::Status { status: found, .. }) if *found == status),
                "{error}"
            );
            assert_eq!(error.blame(), Blame::Server);
        }
    });
}

#[test]
fn an_outage_and_a_page_in_front_of_the_site_cost_no_session() {
    each(|way| {
        let world = World::new(way);
        let user = world.sign_in().unwrap();
        for fault in
            [Fault::Page, Fault::Status { status: 502, retry_after: None }, Fault::Drop, Fault::Malformed]
        {
            world.faults(Faults::none().always(Which::calling("read"), fault.clone()));
            let error = world.read(&user).unwrap_err();
            assert!(!error.as_auth().is_some_and(AuthError::ends_session), "{fault:?}: {error}");
            assert!(matches!(world.is_expired(&user), Expired::Unknown(_)), "{fault:?}");
            assert_eq!(world.kept().as_ref(), Some(&user), "{fault:?}");
        }
        world.faults(Faults::none());
        assert_eq!((world.read(&user), world.is_expired(&user)), (Ok(true), Expired::No));
    });
}

#[test]
fn a_clock_that_is_a_day_wrong_changes_nothing() {
    each(|way| {
        for is_ahead in [false, true] {
            let mut world = World::new(way);
            let day = Timestamp(NOW.0 + if is_ahead { 86_400 } else { -86_400 });
            world.clock = SiteClock::standing(day);
            assert_eq!(world.clock.now().wall, day);
            let user = world.sign_in().unwrap();
            assert_eq!((world.read(&user), world.is_expired(&user)), (Ok(true), Expired::No));
            assert_eq!(world.kept(), Some(user));
        }
    });
}

#[test]
fn a_login_of_any_letters_signs_in_and_is_found_again() {
    each(|way| {
        let world = World::new(way);
        let user = world.sign_in().unwrap();
        assert_eq!(user.login(), Some(&Foreign::from(LOGIN)));
        assert_eq!(world.kept(), Some(user.clone()));
        assert_eq!(world.read(&user), Ok(true));
    });
}

#[test]
fn what_one_site_said_is_never_taken_for_anothers() {
    each(|way| {
        let one = World::new(way);
        let other = World::new(way);
        other.server.site().lock().unwrap().config.info.authentication_method = Some("saml2".to_owned());
        let sites = [one.site(), other.site()];
        let both = one.with(
            |auth| sites.clone().map(|site| auth.discover(&site).unwrap().is_sso()),
            |auth, runtime| {
                sites.clone().map(|site| runtime.block_on(auth.discover(&site)).unwrap().is_sso())
            },
        );
        assert_eq!(both, [false, true]);
        // A site that cannot be reached any more is what it said half a minute long, and then nothing.
        let clock = one.clock.clone();
        let asked = one.with(
            |auth| {
                let before = auth.discover(&sites[0]).unwrap();
                one.faults(Faults::none().always(Which::any(), Fault::Drop));
                let soon = auth.discover(&sites[0]).unwrap();
                clock.advance(Duration::from_secs(31));
                (before == soon, auth.discover(&sites[0]).is_err())
            },
            |auth, runtime| {
                let before = runtime.block_on(auth.discover(&sites[0])).unwrap();
                one.faults(Faults::none().always(Which::any(), Fault::Drop));
                let soon = runtime.block_on(auth.discover(&sites[0])).unwrap();
                clock.advance(Duration::from_secs(31));
                (before == soon, runtime.block_on(auth.discover(&sites[0])).is_err())
            },
        );
        assert_eq!(asked, (true, true));
    });
}
