mod holding;
mod sites;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store};
use auth_core::session::{Generation, Session};
use auth_core::{Digest, Foreign, Holder};

use crate::change::{Files, stored};
use crate::document::{self, Document, Read};
use crate::fault::fault;
use crate::lock::{self, Guard, LockMethod, Taken, Wait};
use crate::os::Dir;
use crate::roots::{Roots, directory_name};
use crate::sidecar::Sidecar;
use crate::tokens::{Name, Snapshot};
use crate::{atomic, binding, order};
use holding::{Listener, Renewals};

/// Below the Python client's cache folder.
const TOKENS: &str = "tokens";
/// Below our own folder: what a token does not say, and the list of sites.
const ABOUT: &str = "tiled";
/// Below our own folder: sessions in slots.
const SESSIONS: &str = "sessions";
/// Below our own folder.
const LOCKS: &str = "locks";

/// How long one change waits for others in all, and how long while no other gets its turn.
const CHANGE_WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3));
/// How long a renewal is waited for whose process shows no life.
const RENEWAL_STALL: Duration = Duration::from_secs(30);
/// How often a directory is read again that changed while it was read.
const READ_TRIES: u32 = 8;

/// The token directory of Tiled's Python client, shared with it (spec: Tiled, section 9).
///
/// One session for each site, in files of bare tokens that either client reads and renews. What a token does not say of
/// itself, the list of sites and the locks are in a folder of our own. It holds nothing secret but what was kept aside
/// there, and the sessions in slots, which that client does not know: files of the same kind.
///
/// - Reading waits for nobody; what another program is in the middle of writing is [`Loaded::Torn`]. It takes a lock only
///   to remove what a killed writer left over, and only if the lock is free.
/// - A change is made under a lock, each file replaced whole and made durable, in an order in which a crash leaves
///   neither two identities nor an access token newer than its refresh token.
/// - Links are followed where no other user could have placed them; files and folders of other users are refused. Every
///   folder from the two roots down is tightened to 0700, or refused if other users can change it all the same. What a
///   link in another folder leads to keeps its mode, and is not deleted. A file that something is mounted on is rewritten where it is, which
///   a crash may leave half done.
/// - A token that is recorded for another site is refused ([`StoreFaultKind::OtherSite`]). Where another user could put a
///   folder in the place of one of ours, so is a token that is not recorded for this site ([`StoreFaultKind::Unbound`]).
/// - What nobody can read is kept as `NAME.damaged-NUMBER` in our own folder before it is replaced.
#[derive(Clone, Debug)]
pub struct TiledDirectory {
    roots: Roots,
    /// The renewal locks that this store and its clones hold.
    renewals: Arc<Renewals>,
    listener: Listener,
}

impl TiledDirectory {
    /// The folders that the environment names, as the Python client finds them: `TILED_CACHE_DIR`, else the user's
    /// cache folder; and for our own `AUTHCTL_STATE_DIR`, else the user's state folder. An empty variable counts as
    /// unset. Makes and reads nothing yet.
    ///
    /// Fails with [`StoreFaultKind::NoHome`] if a folder follows from a home directory that is not there, and with
    /// [`StoreFaultKind::Untrusted`] if from another user's, which `sudo` may leave in HOME.
    pub fn from_env() -> Result<Self, StoreFault> {
        Ok(Self::at(Roots::from_env()?))
    }

    /// These folders: the one that holds `tokens`, and one for ourselves.
    pub fn new(cache_root: impl Into<PathBuf>, state_root: impl Into<PathBuf>) -> Self {
        Self::at(Roots::new(cache_root.into(), state_root.into()))
    }

    fn at(roots: Roots) -> Self {
        Self { roots, renewals: Arc::default(), listener: Listener::default() }
    }

    /// Calls `tell` when a change of files has waited for a second, with the process it waits for. A change waits as long
    /// as others get their turn, and 30 seconds at most; it fails with [`StoreFaultKind::Locked`] once nothing has moved
    /// for 3 seconds. `tell` is called once for each change, in the thread that waits.
    #[must_use]
    pub fn on_long_wait(mut self, tell: impl Fn(&Holder) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(tell);
        self
    }

    /// Where a session's tokens are or would be: in the Python client's folder, or in ours for a session in a slot. Fails
    /// for a site that no directory can be named after.
    pub fn token_directory(&self, key: &Key) -> Result<PathBuf, StoreFault> {
        let (root, [folder, name]) = self.place(key)?;
        Ok(root.join(folder).join(name))
    }

