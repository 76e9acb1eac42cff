//! A store in a folder: one small JSON file for each key, replaced whole, and locks beside it.
//!
//! `cargo run -p auth-store --features contract --example folder_store -- FOLDER` lists the sites in one.

// ANCHOR: store
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store, Stored};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::site::Url;
use auth_core::time::Timestamp;
use auth_core::wire::json::{self, Json};
use auth_core::{Digest, Foreign, Holder, Secret};

/// What a file holds: names and texts. Those we do not know stay as they are.
type Members = BTreeMap<String, Secret>;

/// What belongs to a session; all else belongs to the site, or to a later version.
const SESSION: [&str; 13] = [
    "access",
    "refresh",
    "id",
    "metadata",
    "received",
    "expires",
    "refresh_expires",
    "identity",
    "provider",
    "principal",
    "whoami",
    "renewal",
    "intent",
];
/// What belongs to the list of sites. `listed` is a number: the highest is first.
const SITE: [&str; 5] = ["listed", "user", "allow_http", "method", "pages"];

/// How long one change waits for another.
const CHANGE_WAIT: Duration = Duration::from_secs(3);
/// How often a lock is tried while it is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// Sessions in a folder.
#[derive(Debug)]
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    /// Opens a folder, and makes it where it is not there.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreFault> {
        let folder = folder.into();
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&folder).map_err(|error| fault(&error, &folder))?;
        Ok(Self { folder })
    }

    /// A key may be any text, so its file is named by a digest.
    fn path(&self, key: &Key) -> PathBuf {
        let digest = Digest::of_parts(&[Some(&key.site), Some(&key.slot)]);
        self.folder.join(format!("{digest}.json"))
    }

    /// Reads a file. It is replaced whole, so there is no moment at which half of it could be found.
    fn read(path: &Path) -> Result<Members, StoreFault> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Members::new()),
            bytes => bytes.map_err(|error| fault(&error, path))?,
        };
        let broken = || StoreFault { kind: StoreFaultKind::NotA("file of this store"), path: shown(path) };
        // Whatever holds a token is a `Secret` or `Json`, and wiped when it is dropped.
        let json = Json::read(&Secret::from_utf8(bytes).ok_or_else(broken)?).map_err(|_| broken())?;
        let members = json.value().as_object().ok_or_else(broken)?;
        let texts =
            members.iter().filter_map(|(name, value)| Some((name.clone(), Secret::from(value.as_str()?))));
        Ok(texts.collect())
    }

    /// Writes a new file beside the old one, makes it durable, and puts it in its place: a crash leaves the old one or
    /// the new one.
    fn write(&self, path: &Path, members: &Members) -> Result<(), StoreFault> {
        let pairs: Vec<_> = members.iter().map(|(name, text)| (name.as_str(), text.expose())).collect();
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let replace = || {
            let mut file = options.open(&new)?;
            file.write_all(json::object(&pairs).expose().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
        };
        replace().map_err(|error: io::Error| fault(&error, path))
    }

    /// Takes a lock of this name: a file that stays, locked by the system, which frees it when its holder dies.
    fn take(&self, name: &str, wait: Duration) -> Result<Option<File>, StoreFault> {
        let path = self.folder.join(name);
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(|error| fault(&error, &path))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(fault(&error, &path)),
                Err(TryLockError::WouldBlock) => {}
            }
            let left = wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            // Simple, but unfair when many wait: the system's own queue (`File::lock` on a thread) is better.
            thread::sleep(PAUSE.min(left));
        }
    }

    /// Reads a file, changes it, writes it: nobody else does so meanwhile.
    fn change<T>(&self, key: &Key, change: impl FnOnce(&mut Members) -> (bool, T)) -> Result<T, StoreFault> {
        let path = self.path(key);
        let kind = StoreFaultKind::Locked(Holder::default());
        let locked = || StoreFault { kind, path: shown(&path) };
        // One lock for all files, because the order of the sites is in all of them.
        let _lock = self.take("change.lock", CHANGE_WAIT)?.ok_or_else(locked)?;
        let mut members = Self::read(&path)?;
        let (is_changed, answer) = change(&mut members);
        if is_changed {
            members.insert("site".to_owned(), Secret::from(key.site.as_str()));
            members.insert("slot".to_owned(), Secret::from(key.slot.as_str()));
            self.write(&path, &members)?;
        }
        Ok(answer)
    }

    /// All files that list a site, each with its number.
    fn listed(&self) -> Result<Vec<(u64, SiteEntry)>, StoreFault> {
        let mut listed = Vec::new();
        let failed = |error: io::Error| fault(&error, &self.folder);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let members = Self::read(&path)?;
                listed.extend(number(&members, "listed").zip(entry_of(&members)));
            }
        }
        Ok(listed)
    }
}

