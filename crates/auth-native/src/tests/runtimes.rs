//! The asynchronous face where there is no runtime that it can use: an error, and no panic.

use std::sync::Arc;

use auth_core::Error as AuthError;
use auth_core::error::Misuse;
use auth_core::flow::LoginOptions;
use auth_core::ports::{Clock, Store};
use auth_core::wire::Authorization;
use auth_http::nonblocking::Threaded;
use auth_http::wait_for;
use tokio::runtime::Builder;

use super::rig::{LIFE, Rig, URL, secret};
use super::{Authenticator, Prompt, Transport};
use crate::Error;

fn auth(rig: &Rig) -> Authenticator {
    Authenticator::builder()
        .transport(Arc::new(Threaded::new(Arc::clone(&rig.site))) as Arc<dyn Transport>)
        .prompt(Arc::new(Threaded::new(Arc::clone(&rig.person))) as Arc<dyn Prompt>)
        .clock(Arc::clone(&rig.clock) as Arc<dyn Clock>)
        .store(Arc::clone(&rig.store) as Arc<dyn Store>)
        .ignore_environment_key()
        .build()
        .unwrap()
}

#[test]
fn every_call_without_a_usable_runtime_is_an_error() {
    let rig = Rig::default();
    let auth = auth(&rig);
    let usable = Builder::new_current_thread().enable_all().build().unwrap();
    let alice = || LoginOptions {
        username: Some("alice".into()),
        password: Some(secret("sesame")),
        ..LoginOptions::default()
    };
    let connection = usable.block_on(auth.connect_with(URL, alice())).unwrap();
    rig.site.log();
    // Here what is stored is looked at only.
    assert_eq!(wait_for(auth.sites()).unwrap().len(), 1);
    wait_for(auth.status(URL)).unwrap();
    // A token that is near its end is shown, and renewed once there is a runtime.
    rig.clock.turn(LIFE * 9 / 10);
    for _ in 0..2 {
        let shown = wait_for(connection.authorization());
        assert!(
            matches!(shown, Ok(Some(_)) | Err(Error::Auth(AuthError::Misuse(Misuse::NoRuntime)))),
            "{shown:?}"
        );
    }
    rig.clock.turn(LIFE);
    let without_timers = Builder::new_current_thread().build().unwrap();
    for (runtime, misuse) in [(None, Misuse::NoRuntime), (Some(without_timers), Misuse::NoTimers)] {
        let ends = async {
            vec![
                ("connect", auth.connect(URL).await.map(drop)),
                ("connect_with", auth.connect_with(URL, alice()).await.map(drop)),
                ("connect_with_key", auth.connect_with_key(URL, secret("api-key")).await.map(drop)),
                ("login", auth.login(URL, alice()).await.map(drop)),
                ("token of a site", auth.token(URL, None).await.map(drop)),
                ("whoami at a site", auth.whoami(URL).await.map(drop)),
                ("logout of a site", auth.logout(URL).await.map(drop)),
                ("discover", auth.discover(URL).await.map(drop)),
                ("get", connection.get("metadata/").await.map(drop)),
                ("token", connection.token(None).await.map(drop)),
                ("whoami", connection.whoami().await.map(drop)),
                ("sessions", connection.sessions().await.map(drop)),
                ("authorization", connection.authorization().await.map(drop)),
                ("refused", {
                    let shown = connection.session().tokens.access.map(Authorization::Bearer).unwrap();
                    connection.refused(&shown).await.map(drop)
                }),
                ("logout", connection.logout().await.map(drop)),
            ]
        };
        let ends = match &runtime {
            Some(runtime) => runtime.block_on(ends),
            None => wait_for(ends),
        };
        for (name, end) in ends {
            assert_eq!(end, Err(Error::Auth(AuthError::Misuse(misuse))), "{name}");
        }
    }
    assert_eq!(rig.site.log(), Vec::<String>::new());
    // Nothing was lost by it.
    assert!(usable.block_on(connection.get("metadata/")).unwrap().is_success());
}
