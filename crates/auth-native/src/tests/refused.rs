//! Requests whose token is refused, and another one after it.

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use auth_core::ports::{Change, Loaded, Replaces, Store as _};
use auth_core::session::{Session, Tokens};

use super::rig::{LIFE, Rig, URL};
use super::subject::Connection;
use crate::Error;

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