    /// How the next lock will be kept; `None` if there is no folder for locks yet. Notes there that it will be by
    /// links, if that is so.
    pub fn lock_method(&self) -> Result<Option<LockMethod>, StoreFault> {
        self.folder(LOCKS)?.map(|dir| lock::method(&dir)).transpose()
    }

    /// The first folder above ours in which another user could put another folder in the place of ours; `None` if there
    /// is no such folder.
    ///
    /// There only sessions are used that were saved through this store, not those that the Python client wrote.
    ///
    /// # Errors
    ///
    /// Fails as [`Store::load`] does if a folder cannot be read or trusted.
    pub fn exposed_parent(&self) -> Result<Option<PathBuf>, StoreFault> {
        binding::exposed_parent(&self.roots)
    }

    /// The files in other folders that the token files of a session are links to, as far as they hold something.
    ///
    /// Removing the session removes the links. What is in these files stays.
    ///
    /// # Errors
    ///
    /// Fails as [`Store::load`] does if a file cannot be read or trusted.
    pub fn files_behind_links(&self, key: &Key) -> Result<Vec<PathBuf>, StoreFault> {
        let Some(key) = &self.named(key)? else { return Ok(Vec::new()) };
        let Some(dir) = self.tokens(key, false)? else { return Ok(Vec::new()) };
        Ok(Snapshot::read(&dir, Name::all(key))?.behind_links())
    }

    /// Removes what a writer left over that died before there was a session. Where that cannot be done now, somebody is
    /// writing.
    fn sweep(&self, dir: &Dir, key: &Key, names: &Names) {
        if atomic::has_leftovers(dir)
            && let Ok(Taken::Ours(_guard)) = self.take(&names.change, Duration::ZERO)
        {
            for name in Name::all(key) {
                atomic::sweep_all(dir, &format!("{}.", name.as_str()));
            }
        }
    }

    fn place(&self, key: &Key) -> Result<(&Path, [String; 2]), StoreFault> {
        if !key.slot.is_empty() {
            let name = self.roots.name_of("session", key).to_string();
            return Ok((&self.roots.state, [SESSIONS.to_owned(), name]));
        }
        let name = directory_name(&key.site, &self.roots.cache.join(TOKENS))?;
        Ok((&self.roots.cache, [TOKENS.to_owned(), name]))
    }

    /// The key of the user who signed in to the site last, for a key that lacks a login; `None` if there is no such user.
    fn named(&self, key: &Key) -> Result<Option<Key>, StoreFault> {
        if !key.lacks_login() {
            return Ok(Some(key.clone()));
        }
        let is_last = |entry: &SiteEntry| entry.key.site == key.site && !entry.key.lacks_login();
        Ok(self.sites()?.into_iter().find(is_last).map(|entry| entry.key))
    }

    fn tokens(&self, key: &Key, make: bool) -> Result<Option<Dir>, StoreFault> {
        let (root, [folder, name]) = self.place(key)?;
        Dir::open(root, &[&folder, &name], make)
    }

    fn made_tokens(&self, key: &Key) -> Result<Dir, StoreFault> {
        let path = self.token_directory(key)?;
        self.tokens(key, true)?.ok_or_else(|| fault(StoreFaultKind::NotA("directory"), &path))
    }

    /// Opens the state directory. Each operation opens it once and reaches everything below from there.
    fn state(&self, make: bool) -> Result<Option<Dir>, StoreFault> {
        Dir::open(&self.roots.state, &[], make)
    }

    fn made_state(&self) -> Result<Dir, StoreFault> {
        let missing = || fault(StoreFaultKind::NotA("directory"), &self.roots.state);
        self.state(true)?.ok_or_else(missing)
    }

    /// A folder below our own.
    fn folder(&self, name: &str) -> Result<Option<Dir>, StoreFault> {
        self.state(false)?.map_or(Ok(None), |state| state.below(&[name], false))
    }

