//! The key of the environment, where several threads connect at once.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use auth_core::ports::{Transport, Unreachable};
use auth_core::wire::{Request, Response};

use super::rig::{Rig, URL, secret};
use super::subject::Authenticator;
use crate::Access;

const OTHER: &str = "http://127.0.0.1:9000";
/// Leads to `ENCRYPTED`.
const PLAIN: &str = "http://tiled.example";
const ENCRYPTED: &str = "https://tiled.example";

/// A network on which the first handshake with a server may be held up, and may fail.
#[derive(Default)]
struct Network {
    rig: Rig,
    /// What a first handshake waits for, by the server's origin.
    held: Mutex<HashMap<String, Vec<Arc<Barrier>>>>,
    /// The origin of a server that is no Tiled server.
    broken: Mutex<Option<String>>,
}

impl Network {
    fn hold(&self, site: &str, until: &[&Arc<Barrier>]) {
        let until = until.iter().map(|barrier| Arc::clone(barrier)).collect();
        self.held.lock().unwrap().insert(site.to_owned(), until);
    }

    fn authenticator(self: &Arc<Self>) -> Authenticator {
        let builder = self.rig.builder().transport(Arc::clone(self) as Arc<dyn Transport>);
        let mut auth = builder.build().unwrap();
        auth.shared_mut().settings.key = Some(secret("api-key"));
        auth
    }

    /// The sites that were sent the key.
    fn shown_the_key(&self) -> Vec<String> {
        let log = self.rig.site.log();
        let shown = log.iter().filter(|line| line.ends_with(" api-key"));
        let mut sites: Vec<_> = shown.filter_map(|line| line.split(['/', ' ']).nth(3)).collect();
        sites.sort_unstable();
        sites.dedup();
        sites.into_iter().map(str::to_owned).collect()
    }
}

impl Transport for Network {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let site = request.url.origin().to_string();
        let held = self.held.lock().unwrap().remove(&site);
        for barrier in held.into_iter().flatten() {
            barrier.wait();
        }
        if self.broken.lock().unwrap().as_ref() == Some(&site) {
            return Ok(Response::new(404, [], ""));
        }
        if site == PLAIN {
            let encrypted = format!("{ENCRYPTED}{}", request.url.path());
            return Ok(Response::new(301, [("location", encrypted.as_str())], ""));
        }
        self.rig.site.send(request)
    }
}

#[test]
fn two_threads_that_connect_at_once_send_the_key_once_p6() {
    let network = Arc::new(Network::default());
    let auth = network.authenticator();
    let both = Arc::new(Barrier::new(2));
    network.hold(URL, &[&both]);
    network.hold(OTHER, &[&both]);
    network.rig.person.answers("alice", "sesame");
    let mut access = thread::scope(|scope| {
        let connects = [URL, OTHER].map(|url| {
            let auth = &auth;
            scope.spawn(move || {
                let connection = auth.connect(url).unwrap();
                connection.get("metadata/").unwrap();
                connection.access()
            })
        });
        connects.map(|thread| thread.join().unwrap())
    });
    access.sort_by_key(|access| format!("{access:?}"));
    assert_eq!(access, [Access::ApiKey, Access::Session]);
    assert_eq!(network.shown_the_key().len(), 1);
}

#[test]
fn a_key_bound_by_a_connect_under_way_keeps_nobody_waiting_p6() {
    let network = Arc::new(Network::default());
    let auth = network.authenticator();
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    network.hold(URL, &[&inside, &go_on]);
    *network.broken.lock().unwrap() = Some(URL.to_owned());
    network.rig.person.answers("alice", "sesame");
    thread::scope(|scope| {
        let first = scope.spawn(|| auth.connect(URL));
        inside.wait();
        // The first has not reached its site, and may yet.
        assert_eq!(auth.connect(OTHER).unwrap().access(), Access::Session);
        go_on.wait();
        first.join().unwrap().unwrap_err();
    });
    assert_eq!(network.shown_the_key(), Vec::<String>::new());
    // The connect that had the key failed, so another site can have it.
    assert_eq!(auth.connect(OTHER).unwrap().access(), Access::ApiKey);
    *network.broken.lock().unwrap() = None;
    network.rig.person.answers("alice", "sesame");
    assert_eq!(auth.connect(URL).unwrap().access(), Access::Session);
}

#[test]
fn threads_that_connect_to_one_site_all_use_the_key() {
    let network = Arc::new(Network::default());
    let auth = network.authenticator();
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    network.hold(URL, &[&inside, &go_on]);
    thread::scope(|scope| {
        let first = scope.spawn(|| auth.connect(URL).map(|connection| connection.access()));
        inside.wait();
        assert_eq!(auth.connect(URL).unwrap().access(), Access::ApiKey);
        go_on.wait();
        assert_eq!(first.join().unwrap().unwrap(), Access::ApiKey);
    });
}

#[test]
fn the_binding_of_the_key_follows_an_upgrade_to_https_p6() {
    let network = Arc::new(Network::default());
    let auth = network.authenticator();
    let connect = |url: &str| {
        network.rig.person.answers("alice", "sesame");
        let access = auth.connect(url).unwrap().access();
        (access, auth.connect(url).unwrap().uri().origin().to_string())
    };
    let with_key = || (Access::ApiKey, ENCRYPTED.to_owned());
    assert_eq!(connect(PLAIN), with_key());
    assert_eq!(connect(PLAIN), with_key());
    assert_eq!(connect(ENCRYPTED), with_key());
    assert_eq!(connect("https://tiled.example:8443").0, Access::Session);
    assert_eq!(connect("https://other.example").0, Access::Session);
}
