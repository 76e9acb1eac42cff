//! A sandbox, a connection to it, and somebody who listens.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::error::CannotPrompt;
use auth_core::time::Timestamp;
use auth_native::ports::{Clock, Prompt};
use auth_native::{Answer, LoginOptions, MemoryStore, PromptFault, Secret, blocking, nonblocking};
use auth_sandbox::{Server, SiteClock, TiledSite};

const NOW: Timestamp = Timestamp(1_800_000_000);

/// A site whose clock is turned without its clients' knowing.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) clock: SiteClock,
    pub(crate) password: Secret,
    /// The store of all clients, if they share one, and how often the person at it was asked.
    pub(crate) shared: Option<Arc<MemoryStore>>,
    pub(crate) asked: Arc<AtomicU64>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        canary::listen();
        let clock = SiteClock::standing(NOW);
        let mut site = TiledSite::demo([7; 32]);
        let password = Secret::from(canary::plant("the password of demo"));
        site.config.users[0].password = password.clone();
        let server = Server::start(site, clock.clone()).unwrap();
        Self { server, clock, password, shared: None, asked: Arc::default() }
    }

    /// One store for all clients, at which a person is asked.
    pub(crate) fn sharing(self) -> Self {
        Self { shared: Some(Arc::default()), ..self }
    }

    fn store(&self) -> Arc<MemoryStore> {
        self.shared.clone().unwrap_or_default()
    }

    /// Types the password, if there is anybody.
    fn person(&self) -> Arc<dyn Prompt> {
        let (asked, password, is_there) =
            (Arc::clone(&self.asked), self.password.clone(), self.shared.is_some());
        Arc::new(blocking::Asker::new(move |_| {
            if !is_there {
                return Err(PromptFault::Cannot(CannotPrompt::NotAllowed));
            }
            asked.fetch_add(1, Ordering::SeqCst);
            Ok(Answer::Password { username: "demo".into(), password: password.clone() })
        }))
    }

    pub(crate) fn url(&self) -> String {
        self.server.url().origin().to_string()
    }

    /// Below the API's root.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.url())
    }

    pub(crate) fn options(&self) -> LoginOptions {
        LoginOptions {
            username: Some("demo".into()),
            password: Some(self.password.clone()),
            ..LoginOptions::default()
        }
    }

    /// The clock of a client, which stands still.
    pub(crate) fn watch() -> Arc<dyn Clock> {
        Arc::new(SiteClock::standing(NOW))
    }

    pub(crate) fn blocking(&self) -> blocking::Connection {
        let auth = blocking::Authenticator::builder().store(self.store()).prompt(self.person());
        let auth = auth.ignore_environment_key().clock(Self::watch()).build().unwrap();
        auth.connect_with(&self.url(), self.options()).unwrap()
    }

    pub(crate) async fn nonblocking(&self) -> nonblocking::Connection {
        let prompt = Arc::new(nonblocking::Threaded::new(self.person()));
        let auth = nonblocking::Authenticator::builder().store(self.store()).prompt(prompt);
        let auth = auth.ignore_environment_key().clock(Self::watch()).build().unwrap();
        auth.connect_with(&self.url(), self.options()).await.unwrap()
    }

    /// The access token ends, and its clients do not know.
    pub(crate) fn outlive_the_token(&self) {
        self.clock.advance(Duration::from_hours(1));
    }

    /// How often a refresh token was redeemed.
    pub(crate) fn refreshes(&self) -> u64 {
        self.server.site().lock().unwrap().counters().refreshes
    }

    /// The statuses of everything asked for at a path.
    pub(crate) fn statuses(&self, path: &str) -> Vec<Option<u16>> {
        let site = self.server.site();
        let site = site.lock().unwrap();
        let asked = site.log().into_iter().filter(|entry| entry.path == format!("/api/v1/{path}"));
        asked.map(|entry| entry.status).collect()
    }
}

/// Somebody who answers 200, and keeps all that arrives.
pub(crate) struct Listener {
    pub(crate) url: String,
    heard: Arc<Mutex<String>>,
}

impl Listener {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(String::new()));
        let noted = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let (mut read, mut byte) = (Vec::new(), [0]);
                while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                    read.extend(byte);
                }
                noted.lock().unwrap().push_str(&String::from_utf8_lossy(&read));
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { url, heard }
    }

    /// All that arrived, in lower case.
    pub(crate) fn heard(&self) -> String {
        self.heard.lock().unwrap().to_ascii_lowercase()
    }
}
