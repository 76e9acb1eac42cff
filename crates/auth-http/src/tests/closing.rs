//! Which side closes a connection first: its socket stays in `TIME_WAIT` for a minute.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::ports::Transport as _;
use auth_core::site::Url;
use auth_core::wire::Request;
use rustls::pki_types::CertificateDer;
use rustls::{ServerConnection, StreamOwned};

use super::environment::configured;
use super::servers::{SOON, in_a_process, read_request, transport, url};
use super::{LETS_THE_SERVER_CLOSE, MOST_WAITING, Subject, post};

/// A server that answers each connection in the same way, and closes it after a while.
struct Server {
    url: Url,
    /// Is told once for each connection that the client has its answer.
    answered: Sender<()>,
    ends: Receiver<End>,
}

/// How a connection ended.
struct End {
    /// The client's port.
    port: u16,
    /// Whether the client had its answer before the connection was closed. `None` if the server did not wait for that.
    had_its_answer: Option<bool>,
    /// Whether the client closed the connection before the server.
    client_first: bool,
}

/// When a server closes.
#[derive(Clone, Copy)]
enum Closes {
    /// So long after its answer.
    After(Duration),
    /// Once the client has its answer.
    OnceAnswered,
}

impl Server {
    fn new(answer: &'static str, secure: bool, closes: Closes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answered, client_answered) = channel();
        let (tell, ends) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let end = serve(stream.unwrap(), answer, secure, closes, &client_answered);
                if tell.send(end).is_err() {
                    return;
                }
            }
        });
        let address =
            if secure { format!("https://localhost:{port}/") } else { format!("http://127.0.0.1:{port}/") };
        Self { url: url(&address), answered, ends }
    }

    fn ends(&self, count: usize) -> Vec<End> {
        (0..count).map(|_| self.ends.recv_timeout(SOON).unwrap()).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &str,
    secure: bool,
    closes: Closes,
    client_answered: &Receiver<()>,
) -> End {
    let port = stream.peer_addr().unwrap().port();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut tls = secure.then(|| {
        let certificate = CertificateDer::from(&include_bytes!("tls/good.der")[..]);
        let mut tls = ServerConnection::new(configured(certificate)).unwrap();
        tls.complete_io(&mut stream).unwrap();
        StreamOwned::new(tls, stream.try_clone().unwrap())
    });
    if let Some(tls) = &mut tls {
        read_request(tls);
        tls.write_all(answer.as_bytes()).unwrap();
        tls.flush().unwrap();
    } else {
        read_request(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
    }
    let (had_its_answer, patience) = match closes {
        Closes::After(patience) => (None, patience),
        Closes::OnceAnswered => (Some(client_answered.recv_timeout(SOON / 4).is_ok()), SHORTLY),
    };
    let client_first = is_closed(&stream, patience);
    if !client_first {
        if let Some(tls) = &mut tls {
            tls.conn.send_close_notify();
            tls.flush().unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(is_closed(&stream, SOON), "the client closes after the server");
    }
    End { port, had_its_answer, client_first }
}

/// Whether the client closes the connection within this time.
fn is_closed(mut stream: &TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    loop {
        match stream.read(&mut [0; 256]) {
            Ok(0) => return true,
            // The end of TLS.
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// How many of the client's connections, which ended so, wait in `TIME_WAIT`. Zero where the system does not say.
fn waiting(server: &Server, ends: &[End]) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let remote = format!(":{:04X}", server.url.origin().port());
    let is_ours = |line: &&str| {
        let [_, from, to, state, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else { return false };
        let is_of = |end: &End| from.ends_with(&format!(":{:04X}", end.port));
        state == "06" && to.ends_with(&remote) && ends.iter().any(is_of)
    };
    table.lines().filter(is_ours).count()
}

const SHORTLY: Duration = Duration::from_millis(20);

const CONTENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const KEPT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const OLD: &str = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok";
const OLD_KEPT: &str = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive\r\n\r\nok";
/// The answers after which the server closes, and whether they come over TLS.
const CLOSING: [(&str, bool); 4] = [(CONTENT, false), (NO_CONTENT, false), (OLD, false), (CONTENT, true)];

/// A transport that gives a server as long as a test waits.
fn patient() -> Subject {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls/ca.pem");
    Subject::with_authorities("auth-http-tests/1.0", &[authority.into()]).unwrap().closed_within(SOON)
}

#[test]
fn the_server_closes_first_where_it_says_so() {
    const CALLS: usize = 20;
    if !LETS_THE_SERVER_CLOSE {
        return;
    }
    let transport = patient();
    for (answer, secure) in CLOSING {
        let server = Server::new(answer, secure, Closes::After(SHORTLY));
        for _ in 0..CALLS {
            transport.send(&post(server.url.clone())).unwrap();
        }
        let ends = server.ends(CALLS);
        let first = ends.iter().filter(|end| end.client_first).count();
        assert_eq!(first, 0, "of {CALLS} connections, the client closed these first: {answer:?} {secure}");
        assert_eq!(waiting(&server, &ends), 0, "sockets in TIME_WAIT: {answer:?} {secure}");
    }
}

#[test]
fn an_answer_does_not_wait_for_the_servers_close() {
    let transport = patient();
    for (answer, secure) in CLOSING {
        let server = Server::new(answer, secure, Closes::OnceAnswered);
        let response = transport.send(&post(server.url.clone())).unwrap();
        // No one listens if that took too long.
        let _ = server.answered.send(());
        assert_eq!(response.body().expose(), if answer == NO_CONTENT { "" } else { "ok" });
        let ends = server.ends(1);
        assert_eq!(
            ends[0].had_its_answer,
            Some(true),
            "the answer came before the close: {answer:?} {secure}"
        );
        if LETS_THE_SERVER_CLOSE {
            assert!(!ends[0].client_first, "{answer:?} {secure}");
            assert_eq!(waiting(&server, &ends), 0, "{answer:?} {secure}");
        }
    }
}

#[test]
fn a_connection_that_the_server_keeps_is_closed_at_once() {
    let transport = patient();
    for answer in [KEPT, OLD_KEPT] {
        let server = Server::new(answer, false, Closes::After(SOON / 4));
        assert_eq!(transport.send(&Request::get(server.url.clone())).unwrap().body().expose(), "ok");
        assert!(server.ends(1)[0].client_first, "the client closed first: {answer:?}");
    }
}

#[test]
fn a_server_that_does_not_close_is_waited_for_briefly() {
    let server = Server::new(CONTENT, false, Closes::After(SOON));
    let began = Instant::now();
    assert_eq!(transport().send(&Request::get(server.url.clone())).unwrap().body().expose(), "ok");
    assert!(server.ends(1)[0].client_first, "the client closed first");
    assert!(began.elapsed() < SOON / 4, "{:?}", began.elapsed());
}

/// Waits until so many threads of this process wait for a server to close. True at once where the system does not say.
fn come_to_wait(count: usize) -> bool {
    let waiting = || {
        let threads = std::fs::read_dir("/proc/self/task").ok()?.flatten();
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
        Some(names.filter(|name| name.trim() == "auth-http-close").count())
    };
    let began = Instant::now();
    while waiting().is_some_and(|waiting| waiting != count) {
        if began.elapsed() > SOON {
            return false;
        }
        thread::yield_now();
    }
    true
}

/// In a process of its own, because the bound is the process's.
#[test]
fn a_bounded_number_of_connections_waits_for_servers() {
    let here = module_path!().split_once("::").unwrap().1;
    if in_a_process(&format!("{here}::a_bounded_number_of_connections_waits_for_servers"), &[]) {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(&format!("http://{}/", listener.local_addr().unwrap()));
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_request(&mut stream);
            stream.write_all(CONTENT.as_bytes()).unwrap();
            tell.send(stream).unwrap();
        }
    });
    let transport = patient();
    let call = || {
        assert_eq!(transport.send(&post(url.clone())).unwrap().body().expose(), "ok");
        told.recv_timeout(SOON).unwrap()
    };
    let kept: Vec<_> = (0..MOST_WAITING).map(|_| call()).collect();
    for _ in 0..3 {
        assert!(is_closed(&call(), SOON), "the client closes what is beyond the bound");
    }
    assert!(kept.iter().all(|stream| !is_closed(stream, SHORTLY / 10)));
    assert!(come_to_wait(MOST_WAITING));
    for stream in kept {
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(is_closed(&stream, SOON));
    }
    assert!(come_to_wait(0));
    let patience = if LETS_THE_SERVER_CLOSE { SHORTLY } else { SOON };
    assert_eq!(is_closed(&call(), patience), !LETS_THE_SERVER_CLOSE, "there is room again");
}
