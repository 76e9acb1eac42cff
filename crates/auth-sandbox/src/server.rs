//! A site on a loopback address, over HTTP/1.1.

mod connection;
mod http;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use auth_core::site::Url;

use crate::clock::SiteClock;
use crate::site::Site;
use crate::tiled::TiledSite;

/// How much a server takes from its clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections at one time. Further ones wait, and none is kept alive while all are in use.
    pub connections: usize,
    /// How long a connection may wait for its next request while all are in use.
    pub crowded: Duration,
    /// Bytes of a request's line and headers.
    pub head: usize,
    /// Bytes of a request's content.
    pub body: usize,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// How long the server still takes in what a client sends on a connection that the server has closed.
    pub drain: Duration,
    /// How long a request may take from its first byte to its last, and an answer likewise.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            crowded: Duration::from_secs(1),
            head: 64 * 1_024,
            body: 1_024 * 1_024,
            idle: Duration::from_secs(30),
            drain: Duration::from_millis(500),
            request: Duration::from_secs(10),
        }
    }
}

/// A server for one site. It ends, with all its connections, when it is dropped.
///
/// It prints and logs nothing; the site's log says what was asked.
pub struct Server<S: Site = TiledSite> {
    shared: Arc<Shared<S>>,
    address: SocketAddr,
    url: Url,
    acceptor: Option<JoinHandle<()>>,
}

/// What the threads of a server share.
struct Shared<S> {
    site: Arc<Mutex<S>>,
    clock: SiteClock,
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    open: BTreeMap<u64, Line>,
    /// How many connections there were.
    accepted: u64,
}

/// One open connection.
struct Line {
    stream: TcpStream,
    /// Since when it has waited for its next request; `None` while it has one, or once it was hung up.
    silent: Option<Instant>,
}

/// How long a dropped server waits for its threads.
const FAREWELL: Duration = Duration::from_secs(5);
/// A connection's thread does little.
const STACK: usize = 512 * 1_024;

impl<S: Site> Server<S> {
    /// Serves a site on 127.0.0.1, at a port that is free.
    pub fn start(site: S, clock: SiteClock) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(address, site, clock, Limits::default())
    }

    /// Serves a site at this address, which must be a loopback one; the port 0 stands for any that is free.
    pub fn start_at(address: SocketAddr, site: S, clock: SiteClock, limits: Limits) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a sandbox is served on loopback addresses only",
            ));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let root: Url =
            format!("http://{address}").parse().map_err(|error| io::Error::other(format!("{error}")))?;
        let url = root.at(&format!("/{}", site.root_path().trim_matches('/')));
        let shared = Arc::new(Shared {
            site: Arc::new(Mutex::new(site)),
            clock,
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let acceptor =
            thread::Builder::new().name("sandbox".to_owned()).spawn(move || accept(&listener, &theirs))?;
        Ok(Self { shared, address, url, acceptor: Some(acceptor) })
    }

    /// The site's address, as a person would type it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The site. While it is locked, nobody gets an answer.
    pub fn site(&self) -> Arc<Mutex<S>> {
        Arc::clone(&self.shared.site)
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &SiteClock {
        &self.shared.clock
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.state().accepted
    }
}

impl<S: Site> Drop for Server<S> {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.stopping = true;
            state.open.values().for_each(|line| hang_up(&line.stream));
        }
        self.shared.changed.notify_all();
        // The acceptor waits for a connection: this is one.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take()
            && (woken.is_ok() || acceptor.is_finished())
        {
            let _ = acceptor.join();
        }
        let until = Instant::now() + FAREWELL;
        let mut state = self.shared.state();
        while !state.open.is_empty() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            state = self.shared.wait(state, left);
        }
    }
}

impl<S: Site> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.url)
    }
}

impl<S> Shared<S> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets time pass; false if the server ends meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let until = Instant::now().checked_add(time);
        let mut state = self.state();
        while !state.stopping {
            let left = until.map_or(FAREWELL, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return true;
            }
            state = self.wait(state, left);
        }
        false
    }

    /// True while further clients would have to wait.
    fn is_full(&self) -> bool {
        self.state().open.len() >= self.limits.connections.max(1)
    }

    fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Waits until there is room, and makes some of what has been silent for too long; false if the server ends.
    fn has_room(&self) -> bool {
        let mut state = self.state();
        while !state.stopping && state.open.len() >= self.limits.connections.max(1) {
            let oldest = state.open.values_mut().filter(|line| line.silent.is_some());
            let left = match oldest.min_by_key(|line| line.silent) {
                None => FAREWELL,
                Some(line) => {
                    let silence = line.silent.map_or(Duration::ZERO, |since| since.elapsed());
                    let left = self.limits.crowded.saturating_sub(silence);
                    if left.is_zero() {
                        line.silent = None;
                        hang_up(&line.stream);
                    }
                    // Its thread says so once the connection has gone.
                    if left.is_zero() { FAREWELL } else { left }
                }
            };
            state = self.wait(state, left);
        }
        !state.stopping
    }
}

fn accept<S: Site>(listener: &TcpListener, shared: &Arc<Shared<S>>) {
    while shared.has_room() {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, most likely: some will be given back.
            shared.pause(Duration::from_millis(50));
            continue;
        };
        let Ok(handle) = stream.try_clone() else { continue };
        let id = {
            let mut state = shared.state();
            if state.stopping {
                return;
            }
            state.accepted += 1;
            let id = state.accepted;
            state.open.insert(id, Line { stream: handle, silent: None });
            id
        };
        let guard = Open { shared: Arc::clone(shared), id };
        // Without a thread the guard is dropped, and the connection with it.
        let _ =
            thread::Builder::new().name("sandbox connection".to_owned()).stack_size(STACK).spawn(move || {
                connection::serve(&stream, &guard);
                drop(guard);
            });
    }
}

/// One open connection in the list; leaves it however its thread ends.
struct Open<S> {
    shared: Arc<Shared<S>>,
    id: u64,
}

impl<S> Open<S> {
    /// Notes whether it waits for its next request.
    fn is_silent(&self, is_silent: bool) {
        let mut state = self.shared.state();
        let is_full = state.open.len() >= self.shared.limits.connections.max(1);
        if let Some(line) = state.open.get_mut(&self.id) {
            line.silent = is_silent.then(Instant::now);
        }
        if is_silent && is_full {
            self.shared.changed.notify_all();
        }
    }
}

impl<S> Drop for Open<S> {
    fn drop(&mut self) {
        if let Some(line) = self.shared.state().open.remove(&self.id) {
            hang_up(&line.stream);
        }
        self.shared.changed.notify_all();
    }
}

/// The client may have hung up before: then there is nothing to do.
fn hang_up(stream: &TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

#[cfg(test)]
#[path = "tests/server.rs"]
mod tests;
