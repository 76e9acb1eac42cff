mod holding;
mod sites;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store, Stored};
use auth_core::session::{Facts, Generation, Session, Tokens};
use auth_core::{Digest, Holder, Secret};

use crate::atomic::Ready;
use crate::document::{self, Document, Read};
use crate::fault::fault;
use crate::lock::{self, Guard, LockMethod, Taken, Wait};
use crate::os::Dir;
use crate::roots::{Roots, directory_name};
use crate::sidecar::{Digests, Sidecar};
use crate::tokens::{Name, Snapshot};
use crate::{atomic, order};
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
/// How long a removal waits for somebody who writes in place, and how often it looks: longer than such a file counts
/// as being written.
const SETTLE_WAIT: Duration = Duration::from_millis(2_500);
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

/// The token directory of Tiled's Python client, shared with it (spec: Tiled, section 9).
///
/// One session for each site, in files of bare tokens that either client reads and renews. What a token does not say of
/// itself, the list of sites and the locks are in a folder of our own. It holds nothing secret but what was kept aside
/// there, and the sessions in slots, which that client does not know: files of the same kind.
///
/// - Reading takes no lock and waits for nobody; what another program is in the middle of writing is
///   [`Loaded::Torn`].
/// - A change is made under a lock, each file replaced whole and made durable, in an order in which a crash leaves
///   neither two identities nor an access token newer than its refresh token.
/// - Links are followed where no other user could have placed them; files and folders of other users are refused;
///   modes that let others in are mended on sight. A file that something is mounted on is rewritten where it is, which
///   a crash may leave half done.
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
        self.state(LOCKS, false)?.map(|dir| lock::method(&dir)).transpose()
    }

    fn place(&self, key: &Key) -> Result<(&Path, [String; 2]), StoreFault> {
        if !key.slot.is_empty() {
            let name = self.roots.name_of("session", key).to_string();
            return Ok((&self.roots.state, [SESSIONS.to_owned(), name]));
        }
        let name = directory_name(&key.site, &self.roots.cache.join(TOKENS))?;
        Ok((&self.roots.cache, [TOKENS.to_owned(), name]))
    }

    /// Whose session is meant where nobody is named: that of whoever signed in to the site last.
    fn named(&self, key: &Key) -> Result<Key, StoreFault> {
        let is_last = |entry: &SiteEntry| entry.key.site == key.site && !entry.key.slot.is_empty();
        if !key.names_nobody() {
            return Ok(key.clone());
        }
        Ok(self.sites()?.into_iter().find(is_last).map_or_else(|| key.clone(), |entry| entry.key))
    }

    fn tokens(&self, key: &Key, make: bool) -> Result<Option<Dir>, StoreFault> {
        let (root, [folder, name]) = self.place(key)?;
        let mut dir = Dir::open(root, &[&folder, &name], make)?;
        if let Some(dir) = &mut dir {
            dir.tighten()?;
        }
        Ok(dir)
    }

    fn made_tokens(&self, key: &Key) -> Result<Dir, StoreFault> {
        let path = self.token_directory(key)?;
        self.tokens(key, true)?.ok_or_else(|| fault(StoreFaultKind::NotA("directory"), &path))
    }

    fn state(&self, name: &str, make: bool) -> Result<Option<Dir>, StoreFault> {
        self.folder(&[name], make)
    }

    /// A folder below our own.
    fn folder(&self, below: &[&str], make: bool) -> Result<Option<Dir>, StoreFault> {
        let mut dir = Dir::open(&self.roots.state, below, make)?;
        if let Some(dir) = &mut dir {
            dir.tighten()?;
        }
        Ok(dir)
    }

    fn made_state(&self, name: &str) -> Result<Dir, StoreFault> {
        let missing = || fault(StoreFaultKind::NotA("directory"), &self.roots.state.join(name));
        self.state(name, true)?.ok_or_else(missing)
    }

    /// The lock of one read-modify-write.
    fn change(&self, name: &str) -> Result<Guard, StoreFault> {
        let (all, stalled) = CHANGE_WAIT;
        let tell = |holder: &Holder| self.listener.tell(holder);
        match self.take(name, Wait { all, stalled, tell: Some(&tell) })? {
            Taken::Ours(guard) => Ok(guard),
            Taken::Theirs(holder) => {
                let path = self.roots.state.join(LOCKS).join(lock_name(name));
                Err(fault(StoreFaultKind::Locked(holder), &path))
            }
        }
    }

    fn take<'a>(&self, name: &str, wait: impl Into<Wait<'a>>) -> Result<Taken, StoreFault> {
        lock::take(&self.made_state(LOCKS)?, &lock_name(name), wait)
    }

    fn names(&self, key: &Key) -> Names {
        let sidecar = format!("{}.json", self.roots.name_of("session", key));
        Names { sidecar, change: self.roots.name_of("change", key).to_string() }
    }

    /// A document of ours, without its lock. A broken one is set aside if nobody is changing it.
    fn peek<D: Document>(&self, name: &str, change: &str) -> Result<D, StoreFault> {
        let Some(about) = self.state(ABOUT, false)? else { return Ok(D::default()) };
        self.peek_in(&about, name, change)
    }

    fn peek_in<D: Document>(&self, dir: &Dir, name: &str, change: &str) -> Result<D, StoreFault> {
        match document::read(dir, name)? {
            Read::Whole(document) => Ok(document),
            Read::Missing => Ok(D::default()),
            // Where that fails, it is done by whoever next changes it.
            Read::Broken => match self.take(change, Duration::ZERO) {
                Ok(Taken::Ours(_guard)) => Ok(document::take(dir, name).unwrap_or_default()),
                _ => Ok(D::default()),
            },
        }
    }

    fn save(&self, key: &Key, session: &Session) -> Result<(), StoreFault> {
        let names = self.names(key);
        order::check(&session.tokens, !key.slot.is_empty(), &self.token_directory(key)?)?;
        let guard = self.change(&names.change)?;
        // Neither lock was taken over by another process.
        let ready = || guard.check().and_then(|()| self.check_renewal(key));
        ready()?;
        let about = self.made_state(ABOUT)?;
        let dir = self.made_tokens(key)?;
        let there = Snapshot::read(&dir, Name::all(key))?;
        let mut sidecar: Sidecar = document::take(&about, &names.sidecar)?;
        let tokens = there.tokens();
        let same = is_same_person(&sidecar.facts(&tokens), &session.facts);
        sidecar.list(key, session, Digests::of(&tokens));
        document::write_when(&about, &names.sidecar, &sidecar, &ready)?;
        keep_damaged(&there, &about, &names.sidecar)?;
        for (name, token) in order::of(&session.tokens, !key.slot.is_empty(), same) {
            put(&dir, name, token, &ready)?;
        }
        // Only now is the token that was redeemed no longer needed.
        if sidecar.intent.take().is_some() {
            document::write_when(&about, &names.sidecar, &sidecar, &ready)?;
        }
        Ok(())
    }

    fn clear_if(&self, key: &Key, generation: Generation) -> Result<Applied, StoreFault> {
        let names = self.names(key);
        let guard = self.change(&names.change)?;
        let about = self.made_state(ABOUT)?;
        let mut sidecar: Sidecar = document::take(&about, &names.sidecar)?;
        let Some(dir) = self.tokens(key, false)? else { return Ok(Applied::Done) };
        let started = Instant::now();
        let there = loop {
            let there = Snapshot::read(&dir, Name::all(key))?;
            let is_meant = sidecar.matched(there.tokens()).generation() == generation;
            let is_whole = is_meant || there.is_settled(&sidecar, SystemTime::now());
            if (is_whole && there.is_unchanged()?) || started.elapsed() >= SETTLE_WAIT {
                break there;
            }
            thread::sleep(SETTLE_PAUSE);
        };
        let tokens = sidecar.matched(there.tokens());
        if tokens.generation() != generation {
            let stored = stored(tokens, &sidecar);
            return Ok(stored.map_or(Applied::Done, |stored| Applied::Conflict(Box::new(stored))));
        }
        keep_damaged(&there, &about, &names.sidecar)?;
        for (name, token) in order::of(&Tokens::default(), !key.slot.is_empty(), true) {
            put(&dir, name, token, &|| guard.check())?;
        }
        if sidecar.clear() {
            document::write_when(&about, &names.sidecar, &sidecar, &|| guard.check())?;
        }
        Ok(Applied::Done)
    }

    /// Changes what is kept of a session besides its tokens, if that is still `ready`.
    fn note(&self, key: &Key, ready: Ready<'_>, change: impl FnOnce(&mut Sidecar)) -> Result<(), StoreFault> {
        self.place(key)?;
        let names = self.names(key);
        let guard = self.change(&names.change)?;
        let ready = || guard.check().and_then(|()| ready());
        ready()?;
        let about = self.made_state(ABOUT)?;
        let mut sidecar: Sidecar = document::take(&about, &names.sidecar)?;
        change(&mut sidecar);
        document::write_when(&about, &names.sidecar, &sidecar, &ready)
    }
}

