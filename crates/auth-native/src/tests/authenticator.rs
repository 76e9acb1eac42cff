use core::time::Duration;
use std::sync::Arc;

use auth_core::error::{CannotPrompt, Policy};
use auth_core::flow::{LoggedOut, LoginOptions, Revocation};
use auth_core::ports::{Change, Clock as _, Replaces, Store as _};
use auth_core::session::Session;
use auth_core::{Error as AuthError, Notice};
use auth_http::Cancel;

use super::rig::{LIFE, Rig, URL, secret};
use super::subject::{Authenticator, Connection};
use crate::{Access, Error, State, address};

const EXPOSED: &str = "http://tiled.example:8000";

fn given(user: &str, password: &str) -> LoginOptions {
    LoginOptions { username: Some(user.into()), password: Some(secret(password)), ..LoginOptions::default() }
}

/// What another program may have left: nothing is known of it but the tokens.
fn stored(rig: &Rig, url: &str, access: &str) {
    let key = address(url).unwrap().key();
    let mut session = Session::default();
    session.tokens.access = Some(secret(access));
    session.tokens.refresh = Some(secret("refresh-0"));
    session.facts.expires = Some(rig.clock.now().wall.after(LIFE));
    session.links.refresh = Some("/api/v1/auth/session/refresh".to_owned());
    rig.store.apply(&Change::Save { key, session: Box::new(session), replaces: Replaces::Anything }).unwrap();
}

fn is_policy(error: &Error, policy: &Policy) -> bool {
    matches!(error, Error::Auth(AuthError::Policy(found)) if found == policy)
}

#[test]
fn a_person_is_asked_once_and_then_the_session_serves() {
    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    let auth = rig.auth();
    assert_eq!(auth.connect(URL).unwrap().whoami().unwrap().name().raw(), "alice");
    rig.site.log();
    let again = auth.connect(URL).unwrap();
    assert_eq!(rig.site.log(), Vec::<String>::new());
    assert_eq!(again.token(None).unwrap(), secret("access-1"));
}

#[test]
fn a_blank_user_name_is_an_error_or_a_cancel() {
    for name in ["", " ", "\n", "\u{a0}"] {
        let rig = Rig::default();
        let auth = rig.auth();
        let named = LoginOptions { username: Some(name.into()), ..LoginOptions::default() };
        for options in [named, given(name, "sesame")] {
            for reuse in [false, true] {
                let end = auth.login(URL, LoginOptions { reuse, ..options.clone() });
                assert!(is_policy(&end.unwrap_err(), &Policy::BlankName), "{name:?}");
            }
        }
        assert_eq!(rig.site.log(), Vec::<String>::new(), "{name:?}");
        rig.person.answers(name, "sesame");
        assert_eq!(auth.login(URL, LoginOptions::default()).unwrap_err(), AuthError::Cancelled.into());
        assert_eq!(rig.site.log().len(), 1, "only the handshake is sent: {name:?}");
    }
}

#[test]
fn a_no_counts_for_all_programs_for_a_while_but_not_where_somebody_wants_to_sign_in() {
    let rig = Rig::default();
    let (auth, other) = (rig.auth(), rig.auth());
    rig.person.declines();
    assert_eq!(auth.connect(URL).unwrap_err(), AuthError::Cancelled.into());
    // Nobody would answer.
    let declined = || AuthError::from(CannotPrompt::Declined).into();
    assert_eq!(other.connect(URL).unwrap_err(), declined());
    let hasty = rig.builder().cool_down(Duration::ZERO).build().unwrap();
    rig.person.declines();
    assert_eq!(hasty.connect(URL).unwrap_err(), AuthError::Cancelled.into());
    rig.clock.turn(Duration::from_secs(29));
    assert_eq!(other.connect(URL).unwrap_err(), declined());
    rig.person.answers("alice", "sesame");
    other.login(URL, LoginOptions::default()).unwrap();
    auth.connect(URL).unwrap();
}

