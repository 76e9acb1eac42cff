//! A peer that answers what a case says, word for word: without a socket, or over one.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{Transport, Unreachable};
use auth_core::wire::{Request, Response};

use super::case::{Answer, Exchange};
use super::names::Names;

/// What comes next.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<VecDeque<Exchange>>>);

impl Script {
    /// Has the answers of a step ready.
    pub(super) fn begin(&self, exchanges: &[Exchange]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = exchanges.iter().cloned().collect();
    }

    fn next(&self) -> Option<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Answers without a socket.
pub(super) struct InMemory {
    /// What.
    pub(super) script: Script,
    /// Where.
    pub(super) names: Arc<Names>,
}

impl Transport for InMemory {
    fn send(&self, _: &Request) -> Result<Response, Unreachable> {
        let exchange = self.script.next();
        if let Some(Exchange { answer: Some(answer), .. }) = &exchange {
            let headers: Vec<_> =
                answer.headers.iter().map(|(name, value)| (name.as_str(), self.names.show(value))).collect();
            let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
            return Ok(Response::new(answer.status, headers, self.names.show(&answer.body)));
        }
        // A request too many is compared, and found, afterwards.
        Err(fault(exchange.and_then(|exchange| exchange.fault).as_deref().unwrap_or("closed")))
    }
}

fn fault(name: &str) -> Unreachable {
    let (fault, sent) = match name {
        "resolve" => (TransportFault::Resolve, Sent::No),
        "connect" => (TransportFault::Connect, Sent::No),
        "tls" => (TransportFault::Tls, Sent::No),
        "timeout" => (TransportFault::Timeout, Sent::Maybe),
        "too-large" => (TransportFault::TooLarge, Sent::Maybe),
        "not-http" => (TransportFault::NotHttp, Sent::Maybe),
        _ => (TransportFault::Closed, Sent::Maybe),
    };
    Unreachable { fault, sent }
}

/// Why a fault cannot be brought about over a socket here, if it cannot.
pub(super) fn only_in_memory(fault: &str) -> Option<&'static str> {
    match fault {
        "resolve" => Some("no name of this machine has no address"),
        "connect" => Some("a server that listens cannot refuse a connection"),
        "tls" => Some("the scripted server speaks plain HTTP"),
        "timeout" => Some("it would take ten real seconds"),
        _ => None,
    }
}

/// The headers that are compared; the others are the transport's own affair.
const COMPARED: [&str; 3] = ["accept", "authorization", "content-type"];
/// How much of a request is read.
const LONGEST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers on a loopback port. It ends when it is dropped.
pub(super) struct Listener {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    stop: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts one, on a free port; its names are made once the port is known.
    pub(super) fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let received: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop = Arc::new(Mutex::new(false));
        let (theirs, stopped) = (Arc::clone(&received), Arc::clone(&stop));
        let thread = thread::Builder::new().name("scripted peer".to_owned()).spawn(move || {
            let names = Names::new(&format!("http://{address}"), false);
            for stream in listener.incoming() {
                if *stopped.lock().unwrap_or_else(PoisonError::into_inner) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                // A connection that breaks is what the client makes of it; what it sent is kept.
                if let Ok(text) = read(&stream) {
                    theirs.lock().unwrap_or_else(PoisonError::into_inner).push(names.hide(&text));
                    drop(answer(stream, script.next().as_ref(), &names));
                }
            }
        })?;
        Ok(Self { address, received, stop, thread: Some(thread) })
    }

    /// Where it is.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came since this was asked last, as [`super::text::request`] has it.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // One connection more, so that the thread looks up.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn read(mut stream: &TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let count = stream.read(&mut chunk)?;
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if let Some(text) = whole(&bytes)? {
            return Ok(text);
        }
        if count == 0 || bytes.len() > LONGEST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The request as text, once all of it is there.
fn whole(bytes: &[u8]) -> io::Result<Option<String>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let bad = |error: httparse::Error| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let httparse::Status::Complete(length) = head.parse(bytes).map_err(bad)? else { return Ok(None) };
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let content = bytes.get(length..).unwrap_or_default();
    if content.len() < value("content-length").and_then(|text| text.parse().ok()).unwrap_or(0) {
        return Ok(None);
    }
    let mut text = format!("{} {}\n", head.method.unwrap_or_default(), head.path.unwrap_or_default());
    for name in COMPARED {
        if let Some(value) = value(name) {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    if !content.is_empty() {
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(content));
    }
    Ok(Some(text))
}

fn answer(mut stream: TcpStream, exchange: Option<&Exchange>, names: &Names) -> io::Result<()> {
    match exchange.map(|exchange| (&exchange.answer, exchange.fault.as_deref())) {
        Some((Some(answer), _)) => {
            stream.write_all(head(answer, names).as_bytes())?;
            stream.write_all(names.show(&answer.body).as_bytes())?;
        }
        Some((None, Some("not-http"))) => stream.write_all(b"220 mail.example ESMTP\r\n")?,
        Some((None, Some("too-large"))) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n{\"a\": 1")?;
        }
        _ => {}
    }
    stream.shutdown(Shutdown::Both)
}

fn head(answer: &Answer, names: &Names) -> String {
    let mut head = format!("HTTP/1.1 {} As the case says\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {}\r\n", names.show(value));
    }
    head + &format!("content-length: {}\r\n\r\n", names.show(&answer.body).len())
}