impl Store for TiledDirectory {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        let key = &self.named(key)?;
        let Some(dir) = self.tokens(key, false)? else { return Ok(Loaded::None) };
        let names = self.names(key);
        for _ in 0..READ_TRIES {
            // The tokens first: what is known of ours is written before they are.
            let there = Snapshot::read(&dir, Name::all(key))?;
            let sidecar: Sidecar = self.peek(&names.sidecar, &names.change)?;
            if !there.is_unchanged()? {
                continue;
            }
            if !there.is_settled(&sidecar, SystemTime::now()) {
                return Ok(Loaded::Torn);
            }
            let stored = stored(there.tokens(), &sidecar);
            return Ok(stored.map_or(Loaded::None, |stored| Loaded::Found(Box::new(stored))));
        }
        Ok(Loaded::Torn)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        match change {
            Change::Save { key, session } => self.save(key, session)?,
            Change::ClearIf { key, generation } => return self.clear_if(key, *generation),
            Change::Intent { key, redeeming } => {
                self.note(key, &|| self.check_renewal(key), |sidecar| sidecar.intent = Some(*redeeming))?;
            }
            Change::Prefer(entry) => self.prefer(entry)?,
            Change::Forget(key) => self.forget(key)?,
        }
        Ok(Applied::Done)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        let (what, stalled) = match kind {
            LockKind::Renewal => ("renewal", RENEWAL_STALL),
            LockKind::Prompt => ("prompt", Duration::MAX),
        };
        let name = self.roots.name_of(what, key).to_string();
        let guard = match self.take(&name, Wait { all: wait, stalled, tell: None })? {
            Taken::Ours(guard) => guard,
            Taken::Theirs(holder) => return Ok(Locking::Busy(holder)),
        };
        guard.show_life();
        Ok(Locking::Held(match kind {
            LockKind::Renewal => Box::new(self.renewals.note(name, guard)),
            LockKind::Prompt => Box::new(guard),
        }))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.listed()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        let names = self.names(key);
        Ok(self.peek::<Sidecar>(&names.sidecar, &names.change)?.asked)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.note(key, &|| Ok(()), |sidecar| sidecar.asked = asked)
    }
}

