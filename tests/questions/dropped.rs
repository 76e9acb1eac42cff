//! Callers that give up while a question is open.

use std::time::Duration;

use auth_http::{Cancel, Underway};
use auth_native::error::AuthError;

use super::resting_runtime;
use super::rig::{Auth, PROTOCOLS, Protocol, Rig, runtime, until};

const CALLERS: usize = 8;

#[test]
fn a_question_outlives_the_caller_that_opened_it() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            let auth = rig.build(rig.builder());
            let link = rig.over(&auth).await;
            let first = tokio::spawn(link.clone().read());
            until(|| rig.user.asked() == 1).await;
            let others: Vec<_> = (1..CALLERS).map(|_| tokio::spawn(link.clone().read())).collect();
            tokio::task::yield_now().await;
            first.abort();
            assert!(first.await.unwrap_err().is_cancelled());
            rig.user.answer(CALLERS);
            for other in others {
                other.await.unwrap().unwrap();
            }
            assert_eq!((rig.user.asked(), rig.user.withdrawn(), rig.logins()), (1, 0, 2), "{protocol:?}");
        });
    }
}

/// Each call has a time limit that is shorter than the user takes.
#[test]
fn callers_with_a_time_limit_share_one_question() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            let auth = rig.build(rig.builder());
            let link = rig.over(&auth).await;
            let limit = Duration::from_millis(50);
            for _ in 0..5 {
                let calls: Vec<_> = (0..CALLERS)
                    .map(|_| tokio::spawn(tokio::time::timeout(limit, link.clone().read())))
                    .collect();
                for call in calls {
                    assert!(call.await.unwrap().is_err());
                }
            }
            until(|| rig.user.asked() == 1).await;
            rig.user.answer(CALLERS);
            link.read().await.unwrap();
            assert_eq!((rig.user.asked(), rig.user.withdrawn(), rig.logins()), (1, 0, 2), "{protocol:?}");
        });
    }
}

/// Nobody is signed in at first, so that a connection is what is waited for.
#[test]
fn callers_that_connect_share_one_question() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            let auth = rig.build(rig.builder());
            let connect = |auth: Auth| tokio::spawn(async move { auth.connect().await });
            let first = connect(auth.clone());
            until(|| rig.user.asked() == 1).await;
            let others: Vec<_> = (1..CALLERS).map(|_| connect(auth.clone())).collect();
            tokio::task::yield_now().await;
            first.abort();
            rig.user.answer(CALLERS);
            for other in others {
                other.await.unwrap().unwrap().read().await.unwrap();
            }
            assert_eq!((rig.user.asked(), rig.user.withdrawn(), rig.logins()), (1, 0, 1), "{protocol:?}");
        });
    }
}

#[test]
fn a_connection_and_a_caller_that_connects_share_one_question() {
    for protocol in PROTOCOLS {
        for connects_first in [true, false] {
            runtime().block_on(async {
                let rig = Rig::new(protocol);
                let auth = rig.build(rig.builder());
                let link = rig.over(&auth).await;
                rig.forget(&auth).await;
                let read = || tokio::spawn(link.clone().read());
                let connect = || {
                    tokio::spawn({
                        let auth = auth.clone();
                        async move { auth.connect().await.map(drop) }
                    })
                };
                let first = if connects_first { connect() } else { read() };
                until(|| rig.user.asked() == 1).await;
                let second = if connects_first { read() } else { connect() };
                tokio::time::sleep(Duration::from_millis(50)).await;
                rig.user.answer(2);
                first.await.unwrap().unwrap();
                second.await.unwrap().unwrap();
                let counts = (rig.user.asked(), rig.user.withdrawn(), rig.logins());
                assert_eq!(counts, (1, 0, 2), "{protocol:?}, connects first: {connects_first}");
            });
        }
    }
}

