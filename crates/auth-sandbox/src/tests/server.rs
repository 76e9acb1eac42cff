use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::Barrier;

use auth_core::Seed;
use auth_core::time::Timestamp;

use super::*;
use crate::faults::{Fault, Faults, Which};
use crate::tiled::{Config, RefreshRule, User};

const SOON: Duration = Duration::from_secs(10);

fn site() -> TiledSite {
    let users = vec![User::new("alice", canary::plant("secret1"))];
    TiledSite::new(Config { users, ..Config::default() }, Seed::new([9; 32]))
}

fn clock() -> SiteClock {
    SiteClock::standing(Timestamp(1_800_000_000))
}

fn limited(limits: Limits) -> Server {
    Server::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), site(), clock(), limits).unwrap()
}

fn faulty(faults: Faults) -> Server {
    let server = Server::start(site(), clock()).unwrap();
    server.site().lock().unwrap().faults = faults;
    server
}

#[track_caller]
fn until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < SOON, "it took too long");
        thread::yield_now();
    }
}

/// A client that speaks in bytes.
struct Client(BufReader<TcpStream>);

struct Answer {
    status: u16,
    headers: Vec<String>,
    body: String,
}

impl Client {
    fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: &str) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
        self
    }

    /// The next answer; `None` if the connection ended instead.
    fn answer(&mut self) -> Option<Answer> {
        let mut line = String::new();
        if self.0.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                header => headers.push(header.to_owned()),
            }
        }
        let length = headers.iter().find_map(|header| header.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).answer().unwrap()
    }

    /// With a planted password in place of `secret1`.
    fn post(&mut self, path: &str, content_type: &str, body: &str) -> Answer {
        let body = body.replace("secret1", &canary::plant("secret1"));
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\n");
        self.send(&format!("{head}Content-Length: {length}\r\n\r\n{body}")).answer().unwrap()
    }

    /// True if the server has hung up.
    fn is_over(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

impl Answer {
    fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|known| known == header)
    }
}

const TOKEN: &str = "/api/v1/auth/provider/sandbox/token";
const FORM: &str = "application/x-www-form-urlencoded";

fn refresh_token(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    body["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn only_loopback_addresses_are_served_n1() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "[2001:db8::1]:0", "[::ffff:127.0.0.1]:0"] {
        let error =
            Server::start_at(address.parse().unwrap(), site(), clock(), Limits::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{address}");
    }
    let other = Server::start_at("127.0.0.2:0".parse().unwrap(), site(), clock(), Limits::default());
    if let Ok(server) = other {
        assert_eq!(server.url().origin().host(), "127.0.0.2");
    }
}

#[test]
fn one_connection_serves_many_requests() {
    let server = Server::start(site(), clock()).unwrap();
    let mut client = Client::to(&server);
    let about = client.get("/api/v1/");
    assert_eq!(about.status, 200);
    assert!(about.has("connection: keep-alive") && about.has("content-type: application/json"));
    assert!(about.has("date: Fri, 15 Jan 2027 08:00:00 GMT"));
    assert!(about.body.contains("http://h/api/v1/auth/whoami"));
    let login = client.post(TOKEN, FORM, "username=alice&password=secret1");
    assert_eq!(login.status, 200);
    let body = format!("{{\"refresh_token\":\"{}\"}}", refresh_token(&login));
    let ended = client.post("/api/v1/auth/session/revoke", "application/json", &body);
    assert_eq!((ended.status, ended.body.as_str()), (204, ""));
    assert!(!ended.headers.iter().any(|header| header.starts_with("content-length")));
    assert_eq!(client.get("/api/v1/auth/whoami").body, "null");
    // Two at once are answered one after the other.
    client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.answer().unwrap().body, r#"{"status":"ready"}"#);
    assert!(client.answer().unwrap().body.contains("SANDBOX"));
    assert_eq!(server.connections(), 1);
    let site = server.site();
    assert_eq!(site.lock().unwrap().log().len(), 6);
}

#[test]
fn a_client_that_wants_no_more_gets_no_more() {
    let server = Server::start(site(), clock()).unwrap();
    let cases = [
        ("HTTP/1.1\r\nHost: h\r\nConnection: close", "connection: close", true),
        ("HTTP/1.1\r\nHost: h\r\nConnection: x, Close", "connection: close", true),
        ("HTTP/1.0", "connection: close", true),
        ("HTTP/1.0\r\nConnection: keep-alive", "connection: keep-alive", false),
        ("HTTP/1.1\r\nHost: h", "connection: keep-alive", false),
    ];
    for (end, header, over) in cases {
        let mut client = Client::to(&server);
        let answer = client.send(&format!("GET /healthz {end}\r\n\r\n")).answer().unwrap();
        assert_eq!((answer.status, answer.has(header)), (200, true), "{end}");
        if over {
            assert!(client.is_over(), "{end}");
        } else {
            assert_eq!(client.get("/healthz").status, 200, "{end}");
        }
    }
}

#[test]
fn the_server_closes_first_and_lets_its_client_finish() {
    // More than the buffers of both sides hold, so that the server has to take it in.
    const MORE: usize = 16 * 1_024 * 1_024;
    let server = limited(Limits { body: MORE, drain: SOON, ..Limits::default() });
    let mut client = Client::to(&server);
    client.0.get_ref().set_write_timeout(Some(SOON)).unwrap();
    client.send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().map(|answer| answer.status), Some(200));
    assert!(client.is_over());
    assert!(client.0.get_mut().write_all(&vec![b'x'; MORE]).is_ok(), "the connection was reset");
    drop(client);
    until(|| server.shared.state().open.is_empty());
}

