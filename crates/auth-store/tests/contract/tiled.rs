//! The Tiled directory, and what others do to one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use auth_core::error::StoreFault;
use auth_core::ports::{Key, Store};
use auth_core::session::Session;
use auth_store::TiledDirectory;
use auth_store::contract::{self, Grain, Subject, Survival, Unable};
use tempfile::TempDir;

/// The number of no process.
pub(crate) const NO_PROCESS: &str = "999999999";

pub(crate) fn store(place: &Path) -> TiledDirectory {
    TiledDirectory::new(place.join("cache"), place.join("state"))
}

pub(crate) struct Tiled {
    pub(crate) temporary: TempDir,
}

/// The same, with a note in its folder that locks are links.
#[cfg(target_os = "linux")]
struct Linked(Tiled);

impl Tiled {
    pub(crate) fn new() -> Self {
        Self { temporary: crate::folder() }
    }

    fn tokens(&self, key: &Key) -> Result<PathBuf, StoreFault> {
        store(self.temporary.path()).token_directory(key)
    }

    fn about(&self) -> PathBuf {
        self.temporary.path().join("state/tiled")
    }
}

impl Subject for Tiled {
    fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
        Ok(Box::new(store(self.temporary.path())))
    }

    /// Its files are those of the Python client, one for each token.
    fn grain(&self) -> Grain {
        Grain::Token
    }

    fn command(&self) -> Result<Command, Unable> {
        Ok(crate::command("tiled", self.temporary.path()))
    }

    /// As the Python client writes: in place, the refresh token first.
    fn tear(&self, key: &Key, session: &Session) -> Result<(), Unable> {
        let token =
            |token: &Option<auth_core::Secret>| token.clone().ok_or_else(|| Unable::failed("no token"));
        let (refresh, access) = (token(&session.tokens.refresh)?, token(&session.tokens.access)?);
        let half = access.expose().split_at(access.len() / 2).0;
        for (name, content) in [("refresh_token", refresh.expose()), ("access_token", half)] {
            let path = self.tokens(key)?.join(name);
            fs::write(&path, content)?;
            // A moment ahead, so that a slow machine does not make it old.
            let ahead = SystemTime::now() + Duration::from_millis(1_500);
            File::options().write(true).open(&path)?.set_modified(ahead)?;
        }
        Ok(())
    }

    fn litter(&self, key: &Key) -> Result<(), Unable> {
        let (tokens, sites) = (self.tokens(key)?, self.about().join("sites"));
        fs::create_dir_all(&sites)?;
        let site = format!("{}.json", "0".repeat(64));
        let old = SystemTime::now() - Duration::from_hours(1);
        for (folder, name) in [(&tokens, "access_token"), (&tokens, "refresh_token"), (&sites, &*site)] {
            fs::write(folder.join(format!(".{name}.{NO_PROCESS}-0.authctl-tmp")), "{")?;
            let path = folder.join(format!(".{name}.{NO_PROCESS}-1.authctl-tmp"));
            fs::write(&path, "")?;
            File::options().write(true).open(&path)?.set_modified(old)?;
        }
        Ok(())
    }

    fn add_unknown(&self, key: &Key) -> Result<Survival, Unable> {
        let (tokens, about) = (self.tokens(key)?, self.about());
        let mut documents = Vec::new();
        for entry in fs::read_dir(&about)?.chain(fs::read_dir(about.join("sites"))?) {
            let path = entry?.path();
            if path.is_dir() {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            fs::write(&path, text.replacen('{', "{\"later\": [1, 2],", 1))?;
            documents.push(path);
        }
        if documents.len() != 2 {
            return Err(Unable::failed(format!("a sidecar and a site, not {documents:?}")));
        }
        let sites = about.join("sites/later.json");
        let beside = [tokens.join("later_token"), about.join("later.json"), about.join("later/x"), sites];
        fs::create_dir(about.join("later"))?;
        for path in &beside {
            fs::write(path, "{\"later\": [1, 2]}")?;
        }
        Ok(Box::new(move || {
            for path in documents.iter().chain(&beside) {
                let text = fs::read_to_string(path).unwrap_or_default();
                let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                if value["later"] != serde_json::json!([1, 2]) {
                    return Err(format!("{} has it no more", path.display()));
                }
            }
            Ok(())
        }))
    }
}

#[cfg(target_os = "linux")]
impl Linked {
    fn new() -> Result<Self, Unable> {
        let tiled = Tiled::new();
        let locks = tiled.temporary.path().join("state/locks");
        fs::create_dir_all(&locks)?;
        fs::write(locks.join("method"), "links\n")?;
        Ok(Self(tiled))
    }
}

#[cfg(target_os = "linux")]
impl Subject for Linked {
    fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
        self.0.open()
    }

    fn grain(&self) -> Grain {
        self.0.grain()
    }

    fn command(&self) -> Result<Command, Unable> {
        self.0.command()
    }

    fn tear(&self, key: &Key, session: &Session) -> Result<(), Unable> {
        self.0.tear(key, session)
    }

    fn litter(&self, key: &Key) -> Result<(), Unable> {
        self.0.litter(key)
    }

    fn add_unknown(&self, key: &Key) -> Result<Survival, Unable> {
        self.0.add_unknown(key)
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_tiled_directory_keeps_the_whole_contract_with_locks_that_are_links_f4_f5_f6_f7() {
    let report = contract::run(Linked::new);
    println!("{report}");
    report.assert_all();
    assert_eq!(report.skipped().collect::<Vec<_>>(), []);
}

#[test]
fn the_tiled_directory_keeps_the_whole_contract_f4_f5_f7() {
    let report = contract::run(|| Ok(Tiled::new()));
    println!("{report}");
    report.assert_all();
    assert_eq!(report.skipped().collect::<Vec<_>>(), []);
}
