//! Only where threads wait, a store of this crate's choice is read on the calling one.

use core::time::Duration;

use auth_core::flow::LoginOptions;
use auth_core::ports::{Change, Replaces, Store as _};
use auth_core::session::{Session, Tokens};

use super::rig::{LIFE, Rig, URL, secret};

#[test]
fn a_store_that_is_read_at_once_gives_the_same_tokens() {
    let ages = [0, 14, 15, 30].map(Duration::from_mins);
    let seen = |quick: bool, age: Duration, need: Option<Duration>| {
        let rig = Rig::default();
        let mut auth = rig.auth();
        auth.shared.engine.is_quick = quick;
        let alice = LoginOptions {
            username: Some("alice".into()),
            password: Some(secret("sesame")),
            ..LoginOptions::default()
        };
        auth.login(URL, alice).unwrap();
        rig.clock.turn(age);
        let got =
            auth.token(URL, need).map(|outcome| (outcome.value.session.tokens.access, outcome.warnings));
        (got, rig.site.log())
    };
    for age in ages {
        for need in [None, Some(Duration::from_mins(1)), Some(LIFE)] {
            assert_eq!(seen(true, age, need), seen(false, age, need), "{age:?} {need:?}");
        }
    }
}

#[test]
fn a_refused_token_that_cannot_be_renewed_has_the_person_asked() {
    let rig = Rig::default();
    rig.person.answers("alice", "sesame");
    let connection = rig.auth().connect(URL).unwrap();
    let session = connection.session();
    let tokens = Tokens { refresh: None, ..session.tokens.clone() };
    let alone = Session { tokens, ..session };
    rig.store
        .apply(&Change::Save {
            key: connection.uri().key(),
            session: Box::new(alone),
            replaces: Replaces::Anything,
        })
        .unwrap();
    let connection = rig.auth().connect(URL).unwrap();
    rig.site.forget_everybody();
    rig.person.answers("alice", "sesame");
    // Its own word of its end is long away, and nothing can be got for it in silence.
    assert!(connection.get("metadata/").unwrap().is_success());
}
