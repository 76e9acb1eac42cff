//! A proxy that notes what goes through it to sites in clear: what a client sends, whichever client it is.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long anybody is waited for.
const SOON: Duration = Duration::from_secs(20);

/// A proxy on this machine. Its thread lives as long as the program.
#[derive(Debug)]
pub struct Recorder {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// One request and the status of its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: String,
    /// What it was answered with.
    pub status: u16,
    /// What the proxy was told of who is there (`Proxy-Authorization`).
    pub to_proxy: Option<String>,
}

/// A message's first line, its headers and its content.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Recorder {
    /// Starts one on a free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let notes = Arc::clone(&notes);
                // A connection that breaks off is the business of both its ends.
                thread::spawn(move || drop(serve(client, &notes)));
            }
        });
        Ok(Self { port, seen })
    }

    /// Where it is, as Shotgun's settings have it.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What went through since this was last asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(client: TcpStream, notes: &Mutex<Vec<Seen>>) -> io::Result<()> {
    client.set_read_timeout(Some(SOON))?;
    let mut from_client = BufReader::new(client.try_clone()?);
    let mut to_client = client;
    let mut tunnel = None;
    let mut to_proxy = None;
    while let Some(mut request) = read(&mut from_client)? {
        to_proxy = request.take("proxy-authorization").or(to_proxy);
        let mut parts = request.first.splitn(3, ' ').map(str::to_owned);
        let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if method == "CONNECT" {
            tunnel = Some(target);
            to_client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            continue;
        }
        let (place, target) = match (&tunnel, target.strip_prefix("http://")) {
            (Some(place), _) => (place.clone(), target),
            (None, Some(rest)) => {
                let at = rest.find('/').unwrap_or(rest.len());
                (rest.get(..at).unwrap_or_default().to_owned(), rest.get(at..).unwrap_or("/").to_owned())
            }
            (None, None) => return Err(io::Error::other("neither a tunnel nor a whole address")),
        };
        request.first = format!("{method} {target} HTTP/1.1");
        request.take("connection");
        let mut site = TcpStream::connect(&place)?;
        site.set_read_timeout(Some(SOON))?;
        site.write_all(&request.bytes())?;
        let Some(answer) = read(&mut BufReader::new(site))? else { return Ok(()) };
        let status = answer.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let seen = Seen {
            method,
            target,
            headers: request.headers,
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status,
            to_proxy: to_proxy.clone(),
        };
        notes.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        to_client.write_all(&answer.bytes())?;
    }
    Ok(())
}

/// The next message; `None` at the end.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Message>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let headers: Vec<_> = lines
        .filter_map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok(Some(Message { first, headers, body }))
}

impl Message {
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.headers.iter().position(|(known, _)| known == name)?;
        Some(self.headers.remove(at).1)
    }

    fn bytes(&self) -> Vec<u8> {
        let headers = self.headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat());
        let headers = headers.collect::<String>();
        [format!("{}\r\n{headers}\r\n", self.first).as_bytes(), &self.body].concat()
    }
}