#[test]
fn who_said_no_is_asked_again_after_a_while() {
    let rig = Rig::default();
    rig.person.declines();
    assert_eq!(rig.auth().connect(URL).unwrap_err(), AuthError::Cancelled.into());
    rig.clock.turn(Duration::from_secs(30));
    rig.person.answers("alice", "sesame");
    rig.auth().connect(URL).unwrap();
}

#[test]
fn a_program_that_must_not_ask_is_told_so_and_can_bring_a_password() {
    let rig = Rig::default();
    let auth = rig.builder().never_ask().build().unwrap();
    assert_eq!(auth.connect(URL).unwrap_err(), AuthError::NotSignedIn.into());
    assert_eq!(auth.token(URL, None).unwrap_err(), AuthError::NotSignedIn.into());
    let error = auth.login(URL, LoginOptions::default()).unwrap_err();
    assert_eq!(error, AuthError::from(CannotPrompt::NotAllowed).into());
    let signed_in = auth.login(URL, given("alice", "sesame")).unwrap();
    assert!(signed_in.warnings.is_empty() && !signed_in.value.reused);
    let error = auth.login(URL, given("alice", "wrong")).unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::Rejected(_))), "{error}");
    assert_eq!(auth.status(URL).unwrap().state, State::Good, "a wrong password ends no session");
}

#[test]
fn a_token_is_renewed_when_it_must_be_and_not_before() {
    let rig = Rig::default();
    let auth = rig.auth();
    auth.login(URL, given("alice", "sesame")).unwrap();
    rig.site.log();
    assert!(!auth.token(URL, None).unwrap().value.fresh);
    assert_eq!(rig.site.log(), Vec::<String>::new());
    assert!(auth.token(URL, Some(LIFE)).unwrap().value.fresh);
    rig.clock.turn(LIFE);
    assert_eq!(auth.status(URL).unwrap().state, State::Expired);
    let renewed = auth.token(URL, None).unwrap().value;
    assert_eq!(renewed.session.tokens.access, Some(secret("access-3")));
    assert_eq!(rig.site.log().len(), 2);
}

#[test]
fn what_was_used_last_is_meant_and_stays_in_the_list_until_it_is_forgotten() {
    let rig = Rig::default();
    let auth = rig.auth();
    let other = "http://127.0.0.1:9000";
    auth.login(URL, given("alice", "sesame")).unwrap();
    auth.login(other, given("bob", "sesame")).unwrap();
    let sites = || auth.sites().unwrap().into_iter().map(|entry| entry.key.site).collect::<Vec<_>>();
    assert_eq!(sites(), ["http://127.0.0.1:9000/api/v1/", "http://127.0.0.1:8000/api/v1/"]);
    assert_eq!(auth.logout(other).unwrap(), LoggedOut { revocation: Revocation::Revoked });
    assert_eq!(auth.logout(other).unwrap_err(), AuthError::NotSignedIn.into());
    let status = auth.status(other).unwrap();
    assert_eq!((status.state, status.user), (State::None, Some("bob".into())));
    assert_eq!(sites().len(), 2);
    auth.forget(other).unwrap();
    assert_eq!(sites(), ["http://127.0.0.1:8000/api/v1/"]);
}

#[test]
fn nothing_goes_over_a_network_in_clear_unless_it_was_allowed_n1() {
    let rig = Rig::default();
    let auth = rig.auth();
    stored(&rig, EXPOSED, "access-0");
    let refused = Policy::PlainHttp(address(EXPOSED).unwrap().origin().clone());

    assert!(!auth.token(EXPOSED, None).unwrap().value.fresh, "what is there can be used");
    assert!(auth.connect(EXPOSED).is_ok());
    let errors = [
        auth.token(EXPOSED, Some(LIFE)).unwrap_err(),
        auth.whoami(EXPOSED).unwrap_err(),
        auth.connect(EXPOSED).unwrap().get("metadata/").unwrap_err(),
    ];
    for error in errors {
        assert!(is_policy(&error, &refused), "{error}");
    }
    let logged_out = auth.logout(EXPOSED).unwrap();
    assert_eq!(logged_out.revocation, Revocation::Failed(refused.into()));
    assert_eq!(auth.status(EXPOSED).unwrap().state, State::None);
    assert_eq!(rig.site.log(), Vec::<String>::new());
}

