//! A runtime that ends while a token is redeemed on it.

use std::sync::Arc;
use std::time::Duration;

use auth_native::ports::Store;
use auth_native::{MemoryStore, TiledDirectory};
use auth_sandbox::{Fault, Faults, RefreshRule, Which};

use super::rig::{Auth, Link, Protocol, Rig, Servers, runtime, until};

/// The answer takes as long as both callers need to wait for it.
const ANSWER: Duration = Duration::from_millis(500);

#[test]
fn a_runtime_that_ends_while_redeeming_costs_no_token_h15() {
    let home = tempfile::tempdir().unwrap();
    let files = TiledDirectory::new(home.path().join("tokens"), home.path().join("state"));
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(files)];
    for store in stores {
        let rig = Rig::new(Protocol::Tiled);
        let Servers::Tiled(server) = &rig.servers else { unreachable!("a Tiled server") };
        let site = server.site();
        site.lock().unwrap().config.refresh_rule = RefreshRule::SingleUse;
        let auth = rig.build(rig.builder().store(store));
        let (one, other) = (runtime(), runtime());
        rig.user.answer(1);
        let link = one.block_on(async { auth.connect().await.unwrap() });
        let Auth::Tiled(..) = &auth else { unreachable!("a Tiled server") };
        let Link::Tiled(connection) = link else { unreachable!("a Tiled server") };
        rig.clock.advance(Duration::from_hours(1));
        site.lock().unwrap().faults =
            Faults::none().nth(Which::ending("/auth/session/refresh"), 1, Fault::Delay(ANSWER));
        let token = || {
            let connection = Arc::clone(&connection);
            async move { connection.token(None).await }
        };
        let counters = || site.lock().unwrap().counters();
        one.spawn(token());
        other.block_on(until(|| counters().refreshes == 1));
        let waiting = other.spawn(token());
        other.block_on(async { tokio::time::sleep(ANSWER / 10).await });
        one.shutdown_background();
        other.block_on(waiting).unwrap().unwrap();
        let counted = counters();
        assert_eq!((counted.refreshes, counted.replays, rig.user.asked()), (1, 0, 1));
    }
}