/// The last caller has left; whether the question is still open is up to the grace.
#[test]
fn a_deserted_question_stays_open_for_its_grace() {
    for protocol in PROTOCOLS {
        for grace in [Duration::from_mins(1), Duration::from_millis(20)] {
            runtime().block_on(async {
                let rig = Rig::new(protocol);
                let auth = rig.build(rig.builder().question_grace(grace));
                let link = rig.over(&auth).await;
                let ends = grace < Duration::from_secs(1);
                let first = tokio::spawn(link.clone().read());
                until(|| rig.user.asked() == 1).await;
                first.abort();
                if ends {
                    until(|| rig.user.withdrawn() == 1).await;
                }
                let second = tokio::spawn(link.read());
                if ends {
                    until(|| rig.user.asked() == 2).await;
                }
                rig.user.answer(1);
                second.await.unwrap().unwrap();
                let ended = usize::from(ends);
                let counts = (rig.user.asked(), rig.user.withdrawn(), rig.logins());
                assert_eq!(counts, (1 + ended, ended, 2), "{protocol:?} {grace:?}");
            });
        }
    }
}

#[test]
fn a_cancel_ends_the_question_at_once_for_all() {
    for protocol in PROTOCOLS {
        runtime().block_on(async {
            let rig = Rig::new(protocol);
            let cancel = Cancel::new();
            let auth = rig.build(rig.builder().cancel(cancel.clone()));
            let link = rig.over(&auth).await;
            let calls: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(link.clone().read())).collect();
            until(|| rig.user.asked() == 1).await;
            cancel.cancel();
            for call in calls {
                let error = call.await.unwrap().unwrap_err();
                assert_eq!(error.as_auth(), Some(&AuthError::Cancelled), "{protocol:?}");
            }
            until(|| rig.user.withdrawn() == 1).await;
            assert_eq!((rig.user.asked(), rig.logins()), (1, 1), "{protocol:?}");
        });
    }
}

/// The first runtime opens the question, and then ends, or is not driven any more.
#[test]
fn a_question_outlives_the_runtime_that_opened_it() {
    for (protocol, ends) in PROTOCOLS.into_iter().flat_map(|protocol| [(protocol, true), (protocol, false)]) {
        let rig = Rig::new(protocol);
        let auth = rig.build(rig.builder());
        let (one, other) = (resting_runtime(), runtime());
        let link = one.block_on(rig.over(&auth));
        let first = one.spawn(link.clone().read());
        one.block_on(until(|| rig.user.asked() == 1));
        let resting = if ends { None } else { Some(one) };
        let second = other.spawn(link.read());
        rig.user.answer(1);
        other.block_on(second).unwrap().unwrap();
        assert_eq!((rig.user.asked(), rig.user.withdrawn(), rig.logins()), (1, 0, 2), "{protocol:?}");
        drop((first, resting));
    }
}

/// The prompt has put the terminal back by then.
#[test]
fn finish_takes_back_a_question_that_no_caller_waits_for() {
    for protocol in PROTOCOLS {
        let rig = Rig::new(protocol);
        let underway = Underway::new();
        let auth = rig.build(rig.builder().underway(underway.clone()));
        let runtime = runtime();
        let link = runtime.block_on(rig.over(&auth));
        let first = runtime.spawn(link.read());
        runtime.block_on(until(|| rig.user.asked() == 1));
        assert!(underway.is_idle(), "{protocol:?}: a caller waits");
        first.abort();
        runtime.block_on(until(|| !underway.is_idle()));
        assert!(underway.finish(Duration::from_secs(20)), "{protocol:?}");
        assert_eq!((rig.user.asked(), rig.user.withdrawn()), (1, 1), "{protocol:?}");
    }
}

/// Which Shotgun site is meant, and then who signs in there.
#[test]
fn callers_that_name_no_site_share_both_questions() {
    let rig = Rig::new(Protocol::Shotgun);
    let Auth::Shotgun(auth, _) = rig.build(rig.builder()) else { unreachable!("a Shotgun site") };
    runtime().block_on(async {
        let calls: Vec<_> = (0..CALLERS)
            .map(|_| {
                let auth = auth.clone();
                tokio::spawn(async move { auth.user(None).await.map(drop) })
            })
            .collect();
        until(|| rig.user.asked() == 1).await;
        // A caller that begins only now is asked on its own.
        tokio::time::sleep(Duration::from_millis(100)).await;
        rig.user.answer(2 * CALLERS);
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert!(rig.user.asked() < CALLERS, "{}", rig.user.asked());
        assert_eq!(rig.logins(), 1);
    });
}
