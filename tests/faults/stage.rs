//! Where a command is played: a store, a clock and ways to a site and a person, all of which can fail.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use auth_core::ports::{Change, Clock, Prompt, Store, Transport};
use auth_http::nonblocking::Threaded;
use auth_http::{Cancel, blocking, nonblocking};
use auth_sandbox::SiteClock;

use crate::command::{Driver, Report};
use crate::plan::{Plan, Strike};
use crate::ports::{Exchange, FaultyClock, FaultyPerson, FaultyStore, FaultyTransport};

/// How long anything may take.
const LIMIT: Duration = Duration::from_mins(1);

/// What a command works with where nothing goes wrong.
pub(crate) struct Stage<'a> {
    pub(crate) is_async: bool,
    pub(crate) way: Arc<dyn Transport>,
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) person: Arc<dyn Prompt>,
    pub(crate) clock: &'a SiteClock,
    /// How somebody else's session is saved.
    pub(crate) stranger: Change,
}

/// What was seen of a command.
pub(crate) struct Run {
    pub(crate) report: Report,
    pub(crate) seen: Vec<Exchange>,
    pub(crate) plan: Plan,
}

impl Stage<'_> {
    /// Plays a command with faults. It ends, and nothing of it panics but on purpose.
    pub(crate) fn play(
        self,
        strikes: Vec<Strike>,
        command: impl FnOnce(&Driver, &Cancel) -> Report + Send,
    ) -> Run {
        let Self { is_async, way, store, person, clock, stranger } = self;
        let cancel = Cancel::new();
        let plan = Plan::new(strikes, cancel.clone());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let transport: Arc<dyn Transport> = Arc::new(FaultyTransport {
            below: way,
            plan: plan.clone(),
            clock: clock.clone(),
            seen: Arc::clone(&seen),
        });
        let store: Arc<dyn Store> = Arc::new(FaultyStore {
            below: Arc::clone(store),
            plan: plan.clone(),
            clock: clock.clone(),
            stranger,
        });
        let person: Arc<dyn Prompt> = Arc::new(FaultyPerson { below: person, plan: plan.clone() });
        let clock = Arc::new(FaultyClock::new(clock.clone(), plan.clone()));
        let driver = driver(is_async, &transport, &store, &person, clock, plan.clone());
        let (tell, hear) = mpsc::channel();
        let report = std::thread::scope(|scope| {
            let running = cancel.clone();
            scope.spawn(move || {
                let report = command(&driver, &running);
                // Nobody hears it where it came too late, and that fails already.
                let _ = tell.send((report, driver.into_runtime()));
            });
            let report = hear.recv_timeout(LIMIT);
            if report.is_err() {
                // Lets it go on, so that the failure below can be seen.
                cancel.cancel();
            }
            plan.release();
            report
        });
        let (report, runtime) = report.unwrap_or_else(|why| panic!("it did not end: {why}"));
        // What the driver left behind, begun or not, has a share in what it works with.
        let deadline = Instant::now() + LIMIT;
        let left_behind =
            || Arc::strong_count(&transport) + Arc::strong_count(&store) + Arc::strong_count(&person) > 3;
        while left_behind() {
            assert!(Instant::now() < deadline, "a call never ended");
            match &runtime {
                // Where the caller has left, what must be done is done here.
                Some(runtime) => runtime.block_on(tokio::task::yield_now()),
                None => std::thread::yield_now(),
            }
        }
        let seen = seen.lock().unwrap().clone();
        Run { report, seen, plan }
    }
}

fn driver(
    is_async: bool,
    transport: &Arc<dyn Transport>,
    store: &Arc<dyn Store>,
    person: &Arc<dyn Prompt>,
    clock: Arc<dyn Clock>,
    plan: Plan,
) -> Driver {
    let (store, person) = (Arc::clone(store), Arc::clone(person));
    if is_async {
        let threaded = Arc::new(Threaded::new(Arc::clone(transport)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let person = Arc::new(Threaded::new(person));
        let driver = nonblocking::Driver::new(threaded, store, person, clock);
        return Driver::Async(driver, runtime, plan);
    }
    Driver::Blocking(blocking::Driver::new(Arc::clone(transport), store, person, clock))
}
