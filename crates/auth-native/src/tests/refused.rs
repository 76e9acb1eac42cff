//! Requests whose token is refused, and another one after it.

use core::time::Duration;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use auth_core::Error as AuthError;
use auth_core::flow::Warning;
use auth_core::ports::{Change, Loaded, Replaces, Store as _, Transport, Unreachable};
use auth_core::session::{Session, Tokens};
use auth_core::wire::{Authorization, Request, Response};

use super::rig::{LIFE, Rig, Site, URL, secret};
use super::subject::Connection;
use crate::{Error, SessionEvent};

/// A site, and a hook that runs once, between the answer to a path and its caller.
struct Hooked {
    site: Arc<Site>,
    hook: Mutex<Option<(&'static str, Hook)>>,
}

type Hook = Box<dyn FnOnce() + Send>;

impl Hooked {
    fn new(rig: &Rig) -> Arc<Self> {
        Arc::new(Self { site: Arc::clone(&rig.site), hook: Mutex::default() })
    }

    fn after(&self, path: &'static str, hook: impl FnOnce() + Send + 'static) {
        *self.hook.lock().unwrap() = Some((path, Box::new(hook)));
    }
}

impl Transport for Hooked {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let answer = self.site.send(request);
        let hook = self.hook.lock().unwrap().take_if(|(path, _)| request.url.path().ends_with(*path));
        if let Some((_, hook)) = hook {
            // No runtime is entered in a thread of its own.
            thread::spawn(hook).join().unwrap();
        }
        answer
    }
}

/// A connection of this site.
fn hooked(rig: &Rig, site: &Arc<Hooked>) -> Arc<Connection> {
    rig.person.answers("alice", "sesame");
    let auth = rig.builder().transport(Arc::clone(site) as Arc<dyn Transport>).build().unwrap();
    let connection = Arc::new(auth.connect(URL).unwrap());
    rig.site.log();
    connection
}

/// A connection whose token is not the one that is stored: another program has renewed the session.
fn connected(rig: &Rig) -> Connection {
    rig.person.answers("alice", "sesame");
    let connection = rig.auth().connect(URL).unwrap();
    rig.auth().token(URL, Some(LIFE)).unwrap();
    rig.site.log();
    connection
}

/// Takes the refresh token away from what is stored.
fn store_without_refresh_token(rig: &Rig, connection: &Connection) {
    let key = connection.uri().key();
    let Ok(Loaded::Found(stored)) = rig.store.load(&key) else { panic!("nothing is stored") };
    let tokens = Tokens { refresh: None, ..stored.session.tokens.clone() };
    let session = Box::new(Session { tokens, ..stored.session });
    rig.store.apply(&Change::Save { key, session, replaces: Replaces::Anything }).unwrap();
}

/// How often the session was renewed or that was tried, and how often a password was given.
fn counts(log: &[String]) -> [usize; 2] {
    ["auth/session/refresh", "provider/toy/token"]
        .map(|path| log.iter().filter(|line| line.starts_with("POST") && line.contains(path)).count())
}

/// The tokens that a request was made with.
fn shown(log: &[String], path: &str) -> Vec<String> {
    let shown = log.iter().filter(|line| line.starts_with("GET") && line.contains(path));
    shown.filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_second_refused_token_has_the_person_asked_once_h17() {
    type Call = fn(&Connection) -> Result<(), Error>;
    let get: Call = |connection| {
        assert!(connection.get("metadata/")?.is_success());
        Ok(())
    };
    let whoami: Call = |connection| connection.whoami().map(drop);
    let cases = [
        ("metadata/", get, true, vec!["access-1", "access-2", "access-3"]),
        ("metadata/", get, false, vec!["access-1", "access-2", "access-3"]),
        ("whoami", whoami, true, vec!["access-2", "access-3"]),
        ("whoami", whoami, false, vec!["access-2", "access-3"]),
    ];
    for (path, call, has_refresh, tokens) in cases {
        let rig = Rig::default();
        let connection = connected(&rig);
        if !has_refresh {
            store_without_refresh_token(&rig, &connection);
        }
        rig.site.forget_everybody();
        rig.person.answers("alice", "sesame");
        call(&connection).unwrap();
        let log = rig.site.log();
        assert_eq!(shown(&log, path), tokens, "{log:?}");
        assert_eq!(counts(&log), [usize::from(has_refresh), 1], "{log:?}");
    }
}

#[test]
fn a_server_that_refuses_everything_costs_one_renewal_h16() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.refuse_everything();
    assert_eq!(connection.get("metadata/").unwrap().status(), 401);
    let log = rig.site.log();
    assert_eq!(shown(&log, "metadata/"), ["access-1", "access-2", "access-3"], "{log:?}");
    assert_eq!(counts(&log), [1, 0], "{log:?}");
}

