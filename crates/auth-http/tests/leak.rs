//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use auth_core::error::StoreFault;
use auth_core::ports::{
    Applied, Change, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store, Transport as _,
};
use auth_core::shotgun::Proxy;
use auth_core::wire::{Authorization, Request};
use auth_core::{Answer, Notice, PromptFault, Question, Secret};
use auth_http::blocking::{Driver, TransportError, UreqTransport};
use auth_http::{Cancel, Lingering, NoEntropy, ProxyChoice, SystemClock, Underway, wait_for};
use canary::{has_debug, plant, silent, silent_error};

struct Nothing;

impl Store for Nothing {
    fn load(&self, _: &Key) -> Result<Loaded, StoreFault> {
        Ok(Loaded::None)
    }

    fn apply(&self, _: &Change) -> Result<Applied, StoreFault> {
        Ok(Applied::Done)
    }

    fn lock(&self, _: LockKind, _: &Key, _: Duration) -> Result<Locking, StoreFault> {
        Ok(Locking::Held(Box::new(())))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        Ok(Vec::new())
    }
}

impl Prompt for Nothing {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, _: &Notice) {}
}

#[test]
fn drivers_and_errors_show_none_s1() {
    let transport = UreqTransport::new("tests/1.0").unwrap();
    silent::<UreqTransport>(&transport);
    let proxy = Proxy::read(&format!("user:{}@proxy.example", plant("a named proxy's password"))).unwrap();
    let choice = ProxyChoice::from(proxy);
    silent::<ProxyChoice>(&choice);
    let transport = transport.proxied(choice);
    silent::<UreqTransport>(&transport);
    // It holds what others brought, whatever that shows.
    assert!(!has_debug!(Driver));
    let clock = Arc::new(SystemClock);
    silent::<SystemClock>(&clock);
    drop(Driver::new(Arc::new(transport), Arc::new(Nothing), Arc::new(Nothing), clock));
    silent::<Cancel>(&Cancel::new());
    let underway = Underway::new();
    silent::<Underway>(&underway);
    silent::<Lingering>(&wait_for(underway.linger(async {})));
    silent_error::<NoEntropy>(&NoEntropy);
    let refused = UreqTransport::new(&format!("{}\r\n", plant("a user agent"))).unwrap_err();
    silent_error::<TransportError>(&refused);
}

#[cfg(feature = "async")]
#[test]
fn what_runs_on_a_runtime_shows_none_s1() {
    use auth_http::nonblocking::{self, Asker, ReqwestTransport, Threaded};

    let transport = ReqwestTransport::new("tests/1.0").unwrap();
    silent::<ReqwestTransport>(&transport);
    // They hold what others brought, whatever that shows.
    assert!(!has_debug!(nonblocking::Driver));
    assert!(!has_debug!(Threaded<UreqTransport>));
    let clock = Arc::new(SystemClock);
    assert!(!has_debug!(Asker<()>));
    let nobody = Arc::new(Threaded::new(Arc::new(Nothing)));
    drop(nonblocking::Driver::new(Arc::new(transport), Arc::new(Nothing), nobody, clock));
}

#[test]
fn what_is_waited_for_shows_none_s1() {
    use auth_core::ports::Key;
    use auth_http::{Place, Turn, Waiters, Work};

    let waiters: Waiters<String> = Waiters::default();
    let key = Key { site: "http://127.0.0.1:8000/api/v1/".to_owned(), slot: String::new() };
    let (leader, waiting) = (waiters.join(&key), waiters.join(&key));
    let work = leader.start(&auth_http::Cancel::new()).unwrap();
    silent::<Work<String>>(&work);
    work.land(&plant("what came of it"));
    silent::<Waiters<String>>(&waiters);
    silent::<Place<String>>(&waiting);
    assert_eq!(format!("{:?}", Turn::<String>::Lead), "Lead");
}

/// The name that tells this test that it runs in a process of its own.
const CHILD: &str = "AUTH_HTTP_TEST_CHILD";

#[test]
fn a_proxys_password_is_neither_shown_nor_logged_s1_s6_n4() {
    let name = "a_proxys_password_is_neither_shown_nor_logged_s1_s6_n4";
    if std::env::var_os(CHILD).is_some() {
        canary::listen();
        let transport = UreqTransport::new("tests/1.0").unwrap();
        println!("{transport:?} {transport:#?}");
        let bearer = Authorization::Bearer(Secret::from(plant("a token for the other side")));
        for url in ["http://off.invalid/", "https://off.invalid/"] {
            let answer = transport.send(&Request::get(url.parse().unwrap()).authorized(bearer.clone()));
            println!("{answer:?}");
        }
        assert!(canary::recorded() > 0);
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([name, "--exact", "--nocapture"]).env(CHILD, "1");
    for proxy in ["http", "socks5"] {
        // Nobody listens there.
        let proxy = format!("{proxy}://user:{}@127.0.0.1:1", plant("a proxy's password"));
        let output = child.env("ALL_PROXY", &proxy).output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&shown);
        assert!(output.status.success() && text.contains("Unreachable"), "{}", canary::named(&text));
        canary::also("a token for the other side", &plant("a token for the other side"));
        canary::assert_silent(&shown);
    }
}