#[test]
fn an_expired_session_is_not_renewed_in_clear_when_somebody_connects_n1() {
    let rig = Rig::default();
    stored(&rig, EXPOSED, "access-0");
    rig.clock.turn(LIFE);
    let error = rig.auth().connect(EXPOSED).unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::Policy(Policy::PlainHttp(_)))), "{error}");
    let log = rig.site.log();
    assert!(log.iter().all(|line| line.ends_with(" -") && line.starts_with("GET ")), "{log:?}");
}

#[test]
fn plain_http_is_remembered_for_its_site_and_told_each_time_n1() {
    let rig = Rig::default();
    let auth = rig.auth();
    auth.login(EXPOSED, LoginOptions { allow_http: true, ..given("alice", "sesame") }).unwrap();
    let origin = address(EXPOSED).unwrap().origin().clone();
    assert_eq!(rig.person.told(), [Notice::PlainHttp(origin.clone())]);
    assert!(auth.status(EXPOSED).unwrap().allow_http);
    assert_eq!(auth.whoami(EXPOSED).unwrap().value.name().raw(), "alice");
    assert_eq!(rig.person.told(), [Notice::PlainHttp(origin.clone())]);
    auth.token(EXPOSED, None).unwrap();
    assert_eq!(rig.person.told(), [], "nothing was sent");
    rig.clock.turn(LIFE);
    assert!(auth.token(EXPOSED, None).unwrap().value.fresh);
    assert_eq!(auth.logout(EXPOSED).unwrap().revocation, Revocation::Revoked);
    assert_eq!(rig.person.told(), [Notice::PlainHttp(origin.clone()), Notice::PlainHttp(origin)]);
    assert!(!auth.status("http://other.example").unwrap().allow_http);
}

#[test]
fn a_site_that_was_found_to_be_encrypted_is_found_by_its_plain_address() {
    let rig = Rig::default();
    let auth = rig.auth();
    auth.login("https://tiled.example", given("alice", "sesame")).unwrap();
    let status = auth.status("http://tiled.example").unwrap();
    assert_eq!(
        (status.uri.origin().to_string(), status.state),
        ("https://tiled.example".to_owned(), State::Good)
    );
    assert_eq!(auth.status("http://tiled.example:8000").unwrap().state, State::None);
    assert_eq!(auth.whoami("http://tiled.example").unwrap().value.name().raw(), "alice");
    assert!(rig.site.log().iter().all(|line| line.contains(" https://tiled.example/")));
}

#[test]
fn an_address_with_a_key_is_refused_where_a_session_is_meant_h1() {
    let rig = Rig::default();
    let auth = rig.auth();
    let url = "http://127.0.0.1:8000/?api_key=canary";
    let errors = [
        auth.login(url, LoginOptions::default()).unwrap_err(),
        auth.token(url, None).unwrap_err(),
        auth.whoami(url).unwrap_err(),
        auth.logout(url).unwrap_err(),
        auth.status(url).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| *error == Error::ApiKey));
    assert_eq!(rig.site.log(), Vec::<String>::new());
}

#[test]
fn a_user_agent_that_no_header_holds_is_refused() {
    for name in ["", " ", "my\ntool", "mÿtool"] {
        let built =
            Authenticator::builder().user_agent(name).store(Arc::new(auth_store::MemoryStore::new())).build();
        assert_eq!(built.unwrap_err(), Error::UserAgent, "{name:?}");
    }
}