#[test]
fn a_server_that_refuses_everything_costs_all_callers_one_question_h16() {
    let rig = Rig::default();
    let connection = Arc::new(connected(&rig));
    rig.site.forget_everybody();
    rig.site.refuse_everything();
    // A second question would have no answer, and be an error.
    rig.person.answers("alice", "sesame");
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let connection = Arc::clone(&connection);
            thread::spawn(move || connection.get("metadata/").map(|response| response.status()))
        })
        .collect();
    for call in calls {
        assert_eq!(call.join().unwrap(), Ok(401));
    }
    assert_eq!(counts(&rig.site.log())[1], 1);
}

#[test]
fn a_client_of_its_own_is_given_another_token_twice_h16() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.forget_everybody();
    rig.person.answers("alice", "sesame");
    let mut shown = connection.authorization().unwrap().unwrap();
    for _ in 0..2 {
        shown = connection.refused(&shown).unwrap().unwrap();
    }
    assert_eq!(connection.token(Some(Duration::ZERO)).unwrap(), super::rig::secret("access-3"));
    assert_eq!(counts(&rig.site.log()), [1, 1]);
}

#[test]
fn a_session_that_ends_at_whoami_keeps_its_warnings() {
    let rig = Rig::default();
    drop(connected(&rig));
    let connection = rig.builder().never_ask().build().unwrap().connect(URL).unwrap();
    rig.clock.turn(LIFE);
    rig.store.refuse_saves();
    rig.site.refuse_everything();
    let Error::Auth(error) = connection.whoami().unwrap_err() else { panic!("no error of the session") };
    assert!(error.ends_session(), "{error}");
    let warnings = connection.warnings();
    assert!(matches!(warnings[..], [Warning::NotSaved(_)]), "{warnings:?}");
    assert_eq!(connection.session().tokens.access, Some(secret("access-3")));
}

#[test]
fn a_stored_session_found_at_sign_in_may_be_refused_too_h16() {
    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    let connection = rig.auth().connect(URL).unwrap();
    rig.site.forget_everybody();
    rig.site.log();
    rig.person.answers("alice", "sesame");
    let (key, store, session) = (connection.uri().key(), Arc::clone(&rig.store), connection.session());
    let tokens = Tokens { access: Some(secret("access-9")), refresh: None, ..session.tokens.clone() };
    let other = Mutex::new(Some(Box::new(Session { tokens, ..session })));
    // Another program stores a session between the failed renewal and the sign-in.
    let _subscription = connection.subscribe(move |event| {
        if *event == SessionEvent::NeedsPerson
            && let Some(session) = other.lock().unwrap().take()
        {
            store.apply(&Change::Save { key: key.clone(), session, replaces: Replaces::Anything }).unwrap();
        }
    });
    assert_eq!(connection.get("metadata/").unwrap().status(), 200);
    let log = rig.site.log();
    assert_eq!(shown(&log, "metadata/"), ["access-1", "access-9", "access-2"], "{log:?}");
    assert_eq!(counts(&log)[1], 1, "{log:?}");
}

