use std::thread;

use core::time::Duration;
use std::sync::{Arc, Mutex};

use auth_core::error::Policy;
use auth_core::flow::{LoginOptions, Warning};
use auth_core::ports::{Change, Replaces, Store as _};
use auth_core::wire::Authorization;
use auth_core::{Error as AuthError, Secret};

use super::rig::{LIFE, Rig, URL, secret};
use super::subject::Connection;
use crate::{Error, SessionEvent};

fn connected(rig: &Rig) -> Connection {
    rig.person.answers("alice", "sesame");
    let connection = rig.auth().connect(URL).unwrap();
    rig.site.log();
    connection
}

#[test]
fn a_read_goes_below_the_api_root_with_its_query() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let cases = [
        ("metadata/", "http://127.0.0.1:8000/api/v1/metadata/"),
        ("/metadata/a b?fields=x", "http://127.0.0.1:8000/api/v1/metadata/a%20b?fields=x"),
        ("//elsewhere.example/x", "http://127.0.0.1:8000/api/v1/elsewhere.example/x"),
        ("http://elsewhere.example", "http://127.0.0.1:8000/api/v1/http://elsewhere.example"),
    ];
    for (path, url) in cases {
        assert_eq!(connection.get(path).unwrap().status(), 200);
        assert_eq!(rig.site.log(), [format!("GET {url} access-1")], "{path}");
    }
}

#[test]
fn a_session_that_ends_is_renewed_before_the_read() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.clock.turn(LIFE);
    assert_eq!(connection.get("metadata/").unwrap().status(), 200);
    let log = rig.site.log();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[0].ends_with("auth/session/refresh -") && log[1].ends_with("access-2"), "{log:?}");
    assert_eq!(connection.token(None).unwrap(), secret("access-2"));
    assert_eq!(rig.auth().token(URL, None).unwrap().value.session, connection.session());
}

#[test]
fn a_token_that_the_server_refuses_is_renewed_once_and_kept() {
    let rig = Rig::default();
    let connection = connected(&rig);
    // Another program renews it behind our back, and the server forgets the old one.
    let renewed = rig.auth().token(URL, Some(LIFE)).unwrap().value.session;
    rig.site.log();
    assert_eq!(connection.get("metadata/").unwrap().status(), 200);
    let log = rig.site.log();
    assert!(log[0].ends_with("access-1") && log[1].ends_with("access-2") && log.len() == 2, "{log:?}");
    assert_eq!(connection.session(), renewed);
}

#[test]
fn a_session_that_cannot_be_saved_lives_as_long_as_the_connection() {
    let rig = Rig::default();
    rig.store.make_read_only();
    let connection = connected(&rig);
    assert_eq!(rig.auth().token(URL, None).unwrap_err(), AuthError::NotSignedIn.into());
    let warnings = connection.warnings();
    assert!(matches!(warnings[..], [Warning::NotSaved(_), Warning::NotRemembered(_)]), "{warnings:?}");
    for life in 1..=3 {
        rig.clock.turn(LIFE);
        assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
        assert_eq!(connection.token(None).unwrap(), secret(&format!("access-{}", life + 1)));
    }
    assert_eq!(connection.warnings(), [], "each is given once");
}

#[test]
fn nothing_is_redeemed_where_that_could_not_be_noted() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.clock.turn(LIFE);
    rig.store.make_read_only();
    let error = connection.token(None).unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::Store(_))), "{error}");
    assert_eq!(rig.site.log(), Vec::<String>::new());
}

#[test]
fn another_users_session_is_not_taken_for_ours() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let bob = LoginOptions {
        username: Some("bob".into()),
        password: Some(secret("sesame")),
        ..LoginOptions::default()
    };
    rig.auth().login(URL, bob).unwrap();
    let another: Error = Policy::AnotherUser.into();
    assert_eq!(connection.whoami().unwrap_err(), another);
    rig.clock.turn(LIFE);
    assert_eq!(connection.token(None).unwrap_err(), another);
    assert_eq!(connection.session().tokens.access, Some(secret("access-1")));
}

#[test]
fn a_server_that_is_down_ends_no_session() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.take_down();
    assert!(connection.get("metadata/").is_err());
    assert_eq!(connection.token(None).unwrap(), secret("access-1"));
    // Within the margin the token is still good, and that it could not be renewed is a warning.
    rig.clock.turn(LIFE.checked_sub(Duration::from_secs(30)).unwrap());
    assert_eq!(connection.token(None).unwrap(), secret("access-1"));
    assert_eq!(connection.token(None).unwrap(), secret("access-1"));
    assert!(matches!(connection.warnings()[..], [Warning::NotRenewed(_)]), "the same is said once");
}

#[test]
fn threads_that_share_a_connection_renew_once_h15() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.clock.turn(LIFE);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(connection.get("metadata/").unwrap().status(), 200));
        }
    });
    let refreshes = rig.site.log().into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(refreshes, 1);
}

