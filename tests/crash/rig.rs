//! A token directory of its own, and what is found in it afterwards.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use auth_core::ports::{Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store as _};
use auth_core::session::{Facts, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};
use auth_store::TiledDirectory;
use tempfile::TempDir;

use crate::operation::{DAMAGE, Operation};
use crate::probe::Probe;

pub(crate) fn key() -> Key {
    Key { site: "http://h/api/v1/".to_owned(), slot: String::new() }
}

/// Somebody's session; a token says whose it is and how old.
pub(crate) fn session(who: &str, age: &str, with_id: bool) -> Session {
    let token = |kind: &str| Some(Secret::from(format!("{who}-{kind}-{age}")));
    let id = token("id").filter(|_| with_id);
    let facts = Facts {
        received: Some(Timestamp(1_800_000_000)),
        expires: Some(Timestamp(1_800_000_900)),
        principal: Some(Foreign::from(who)),
        ..Facts::default()
    };
    let tokens = Tokens { access: token("access"), refresh: token("refresh"), id, ..Tokens::default() };
    Session { tokens, facts, ..Session::default() }
}

pub(crate) struct Rig {
    folder: TempDir,
    pub(crate) store: TiledDirectory,
}

impl Rig {
    /// In memory where there is a place for that: thousands are made.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let store = store(folder.path());
        Self { folder, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.store.token_directory(&key()).unwrap()
    }

    pub(crate) fn sidecar(&self) -> PathBuf {
        let mut found = fs::read_dir(self.path("state/tiled")).unwrap().map(|entry| entry.unwrap().path());
        found
            .find(|path| !path.ends_with("index.json") && path.extension().is_some_and(|e| e == "json"))
            .unwrap()
    }

    pub(crate) fn other_key() -> Key {
        Key { site: "http://other/api/v1/".to_owned(), slot: String::new() }
    }

    pub(crate) fn other_site() -> SiteEntry {
        SiteEntry {
            key: Self::other_key(),
            user: Some(Foreign::from("carol")),
            allow_http: true,
            method: None,
            pages: None,
        }
    }

    /// The probe, as arguments of `wrapper`: what to run it with, or nothing.
    pub(crate) fn probe(&self, operation: &Operation, wrapper: &[&str]) -> Probe {
        let mut words = wrapper.iter().map(ToString::to_string).collect::<Vec<_>>();
        words.push(env!("CARGO_BIN_EXE_store_probe").to_owned());
        words.push(operation.verb.to_owned());
        words.extend(["cache", "state"].map(|name| self.path(name).to_str().unwrap().to_owned()));
        Probe::start(&words, &(operation.given)())
    }

    /// Makes everything look as if nobody had touched it lately.
    pub(crate) fn settle(&self) {
        let long_ago = SystemTime::now() - Duration::from_secs(3);
        for path in self.everything() {
            if !path.is_symlink() {
                File::open(&path).unwrap().set_modified(long_ago).unwrap();
            }
        }
    }

    /// Every file and folder below.
    fn everything(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        found
    }

