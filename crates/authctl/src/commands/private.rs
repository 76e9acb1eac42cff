//! The folder of a session that one command has.

mod folder;
mod leftover;

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use auth_native::error::AuthError;
use auth_native::{Error, Foreign, Revocation};

use crate::client::Client;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

use folder::Folder;
pub(super) use leftover::sweep;

/// Locked for as long as the command runs.
const LOCK: &str = "lifetime.lock";
/// The boot of the machine and the site, one line each. It is written only once the lock is held.
const NOTE: &str = "note";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// A folder that no other user can look into, in memory where there is such a place. Dropping this removes it.
pub(super) struct Private {
    folder: Folder,
    lifetime: File,
    has_session: Cell<bool>,
}

impl Private {
    /// Makes a folder for a session of `site`.
    pub(super) fn new(site: &str) -> Result<Self, Failure> {
        Self::first(folder::places(), site)
    }

    /// Makes it in the first of `places` that can be used.
    fn first(places: impl Iterator<Item = PathBuf>, site: &str) -> Result<Self, Failure> {
        let mut reasons = Vec::new();
        for place in places {
            match folder::check(&place).and_then(|()| Self::within(&place, site)) {
                Ok(made) => return Ok(made),
                Err(error) => reasons.push(format!("{}: {error}", Foreign::new(place.to_string_lossy()))),
            }
        }
        let reasons = reasons.join("; ");
        Err(Failure {
            exit: Exit::STORE,
            kind: "store",
            message: format!("could not make a folder for the session: {reasons}"),
            remedy: "Set XDG_RUNTIME_DIR or TMPDIR to a folder that only you can change.".to_owned(),
        })
    }

    fn within(place: &Path, site: &str) -> io::Result<Self> {
        let folder = Folder::make(place)?;
        let lifetime = File::create_new(folder.path().join(LOCK))?;
        let made = Self { folder, lifetime, has_session: Cell::new(false) };
        // A folder without a note is not swept. It gets none where files cannot be locked.
        if made.lifetime.try_lock().is_ok() {
            let new = made.path().join("note.new");
            fs::write(&new, format!("{}\n{site}\n", boot().unwrap_or_default()))?;
            fs::rename(new, made.path().join(NOTE))?;
        }
        Ok(made)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Remembers that the server gave a session for this folder, which [`end`](Self::end) has to find there.
    pub(super) fn signed_in(&self) {
        self.has_session.set(true);
    }

    /// Ends the session on the server and removes the folder, whatever the server answers.
    pub(super) fn end(self, site: &str) {
        let shown = Foreign::new(self.path().to_string_lossy());
        if !self.folder.is_there() {
            output::warning(&format!(
                "{shown} was moved or replaced while the command ran: its session could not be ended, and nothing was \
                 deleted"
            ));
            return;
        }
        // Another client: a signal that was for the command has stopped the first.
        let ended = match Client::in_folder(self.path()) {
            Ok(client) => sign_out(&client, site),
            Err(failure) => Ended::No(failure.message),
        };
        match ended {
            Ended::Yes => {}
            Ended::NoSession if !self.has_session.get() => {}
            Ended::NoSession => output::warning(&format!(
                "the session is no longer in {shown}: unless the command signed out, it was not ended on the server"
            )),
            Ended::No(error) => not_ended(&error),
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // A signal may have left a process of the command that still writes there. The session has ended all the same.
        let _ = self.folder.remove();
    }
}

/// What came of ending a session on the server.
enum Ended {
    Yes,
    /// The folder holds no session.
    NoSession,
    /// The server gave no definite answer.
    No(String),
}

fn sign_out(client: &Client, site: &str) -> Ended {
    match client.auth.logout(site) {
        Ok(ended) => match ended.revocation {
            Revocation::Failed(error) => Ended::No(error.to_string()),
            Revocation::Revoked | Revocation::Impossible => Ended::Yes,
        },
        Err(Error::Auth(AuthError::NotSignedIn | AuthError::Removed)) => Ended::NoSession,
        Err(error) => Ended::No(error.to_string()),
    }
}

fn not_ended(why: &str) {
    output::warning(&format!("the session could not be ended on the server: {why}"));
}

fn boot() -> Option<String> {
    let boot = fs::read_to_string(BOOT).ok()?.trim().to_owned();
    (!boot.is_empty()).then_some(boot)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../tests/private.rs"]
mod tests;
