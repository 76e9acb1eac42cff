//! Reading HTTP/1.1 requests, within bounds.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use auth_core::Secret;
use auth_core::site::Url;
use zeroize::{Zeroize as _, Zeroizing};

use super::Limits;
use crate::message::SiteRequest;

/// How many headers a request may have.
const MOST_HEADERS: usize = 100;
/// Up to this length, what came is looked at whenever more comes; then only once the head seems to be whole.
const FIRST_LOOK: usize = 4_096;
const CHUNK: usize = 8 * 1_024;

/// One request.
pub(super) struct Received {
    pub(super) request: SiteRequest,
    /// True if the client would send another one here.
    pub(super) keep_alive: bool,
}

/// Why no further request comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// The client went or was silent between requests.
    Quietly,
    /// What came cannot be answered otherwise than with this status.
    With(u16),
}

/// Reads the requests of one connection.
pub(super) struct Reader<'a> {
    stream: &'a TcpStream,
    limits: Limits,
    /// What came and was not used yet.
    buffer: Zeroizing<Vec<u8>>,
    /// How much of it holds no end of a head.
    searched: usize,
}

/// A request without its content.
struct Head {
    request: SiteRequest,
    keep_alive: bool,
    /// Bytes of the head, and of the content.
    length: usize,
    body: usize,
    continues: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: &'a TcpStream, limits: Limits) -> Self {
        // Most requests fit, and then no copy of them is left behind by growing.
        Self { stream, limits, buffer: Zeroizing::new(Vec::with_capacity(2 * CHUNK)), searched: 0 }
    }

    /// Waits for the first bytes of the next request.
    pub(super) fn begin(&mut self) -> Result<(), Ended> {
        if self.buffer.is_empty() {
            self.fill(Instant::now() + self.limits.idle, Ended::Quietly)?;
        }
        Ok(())
    }

    /// The request that has begun.
    pub(super) fn next(&mut self) -> Result<Received, Ended> {
        let deadline = Instant::now() + self.limits.request;
        let head = loop {
            if let Some(head) = self.head()? {
                break head;
            }
            if self.buffer.len() > self.limits.head {
                return Err(Ended::With(431));
            }
            self.fill(deadline, Ended::With(408))?;
        };
        if head.length > self.limits.head {
            return Err(Ended::With(431));
        }
        if head.body > self.limits.body {
            return Err(Ended::With(413));
        }
        let whole = head.length + head.body;
        if head.continues && self.buffer.len() < whole {
            let mut stream = self.stream;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| Ended::Quietly)?;
        }
        while self.buffer.len() < whole {
            self.fill(deadline, Ended::With(408))?;
        }
        let body = self.buffer.get(head.length..whole).unwrap_or_default();
        let body = Secret::from(String::from_utf8_lossy(body).into_owned());
        let rest = self.buffer.len() - whole;
        self.buffer.copy_within(whole.., 0);
        if let Some(used) = self.buffer.get_mut(rest..) {
            used.zeroize();
        }
        self.buffer.truncate(rest);
        self.searched = 0;
        Ok(Received { request: head.request.with_body(body), keep_alive: head.keep_alive })
    }

    /// Closes this side, and takes in what the client still sends so that it can read its answer (RFC 9112 section 9.6);
    /// not for long, not much.
    pub(super) fn drain(&mut self) {
        let until = Instant::now() + self.limits.drain.min(self.limits.request);
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let mut taken = 0;
        while taken < 4 * self.limits.body {
            self.buffer.zeroize();
            if self.fill(until, Ended::Quietly).is_err() {
                return;
            }
            taken += self.buffer.len();
        }
    }

    /// Waits for more bytes; at the deadline it ends so.
    fn fill(&mut self, deadline: Instant, late: Ended) -> Result<(), Ended> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late);
            }
            self.stream.set_read_timeout(Some(left)).map_err(|_| Ended::Quietly)?;
            let used = self.buffer.len();
            self.buffer.resize(used + CHUNK, 0);
            let mut stream = self.stream;
            let result = stream.read(self.buffer.get_mut(used..).unwrap_or_default());
            self.buffer.truncate(used + result.as_ref().map_or(0, |count| *count));
            match result {
                Ok(0) => return Err(Ended::Quietly),
                Ok(_) => return Ok(()),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                    _ => return Err(Ended::Quietly),
                },
            }
        }
    }

    /// The head, once it is whole.
    fn head(&mut self) -> Result<Option<Head>, Ended> {
        // A line may end without CR (RFC 9112 section 2.2), and so may the empty one.
        let unsearched = self.buffer.get(self.searched.saturating_sub(2)..).unwrap_or_default();
        let whole = unsearched.windows(2).any(|end| end == b"\n\n")
            || unsearched.windows(3).any(|end| end == b"\n\r\n");
        self.searched = self.buffer.len();
        if !whole && self.buffer.len() > FIRST_LOOK {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(&self.buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Ended::With(431)),
            Err(_) => return Err(Ended::With(400)),
        };
        let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(Ended::With(400));
        };
        let (target, host) = target_and_host(target)?;
        let mut request = SiteRequest::new(method, &target);
        // The host in the target counts more than the header (RFC 9112 section 3.2.2).
        if let Some(host) = host {
            request = request.with_header("host", host);
        }
        for header in parsed.headers.iter() {
            request = request.with_header(header.name, String::from_utf8_lossy(header.value).into_owned());
        }
        if version == 1 && request.header("host").is_none() {
            return Err(Ended::With(400));
        }
        // A content of unknown length is not read, and so nothing can hide in it.
        if request.header("transfer-encoding").is_some() {
            return Err(Ended::With(411));
        }
        let body = body_length(parsed.headers)?;
        let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
        let says = |word| connection.split(',').any(|token| token.trim() == word);
        let keep_alive = if version == 1 { !says("close") } else { says("keep-alive") };
        let expect = request.header("expect").unwrap_or_default();
        let continues = version == 1 && expect.eq_ignore_ascii_case("100-continue");
        Ok(Some(Head { request, keep_alive, length, body, continues }))
    }
}

/// A path as it is, or the path and host of a whole address, as a proxy is sent it.
fn target_and_host(target: &str) -> Result<(String, Option<String>), Ended> {
    if target.starts_with('/') {
        return Ok((target.to_owned(), None));
    }
    let url: Url = target.parse().map_err(|_| Ended::With(400))?;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let origin = url.origin().to_string();
    Ok((path, origin.split_once("://").map(|(_, host)| host.to_owned())))
}

fn body_length(headers: &[httparse::Header<'_>]) -> Result<usize, Ended> {
    let mut lengths = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let Some(first) = lengths.next() else { return Ok(0) };
    let same = lengths.all(|other| other.value == first.value);
    let digits = str::from_utf8(first.value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    match digits {
        Some(digits) if same && !digits.is_empty() => {
            // More digits than fit are too much for any limit.
            Ok(digits.parse().unwrap_or(usize::MAX / 2))
        }
        _ => Err(Ended::With(400)),
    }
}

/// What a status is called.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}
