//! Callers on a runtime.

use std::error::Error as StdError;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use auth_native::nonblocking::{Authenticator, Builder, Connection, Threaded, shotgun};
use auth_native::shotgun::ShotgunSite;
use auth_native::{Error, nonblocking};
use tokio::time::{sleep, timeout};

use crate::calls::{Caller, Deed, End, Later};
use crate::person::Person;
use crate::threads::{SAVED_WITHIN, cancel_after, cancelled, program};

fn builder(person: &Arc<Person>, cool_down: Duration) -> Builder {
    let prompt = Arc::new(Threaded::new(Arc::clone(person)));
    nonblocking::Authenticator::builder().prompt(prompt).cool_down(cool_down).user_agent("soak/1.0")
}

/// What a call came to, if the caller did not give it up before.
async fn given_up(length: Duration, call: impl Future<Output = Result<u16, Error>>) -> End {
    timeout(length, call).await.map_or(End::Dropped, End::of)
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

    async fn connect(&self) -> Result<Arc<Connection>, Error> {
        let connection = Arc::new(self.auth.connect(&self.url).await?);
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let shared = self.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        match shared {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    async fn get(&self) -> Result<u16, Error> {
        Ok(self.connection().await?.get("metadata/").await?.status())
    }

    async fn do_it(&self, deed: Deed) -> End {
        match deed {
            Deed::Call => End::of(self.get().await),
            Deed::Credential => {
                let credential = async { self.connection().await?.authorization().await.map(|_| 200) };
                End::of(credential.await)
            }
            Deed::Reconnect => {
                let get = async { Ok(self.connect().await?.get("metadata/").await?.status()) };
                End::of(get.await)
            }
            Deed::GiveUp(length) => given_up(length, self.get()).await,
            Deed::Cancel(length) => {
                let cancel = cancel_after(length);
                let ended = async {
                    let auth = builder(&self.person, self.cool_down).cancel(cancel.clone()).build()?;
                    Ok(auth.connect(&self.url).await?.get("metadata/").await?.status())
                };
                cancelled(ended.await, &cancel)
            }
        }
    }
}

impl Caller for Tiled {
    fn face(&self) -> &'static str {
        "tiled async"
    }

    fn call(&self, deed: Deed) -> Later<'_, End> {
        Box::pin(self.do_it(deed))
    }

    fn pause(&self, length: Duration) -> Later<'_, ()> {
        Box::pin(sleep(length))
    }

    fn finish(&self) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.is_ok_and(|runtime| runtime.block_on(self.auth.finish(SAVED_WITHIN)))
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

    async fn connect(&self) -> Result<Arc<shotgun::Connection>, Error> {
        let connection = Arc::new(self.auth.connect(self.auth.user(&self.site).await?.value));
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn connection(&self) -> Result<Arc<shotgun::Connection>, Error> {
        let shared = self.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        match shared {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    async fn read(&self) -> Result<u16, Error> {
        self.connection().await?.resolve_entity().await.map(|_| 200)
    }

    async fn do_it(&self, deed: Deed) -> End {
        match deed {
            Deed::Call | Deed::Credential => End::of(self.read().await),
            Deed::Reconnect => {
                let read = async { self.connect().await?.resolve_entity().await.map(|_| 200) };
                End::of(read.await)
            }
            Deed::GiveUp(length) => given_up(length, self.read()).await,
            Deed::Cancel(length) => {
                let cancel = cancel_after(length);
                let ended = async {
                    let auth = builder(&self.person, self.cool_down).cancel(cancel.clone());
                    let auth = auth.build_shotgun(program())?;
                    let user = auth.user(&self.site).await?.value;
                    auth.connect(user).resolve_entity().await.map(|_| 200)
                };
                cancelled(ended.await, &cancel)
            }
        }
    }
}

impl Caller for Shotgun {
    fn face(&self) -> &'static str {
        "shotgun async"
    }

    fn call(&self, deed: Deed) -> Later<'_, End> {
        Box::pin(self.do_it(deed))
    }

    fn pause(&self, length: Duration) -> Later<'_, ()> {
        Box::pin(sleep(length))
    }

    fn finish(&self) -> bool {
        true
    }
}
