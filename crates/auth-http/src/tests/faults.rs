//! How an exchange ends without an answer, and whether anything was sent.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::error::{Sent, TransportFault};
use auth_core::ports::Unreachable;
use auth_core::wire::{Authorization, Request};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::servers::{SOON, Server, Stream, read_request, send, token, url};
use super::{IN_A_HANDSHAKE, post};

const fn maybe(fault: TransportFault) -> Unreachable {
    Unreachable { fault, sent: Sent::Maybe }
}

const fn no(fault: TransportFault) -> Unreachable {
    Unreachable { fault, sent: Sent::No }
}

/// Writes the same again and again, until nobody listens.
pub(super) fn endless(stream: &mut dyn Stream, head: &[u8], part: &[u8]) {
    let mut going = stream.write_all(head).is_ok();
    while going {
        going = stream.write_all(part).is_ok();
    }
}

#[test]
fn an_answer_that_is_none_is_told_by_its_fault_n6() {
    use TransportFault::{Closed, NotHttp, TooLarge};
    let ten_megabytes = 10 << 20;
    let large_header = format!("HTTP/1.1 200 OK\r\nx-a: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(70_000));
    let of = |text: &str| Server::of(text.as_bytes());
    let cases = [
        ("announced too large", of("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n"), TooLarge),
        (
            "announced beyond counting",
            of("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n"),
            TooLarge,
        ),
        (
            "10 MB",
            Server::of([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; ten_megabytes]].concat()),
            TooLarge,
        ),
        (
            "10 MB announced",
            Server::of(
                [
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {ten_megabytes}\r\n\r\n").as_bytes(),
                    &vec![b'x'; ten_megabytes],
                ]
                .concat(),
            ),
            TooLarge,
        ),
        (
            "endless chunks",
            Server::new(|stream| {
                let chunk = [&b"8000\r\n"[..], &vec![b'x'; 0x8000], b"\r\n"].concat();
                endless(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunk);
            }),
            TooLarge,
        ),
        ("one large header", of(&large_header), TooLarge),
        (
            "an endless header",
            Server::new(|stream| endless(stream, b"HTTP/1.1 200 OK\r\nx-a: ", &[b'a'; 1024])),
            TooLarge,
        ),
        (
            "endless headers",
            Server::new(|stream| {
                endless(stream, b"HTTP/1.1 200 OK\r\n", format!("x-a: {}\r\n", "a".repeat(4096)).as_bytes());
            }),
            TooLarge,
        ),
        ("a banner", of("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), NotHttp),
        ("a TLS alert", Server::of(vec![0x15, 3, 1, 0, 2, 2, 0x46]), NotHttp),
        ("another version", of("HTTP/3.7 200 OK\r\n\r\n"), NotHttp),
        ("no status", of("HTTP/1.1 OK\r\n\r\n"), NotHttp),
        ("a status below 100", of("HTTP/1.1 099 OK\r\n\r\n"), NotHttp),
        ("a bad header", of("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), NotHttp),
        ("a bad chunk", of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), NotHttp),
        ("two lengths", of("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"), NotHttp),
        ("nothing", of(""), Closed),
        ("half a status", of("HTTP/1.1 20"), Closed),
        ("half the headers", of("HTTP/1.1 200 OK\r\ncontent-le"), Closed),
        ("half the content", of("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"), Closed),
        ("half a chunk", of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\nhel"), Closed),
    ];
    for (name, server, fault) in cases {
        assert_eq!(send(&post(server.url("/"))), Err(maybe(fault)), "{name}");
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

/// Content as a server compresses it.
fn gzip(mut content: impl std::io::Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut content, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// A server that answers with so many letters, compressed.
pub(super) fn compressed(letters: u64) -> Server {
    let content = gzip(std::io::repeat(b'a').take(letters));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    Server::of([head.into_bytes(), content].concat())
}

#[test]
fn content_is_decompressed_and_bounded_after_that_n6() {
    for letters in [0, 2, 1 << 20] {
        let answer = send(&post(compressed(letters).url("/"))).unwrap();
        assert_eq!(answer.body().expose().matches('a').count() as u64, letters);
    }
    // The last is twenty thousand bytes on the wire.
    for letters in [(1 << 20) + 1, 20 << 20] {
        assert_eq!(send(&post(compressed(letters).url("/"))), Err(maybe(TransportFault::TooLarge)));
    }
    let cut = gzip(&[b'a'; 5_000][..]);
    let cut =
        [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n\r\n".as_slice(), &cut[..10]];
    assert!(send(&post(Server::of(cut.concat()).url("/"))).is_err());
}

#[test]
fn a_connection_that_ends_may_have_brought_the_request_and_it_is_not_sent_again_n8() {
    let server = Server::new(|_| {});
    for sent in 1..=3 {
        assert_eq!(send(&post(server.url("/t"))), Err(maybe(TransportFault::Closed)));
        let requests = server.after(sent);
        assert_eq!(requests.len(), sent);
        assert!(
            requests.iter().all(|request| request.starts_with("POST /t ") && request.ends_with(&token()))
        );
    }
}

#[test]
fn a_connection_that_ends_before_the_request_was_read_may_have_brought_it_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = url(&format!("http://{}/", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || (0..2).map(|_| drop(listener.accept().unwrap())).count());
    for _ in 0..2 {
        assert_eq!(send(&post(to.clone())), Err(maybe(TransportFault::Closed)));
    }
    assert_eq!(server.join().unwrap(), 2);
}

#[test]
fn nothing_is_sent_where_there_is_no_connection() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = mockito::Server::new();
    let secured = plain.url().replace("http://", "https://");
    let leaving = Server::accepting(
        |mut stream| {
            let _ = stream.read(&mut [0; 16])?;
            Err::<TcpStream, _>(std::io::Error::other("leaving"))
        },
        |_| {},
    );
    let cases = [
        ("refused", format!("http://{free}/"), TransportFault::Connect),
        ("refused, by name", format!("http://localhost:{}/", free.port()), TransportFault::Connect),
        ("no such host", "http://no-such-host.invalid/".to_owned(), TransportFault::Resolve),
        ("no such host, secured", "https://no-such-host.invalid/".to_owned(), TransportFault::Resolve),
        ("TLS to a server in clear", secured, TransportFault::Tls),
        ("TLS to nobody", format!("https://{free}/"), TransportFault::Connect),
        ("TLS cut off", format!("https://127.0.0.1:{}/", leaving.port()), TransportFault::Tls),
    ];
    for (name, to, fault) in cases {
        assert_eq!(send(&post(url(&to))), Err(no(fault)), "{name}");
    }
}

#[test]
fn a_credential_that_a_header_cannot_hold_is_not_sent() {
    let server = Server::new(|_| {});
    let request = Request::get(server.url("/")).authorized(Authorization::Bearer(Secret::from("a\r\nx: y")));
    assert_eq!(send(&request), Err(no(TransportFault::Connect)));
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[test]
fn everything_is_over_when_the_budget_is_n6() {
    /// Reads what does not come, which paces what is written between.
    fn slowly(stream: &mut dyn Stream, head: &[u8], part: &[u8]) {
        let mut going = stream.write_all(head).is_ok();
        while going {
            going = matches!(stream.read(&mut [0; 16]), Err(ref e) if e.kind() == std::io::ErrorKind::WouldBlock)
                && stream.write_all(part).is_ok();
        }
    }
    let paced = |head: &'static str, part: &'static str| {
        Server::accepting(
            |stream| stream.set_read_timeout(Some(Duration::from_millis(20))).map(|()| stream),
            move |stream| slowly(stream, head.as_bytes(), part.as_bytes()),
        )
    };
    let silent = |head: &'static str| {
        Server::new(move |stream| {
            let _ = stream.write_all(head.as_bytes());
            read_request(stream);
        })
    };
    let cases = [
        ("silence", silent("")),
        ("half the headers", silent("HTTP/1.1 200 OK\r\nx")),
        ("half the content", silent("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")),
        ("drops of headers", paced("HTTP/1.1 200 OK\r\nx: ", "y")),
        ("drops of content", paced("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "y")),
        ("drops of chunks", paced("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\ny\r\n")),
        ("interim answers", paced("", "HTTP/1.1 100 Continue\r\n\r\n")),
    ];
    for (name, server) in cases {
        let began = Instant::now();
        let request = Request { budget: Duration::from_millis(200), ..post(server.url("/")) };
        assert_eq!(send(&request), Err(maybe(TransportFault::Timeout)), "{name}");
        assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < SOON, "{name}");
    }
}

#[test]
fn a_budget_of_nothing_sends_nothing() {
    let server = Server::new(|_| {});
    let request = Request { budget: Duration::ZERO, ..post(server.url("/")) };
    assert_eq!(send(&request), Err(no(TransportFault::Timeout)));
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[test]
fn a_handshake_that_takes_too_long_has_sent_nothing_as_far_as_is_known() {
    // Reads the greeting and says nothing.
    let server = Server::new(|stream| drop(read_request(stream)));
    let to = url(&format!("https://127.0.0.1:{}/", server.port()));
    let request = Request { budget: Duration::from_millis(200), ..post(to) };
    assert_eq!(send(&request), Err(Unreachable { fault: TransportFault::Timeout, sent: IN_A_HANDSHAKE }));
    assert_eq!(server.requests().iter().filter(|request| request.contains(&token())).count(), 0);
}