type Events = Arc<Mutex<Vec<SessionEvent>>>;

fn told(events: &Events) -> Vec<SessionEvent> {
    core::mem::take(&mut *events.lock().unwrap())
}

#[test]
fn who_was_signed_in_is_asked_again_when_the_session_is_over_and_the_host_is_told() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let events = Events::default();
    let noted = Arc::clone(&events);
    let subscription = connection.subscribe(move |event| noted.lock().unwrap().push(event.clone()));
    rig.clock.turn(LIFE);
    connection.get("metadata/").unwrap();
    assert_eq!(told(&events), [SessionEvent::Changed]);

    for (number, by) in [(3, Duration::ZERO), (4, LIFE)] {
        rig.site.forget_everybody();
        rig.clock.turn(by);
        rig.person.answers("alice", "sesame");
        assert_eq!(connection.get("metadata/").unwrap().status(), 200);
        assert_eq!(told(&events), [SessionEvent::NeedsPerson, SessionEvent::Changed], "{number}");
        assert_eq!(connection.token(None).unwrap(), secret(&format!("access-{number}")));
    }
    rig.site.forget_everybody();
    let ended = connection.whoami().unwrap_err();
    assert_eq!(ended, AuthError::from(auth_core::error::CannotPrompt::Unanswered).into());
    assert!(matches!(told(&events)[..], [SessionEvent::NeedsPerson, SessionEvent::Ended(_)]));
    drop(subscription);
    rig.person.answers("alice", "sesame");
    assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
    assert_eq!(told(&events), []);
}

#[test]
fn only_who_was_signed_in_can_answer() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.forget_everybody();
    // A prompt that does not keep to the name that it was told.
    rig.person.answers("bob", "sesame");
    assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
}

#[test]
fn a_program_that_asks_nobody_is_told_that_its_session_is_over() {
    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    rig.auth().connect(URL).unwrap();
    let connection = rig.builder().never_ask().build().unwrap().connect(URL).unwrap();
    let events = Events::default();
    let noted = Arc::clone(&events);
    let _subscription = connection.subscribe(move |event| noted.lock().unwrap().push(event.clone()));
    rig.site.forget_everybody();
    let error = connection.get("metadata/").unwrap_err();
    let Error::Auth(error) = error else { panic!("{error}") };
    assert!(error.ends_session(), "{error}");
    assert_eq!(told(&events), [SessionEvent::Ended(error)]);
}

#[test]
fn what_a_client_of_ones_own_shows_is_renewed_once_when_it_is_refused_h16() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let first = connection.authorization().unwrap().unwrap();
    assert_eq!(first.header(), Secret::from(format!("Bearer {}", secret("access-1").expose())));
    let second = connection.refused(&first).unwrap().unwrap();
    assert_eq!(second, Authorization::Bearer(secret("access-2")));
    // Another request that had shown the first one meanwhile.
    assert_eq!(connection.refused(&first).unwrap().unwrap(), second);
    let refreshes = rig.site.log().into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(refreshes, 1);
    let with_key = rig.auth().connect_with_key(URL, secret("api-key")).unwrap();
    let key = with_key.authorization().unwrap().unwrap();
    assert_eq!(key, Authorization::ApiKey(secret("api-key")));
    assert_eq!(with_key.refused(&key).unwrap(), None);
}

#[test]
fn the_accounts_sessions_are_listed_and_one_of_them_is_ended() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let sessions = connection.sessions().unwrap();
    assert_eq!(sessions.len(), 1);
    connection.revoke_session(sessions[0].uuid.raw()).unwrap();
    let last = rig.site.log().pop().unwrap();
    let path = "auth/session/revoke/0123456789abcdef0123456789abcdef";
    assert_eq!(last, format!("DELETE http://127.0.0.1:8000/api/v1/{path} access-1"));
    assert_eq!(connection.revoke_session("../../node").unwrap_err(), Error::NoSession);
    assert_eq!(rig.site.log(), Vec::<String>::new());
}

#[test]
fn a_connection_signs_out_and_says_so() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let events = Events::default();
    let noted = Arc::clone(&events);
    let _subscription = connection.subscribe(move |event| noted.lock().unwrap().push(event.clone()));
    connection.logout().unwrap();
    assert_eq!(told(&events), [SessionEvent::Ended(AuthError::NotSignedIn)]);
    assert_eq!(rig.auth().status(URL).unwrap().state, crate::State::None);
}

#[test]
fn threads_that_share_a_connection_ask_once_h15() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.forget_everybody();
    // One answer: whoever asked a second time would have none.
    rig.person.answers("alice", "sesame");
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(connection.get("metadata/").unwrap().status(), 200));
        }
    });
    assert_eq!(connection.token(None).unwrap(), secret("access-2"));
}