/// What belongs to one session.
struct Names {
    sidecar: String,
    /// The lock of a change.
    change: String,
}

fn lock_name(name: &str) -> String {
    format!("{name}.lock")
}

fn stored(tokens: Tokens, sidecar: &Sidecar) -> Option<Stored> {
    if tokens.is_empty() {
        return None;
    }
    let tokens = sidecar.matched(tokens);
    let session = Session { facts: sidecar.facts(&tokens), links: sidecar.links.clone(), tokens };
    // A peer may have replaced the token without knowing of the intent, which is over then.
    let refresh = session.tokens.refresh.as_ref().map(Digest::of);
    Some(Stored { session, intent: sidecar.intent.filter(|intent| refresh == Some(*intent)) })
}

/// True only if both are known and agree.
fn is_same_person(one: &Facts, other: &Facts) -> bool {
    match (&one.principal, &other.principal) {
        (Some(one), Some(other)) => one == other,
        _ => one.identity.is_some() && one.identity == other.identity,
    }
}

fn keep_damaged(there: &Snapshot, about: &Dir, sidecar: &str) -> Result<(), StoreFault> {
    let site = sidecar.trim_end_matches(".json");
    for (spot, name) in there.damaged() {
        atomic::set_aside(spot, about, &format!("{site}.{}", name.as_str()))?;
    }
    Ok(())
}

fn put(dir: &Dir, name: Name, token: Option<&Secret>, ready: Ready<'_>) -> Result<(), StoreFault> {
    let Some(spot) = dir.spot(name.as_str(), token.is_some())? else { return Ok(()) };
    match token {
        Some(token) => atomic::replace_when(&spot, token.expose().as_bytes(), ready),
        None => ready().and_then(|()| atomic::remove(&spot)),
    }
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
