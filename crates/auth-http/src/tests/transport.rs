//! What goes over the wire, what comes back, and what does not.

#[path = "closing.rs"]
mod closing;
#[path = "collected.rs"]
mod collected;
#[path = "environment.rs"]
mod environment;
#[path = "faults.rs"]
mod faults;
#[path = "proxied.rs"]
mod proxied;
#[path = "servers.rs"]
mod servers;

use auth_core::Secret;
use auth_core::ports::Transport as _;
use auth_core::wire::{Authorization, Body, Method, Request};

use self::servers::{Server, bearer, send, token, transport, url};
use super::*;

fn post(to: auth_core::site::Url) -> Request {
    Request::token(
        to,
        Body::Form(Secret::from(format!("grant_type=refresh_token&refresh_token={}", token()))),
    )
}

#[test]
fn an_answer_of_any_status_is_an_answer() {
    let mut server = mockito::Server::new();
    for status in [200, 201, 202, 204, 300, 304, 400, 401, 403, 404, 418, 429, 500, 502, 503, 599] {
        let body = if matches!(status, 204 | 304) { "" } else { "{\"a\":1}" };
        let mock = server
            .mock("GET", "/x")
            .match_query("q=1")
            .with_status(status)
            .with_header("Content-Type", "application/json")
            .with_header("Date", "Mon, 23 Nov 2026 08:00:00 GMT")
            .with_header("WWW-Authenticate", "Bearer realm=\"a\"")
            .with_header("Retry-After", "7")
            .with_header("Set-Cookie", &format!("session={}", token()))
            .with_body(body)
            .expect(1)
            .create();
        let response = send(&Request::get(url(&format!("{}/x?q=1", server.url())))).unwrap();
        assert_eq!(usize::from(response.status()), status);
        assert_eq!(response.body().expose(), body, "{status}");
        let headers = ["content-type", "date", "www-authenticate", "retry-after", "set-cookie"];
        assert_eq!(
            headers.map(|name| response.header(name)),
            [
                Some("application/json"),
                Some("Mon, 23 Nov 2026 08:00:00 GMT"),
                Some("Bearer realm=\"a\""),
                Some("7"),
                None,
            ]
        );
        mock.assert();
    }
}

#[test]
fn content_of_every_framing_is_read() {
    let large = "x".repeat(BODY_LIMIT.try_into().unwrap());
    let cases = [
        ("length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello, and more".to_owned(), "hello"),
        ("none", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(), ""),
        ("close", "HTTP/1.1 200 OK\r\n\r\nuntil the end".to_owned(), "until the end"),
        ("old", "HTTP/1.0 200 OK\r\n\r\nold".to_owned(), "old"),
        (
            "chunked",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
                .to_owned(),
            "abcde",
        ),
        (
            "interim",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
            "ok",
        ),
        ("just not too large", format!("HTTP/1.1 200 OK\r\n\r\n{large}"), &large),
    ];
    for (name, answer, body) in cases {
        let response = send(&Request::get(Server::of(answer).url("/"))).unwrap();
        assert_eq!((response.status(), response.body().expose()), (200, body), "{name}");
    }
}

#[test]
fn headers_that_are_not_ascii_are_taken_with_what_can_be_read_of_them() {
    let server =
        Server::of(&b"HTTP/1.1 302 \xff\xff\r\nlocation: /caf\xc3\xa9\xff\r\ncontent-length: 0\r\n\r\n"[..]);
    let response = send(&Request::get(server.url("/"))).unwrap();
    assert_eq!((response.status(), response.header("location")), (302, Some("/café\u{fffd}")));
}

