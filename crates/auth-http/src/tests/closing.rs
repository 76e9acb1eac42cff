//! Which side closes a connection first: its socket stays in `TIME_WAIT` for a minute.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::Transport as _;
use auth_core::site::Url;
use auth_core::wire::Request;
use rustls::pki_types::CertificateDer;
use rustls::{ServerConnection, StreamOwned};

use super::environment::configured;
use super::servers::{SOON, read_request, transport, url};
use super::{LETS_THE_SERVER_CLOSE, Subject, post};

/// A server, over TLS or not, that answers each connection so, gives its client that long to close it, and tells whether
/// the client did.
fn server(answer: &'static str, patience: Duration, secure: bool) -> (Url, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            if secure {
                let certificate = CertificateDer::from(&include_bytes!("tls/good.der")[..]);
                let mut tls = ServerConnection::new(configured(certificate)).unwrap();
                tls.complete_io(&mut stream).unwrap();
                let mut tls = StreamOwned::new(tls, &mut stream);
                read_request(&mut tls);
                tls.write_all(answer.as_bytes()).unwrap();
                tls.conn.send_close_notify();
                tls.flush().unwrap();
            } else {
                read_request(&mut stream);
                stream.write_all(answer.as_bytes()).unwrap();
            }
            stream.set_read_timeout(Some(patience)).unwrap();
            let first = is_closed(&mut stream);
            if !first {
                stream.shutdown(Shutdown::Write).unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                assert!(is_closed(&mut stream), "the client closes after the server");
            }
            if tell.send(first).is_err() {
                return;
            }
        }
    });
    let address =
        if secure { format!("https://localhost:{port}/") } else { format!("http://127.0.0.1:{port}/") };
    (url(&address), told)
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// How many sockets wait in `TIME_WAIT` for a peer at this port. `None` where the system does not say.
fn waiting(port: u16) -> Option<usize> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let ours = |line: &&str| {
        let mut fields = line.split_whitespace().skip(2);
        let remote = fields.next().is_some_and(|remote| remote.ends_with(&format!(":{port:04X}")));
        remote && fields.next() == Some("06")
    };
    Some(table.lines().filter(ours).count())
}

const CONTENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const KEPT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const OLD: &str = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn the_server_closes_first_where_it_says_so() {
    const CALLS: usize = 20;
    if !LETS_THE_SERVER_CLOSE {
        return;
    }
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls/ca.pem");
    let transport = Subject::with_authorities("auth-http-tests/1.0", &[authority.into()]).unwrap();
    for (answer, secure) in [(CONTENT, false), (NO_CONTENT, false), (OLD, false), (CONTENT, true)] {
        let (url, told) = server(answer, Duration::from_millis(20), secure);
        for _ in 0..CALLS {
            transport.send(&post(url.clone())).unwrap();
        }
        let first = (0..CALLS).filter(|_| told.recv_timeout(SOON).unwrap()).count();
        assert_eq!(first, 0, "of {CALLS} connections, the client closed these first: {answer:?} {secure}");
        if let Some(waiting) = waiting(url.origin().port()) {
            assert_eq!(waiting, 0, "sockets in TIME_WAIT: {answer:?} {secure}");
        }
    }
}

#[test]
fn a_server_that_does_not_close_is_waited_for_briefly() {
    for (answer, at_most) in [(KEPT, SOON / 4), (CONTENT, SOON / 4)] {
        let (url, told) = server(answer, SOON, false);
        let began = Instant::now();
        assert_eq!(transport().send(&Request::get(url)).unwrap().body().expose(), "ok");
        assert!(told.recv_timeout(SOON).unwrap(), "the client closed first");
        assert!(began.elapsed() < at_most, "{:?}", began.elapsed());
    }
}
