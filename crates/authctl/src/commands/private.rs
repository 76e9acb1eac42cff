//! Folders for sessions that one command has, and what is left of commands that were killed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use auth_native::error::AuthError;
use auth_native::{Error, Revocation};
use tempfile::TempDir;

use crate::client::Client;
use crate::output;
use crate::report::Failure;

/// What the name of such a folder begins with.
const PREFIX: &str = "authctl-exec-";
/// Locked for as long as the command runs.
const LOCK: &str = "lifetime.lock";
/// What is in the folder: the boot of the machine, and the site, one line each. It is there only once the lock is held.
const NOTE: &str = "note";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// How long ending what was left behind may take in all.
const SWEPT_WITHIN: Duration = Duration::from_secs(5);

/// A folder that nobody else can look into; in memory where there is such a place. It goes when this is dropped.
pub(super) struct Private {
    folder: TempDir,
    _lifetime: File,
}

impl Private {
    /// Makes one for a session of `site`.
    pub(super) fn new(site: &str) -> Result<Self, Failure> {
        Self::make(site).map_err(|error| Failure::output(&error))
    }

    fn make(site: &str) -> std::io::Result<Self> {
        let mut made = Err(std::io::ErrorKind::NotFound.into());
        for place in places() {
            made = within(&place);
            if made.is_ok() {
                break;
            }
        }
        let folder = made?;
        let lifetime = File::create_new(folder.path().join(LOCK))?;
        // Nobody looks at the folder before its note is there. Where nothing can be locked, it gets none.
        if lifetime.try_lock().is_ok() {
            let new = folder.path().join("note.new");
            fs::write(&new, format!("{}\n{site}\n", boot().unwrap_or_default()))?;
            fs::rename(new, folder.path().join(NOTE))?;
        }
        Ok(Self { folder, _lifetime: lifetime })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the session in it. It goes with its folder whatever the server says.
    pub(super) fn end(self, site: &str) {
        // Another client: a signal that was for the command has stopped the first.
        if let Ok(client) = Client::in_folder(self.path()) {
            sign_out(&client, site);
        }
    }
}

#[cfg(unix)]
fn within(place: &Path) -> std::io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt as _;

    // From the start, whatever the umask.
    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix(PREFIX).permissions(mode).tempdir_in(place)
}

#[cfg(not(unix))]
fn within(place: &Path) -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)
}

/// Where such folders are made, the first one that can be written to.
fn places() -> impl Iterator<Item = PathBuf> {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder: &OsString| !folder.is_empty());
    in_memory.map(PathBuf::from).into_iter().chain([std::env::temp_dir()])
}

fn boot() -> Option<String> {
    let boot = fs::read_to_string(BOOT).ok()?.trim().to_owned();
    (!boot.is_empty()).then_some(boot)
}

fn sign_out(client: &Client, site: &str) {
    match client.auth.logout(site) {
        Ok(ended) => {
            if let Revocation::Failed(error) = ended.revocation {
                output::warning(&format!("the session could not be ended on the server: {error}"));
            }
        }
        Err(Error::Auth(AuthError::NotSignedIn | AuthError::Removed)) => {}
        Err(error) => output::warning(&format!("the session could not be ended on the server: {error}")),
    }
}

/// What a command left that was killed. Nobody else looks at it while this is kept.
struct Leftover {
    folder: PathBuf,
    site: String,
    _lifetime: File,
}

/// Ends what commands left that were killed on this machine since it was started. `before` is called before anything is
/// sent.
pub(super) fn sweep(before: impl Fn()) {
    let started = Instant::now();
    for folder in places().flat_map(|place| candidates(&place)) {
        let left = SWEPT_WITHIN.saturating_sub(started.elapsed());
        // What there is no time for is for the next command.
        if left.is_zero() {
            return;
        }
        if let Some(leftover) = Leftover::take(folder) {
            before();
            leftover.end(left);
        }
    }
}

fn candidates(place: &Path) -> Vec<PathBuf> {
    let is_ours = |name: &OsString| name.to_string_lossy().starts_with(PREFIX);
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path()).collect()
}

impl Leftover {
    /// `None` for a folder of somebody else, of a command that runs, of another machine or an earlier boot, and one that is
    /// still being made.
    fn take(folder: PathBuf) -> Option<Self> {
        if !is_private(&folder) {
            return None;
        }
        let lifetime = File::options().read(true).write(true).open(folder.join(LOCK)).ok()?;
        // The note comes after the lock was taken, so whoever finds both it and the lock free finds a dead command's.
        let is_there = fs::exists(folder.join(NOTE)).is_ok_and(|is_there| is_there);
        if !is_there || lifetime.try_lock().is_err() {
            return None;
        }
        // Somebody else may have ended it meanwhile.
        let note = fs::read_to_string(folder.join(NOTE)).ok()?;
        let (boot_of_it, site) = note.trim_end().split_once('\n')?;
        let site = (Some(boot_of_it) == boot().as_deref()).then(|| site.to_owned())?;
        Some(Self { folder, site, _lifetime: lifetime })
    }

    /// Ends the session, which a Shotgun site does by itself, and removes the folder.
    fn end(self, limit: Duration) {
        if let Ok(client) = Client::in_folder(&self.folder) {
            let (over, ended) = mpsc::channel::<()>();
            let stop = client.stop();
            let watch = thread::Builder::new().spawn(move || {
                if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    stop.cancel();
                }
            });
            // Without a thread nothing would end it in time.
            if watch.is_ok() {
                sign_out(&client, &self.site);
            }
            drop(over);
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            let folder = self.folder.display().to_string();
            output::warning(&format!(
                "what a killed command left could not be removed: {}: {error}",
                auth_native::Foreign::new(folder)
            ));
        }
    }
}

/// True for a folder of ours that nobody else can change, itself and not behind a link.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let ours = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == ours && found.mode() & 0o777 == 0o700)
}

/// Nobody knows here which boot a folder is of.
#[cfg(not(unix))]
fn is_private(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../tests/private.rs"]
mod tests;
