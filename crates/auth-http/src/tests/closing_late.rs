//! A server that closes its connection only when the flow has ended.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use auth_core::flow::{Event, Step};
use auth_core::wire::Request;

use super::script::{Gate, Line, Ports, SOON, script};
use crate::blocking::UreqTransport;
use crate::{Cancel, SystemClock};

#[test]
fn a_late_close_does_not_use_up_a_flows_deadline() {
    for redeems in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let ended = Gate::default();
        let may_close = ended.clone();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
            may_close.pass()
        });
        let transport = UreqTransport::new("auth-http-tests/1.0").unwrap().closed_within(SOON);
        let send = Box::new(move |request| auth_core::ports::Transport::send(&transport, &request));
        let driver = Ports { send, ..Ports::default() }.driver_with(Arc::new(SystemClock));
        let request = Step::Send(Request { budget: SOON / 4, ..Request::get(url) });
        let line = if redeems { Line::Redeem(request) } else { Line::Do(request) };
        let seen = driver.run(script([line]), &Cancel::new()).unwrap().value;
        assert!(matches!(seen[..], [Event::Start, Event::Response(_)]), "{redeems}: {seen:?}");
        ended.open();
        assert!(server.join().unwrap());
    }
}