impl Store for FolderStore {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        let stored = stored(&Self::read(&self.path(key))?);
        Ok(stored.map_or(Loaded::None, |stored| Loaded::Found(Box::new(stored))))
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        change.check_login()?;
        match change {
            Change::Save { key, session, replaces } => self.change(key, |members| {
                let there = stored(members);
                if !replaces.admits(there.as_ref().map(|there| &there.session.tokens), &session.tokens) {
                    return (false, Applied::Conflict(there.map(Box::new)));
                }
                put_session(members, session);
                (true, Applied::Done)
            }),
            Change::ClearIf { key, generation } => self.change(key, |members| match stored(members) {
                None => (false, Applied::Done),
                Some(stored) if stored.session.tokens.generation() == *generation => {
                    members.retain(|name, _| !SESSION.contains(&name.as_str()));
                    (true, Applied::Done)
                }
                Some(stored) => (false, Applied::Conflict(Some(Box::new(stored)))),
            }),
            Change::Intent { key, redeeming } => self.change(key, |members| {
                if members.get("refresh").map(Digest::of) != Some(*redeeming) {
                    return (false, Applied::Conflict(stored(members).map(Box::new)));
                }
                members.insert("intent".to_owned(), Secret::from(redeeming.to_string()));
                (true, Applied::Done)
            }),
            Change::Withdraw { key, redeeming } => self.change(key, |members| {
                let noted = members.get("intent").and_then(|digest| Digest::from_hex(digest.expose()));
                if noted == Some(*redeeming) {
                    members.remove("intent");
                }
                (noted == Some(*redeeming), Applied::Done)
            }),
            Change::Prefer(entry) => self.change(&entry.key, |members| {
                // Read under the lock, so two never get the same number.
                let highest = self.listed().map(|all| all.into_iter().map(|(number, _)| number).max());
                match highest {
                    Ok(highest) => {
                        put_site(members, entry, highest.map_or(0, |highest| highest + 1));
                        (true, Ok(Applied::Done))
                    }
                    Err(fault) => (false, Err(fault)),
                }
            })?,
            Change::Forget(key) => self.change(key, |members| {
                members.retain(|name, _| !SITE.contains(&name.as_str()));
                (true, Applied::Done)
            }),
        }
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        let kind = match kind {
            LockKind::Renewal => "renewal",
            LockKind::Prompt => "prompt",
        };
        let name = self.path(key).with_extension(format!("{kind}.lock"));
        Ok(match self.take(&name.to_string_lossy(), wait)? {
            Some(file) => Locking::Held(Box::new(file)),
            // Who holds it is not written down here, so nobody can be told.
            None => Locking::Busy(Holder::default()),
        })
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        let mut listed = self.listed()?;
        listed.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(listed.into_iter().map(|(_, entry)| entry).collect())
    }
}

fn fault(error: &io::Error, path: &Path) -> StoreFault {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => StoreFaultKind::Denied,
        ErrorKind::ReadOnlyFilesystem => StoreFaultKind::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreFaultKind::Full,
        _ => StoreFaultKind::Other(Foreign::new(error.to_string())),
    };
    StoreFault { kind, path: shown(path) }
}

fn shown(path: &Path) -> Foreign {
    Foreign::new(path.to_string_lossy())
}

fn text(members: &Members, name: &str) -> Option<String> {
    members.get(name).map(|text| text.expose().to_owned())
}

fn number<T: std::str::FromStr>(members: &Members, name: &str) -> Option<T> {
    members.get(name)?.expose().parse().ok()
}

fn stored(members: &Members) -> Option<Stored> {
    let tokens = Tokens {
        access: members.get("access").cloned(),
        refresh: members.get("refresh").cloned(),
        id: members.get("id").cloned(),
        metadata: members.get("metadata").cloned(),
    };
    let foreign = |name| text(members, name).map(Foreign::new);
    let moment = |name| number(members, name).map(Timestamp);
    let facts = Facts {
        received: moment("received"),
        expires: moment("expires"),
        refresh_expires: moment("refresh_expires"),
        identity: foreign("identity")
            .zip(foreign("provider"))
            .map(|(id, provider)| Identity { id, provider }),
        principal: foreign("principal"),
    };
    let links = Links { whoami: text(members, "whoami"), refresh: text(members, "renewal") };
    let intent = members.get("intent").and_then(|digest| Digest::from_hex(digest.expose()));
    let is_there = !tokens.is_empty();
    is_there.then_some(Stored { session: Session { tokens, facts, links }, intent })
}

