//! Content whose length nobody announces is collected in a buffer that is wiped as it grows.

use std::io::Write as _;

use auth_core::wire::Request;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::servers::{Server, send};
use crate::wiped::tests::LEFT;

/// A token in the middle of more than a buffer holds at first.
fn content() -> String {
    let padding = "x".repeat(40_000);
    let token = canary::plant("a token in a long answer");
    format!(r#"{{"before":"{padding}","access_token":"{token}","after":"{padding}"}}"#)
}

fn chunked(headers: &str, content: &[u8]) -> Server {
    let mut bytes = format!("HTTP/1.1 200 OK\r\n{headers}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in content.chunks(10_000) {
        write!(bytes, "{:x}\r\n", chunk.len()).unwrap();
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Server::of(bytes)
}

#[test]
fn buffers_that_an_answer_outgrows_are_wiped_s5() {
    let content = content();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(content.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for (name, server) in
        [("chunked", chunked("", content.as_bytes())), ("gzip", chunked("content-encoding: gzip\r\n", &gzip))]
    {
        let before = LEFT.lock().unwrap().len();
        let answer = send(&Request::get(server.url("/"))).unwrap();
        assert!(answer.body().expose() == content, "{name}");
        let left = LEFT.lock().unwrap();
        assert!(left.len() > before, "{name}");
        assert!(left.iter().all(|buffer| buffer.iter().all(|&byte| byte == 0)), "{name}");
    }
}
