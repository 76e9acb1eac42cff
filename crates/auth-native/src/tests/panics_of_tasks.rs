//! Tasks of one runtime, one of which falls over while the others wait for what it does.

use std::sync::Arc;

use auth_core::ports::{Clock, Store};
use auth_http::nonblocking::Threaded;

use super::panics_tests::{Falls, OTHERS};
use super::rig::{LIFE, URL, secret};
use super::{Authenticator, Connection, Prompt, Transport};

async fn connected() -> (Arc<Falls>, Arc<Connection>) {
    let parts = Arc::new(Falls::default());
    let auth = Authenticator::builder()
        .transport(Arc::new(Threaded::new(Arc::clone(&parts))) as Arc<dyn Transport>)
        .prompt(Arc::new(Threaded::new(Arc::clone(&parts))) as Arc<dyn Prompt>)
        .clock(Arc::clone(&parts) as Arc<dyn Clock>)
        .store(Arc::clone(&parts) as Arc<dyn Store>)
        .ignore_environment_key()
        .build()
        .unwrap();
    parts.rig.person.answers("alice", "sesame");
    let connection = Arc::new(auth.connect(URL).await.unwrap());
    parts.rig.site.log();
    (parts, connection)
}

/// The first task is at the lock when it goes, by falling over or by being dropped; the others wait for it.
fn one_goes(is_dropped: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (parts, connection) = connected().await;
        parts.rig.clock.turn(LIFE);
        parts.fall_at_the_lock(!is_dropped, true);
        let want = || {
            let connection = Arc::clone(&connection);
            tokio::spawn(async move { connection.token(None).await })
        };
        let first = want();
        while !parts.gate.is_passed() {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..OTHERS).map(|_| want()).collect();
        // Each of them is polled, and waits, before this goes on.
        tokio::task::yield_now().await;
        if is_dropped {
            first.abort();
        }
        (0..OTHERS).for_each(|_| parts.gate.come());
        let end = first.await.unwrap_err();
        assert_eq!((end.is_cancelled(), end.is_panic()), (is_dropped, !is_dropped));
        for other in others {
            assert_eq!(other.await.unwrap().unwrap(), secret("access-2"));
        }
        assert_eq!(parts.refreshes(), 1);
    });
}

#[test]
fn a_task_that_falls_over_while_it_renews_is_replaced_h15() {
    one_goes(false);
}

#[test]
fn a_task_that_is_dropped_while_it_renews_is_replaced_h15() {
    one_goes(true);
}
