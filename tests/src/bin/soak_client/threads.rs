//! Callers on threads.

use std::error::Error as StdError;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use auth_native::blocking::{Authenticator, Builder, Cancel, Connection, shotgun};
use auth_native::shotgun::{Program, ShotgunSite};
use auth_native::{Error, blocking};

use crate::calls::{Caller, Deed, End, Later};
use crate::person::Person;

/// How long a session may still take to be saved at the end.
pub(crate) const SAVED_WITHIN: Duration = Duration::from_secs(10);

fn builder(person: &Arc<Person>, cool_down: Duration) -> Builder {
    let person: Arc<dyn auth_native::ports::Prompt> = Arc::clone(person) as _;
    blocking::Authenticator::builder().prompt(person).cool_down(cool_down).user_agent("soak/1.0")
}

pub(crate) fn program() -> Program {
    Program { product: "soak".into(), machine: "soak".into() }
}

/// Cancels after a while, on a thread of its own.
pub(crate) fn cancel_after(length: Duration) -> Cancel {
    let cancel = Cancel::new();
    let ours = cancel.clone();
    thread::spawn(move || {
        thread::sleep(length);
        ours.cancel();
    });
    cancel
}

/// What a call that the caller meant to cancel came to.
pub(crate) fn cancelled(ended: Result<u16, Error>, cancel: &Cancel) -> End {
    match End::of(ended) {
        End::Failed { kind: "declined", .. } if cancel.is_cancelled() => End::Cancelled,
        end => end,
    }
}

pub(crate) struct Tiled {
    url: String,
    auth: Authenticator,
    person: Arc<Person>,
    cool_down: Duration,
    connection: RwLock<Option<Arc<Connection>>>,
}

impl Tiled {
    pub(crate) fn new(
        url: &str,
        person: Arc<Person>,
        cool_down: Duration,
    ) -> Result<Self, Box<dyn StdError>> {
        let auth = builder(&person, cool_down).build()?;
        Ok(Self { url: url.to_owned(), auth, person, cool_down, connection: RwLock::default() })
    }

    fn connect(&self) -> Result<Arc<Connection>, Error> {
        let connection = Arc::new(self.auth.connect(&self.url)?);
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn connection(&self) -> Result<Arc<Connection>, Error> {
        let shared = self.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        shared.map_or_else(|| self.connect(), Ok)
    }

    fn do_it(&self, deed: Deed) -> End {
        let get = |connection: Arc<Connection>| connection.get("metadata/").map(|answer| answer.status());
        match deed {
            Deed::Call => End::of(self.connection().and_then(get)),
            Deed::Credential => End::of(self.connection().and_then(|c| c.authorization()).map(|_| 200)),
            Deed::Reconnect => End::of(self.connect().and_then(get)),
            // A thread's call can only be cancelled.
            Deed::GiveUp(length) | Deed::Cancel(length) => {
                let cancel = cancel_after(length);
                let auth = builder(&self.person, self.cool_down).cancel(cancel.clone()).build();
                let ended = auth.and_then(|auth| auth.connect(&self.url)).map(Arc::new).and_then(get);
                cancelled(ended, &cancel)
            }
        }
    }
}

impl Caller for Tiled {
    fn face(&self) -> &'static str {
        "tiled blocking"
    }

    fn call(&self, deed: Deed) -> Later<'_, End> {
        Box::pin(async move { self.do_it(deed) })
    }

    fn pause(&self, length: Duration) -> Later<'_, ()> {
        Box::pin(async move { thread::sleep(length) })
    }

    fn finish(&self) -> bool {
        self.auth.finish(SAVED_WITHIN)
    }
}

pub(crate) struct Shotgun {
    site: ShotgunSite,
    auth: shotgun::Authenticator,
    person: Arc<Person>,
    cool_down: Duration,
    connection: RwLock<Option<Arc<shotgun::Connection>>>,
}

impl Shotgun {
    pub(crate) fn new(
        url: &str,
        person: Arc<Person>,
        cool_down: Duration,
    ) -> Result<Self, Box<dyn StdError>> {
        let auth = builder(&person, cool_down).build_shotgun(program())?;
        Ok(Self { site: url.parse()?, auth, person, cool_down, connection: RwLock::default() })
    }

    fn connect(&self) -> Result<Arc<shotgun::Connection>, Error> {
        let connection = Arc::new(self.auth.connect(self.auth.user(&self.site)?.value));
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn connection(&self) -> Result<Arc<shotgun::Connection>, Error> {
        let shared = self.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        shared.map_or_else(|| self.connect(), Ok)
    }

    fn do_it(&self, deed: Deed) -> End {
        let read = |connection: Arc<shotgun::Connection>| connection.resolve_entity().map(|_| 200);
        match deed {
            Deed::Call | Deed::Credential => End::of(self.connection().and_then(read)),
            Deed::Reconnect => End::of(self.connect().and_then(read)),
            Deed::GiveUp(length) | Deed::Cancel(length) => {
                let cancel = cancel_after(length);
                let auth = builder(&self.person, self.cool_down).cancel(cancel.clone());
                let ended = auth.build_shotgun(program()).and_then(|auth| {
                    let user = auth.user(&self.site)?.value;
                    read(Arc::new(auth.connect(user)))
                });
                cancelled(ended, &cancel)
            }
        }
    }
}

impl Caller for Shotgun {
    fn face(&self) -> &'static str {
        "shotgun blocking"
    }

    fn call(&self, deed: Deed) -> Later<'_, End> {
        Box::pin(async move { self.do_it(deed) })
    }

    fn pause(&self, length: Duration) -> Later<'_, ()> {
        Box::pin(async move { thread::sleep(length) })
    }

    fn finish(&self) -> bool {
        true
    }
}