fn put_session(members: &mut Members, session: &Session) {
    let Session { tokens, facts, links } = session;
    let raw = |text: &Foreign| Secret::from(text.raw());
    let moment = |moment: Option<Timestamp>| moment.map(|Timestamp(second)| Secret::from(second.to_string()));
    let texts = [
        ("access", tokens.access.clone()),
        ("refresh", tokens.refresh.clone()),
        ("id", tokens.id.clone()),
        ("metadata", tokens.metadata.clone()),
        ("received", moment(facts.received)),
        ("expires", moment(facts.expires)),
        ("refresh_expires", moment(facts.refresh_expires)),
        ("identity", facts.identity.as_ref().map(|identity| raw(&identity.id))),
        ("provider", facts.identity.as_ref().map(|identity| raw(&identity.provider))),
        ("principal", facts.principal.as_ref().map(raw)),
        ("whoami", links.whoami.as_deref().map(Secret::from)),
        ("renewal", links.refresh.as_deref().map(Secret::from)),
    ];
    // With the intent, which a save ends.
    members.retain(|name, _| !SESSION.contains(&name.as_str()));
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))));
}

fn entry_of(members: &Members) -> Option<SiteEntry> {
    let key = Key { site: text(members, "site")?, slot: text(members, "slot")? };
    let allow_http = text(members, "allow_http").is_some_and(|text| text == "true");
    Some(SiteEntry {
        key,
        user: text(members, "user").map(Foreign::new),
        allow_http,
        method: text(members, "method").and_then(|method| method.parse().ok()),
        pages: text(members, "pages").and_then(|pages| Some(pages.parse::<Url>().ok()?.origin().clone())),
    })
}

fn put_site(members: &mut Members, entry: &SiteEntry, number: u64) {
    members.retain(|name, _| !SITE.contains(&name.as_str()));
    members.insert("listed".to_owned(), Secret::from(number.to_string()));
    members.insert("allow_http".to_owned(), Secret::from(entry.allow_http.to_string()));
    let texts = [
        ("user", entry.user.as_ref().map(|user| Secret::from(user.raw()))),
        ("method", entry.method.map(|method| Secret::from(method.as_str()))),
        ("pages", entry.pages.as_ref().map(|pages| Secret::from(pages.to_string()))),
    ];
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))));
}

#[expect(clippy::print_stdout, reason = "a command: printing is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: folder_store FOLDER")?;
    for entry in FolderStore::open(folder)?.sites()? {
        println!("{}", Foreign::new(entry.key.site));
    }
    Ok(())
}
// ANCHOR_END: store

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use std::process::Command;

    use auth_store::contract::{self, Subject, Survival, Unable};
    use tempfile::TempDir;

    use super::*;

    const FOLDER: &str = "AUTH_STORE_TEST_FOLDER";

    /// A fresh place for each clause. It goes away with the value.
    struct Place(TempDir);

    impl Subject for Place {
        fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
            Ok(Box::new(FolderStore::open(self.0.path())?))
        }

        /// This test program again, told to run nothing but the test below.
        fn command(&self) -> Result<Command, Unable> {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["--exact", "tests::other_process", "--nocapture"]).env(FOLDER, self.0.path());
            Ok(command)
        }

        /// Half a new file, which its writer did not live to put in its place.
        fn litter(&self, key: &Key) -> Result<(), Unable> {
            let path = FolderStore::open(self.0.path())?.path(key);
            Ok(fs::write(path.with_extension("new"), "{\"access")?)
        }

        /// A member of a later version.
        fn add_unknown(&self, key: &Key) -> Result<Survival, Unable> {
            const LATER: &str = "\"later\":\"kept\"";
            let path = FolderStore::open(self.0.path())?.path(key);
            fs::write(&path, fs::read_to_string(&path)?.replacen('{', &format!("{{{LATER},"), 1))?;
            Ok(Box::new(move || {
                let text = fs::read_to_string(&path).unwrap_or_default();
                if text.contains(LATER) { Ok(()) } else { Err(format!("{LATER} is gone")) }
            }))
        }
    }

    /// Does nothing by itself: the suite starts it where it needs another process.
    #[test]
    fn other_process() {
        if let Some(folder) = std::env::var_os(FOLDER) {
            let store = FolderStore::open(folder).unwrap();
            contract::obey(&store, io::stdin().lock(), io::stdout()).unwrap();
        }
    }

    #[test]
    fn the_store_keeps_its_contract() {
        let report = contract::run(|| Ok(Place(tempfile::tempdir()?)));
        println!("{report}");
        report.assert_all();
        // What was not tried is worth knowing: it writes down no holder, and nobody else writes these files.
        let skipped: Vec<_> = report.skipped().map(|(name, _)| name).collect();
        let expected = [
            "lock-names-its-holder",
            "processes-name-the-holder",
            "torn-session-is-no-session",
            "torn-session-can-be-replaced",
        ];
        assert_eq!(skipped, expected);
    }
}
// ANCHOR_END: tests