    /// The lock of one read-modify-write.
    fn change(&self, state: &Dir, name: &str) -> Result<Guard, StoreFault> {
        let (all, stalled) = CHANGE_WAIT;
        let tell = |holder: &Holder| self.listener.tell(holder);
        match take_in(state, name, Wait { all, stalled, tell: Some(&tell), is_wanted: None })? {
            Taken::Ours(guard) => Ok(guard),
            Taken::Theirs(holder) => {
                let path = self.roots.state.join(LOCKS).join(lock_name(name));
                Err(fault(StoreFaultKind::Locked(holder), &path))
            }
        }
    }

    fn take<'a>(&self, name: &str, wait: impl Into<Wait<'a>>) -> Result<Taken, StoreFault> {
        take_in(&self.made_state()?, name, wait)
    }

    fn names(&self, key: &Key) -> Names {
        let [session, change, renewal] = self.roots.names_of(["session", "change", "renewal"], key);
        let sidecar = format!("{session}.json");
        Names { sidecar, change: change.to_string(), renewal: renewal.to_string() }
    }

    /// A document of ours, without its lock. A broken one is set aside if nobody is changing it.
    fn peek<D: Document>(&self, name: &str, change: &str) -> Result<D, StoreFault> {
        let Some(about) = self.folder(ABOUT)? else { return Ok(D::default()) };
        self.peek_in(&about, name, change)
    }

    fn peek_in<D: Document>(&self, dir: &Dir, name: &str, change: &str) -> Result<D, StoreFault> {
        Ok(self.mended(dir, name, change, document::read(dir, name)?))
    }

    /// Returns the document that was read. A broken file is set aside unless another process is changing it.
    fn mended<D: Document>(&self, dir: &Dir, name: &str, change: &str, read: Read<D>) -> D {
        match read {
            Read::Whole(document) => document,
            Read::Missing => D::default(),
            // Where that fails, it is done by whoever next changes it.
            Read::Broken => match self.take(change, Duration::ZERO) {
                Ok(Taken::Ours(_guard)) => document::take(dir, name).unwrap_or_default(),
                _ => D::default(),
            },
        }
    }

    /// Changes the files of a session, under their lock; `None` if there is no folder for them, and none is to be made.
    /// `ready` is asked before each change of a file.
    fn with_files(
        &self,
        key: &Key,
        make: bool,
        ready: impl Fn(&Names) -> Result<(), StoreFault>,
        change: impl FnOnce(&Files<'_>) -> Result<Applied, StoreFault>,
    ) -> Result<Option<Applied>, StoreFault> {
        let names = self.names(key);
        let state = self.made_state()?;
        let guard = self.change(&state, &names.change)?;
        // Neither lock was taken over by another process.
        let ready = || guard.check().and_then(|()| ready(&names));
        ready()?;
        let about = made_below(&state, ABOUT)?;
        let tokens = if make { Some(self.made_tokens(key)?) } else { self.tokens(key, false)? };
        let Some(tokens) = tokens else { return Ok(None) };
        let name = names.sidecar.clone();
        change(&Files { roots: &self.roots, key, tokens, about, name, ready: &ready }).map(Some)
    }

    fn save(&self, key: &Key, session: &Session, replaces: Replaces) -> Result<Applied, StoreFault> {
        order::check(&session.tokens, !key.slot.is_empty(), &self.token_directory(key)?)?;
        // A folder is made only for what is sure to be written.
        let make = replaces.admits(None, &session.tokens);
        let ready = |names: &Names| self.check_renewal(names);
        let applied = self.with_files(key, make, ready, |files| files.save(session, replaces))?;
        Ok(applied.unwrap_or(Applied::Conflict(None)))
    }

    fn clear_if(&self, key: &Key, generation: Generation) -> Result<Applied, StoreFault> {
        let applied = self.with_files(key, false, |_| Ok(()), |files| files.clear_if(generation))?;
        Ok(applied.unwrap_or(Applied::Done))
    }

    fn intend(&self, key: &Key, redeeming: Digest) -> Result<Applied, StoreFault> {
        let ready = |names: &Names| self.check_renewal(names);
        let applied = self.with_files(key, false, ready, |files| files.intend(redeeming))?;
        Ok(applied.unwrap_or(Applied::Conflict(None)))
    }

    /// Changes what is kept of a session besides its tokens; `change` says whether it did anything.
    fn note(&self, key: &Key, change: impl FnOnce(&mut Sidecar) -> bool) -> Result<(), StoreFault> {
        self.place(key)?;
        let names = self.names(key);
        let state = self.made_state()?;
        let guard = self.change(&state, &names.change)?;
        guard.check()?;
        let about = made_below(&state, ABOUT)?;
        let mut sidecar = document::take::<Sidecar>(&about, &names.sidecar)?.of(key);
        if change(&mut sidecar) {
            document::write_when(&about, &names.sidecar, &sidecar, &|| guard.check())
        } else {
            Ok(())
        }
    }
}

