//! A session that other programs replace each time it is to be removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use auth_core::error::{Remedy, StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store};
use auth_core::shotgun::SignInMethod;
use auth_core::{Error as AuthError, Foreign};
use auth_native::Error;
use auth_native::shotgun::{Defaults, SessionDetails};
use auth_store::MemoryStore;

use super::both::Auth;
use super::{World, by, each};

/// Holds another session whenever one is to be removed.
#[derive(Default)]
struct Changing {
    below: MemoryStore,
    clears: AtomicU32,
}

impl Store for Changing {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.below.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        let Change::ClearIf { key, .. } = change else { return self.below.apply(change) };
        self.clears.fetch_add(1, Ordering::SeqCst);
        let Loaded::Found(stored) = self.below.load(key)? else { return Ok(Applied::Conflict(None)) };
        Ok(Applied::Conflict(Some(stored)))
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.below.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.below.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.below.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.below.note_asked(key, asked)
    }
}

#[test]
fn a_session_replaced_at_each_removal_is_an_error_that_says_so() {
    each(|way| {
        let world = World::new(way, "ada", |_| {});
        let store = Arc::new(Changing::default());
        let auth = Auth::new(way, (&world.person, &store), world.server.clock(), Defaults::new());
        let user = auth.login(&world.site(), by(SignInMethod::Password)).unwrap();
        let superseded = StoreFault { kind: StoreFaultKind::Superseded, path: Foreign::default() };
        let error = auth.clear_user(&user).unwrap_err();
        assert_eq!((&error, error.remedy()), (&Error::from(AuthError::from(superseded)), Remedy::TryLater));
        assert_eq!(store.clears.load(Ordering::SeqCst), 3, "{way:?}");
        assert_eq!(auth.default_user(&world.site()), Ok(Some(user)));
    });
}

/// The folder of one login holds a session that says it is of another.
#[test]
fn the_session_that_was_loaded_is_removed_whoever_it_names() {
    each(|way| {
        let world = World::new(way, "ada", |_| {});
        let store = Arc::new(MemoryStore::new());
        let auth = Auth::new(way, (&world.person, &store), world.server.clock(), Defaults::new());
        auth.login(&world.site(), by(SignInMethod::Password)).unwrap();
        let [ada, bob] = ["ada", "bob"].map(|login| world.site().key(login).unwrap());
        let Loaded::Found(stored) = store.load(&ada).unwrap() else { unreachable!("it was saved") };
        let (session, replaces) = (Box::new(stored.session), Replaces::Anything);
        store.apply(&Change::Save { key: bob.clone(), session, replaces }).unwrap();
        let details =
            SessionDetails { site: Some(world.site()), login: "bob".into(), ..SessionDetails::default() };
        let user = auth.session_user(details).unwrap();
        auth.clear_user(&user).unwrap();
        assert_eq!(store.load(&bob), Ok(Loaded::None), "{way:?}");
        assert!(matches!(store.load(&ada), Ok(Loaded::Found(_))), "{way:?}");
    });
}