#[test]
fn a_renewed_token_is_the_last_for_its_other_callers_h16() {
    let rig = Rig::default();
    let site = Hooked::new(&rig);
    let connection = hooked(&rig, &site);
    rig.site.refuse_everything();
    // One caller has its refusal, and looks at it once the other one has renewed.
    let (arrived, is_there) = channel();
    let (renewed, go_on) = channel::<()>();
    site.after("slow/", move || {
        arrived.send(()).unwrap();
        go_on.recv().unwrap();
    });
    let slow = {
        let connection = Arc::clone(&connection);
        thread::spawn(move || connection.get("slow/").unwrap().status())
    };
    is_there.recv().unwrap();
    let slow = Mutex::new(Some((slow, renewed)));
    let _subscription = connection.subscribe(move |_| {
        let slow = slow.lock().unwrap().take();
        if let Some((slow, renewed)) = slow {
            renewed.send(()).unwrap();
            assert_eq!(slow.join().unwrap(), 401);
        }
    });
    assert_eq!(connection.get("metadata/").unwrap().status(), 401);
    assert_eq!(connection.warnings(), []);
    assert_eq!(counts(&rig.site.log()), [1, 0]);
}

#[test]
fn a_token_that_was_refused_is_not_sent_again_h16() {
    type Call = fn(&Connection) -> bool;
    let get: Call = |connection| connection.get("metadata/").unwrap().status() == 401;
    let whoami: Call = |connection| {
        let error = connection.whoami().unwrap_err();
        error.as_auth().is_some_and(AuthError::ends_session)
    };
    for (path, call, calls) in [("metadata/", get, 1), ("metadata/", get, 8), ("whoami", whoami, 1)] {
        let rig = Rig::default();
        rig.person.answers("alice", "sesame");
        let connection = Arc::new(rig.auth().connect(URL).unwrap());
        rig.site.forget_everybody();
        rig.site.refuse_everything();
        rig.site.repeat_tokens();
        rig.site.log();
        // A second question would have no answer.
        rig.person.answers("alice", "sesame");
        let calls: Vec<_> = (0..calls)
            .map(|_| {
                let connection = Arc::clone(&connection);
                thread::spawn(move || call(&connection))
            })
            .collect();
        let count = calls.len();
        for call in calls {
            assert!(call.join().unwrap(), "{path}");
        }
        let log = rig.site.log();
        assert_eq!(shown(&log, path), vec!["access-1"; count], "{log:?}");
        assert_eq!(counts(&log)[1], 1, "{log:?}");
    }
}

#[test]
fn a_refused_read_is_not_repeated_after_a_logout() {
    let rig = Rig::default();
    let site = Hooked::new(&rig);
    let connection = hooked(&rig, &site);
    rig.site.refuse_everything();
    let ending = Arc::clone(&connection);
    site.after("metadata/", move || drop(ending.logout().unwrap()));
    assert_eq!(connection.get("metadata/").unwrap_err(), AuthError::NotSignedIn.into());
    let log = rig.site.log();
    assert_eq!(shown(&log, "metadata/"), ["access-1"], "{log:?}");
    let shown = Authorization::Bearer(secret("access-1"));
    assert_eq!(connection.refused(&shown).unwrap_err(), AuthError::NotSignedIn.into());
}

#[cfg(all(feature = "ureq", any(feature = "reqwest-middleware", feature = "tower")))]
#[test]
fn one_answer_serves_all_requests_of_a_client_even_if_refused_h16() {
    use http::{HeaderMap, StatusCode};

    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    let connection = rig.auth().connect(URL).unwrap();
    rig.site.forget_everybody();
    rig.site.refuse_everything();
    rig.site.repeat_tokens();
    rig.site.log();
    // A second question would have no answer, and be an error.
    rig.person.answers("alice", "sesame");
    let requests: Vec<_> = (0..4).map(|_| connection.show(&mut HeaderMap::new()).unwrap().unwrap()).collect();
    for mut shown in requests {
        let other = connection.show_another(&mut shown, StatusCode::UNAUTHORIZED, &HeaderMap::new());
        assert_eq!(other.unwrap(), None);
    }
    assert_eq!(counts(&rig.site.log()), [1, 1]);
}