#[test]
fn just_the_headers_of_the_request_are_on_the_wire() {
    let server = Server::of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let host = format!("host: 127.0.0.1:{}", server.port());
    let agent = "user-agent: auth-http-tests/1.0".to_owned();
    let accept = "accept: application/json".to_owned();
    let encoding = "accept-encoding: gzip".to_owned();
    let bearer = Authorization::Bearer(Secret::from("t0ken"));
    let form = Body::Form(Secret::from("a=b"));
    let json = Body::Json(Secret::from("{\"a\":\"b\"}"));
    let get = Request::get(server.url("/p/a%20th?q=1&r"));
    let cases = [
        (get.clone(), "GET /p/a%20th?q=1&r HTTP/1.1", vec![], ""),
        (get.authorized(bearer), "GET /p/a%20th?q=1&r HTTP/1.1", vec!["authorization: Bearer t0ken"], ""),
        (
            Request::token(server.url("/t"), form),
            "POST /t HTTP/1.1",
            vec!["content-length: 3", "content-type: application/x-www-form-urlencoded"],
            "a=b",
        ),
        (
            Request::token(server.url("/t"), json),
            "POST /t HTTP/1.1",
            vec!["content-length: 9", "content-type: application/json"],
            "{\"a\":\"b\"}",
        ),
        (
            Request { method: Method::Post, ..Request::get(server.url("/t")) },
            "POST /t HTTP/1.1",
            vec!["content-length: 0"],
            "",
        ),
        (
            Request { method: Method::Put, ..Request::get(server.url("/s/1")) },
            "PUT /s/1 HTTP/1.1",
            vec!["content-length: 0"],
            "",
        ),
        (
            Request { method: Method::Delete, ..Request::get(server.url("/k")) },
            "DELETE /k HTTP/1.1",
            vec![],
            "",
        ),
    ];
    for (number, (request, line, more, body)) in cases.into_iter().enumerate() {
        send(&request).unwrap();
        let arrived = server.after(number + 1).pop().unwrap();
        let (head, content) = arrived.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        assert_eq!((lines.next().unwrap(), content), (line, body));
        let mut headers: Vec<_> = lines.map(str::to_owned).collect();
        let mut expected = vec![host.clone(), agent.clone(), accept.clone(), encoding.clone()];
        // The server closes, so that no socket of the client waits in TIME_WAIT.
        expected.push("connection: close".to_owned());
        expected.extend(more.into_iter().map(str::to_owned));
        headers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(headers, expected, "{line}");
    }
}

#[test]
fn no_redirect_is_followed_and_nothing_arrives_elsewhere_n2() {
    let elsewhere = Server::of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let location = elsewhere.url("/stolen").to_string();
    let mut server = mockito::Server::new();
    for status in [301, 302, 303, 307, 308] {
        for method in ["GET", "POST"] {
            let mock = server
                .mock(method, "/t")
                .with_status(status)
                .with_header("Location", &location)
                .expect(1)
                .create();
            let to = url(&format!("{}/t", server.url()));
            let request = if method == "GET" { Request::get(to) } else { post(to) };
            let response = send(&request.authorized(bearer())).unwrap();
            assert_eq!(usize::from(response.status()), status);
            assert_eq!(response.header("location"), Some(location.as_str()));
            mock.assert();
        }
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[test]
fn a_redirect_that_says_not_where_to_is_an_answer_too() {
    let server = Server::of("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n");
    let response = send(&Request::get(server.url("/"))).unwrap();
    assert_eq!((response.status(), response.header("location")), (302, None));
}

#[test]
fn every_exchange_has_a_connection_of_its_own_n8() {
    // The server would take more requests on each connection; it counts connections, by their first request.
    let server = Server::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok");
        let second = servers::read_request(stream);
        assert_eq!(second, "");
    });
    let transport = transport();
    for sent in 1..=3 {
        transport.send(&post(server.url("/t"))).unwrap();
        assert_eq!(server.after(sent).len(), sent);
    }
}

#[test]
fn localhost_is_this_machine_n1() {
    let server = Server::of("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let response = send(&Request::get(url(&format!("http://localhost:{}/", server.port())))).unwrap();
    assert_eq!(response.body().expose(), "ok");
    assert!(server.requests()[0].contains(&format!("host: localhost:{}\r\n", server.port())));
}

#[test]
fn whatever_address_the_core_takes_can_be_asked_for() {
    for c in '!'..='~' {
        for text in [format!("http://h/a{c}b"), format!("http://h/?a{c}b"), format!("http://[::1]:1{c}")] {
            if let Ok(url) = text.parse::<auth_core::site::Url>() {
                assert!(head(&Request::get(url)).is_ok(), "{text}");
            }
        }
    }
}

#[test]
fn credentials_are_marked_so_that_no_layer_prints_them_s6() {
    let request = post(url(&format!("http://h/x?code={}", token()))).authorized(bearer());
    let head = head(&request).unwrap();
    let is_marked = |(name, value): (&_, &HeaderValue)| name == "connection" || value.is_sensitive();
    assert!(head.headers().iter().all(is_marked));
    canary::silent(head.headers());
    canary::silent(&transport());
}

#[test]
fn a_user_agent_is_text_that_a_header_can_hold() {
    let cases = [
        ("authctl/0.1.0", true),
        ("a (b; c) d/1", true),
        ("", false),
        (" ", false),
        ("a\r\nx: y", false),
        ("ü", false),
        ("a\tb", false),
    ];
    for (text, good) in cases {
        assert_eq!(Subject::new(text).is_ok(), good, "{text:?}");
    }
    assert_eq!(
        TransportError::UserAgent.to_string(),
        "the User-Agent is empty, or cannot be written in a header"
    );
}