impl Store for TiledDirectory {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        let Some(key) = &self.named(key)? else { return Ok(Loaded::None) };
        let Some(dir) = self.tokens(key, false)? else { return Ok(Loaded::None) };
        let names = self.names(key);
        for _ in 0..READ_TRIES {
            // The tokens first: what is known of ours is written before they are.
            let there = Snapshot::read(&dir, Name::all(key))?;
            let sidecar = self.peek::<Sidecar>(&names.sidecar, &names.change)?.of(key);
            if !there.is_unchanged()? {
                continue;
            }
            if !there.is_settled(&sidecar, SystemTime::now()) {
                return Ok(Loaded::Torn);
            }
            let about = || self.folder(ABOUT);
            binding::check(&self.roots, key, &there, (&sidecar, &names.sidecar), about)?;
            let stored = stored(there.tokens(), &sidecar);
            if stored.is_none() {
                self.sweep(&dir, key, &names);
            }
            return Ok(stored.map_or(Loaded::None, |stored| Loaded::Found(Box::new(stored))));
        }
        Ok(Loaded::Torn)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        change.check_login()?;
        match change {
            Change::Save { key, session, replaces } => return self.save(key, session, *replaces),
            Change::ClearIf { key, generation } => return self.clear_if(key, *generation),
            Change::Intent { key, redeeming } => return self.intend(key, *redeeming),
            Change::Withdraw { key, redeeming } => self.note(key, |sidecar| {
                let is_noted = sidecar.intent == Some(*redeeming);
                sidecar.intent = sidecar.intent.filter(|_| !is_noted);
                is_noted
            })?,
            Change::Prefer(entry) => self.prefer(entry)?,
            Change::Forget(key) => self.forget(key)?,
        }
        Ok(Applied::Done)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.lock_while(kind, key, wait, &|| true)
    }

    fn lock_while(
        &self,
        kind: LockKind,
        key: &Key,
        wait: Duration,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Locking, StoreFault> {
        let (what, stalled) = match kind {
            LockKind::Renewal => ("renewal", RENEWAL_STALL),
            LockKind::Prompt => ("prompt", Duration::MAX),
        };
        let name = self.roots.name_of(what, key).to_string();
        let guard =
            match self.take(&name, Wait { all: wait, stalled, tell: None, is_wanted: Some(is_wanted) })? {
                Taken::Ours(guard) => guard,
                Taken::Theirs(holder) => return Ok(Locking::Busy(holder)),
            };
        guard.show_life();
        Ok(Locking::Held(match kind {
            LockKind::Renewal => Box::new(self.renewals.note(name, guard)),
            LockKind::Prompt => Box::new(guard),
        }))
    }

    fn location(&self, key: &Key) -> Option<Foreign> {
        self.token_directory(key).ok().map(|path| Foreign::new(path.to_string_lossy()))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.listed()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        let names = self.names(key);
        Ok(self.peek::<Sidecar>(&names.sidecar, &names.change)?.of(key).asked)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.note(key, |sidecar| {
            sidecar.asked = asked;
            true
        })
    }
}

/// What belongs to one session.
struct Names {
    sidecar: String,
    /// The lock of a change.
    change: String,
    /// The lock of a renewal.
    renewal: String,
}

/// Opens a folder below another one, and makes it if it is missing.
fn made_below(dir: &Dir, name: &str) -> Result<Dir, StoreFault> {
    let missing = || fault(StoreFaultKind::NotA("directory"), &dir.path().join(name));
    dir.below(&[name], true)?.ok_or_else(missing)
}

fn take_in<'a>(state: &Dir, name: &str, wait: impl Into<Wait<'a>>) -> Result<Taken, StoreFault> {
    lock::take(&made_below(state, LOCKS)?, &lock_name(name), wait)
}

fn lock_name(name: &str) -> String {
    format!("{name}.lock")
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/tiled.rs"]
mod tests;

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/crash.rs"]
mod crash_tests;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/links.rs"]
mod link_tests;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/folders.rs"]
mod folder_tests;