#[test]
fn a_cancel_stops_everything_and_costs_no_session() {
    let rig = Rig::default();
    rig.auth().login(URL, given("alice", "sesame")).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let auth = rig.builder().cancel(cancel).build().unwrap();
    rig.site.log();
    assert_eq!(auth.whoami(URL).unwrap_err(), AuthError::Cancelled.into());
    assert_eq!(auth.logout(URL).unwrap_err(), AuthError::Cancelled.into());
    assert_eq!(rig.site.log(), Vec::<String>::new());
    assert_eq!(rig.auth().status(URL).unwrap().state, State::Good);
}

#[test]
fn a_server_says_how_one_signs_in_to_it() {
    let rig = Rig::default();
    let found = rig.auth().discover(URL).unwrap().value;
    assert_eq!(found.about.providers.first().map(|provider| provider.name.raw()), Some("toy"));
}

type Connect = fn(&Rig, &str) -> Result<Connection, Error>;

#[test]
fn a_key_is_shown_and_nobody_asked_wherever_it_comes_from_h1() {
    let key = || secret("api-key");
    let address = format!("{URL}/?api_key={}", key().expose());
    let ways: [(&str, Connect); 2] = [
        ("given", |rig, _| rig.auth().connect_with_key(URL, secret("api-key"))),
        ("in the address", |rig, address| rig.auth().connect(address)),
    ];
    for (name, connect) in ways {
        let rig = Rig::default();
        let connection = connect(&rig, &address).unwrap();
        assert_eq!(connection.access(), Access::ApiKey, "{name}");
        assert_eq!(rig.site.log(), ["GET http://127.0.0.1:8000/api/v1/ -"], "{name}");
        assert_eq!(connection.get("metadata/?fields=x").unwrap().status(), 200, "{name}");
        assert_eq!(connection.whoami().unwrap().name().raw(), "svc", "{name}");
        let log = rig.site.log();
        assert!(log.iter().all(|line| line.ends_with(" api-key")) && log.len() == 2, "{log:?}");
        assert_eq!(connection.token(None).unwrap_err(), AuthError::NotSignedIn.into());
        assert_eq!(connection.uri().given().to_string(), "http://127.0.0.1:8000/");
        assert_eq!(rig.auth().sites().unwrap(), []);
    }
}

#[test]
fn two_keys_or_a_key_and_a_name_are_a_question_of_which_is_meant() {
    let rig = Rig::default();
    let auth = rig.auth();
    let address = format!("{URL}/?api_key={}", secret("api-key").expose());
    assert_eq!(auth.connect_with_key(&address, secret("api-key")).unwrap_err(), Error::TwoKeys);
    assert_eq!(auth.connect_with(&address, given("alice", "sesame")).unwrap_err(), Error::KeyAndName);
    let two = format!("{URL}/?api_key=a&api_key=b");
    assert!(matches!(auth.connect(&two).unwrap_err(), Error::Address(_)));
    assert_eq!(rig.site.log(), Vec::<String>::new());
}

#[test]
fn the_environments_key_goes_to_the_first_site_that_is_connected_to_and_to_no_other() {
    let rig = Rig::default();
    let auth = rig.auth_with_environment_key("api-key");
    assert_eq!(auth.connect(URL).unwrap().access(), Access::ApiKey);
    rig.person.answers("alice", "sesame");
    let other = auth.connect("http://127.0.0.1:9000").unwrap();
    assert_eq!(other.access(), Access::Session);
    assert_eq!(auth.connect(URL).unwrap().access(), Access::ApiKey);
    // Somebody who is named signs in; a sweep over sites shows no key.
    assert_eq!(auth.connect_with(URL, given("alice", "sesame")).unwrap().access(), Access::Session);
    rig.site.log();
    auth.status(URL).unwrap();
    auth.whoami(URL).unwrap();
    auth.token(URL, None).unwrap();
    assert!(rig.site.log().iter().all(|line| !line.ends_with(" api-key")));
    assert_eq!(rig.auth_with_environment_key("").connect(URL).unwrap().access(), Access::Session);
}

