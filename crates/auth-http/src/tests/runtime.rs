//! Runtimes that lack something.

use std::sync::Arc;

use auth_core::error::{Misuse, Sent, TransportFault};
use auth_core::flow::Tell;
use auth_core::ports::Unreachable;
use auth_core::wire::Request;
use auth_core::{Error, Notice};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::left::World;
use super::{Driver, ReqwestTransport, Transport, beside};
use crate::{Cancel, SystemClock, wait_for};

fn built(set_up: impl FnOnce(&mut Builder) -> &mut Builder) -> Runtime {
    set_up(&mut Builder::new_current_thread()).build().unwrap()
}

fn driver(over_sockets: bool) -> Driver {
    let (asked, _none) = mpsc::unbounded_channel();
    let world = Arc::new(World { asked, go_on: Arc::default() });
    let transport: Arc<dyn Transport> =
        if over_sockets { Arc::new(ReqwestTransport::new("test/0").unwrap()) } else { world.clone() };
    Driver::new(transport, world.clone(), world, Arc::new(SystemClock))
}

fn hello() -> Tell {
    Tell::new(Notice::Confirmation("hello".into()))
}

#[test]
fn a_runtime_that_lacks_something_is_an_error_that_says_so() {
    let (no_timers, no_io) = (Some(Misuse::NoTimers), Some(Misuse::NoIo));
    let cases: [(_, Option<Runtime>, [Option<Misuse>; 2]); 5] = [
        ("no runtime", None, [Some(Misuse::NoRuntime); 2]),
        ("nothing", Some(built(|builder| builder)), [no_timers; 2]),
        ("I/O", Some(built(Builder::enable_io)), [no_timers; 2]),
        ("timers", Some(built(Builder::enable_time)), [None, no_io]),
        ("all", Some(built(Builder::enable_all)), [None, None]),
    ];
    for (name, runtime, expected) in cases {
        for (over_sockets, misuse) in [false, true].into_iter().zip(expected) {
            let driver = driver(over_sockets);
            let cancel = Cancel::new();
            let run = driver.run(hello(), &cancel);
            let end = match &runtime {
                Some(runtime) => runtime.block_on(run),
                None => wait_for(run),
            };
            assert_eq!(end.err(), misuse.map(Error::Misuse), "{name}, over sockets: {over_sockets}");
        }
    }
}

#[test]
fn a_transport_of_sockets_connects_to_nothing_without_a_runtime() {
    let transport = ReqwestTransport::new("test/0").unwrap();
    let request = Request::get("http://127.0.0.1:1/".parse().unwrap());
    let nothing = Some(Unreachable { fault: TransportFault::Connect, sent: Sent::No });
    assert_eq!(wait_for(transport.send(&request)).err(), nothing);
    let runtime = built(Builder::enable_time);
    assert_eq!(runtime.block_on(transport.send(&request)).err(), nothing);
}

#[test]
fn what_would_be_done_beside_its_caller_is_dropped_outside_a_runtime() {
    let (tell, mut hear) = mpsc::unbounded_channel::<()>();
    beside(async move {
        let _ = tell.send(());
    });
    assert_eq!(hear.blocking_recv(), None);
}
