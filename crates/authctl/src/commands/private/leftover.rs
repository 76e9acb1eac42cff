//! Sessions that commands left which were killed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use auth_native::error::StoreFault;
use auth_native::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store};
use auth_native::{Foreign, TiledDirectory};

use super::folder::{self, Folder, PREFIX};
use super::{Ended, LOCK, NOTE, boot, not_ended, sign_out};
use crate::client::{Client, directory};
use crate::output;

/// How long ending what was left behind may take in all.
const SWEPT_WITHIN: Duration = Duration::from_secs(5);
/// How long a session is kept that could not be ended.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// The longest note, in bytes.
const LONGEST_NOTE: u64 = 4_096;

/// What a killed command left. No other process sweeps it while this is kept.
pub(super) struct Leftover {
    folder: Folder,
    pub(super) site: String,
    made: SystemTime,
    _lifetime: File,
}

/// Ends the sessions of commands that were killed on this machine since it was started. Calls `before` before anything
/// is sent.
pub(in crate::commands) fn sweep(before: impl Fn()) {
    let started = Instant::now();
    for path in
        folder::places().filter(|place| folder::check(place).is_ok()).flat_map(|place| candidates(&place))
    {
        let left = SWEPT_WITHIN.saturating_sub(started.elapsed());
        // What there is no time for is for the next command.
        if left.is_zero() {
            return;
        }
        if let Some(leftover) = Leftover::take(path) {
            before();
            leftover.end(left);
        }
    }
}

/// The folders of commands in `place`. The one tried longest ago comes first, so that a silent server holds up no other.
pub(super) fn candidates(place: &Path) -> Vec<PathBuf> {
    let is_ours = |name: &OsString| name.to_string_lossy().starts_with(PREFIX);
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| is_ours(&entry.file_name()))
        .map(|entry| (entry.metadata().and_then(|found| found.modified()).ok(), entry.path()))
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

impl Leftover {
    /// Returns `None` for the folder of another user, of a running command, of another machine or an earlier boot, and
    /// for one that is still being made.
    pub(super) fn take(path: PathBuf) -> Option<Self> {
        let folder = Folder::open(path).ok().filter(Folder::is_private)?;
        let lifetime = folder::open_file(&folder.path().join(LOCK), true).ok()?;
        let note = folder.path().join(NOTE);
        // The note comes after the lock was taken, so a note and a free lock are those of a dead command.
        if fs::symlink_metadata(&note).is_err() || lifetime.try_lock().is_err() {
            return None;
        }
        // Another process may have removed it meanwhile.
        let note = folder::open_file(&note, false).ok()?;
        let made = note.metadata().and_then(|found| found.modified()).ok()?;
        let mut text = String::new();
        let length = note.take(LONGEST_NOTE + 1).read_to_string(&mut text).ok()?;
        let (boot_of_it, site) = text.trim_end().split_once('\n')?;
        let is_of_now = length as u64 <= LONGEST_NOTE && Some(boot_of_it) == boot().as_deref();
        is_of_now.then(|| Self { site: site.to_owned(), folder, made, _lifetime: lifetime })
    }

    /// Ends the session and removes the folder. Keeps it for the next command if the server gave no definite answer,
    /// and the session is younger than a day.
    pub(super) fn end(self, limit: Duration) {
        let shown = Foreign::new(self.folder.path().to_string_lossy());
        match self.sign_out(limit) {
            // A Shotgun site ends a session by itself.
            Ended::Yes | Ended::NoSession => {}
            Ended::No(why) if self.is_young() => {
                self.folder.touch();
                output::warning(&format!(
                    "the session of a killed command could not be ended yet; the next `authctl exec --no-remember` \
                     tries again: {shown}: {why}"
                ));
                return;
            }
            Ended::No(why) => not_ended(&why),
        }
        if let Err(error) = self.folder.remove() {
            output::warning(&format!("what a killed command left could not be removed: {shown}: {error}"));
        }
    }

    /// A clock that was set back makes it no younger.
    fn is_young(&self) -> bool {
        let age = SystemTime::now().duration_since(self.made).unwrap_or_else(|ahead| ahead.duration());
        age < KEPT_FOR
    }

    fn sign_out(&self, limit: Duration) -> Ended {
        if !self.folder.is_there() {
            return Ended::No(folder::REPLACED.to_owned());
        }
        let client = match Client::on(Arc::new(Kept(directory(self.folder.path())))) {
            Ok(client) => client,
            Err(failure) => return Ended::No(failure.message),
        };
        let (over, ended) = mpsc::channel::<()>();
        let stop = client.stop();
        let watch = thread::Builder::new().spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                stop.cancel();
            }
        });
        // Without a thread nothing would end it in time.
        let result = watch.map(|_| sign_out(&client, &self.site));
        drop(over);
        result.unwrap_or_else(|error| Ended::No(error.to_string()))
    }
}

/// A store that clears no session: the folder goes as a whole once the server has answered.
struct Kept(TiledDirectory);

impl Store for Kept {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.0.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        match change {
            Change::ClearIf { .. } => Ok(Applied::Done),
            other => self.0.apply(other),
        }
    }

    fn location(&self, key: &Key) -> Option<Foreign> {
        self.0.location(key)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.0.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.0.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.0.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.0.note_asked(key, asked)
    }
}
