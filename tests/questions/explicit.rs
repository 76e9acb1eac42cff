//! Explicit sign-ins, which reuse no session.

use std::time::Duration;

use auth_native::Error;

use super::rig::{Auth, PROTOCOLS, Rig, USER, runtime, until};

/// Signs in anew, as the user who is named or as any.
async fn sign_in(auth: Auth, user: Option<&'static str>) -> Result<(), Error> {
    let username = user.map(Into::into);
    match auth {
        Auth::Tiled(auth, url) => {
            let options = auth_native::LoginOptions { username, ..auth_native::LoginOptions::default() };
            auth.login(&url, options).await.map(drop)
        }
        Auth::Shotgun(auth, site) => {
            let default = auth_native::shotgun::LoginOptions::default();
            let options = auth_native::shotgun::LoginOptions { username, ..default };
            auth.login(&site, options).await.map(drop)
        }
    }
}

#[test]
fn an_explicit_sign_in_shares_only_its_own_kind_of_question() {
    // The users named by two sign-ins at the same time, and how often the user is asked for them.
    for (names, questions) in
        [([None, None], 1), ([Some(USER), Some(USER)], 1), ([None, Some(USER)], 2), ([Some(USER), None], 2)]
    {
        for protocol in PROTOCOLS {
            runtime().block_on(async {
                let rig = Rig::new(protocol);
                let auth = rig.build(rig.builder());
                let [first, second] = names;
                let first = tokio::spawn(sign_in(auth.clone(), first));
                until(|| rig.user.asked() == 1).await;
                let second = tokio::spawn(sign_in(auth.clone(), second));
                tokio::time::sleep(Duration::from_millis(50)).await;
                assert_eq!(rig.user.asked(), 1, "one at a time");
                rig.user.answer(2);
                first.await.unwrap().unwrap();
                second.await.unwrap().unwrap();
                assert_eq!(rig.user.asked(), questions, "{protocol:?} {names:?}");
            });
        }
    }
}

#[test]
fn an_explicit_sign_in_waits_and_asks_its_own_question() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            let auth = rig.build(rig.builder());
            let link = rig.over(&auth).await;
            let reads = tokio::spawn(link.clone().read());
            until(|| rig.user.asked() == 1).await;
            let signs_in = tokio::spawn(sign_in(auth.clone(), None));
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(rig.user.asked(), 1, "one at a time");
            rig.user.answer(2);
            reads.await.unwrap().unwrap();
            signs_in.await.unwrap().unwrap();
            assert_eq!((rig.user.asked(), rig.user.withdrawn()), (2, 0), "{protocol:?}");
        });
    }
}
