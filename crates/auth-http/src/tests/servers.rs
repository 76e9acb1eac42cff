//! Servers on this machine that answer as they are told, byte by byte, and remember what reached them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::ports::{Transport, Unreachable};
use auth_core::site::Url;
use auth_core::wire::{Authorization, Request, Response};

use super::Subject;

/// How long a test waits for what must come.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// Both ways of a connection, in clear or not.
pub(super) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A server, as long as the test's process lives.
pub(super) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Reads one request from each connection, and gives the connection to `answer`. It is closed afterwards.
    pub(super) fn new(answer: impl Fn(&mut dyn Stream) + Send + Sync + 'static) -> Self {
        Self::accepting(Ok, move |stream| answer(stream))
    }

    /// The same, after making something else of each connection, for which a failure is no request.
    pub(super) fn accepting<S: Stream + 'static>(
        make: impl Fn(TcpStream) -> std::io::Result<S> + Send + Sync + 'static,
        answer: impl Fn(&mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (noted, parts) = (Arc::clone(&requests), Arc::new((make, answer)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, parts) = (Arc::clone(&noted), Arc::clone(&parts));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    stream.set_read_timeout(Some(SOON)).unwrap();
                    stream.set_write_timeout(Some(SOON)).unwrap();
                    let Ok(mut stream) = (parts.0)(stream) else { return };
                    let request = read_request(&mut stream);
                    noted.lock().unwrap().push(request);
                    (parts.1)(&mut stream);
                });
            }
        });
        Self { port, requests }
    }

    /// Reads the headers of a request, and answers what follows from them.
    pub(super) fn heads(answer: impl Fn(&str, &mut dyn Stream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let head = read_request(&mut stream);
                noted.lock().unwrap().push(head.clone());
                answer(&head, &mut stream);
            }
        });
        Self { port, requests }
    }

    /// Answers everything with these bytes.
    pub(super) fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |stream| drop(stream.write_all(&bytes)))
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self, path: &str) -> Url {
        url(&format!("http://127.0.0.1:{}{path}", self.port))
    }

    /// Every request that has arrived, and for a connection without one an empty string.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The same, once there are this many.
    pub(super) fn after(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        while self.requests().len() < count && began.elapsed() < SOON {
            thread::yield_now();
        }
        self.requests()
    }
}

/// Reads headers, and as much content as they announce.
pub(super) fn read_request(stream: &mut dyn Stream) -> String {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        read.extend(byte);
    }
    let length = String::from_utf8_lossy(&read)
        .lines()
        .filter_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|l| l.trim().to_owned())
        })
        .find_map(|length| length.parse().ok())
        .unwrap_or(0);
    let mut content = vec![0; length];
    if stream.read_exact(&mut content).is_ok() {
        read.extend(content);
    }
    String::from_utf8_lossy(&read).into_owned()
}

pub(super) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A token. None that these tests send is another.
pub(super) fn token() -> String {
    canary::plant("a token on the wire")
}

pub(super) fn bearer() -> Authorization {
    Authorization::Bearer(Secret::from(token()))
}

/// It logs all that it has to say, so that it can be searched.
pub(super) fn transport() -> Subject {
    canary::listen();
    Subject::new("auth-http-tests/1.0").unwrap()
}

pub(super) fn send(request: &Request) -> Result<Response, Unreachable> {
    transport().send(request)
}

/// The name that tells a test that it runs in a process of its own.
const CHILD: &str = "AUTH_HTTP_TEST_CHILD";

/// Runs the test of this name (its path within the crate) again, in a process with these in its environment, and
/// answers true. In that process it answers false: there, the test does what it is for.
pub(super) fn in_a_process(test: &str, environment: &[(&str, String)]) -> bool {
    shown_in_a_process(test, environment).is_some()
}

/// The same, with all that the process printed; nothing in that process.
pub(super) fn shown_in_a_process(test: &str, environment: &[(&str, String)]) -> Option<String> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    for name in [
        "ALL_PROXY",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SHOTGUN_API_CACERTS",
    ] {
        child.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    let output = child.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap();
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
    canary::assert_silent(&shown);
    Some(shown)
}