#[test]
fn a_key_and_nobody_sign_nobody_out() {
    let rig = Rig::default();
    connected(&rig);
    let auth = rig.auth();
    let with_key = auth.connect_with_key(URL, secret("api-key")).unwrap();
    rig.site.log();
    assert_eq!(with_key.logout().unwrap_err(), AuthError::NotSignedIn.into());
    assert_eq!((auth.status(URL).unwrap().state, rig.site.log()), (crate::State::Good, vec![]));
}

#[test]
fn who_has_signed_out_is_not_asked_again() {
    let rig = Rig::default();
    let connection = connected(&rig);
    connection.logout().unwrap();
    rig.site.log();
    rig.person.answers("alice", "sesame");
    rig.clock.turn(LIFE);
    let ended = || Error::from(AuthError::NotSignedIn);
    assert_eq!(connection.get("metadata/").unwrap_err(), ended());
    assert_eq!(connection.whoami().unwrap_err(), ended());
    assert_eq!(connection.token(None).unwrap_err(), ended());
    assert_eq!(connection.authorization().unwrap_err(), ended());
    assert_eq!(connection.logout().unwrap_err(), ended());
    assert_eq!((rig.auth().status(URL).unwrap().state, rig.site.log()), (crate::State::None, vec![]));
}

#[test]
fn a_program_that_asks_nobody_this_time_asks_nobody_later_either() {
    let rig = Rig::default();
    connected(&rig);
    let options = LoginOptions { reuse: true, never_ask: true, ..LoginOptions::default() };
    let connection = rig.auth().connect_with(URL, options).unwrap();
    rig.site.forget_everybody();
    rig.person.answers("alice", "sesame");
    let Error::Auth(error) = connection.get("metadata/").unwrap_err() else { panic!() };
    assert!(error.ends_session(), "{error}");
}

#[test]
fn who_signs_in_again_where_nothing_can_be_saved_is_known_at_once() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.forget_everybody();
    // What is there is over, and is seen to be.
    connection.get("metadata/").unwrap_err();
    rig.store.make_read_only();
    rig.person.answers("alice", "sesame");
    assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
}

#[test]
fn what_a_stranger_renewed_is_adopted_although_nobody_knows_when_it_came() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let mut theirs = rig.auth().token(URL, Some(LIFE)).unwrap().value.session;
    theirs.facts.received = None;
    let key = connection.uri().key();
    rig.store
        .inner
        .apply(&Change::Save { key, session: Box::new(theirs.clone()), replaces: Replaces::Anything })
        .unwrap();
    assert_eq!(connection.get("metadata/").unwrap().status(), 200);
    assert_eq!(connection.session(), theirs);
}

#[test]
fn a_server_that_is_busy_is_left_alone_as_long_as_it_says() {
    let rig = Rig::default();
    let connection = connected(&rig);
    rig.site.is_busy(100);
    // Within its margin the token is good, and is used without asking again and again.
    rig.clock.turn(LIFE.checked_sub(Duration::from_secs(50)).unwrap());
    for _ in 0..3 {
        assert_eq!(connection.token(None).unwrap(), secret("access-1"));
    }
    assert_eq!(rig.site.log().len(), 1);
    // Nor is a session renewed that is over by now.
    rig.clock.turn(Duration::from_secs(50));
    let busy = |error: Error| matches!(error, Error::Auth(AuthError::Transient(_)));
    assert!(busy(connection.token(None).unwrap_err()));
    assert_eq!(rig.site.log(), Vec::<String>::new());
    rig.clock.turn(Duration::from_secs(51));
    assert!(busy(connection.token(None).unwrap_err()));
    assert_eq!(rig.site.log().len(), 1);
}

#[test]
fn a_session_in_use_is_renewed_in_the_background_before_anybody_has_to_wait() {
    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    let connection = rig.builder().renew_in_background(true).build().unwrap().connect(URL).unwrap();
    let (tell, hear) = std::sync::mpsc::channel();
    let _told = connection.subscribe(move |event| drop(tell.send(event.clone())));
    // Two minutes before its end it is used: from then on, and a minute before its end at the latest, it is renewed.
    rig.clock.turn(LIFE.checked_sub(Duration::from_secs(121)).unwrap());
    assert_eq!(connection.token(None).unwrap(), secret("access-1"));
    rig.clock.turn(Duration::from_mins(1));
    assert_eq!(connection.token(None).unwrap(), secret("access-1"), "the old one serves until then");
    assert_eq!(hear.recv_timeout(LIFE), Ok(SessionEvent::Changed));
    assert_eq!(connection.token(None).unwrap(), secret("access-2"));
    assert_eq!(rig.site.log().iter().filter(|line| line.contains("refresh")).count(), 1);
}

#[test]
fn callers_who_need_more_than_any_token_lasts_renew_once_between_them() {
    let rig = Rig::default();
    let connection = connected(&rig);
    let need = Some(LIFE * 2);
    let barrier = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    connection.token(need).unwrap()
                })
            })
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
    });
    assert!(connection.warnings().iter().any(|warning| matches!(warning, Warning::TooShort(_))));
}
