//! A runtime that ends, or is not driven, while a token is redeemed for a task of it.

use std::sync::Arc;
use std::time::Duration;

use auth_native::ports::Store;
use auth_native::{MemoryStore, TiledDirectory};
use auth_sandbox::{Fault, Faults, RefreshRule, Which};

use super::resting_runtime;
use super::rig::{Link, Protocol, Rig, Servers, runtime, until};

/// The answer takes as long as both callers need to wait for it.
const ANSWER: Duration = Duration::from_millis(500);

/// The first caller's runtime ends while its token is redeemed, or rests from then on.
#[test]
fn a_runtime_that_ends_or_rests_while_redeeming_costs_no_token_h15() {
    let home = tempfile::tempdir().unwrap();
    for (number, ends) in [true, false].into_iter().enumerate() {
        let home = home.path().join(number.to_string());
        let files = TiledDirectory::new(home.join("tokens"), home.join("state"));
        let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(files)];
        for store in stores {
            redeem(store, ends);
        }
    }
}

fn redeem(store: Arc<dyn Store>, ends: bool) {
    let rig = Rig::new(Protocol::Tiled);
    let Servers::Tiled(server) = &rig.servers else { unreachable!("a Tiled server") };
    let site = server.site();
    site.lock().unwrap().config.refresh_rule = RefreshRule::SingleUse;
    let auth = rig.build(rig.builder().store(store));
    let (one, other) = (resting_runtime(), runtime());
    rig.user.answer(1);
    let link = one.block_on(async { auth.connect().await.unwrap() });
    let Link::Tiled(connection) = link else { unreachable!("a Tiled server") };
    rig.clock.advance(Duration::from_hours(1));
    site.lock().unwrap().faults =
        Faults::none().nth(Which::ending("/auth/session/refresh"), 1, Fault::Delay(ANSWER));
    let token = || {
        let connection = Arc::clone(&connection);
        async move { connection.token(None).await }
    };
    let counters = || site.lock().unwrap().counters();
    let first = one.spawn(token());
    one.block_on(until(|| counters().refreshes == 1));
    let resting = if ends { None } else { Some(one) };
    other.block_on(token()).unwrap();
    drop((first, resting));
    let counted = counters();
    assert_eq!((counted.refreshes, counted.replays, rig.user.asked()), (1, 0, 1));
}