    fn token(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.tokens().join(name)).ok()
    }

    /// What is there now, as one of the operation's stages; panics if it is anything else.
    pub(crate) fn stage(&self, operation: &Operation, context: &str) -> usize {
        let found = self.look(operation, context);
        let stage = operation.stages.iter().position(|stage| *stage == found);
        stage.unwrap_or_else(|| panic!("found {found:?}, {context}"))
    }

    /// What a fresh reader finds. Whatever it is, it is one person's, whole, and private.
    fn look(&self, operation: &Operation, context: &str) -> String {
        self.check_modes(context);
        let files = ["access_token", "refresh_token", "id_token"].map(|name| self.token(name));
        let texts = files
            .each_ref()
            .map(|file| file.as_ref().and_then(|bytes| String::from_utf8(bytes.clone()).ok()));
        let people: BTreeSet<_> = texts.iter().flatten().filter_map(|text| text.split('-').next()).collect();
        assert!(people.len() <= 1, "tokens of {people:?}, {context}");
        if operation.has_damage {
            self.check_damage(context);
        }
        let is_damaged = files[0].as_deref() == Some(DAMAGE);
        let new = (operation.given)();
        let mut seen = match texts.each_ref().map(|text| text.as_deref().map(|text| text.ends_with("-0"))) {
            // True: the old one. Without the other two an ID token is nothing to be signed in with.
            [None, None, _] => "nothing",
            [Some(true), Some(true), _] => "old",
            [None, Some(true), _] if is_damaged => "old, damaged",
            [None, Some(true), _] => "old refresh token",
            [None, Some(false), _] => "new refresh token",
            [Some(true), Some(false), _] => "new refresh token, old access token",
            [Some(false), Some(false), None] if new.tokens.id.is_some() => "new, no ID token",
            [Some(false), Some(false), Some(true)] => "new, old ID token",
            [Some(false), Some(false), _] => "new",
            [Some(_), None, _] => "an access token alone",
            [Some(false), Some(true), _] => "an access token newer than its refresh token",
        };
        let known = ["alice-access-0", "alice-refresh-0", "alice-id-0"];
        let given = [&new.tokens.access, &new.tokens.refresh, &new.tokens.id]
            .map(|token| token.as_ref().map(Secret::expose));
        for text in texts.iter().flatten() {
            assert!(
                known.contains(&text.as_str()) || given.contains(&Some(text)),
                "{text:?} is cut, {context}"
            );
        }
        let sites = store(self.folder.path()).sites().unwrap();
        let loaded = self.load(context);
        match loaded {
            Loaded::None => assert_eq!(seen, "nothing", "{context}"),
            Loaded::Torn => panic!("torn for ever, {context}"),
            Loaded::Found(stored) => {
                let held = Secret::expose;
                let tokens = &stored.session.tokens;
                assert_eq!(tokens.access.as_ref().map(held), texts[0].as_deref(), "{context}");
                assert_eq!(tokens.refresh.as_ref().map(held), texts[1].as_deref(), "{context}");
                assert_eq!(tokens.id.as_ref().map(held), texts[2].as_deref(), "{context}");
                if let Some(principal) = &stored.session.facts.principal {
                    assert_eq!(Some(&principal.raw()), people.first(), "facts of another, {context}");
                }
                if operation.keeps_intent && texts[1].as_deref() == Some("alice-refresh-0") {
                    let announced = Digest::of(&Secret::from("alice-refresh-0"));
                    assert_eq!(stored.intent, Some(announced), "the announcement is lost, {context}");
                }
                if operation.verb == "intend" && stored.intent.is_some() {
                    seen = "old, announced";
                }
            }
        }
        if operation.verb == "prefer" {
            let other = Self::other_site();
            let ours = SiteEntry {
                key: key(),
                user: Some(Foreign::from("bob")),
                allow_http: false,
                method: None,
                pages: None,
            };
            if sites == [ours, other.clone()] {
                seen = "old, remembered";
            } else {
                let (first, rest) = sites.split_first().unwrap();
                assert_eq!(first, &other, "{context}");
                let of_before = |site: &SiteEntry| site.user == Some(Foreign::from("alice"));
                assert!(rest.len() <= 1 && rest.iter().all(of_before), "{rest:?}, {context}");
            }
        } else {
            assert_eq!(sites, [], "{context}");
        }
        seen.to_owned()
    }

    /// Loads as a fresh process would. What seems to be being written is looked at again when nobody has touched it
    /// for a while, as the flows do.
    fn load(&self, context: &str) -> Loaded {
        let load =
            || store(self.folder.path()).load(&key()).unwrap_or_else(|fault| panic!("{fault}, {context}"));
        match load() {
            Loaded::Torn => {
                self.settle();
                load()
            }
            loaded => loaded,
        }
    }

    /// A failure leaves no half-made file behind.
    pub(crate) fn check_litter(&self, context: &str) {
        let litter =
            self.everything().into_iter().find(|path| path.to_string_lossy().contains("authctl-tmp"));
        assert_eq!(litter, None, "{context}");
    }

    fn check_modes(&self, context: &str) {
        for path in self.everything().iter().filter(|path| !path.is_symlink()) {
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            // The one folder that the operation did not make.
            let is_given = path.ends_with("elsewhere");
            assert!(mode == expected || is_given, "{} has mode {mode:o}, {context}", path.display());
        }
    }

    /// What nobody could read is not lost.
    fn check_damage(&self, context: &str) {
        let kept = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes == DAMAGE);
        assert!(self.everything().iter().any(|path| path.is_file() && kept(path)), "{context}");
    }

    /// Whoever comes next gets every lock at once, and can save.
    pub(crate) fn check_next(&self, context: &str) {
        let store = store(self.folder.path());
        for kind in [LockKind::Renewal, LockKind::Prompt] {
            let lock = store.lock(kind, &key(), Duration::ZERO);
            assert!(matches!(lock, Ok(Locking::Held(_))), "{lock:?}, {context}");
        }
        let next = session("dora", "2", false);
        let save = Change::Save { key: key(), session: Box::new(next.clone()), replaces: Replaces::Anything };
        store.apply(&save).unwrap_or_else(|fault| panic!("{fault}, {context}"));
        match store.load(&key()) {
            Ok(Loaded::Found(stored)) => {
                assert_eq!((stored.session, stored.intent), (next, None), "{context}");
            }
            other => panic!("{other:?}, {context}"),
        }
        self.check_modes(context);
        let leftovers = fs::read_dir(self.tokens()).unwrap().map(|entry| entry.unwrap().path());
        let left = leftovers.into_iter().find(|path| path.to_string_lossy().contains("authctl-tmp"));
        assert_eq!(left, None, "a killed writer's file stays, {context}");
    }
}

fn store(folder: &Path) -> TiledDirectory {
    TiledDirectory::new(folder.join("cache"), folder.join("state"))
}