#[test]
fn what_is_not_a_request_is_refused_n6() {
    let server = Server::start(site(), clock()).unwrap();
    let long = |length: usize| "x".repeat(length);
    let head = |extra: &str| format!("POST {TOKEN} HTTP/1.1\r\nHost: h\r\n{extra}\r\n\r\n");
    let many = "a: b\r\n".repeat(101);
    let cases = [
        ("GARBAGE\r\n\r\n".to_owned(), 400),
        ("GET /healthz\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{2}".to_owned(), 400),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/1.1\r\nHost h\r\n\r\n".to_owned(), 400),
        (head("Content-Length: x"), 400),
        (head("Content-Length: -1"), 400),
        (head("Content-Length: "), 400),
        (head("Content-Length: 1\r\nContent-Length: 2"), 400),
        (head("Transfer-Encoding: chunked"), 411),
        (head("Content-Length: 1048577"), 413),
        (head("Content-Length: 99999999999999999999999"), 413),
        (format!("GET /healthz HTTP/1.1\r\nHost: h\r\n{many}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", long(65_536)), 431),
        (format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX: {}", long(70_000)), 431),
    ];
    for (bytes, status) in cases {
        let mut client = Client::to(&server);
        let shown = bytes.chars().take(60).collect::<String>();
        let answer = client.send(&bytes).answer();
        assert_eq!(
            answer.map(|answer| (answer.status, answer.has("connection: close"))),
            Some((status, true)),
            "{shown:?}"
        );
        assert!(client.is_over(), "{shown:?}");
    }
    assert!(server.site().lock().unwrap().log().is_empty(), "none of them reached the site");
    assert_eq!(Client::to(&server).get("/healthz").status, 200, "and it goes on");
}

#[test]
fn requests_within_the_limits_are_taken_however_they_are_cut() {
    let server = Server::start(site(), clock()).unwrap();
    let mut client = Client::to(&server);
    let filling = "x".repeat(60_000);
    let big_head = format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX: {filling}\r\n\r\n");
    assert_eq!(client.send(&big_head).answer().unwrap().status, 200);
    let big_body = format!("username=alice&password=secret1&filling={}", "x".repeat(1_000_000));
    assert_eq!(client.post(TOKEN, FORM, &big_body).status, 200);
    for byte in "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n".split("") {
        client.send(byte);
    }
    assert_eq!(client.answer().unwrap().status, 200);
    let absolute = "GET http://other:81/api/v1?x=1 HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(client.send(absolute).answer().unwrap().has("location: http://other:81/api/v1/?x=1"));
    let head = client.send("HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n").answer_to_head();
    assert_eq!(head.status, 405);
    assert_eq!(client.get("/healthz").status, 200);

    let body = format!("username=alice&password={}", canary::plant("secret1"));
    let length = body.len();
    let expecting = format!(
        "POST {TOKEN} HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    assert_eq!(client.send(&expecting).answer().unwrap().status, 100);
    assert_eq!(client.send(&body).answer().unwrap().status, 200);
}

impl Client {
    /// An answer whose content does not come, whatever its length is said to be.
    fn answer_to_head(&mut self) -> Answer {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines.remove(0).split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers: lines, body: String::new() }
    }
}

#[test]
fn a_slow_client_is_not_waited_for_n6() {
    let limits =
        Limits { idle: Duration::from_millis(100), request: Duration::from_millis(100), ..Limits::default() };
    let server = limited(limits);
    assert!(Client::to(&server).is_over(), "who says nothing is left");
    for half in ["GET /heal", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345"] {
        let mut client = Client::to(&server);
        assert_eq!(client.send(half).answer().unwrap().status, 408, "{half:?}");
        assert!(client.is_over());
    }
    // Who says a little now and then gains no time by it.
    let server = limited(Limits { head: usize::MAX, ..limits });
    let mut client = Client::to(&server);
    client.send("GET / HTTP/1.1\r\nX: ");
    let mut writer = client.0.get_ref().try_clone().unwrap();
    let until = Instant::now() + SOON;
    let dripping = thread::spawn(move || {
        while Instant::now() < until && writer.write_all(b"a").is_ok() {
            thread::yield_now();
        }
    });
    assert_eq!(client.answer().map(|answer| answer.status), Some(408));
    drop(server);
    dripping.join().unwrap();
    assert!(Instant::now() < until);
}

#[test]
fn faults_act_on_the_connection() {
    let refresh = Which::ending("/session/refresh");
    for (fault, acted) in [(Fault::Drop, 0), (Fault::LostReply, 1)] {
        let server = faulty(Faults::none().nth(refresh.clone(), 1, fault.clone()));
        let mut client = Client::to(&server);
        let token = refresh_token(&client.post(TOKEN, FORM, "username=alice&password=secret1"));
        let body = format!("{{\"refresh_token\":\"{token}\"}}");
        let length = body.len();
        let request = format!(
            "POST /api/v1/auth/session/refresh HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        assert!(client.send(&request).answer().is_none(), "{fault:?}");
        assert_eq!(server.site().lock().unwrap().counters().refreshes, acted, "{fault:?}");
        assert_eq!(Client::to(&server).send(&request).answer().unwrap().status, 200);
    }
    let late = Duration::from_millis(50);
    let server = faulty(Faults::none().nth(Which::any(), 1, Fault::Delay(late)));
    let begun = Instant::now();
    assert_eq!(Client::to(&server).get("/healthz").status, 200);
    assert!(begun.elapsed() >= late);

    let server = faulty(Faults::none().always(Which::any(), Fault::Huge(10_000_000)));
    assert_eq!(Client::to(&server).get("/api/v1/").body.len(), 10_000_000);
    let busy = Fault::Status { status: 429, retry_after: Some(3) };
    let server = faulty(Faults::none().always(Which::any(), busy));
    assert!(Client::to(&server).get("/api/v1/").has("retry-after: 3"));
}

#[test]
fn many_clients_at_once_redeem_one_token_once_h15() {
    let config = Config {
        users: vec![User::new("alice", canary::plant("secret1"))],
        refresh_rule: RefreshRule::SingleUse,
        ..Config::default()
    };
    let server = Server::start(TiledSite::new(config, Seed::new([2; 32])), clock()).unwrap();
    let token = refresh_token(&Client::to(&server).post(TOKEN, FORM, "username=alice&password=secret1"));
    let barrier = Barrier::new(24);
    let statuses: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let mut client = Client::to(&server);
            let body = format!("{{\"refresh_token\":\"{token}\"}}");
            barrier.wait();
            client.post("/api/v1/auth/session/refresh", "application/json", &body).status
        };
        let threads: Vec<_> = (0..24).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(server.site().lock().unwrap().counters().replays, 23);
}

#[test]
fn clients_beyond_the_limit_wait_and_get_their_turn() {
    let server = limited(Limits { connections: 2, ..Limits::default() });
    let mut first = Client::to(&server);
    assert!(first.get("/healthz").has("connection: keep-alive"));
    let mut second = Client::to(&server);
    assert!(second.get("/healthz").has("connection: close"), "nothing is kept alive while all are in use");
    let mut third = Client::to(&server);
    assert_eq!(third.get("/healthz").status, 200);
    assert_eq!(first.get("/healthz").status, 200);
    let statuses: Vec<_> = thread::scope(|scope| {
        let ask = || Client::to(&server).get("/healthz").status;
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 20]);
}

#[test]
fn while_all_connections_are_in_use_nobody_else_is_served() {
    let server = limited(Limits { connections: 2, ..Limits::default() });
    let mut busy = [Client::to(&server), Client::to(&server)];
    for client in &mut busy {
        client.send("GET /heal");
    }
    until(|| server.connections() == 2);
    let mut waiting = Client::to(&server);
    waiting.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    waiting.0.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(waiting.answer().is_none(), "no answer while it waits");
    assert_eq!(server.connections(), 2);
    waiting.0.get_ref().set_read_timeout(Some(SOON)).unwrap();
    drop(busy);
    assert_eq!(waiting.answer().unwrap().status, 200);
}

#[test]
fn silent_connections_make_room_for_others_n6() {
    const MOST: usize = 4;
    let crowded = Duration::from_millis(50);
    let server = limited(Limits { connections: MOST, crowded, ..Limits::default() });
    let mut silent: Vec<_> = (0..MOST).map(|_| Client::to(&server)).collect();
    until(|| server.connections() == u64::try_from(MOST).unwrap());
    let mut waiting = Client::to(&server);
    waiting.0.get_ref().set_read_timeout(Some(SOON / 2)).unwrap();
    waiting.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(waiting.answer().map(|answer| answer.status), Some(200), "the client that asks is served");
    let mut ended = 0;
    for client in &mut silent {
        client.0.get_ref().set_read_timeout(Some(crowded)).unwrap();
        ended += usize::from(client.is_over());
    }
    assert!(ended > 0, "a silent connection made room");
}

#[test]
fn half_a_request_is_not_silence_n6() {
    const MOST: usize = 4;
    let server = limited(Limits { connections: MOST, crowded: SOON, ..Limits::default() });
    let silent = || server.shared.state().open.values().filter(|line| line.silent.is_some()).count();
    let mut halves: Vec<_> = (0..MOST).map(|_| Client::to(&server)).collect();
    until(|| silent() == MOST);
    for half in &mut halves {
        half.send("GET /heal");
    }
    until(|| silent() == 0);
    for half in &mut halves {
        assert_eq!(half.send("thz HTTP/1.1\r\nHost: h\r\n\r\n").answer().map(|a| a.status), Some(200));
    }
}

#[test]
fn line_ends_without_cr_end_a_head_of_any_length() {
    let server = Server::start(site(), clock()).unwrap();
    for end in ["\n", "\r\n"] {
        for length in [10, 5_000, 60_000] {
            let mut client = Client::to(&server);
            let filling = "x".repeat(length);
            client.0.get_ref().set_read_timeout(Some(SOON / 2)).unwrap();
            client.send(&format!("GET /healthz HTTP/1.1{end}Host: h{end}X: {filling}{end}{end}"));
            let answer = client.answer().map(|answer| answer.status);
            assert_eq!(answer, Some(200), "{length} bytes, lines end with {end:?}");
        }
    }
}

#[test]
fn a_dropped_server_hangs_up_and_frees_its_port() {
    let server = faulty(Faults::none().always(Which::ending("/slow"), Fault::Delay(Duration::from_mins(10))));
    let address = server.address();
    let mut idle = Client::to(&server);
    assert_eq!(idle.get("/healthz").status, 200);
    let mut half = Client::to(&server);
    half.send("GET /heal");
    let mut waiting = Client::to(&server);
    waiting.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    let until = Instant::now() + SOON;
    while server.site().lock().unwrap().log().len() < 2 {
        assert!(Instant::now() < until, "the slow request did not arrive");
        thread::yield_now();
    }
    let begun = Instant::now();
    let shared = Arc::clone(&server.shared);
    drop(server);
    assert!(begun.elapsed() < FAREWELL, "{:?}", begun.elapsed());
    assert!(shared.state().open.is_empty());
    for client in [&mut idle, &mut half, &mut waiting] {
        assert!(client.is_over());
    }
    assert!(TcpStream::connect_timeout(&address, SOON).is_err(), "nobody listens any more");
}

#[test]
fn the_address_names_the_root_path_and_nothing_secret_is_shown_s2() {
    let config = Config { root_path: "tiled".to_owned(), ..Config::default() };
    let server = Server::start(TiledSite::new(config, Seed::new([1; 32])), clock()).unwrap();
    let port = server.address().port();
    assert_eq!(server.url().to_string(), format!("http://127.0.0.1:{port}/tiled"));
    assert_eq!(format!("{server:?}"), format!("Server(http://127.0.0.1:{port}/tiled)"));
    let about = Client::to(&server).get("/tiled/api/v1/");
    assert!(about.body.contains("http://h/tiled/api/v1/auth/whoami"));
    server.clock().advance(Duration::from_mins(1));
    assert!(Client::to(&server).get("/healthz").has("date: Fri, 15 Jan 2027 08:01:00 GMT"));
}