#[test]
fn a_key_goes_over_no_network_in_clear_n1() {
    let rig = Rig::default();
    let error = rig.auth().connect_with_key(EXPOSED, secret("api-key")).unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::Policy(Policy::PlainHttp(_)))), "{error}");
    assert!(rig.site.log().iter().all(|line| line.ends_with(" -")));
}

#[test]
fn where_everybody_is_let_in_nobody_is_asked_until_somebody_signs_in() {
    let rig = Rig::default();
    rig.site.let_everybody_in();
    let auth = rig.auth();
    let connection = auth.connect(URL).unwrap();
    assert_eq!(connection.access(), Access::Anonymous);
    assert_eq!(connection.get("metadata/").unwrap().status(), 200);
    assert_eq!(connection.whoami().unwrap_err(), AuthError::NotSignedIn.into());
    assert_eq!(connection.authorization().unwrap(), None);
    assert!(rig.site.log().iter().all(|line| line.ends_with(" -")));
    assert_eq!(auth.sites().unwrap(), []);
    auth.login(URL, given("alice", "sesame")).unwrap();
    assert_eq!(auth.connect(URL).unwrap().access(), Access::Session);
}

#[test]
fn a_session_that_is_not_to_be_remembered_is_renewed_in_memory_and_what_was_stored_is_gone() {
    let rig = Rig::default();
    rig.auth().login(URL, given("bob", "sesame")).unwrap();
    let auth = rig.builder().remember_me(false).build().unwrap();
    rig.person.answers("alice", "sesame");
    let connection = auth.connect(URL).unwrap();
    assert_eq!(rig.auth().status(URL).unwrap().state, State::None, "what was stored is no longer meant");
    for life in 3..6 {
        rig.clock.turn(LIFE);
        assert_eq!(connection.token(None).unwrap(), secret(&format!("access-{life}")));
        assert_eq!(connection.whoami().unwrap().name().raw(), "alice");
    }
    assert_eq!(connection.warnings(), []);
    assert_eq!(rig.auth().status(URL).unwrap().state, State::None);
    // A wrong password leaves what is stored.
    rig.auth().login(URL, given("bob", "sesame")).unwrap();
    assert!(auth.connect_with(URL, given("alice", "wrong")).is_err());
    assert_eq!(rig.auth().status(URL).unwrap().state, State::Good);
}

#[test]
fn forgetting_where_nobody_signs_in_leaves_what_is_stored() {
    let rig = Rig::default();
    rig.auth().login(URL, given("alice", "sesame")).unwrap();
    rig.site.let_everybody_in();
    let auth = rig.builder().remember_me(false).build().unwrap();
    assert_eq!(auth.connect(URL).unwrap().access(), Access::Anonymous);
    assert_eq!(rig.auth().status(URL).unwrap().state, State::Good);
    assert_eq!(auth.token(URL, None).unwrap_err(), AuthError::NotSignedIn.into());
    assert_eq!(auth.whoami(URL).unwrap_err(), AuthError::NotSignedIn.into());
}

#[test]
fn the_environments_key_is_bound_by_the_site_that_was_reached_with_it() {
    let rig = Rig::default();
    let auth = rig.auth_with_environment_key("api-key");
    let other = "http://127.0.0.1:9000";
    assert_eq!(auth.connect_with(other, given("alice", "sesame")).unwrap().access(), Access::Session);
    assert!(auth.connect("http://tiled.example:8000").is_err());
    assert_eq!(auth.connect(URL).unwrap().access(), Access::ApiKey);
    assert_eq!(auth.connect(other).unwrap().access(), Access::Session);
}
