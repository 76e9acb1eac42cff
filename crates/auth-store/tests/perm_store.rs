//! Owners and permissions. As root these tests make what belongs to somebody else; as another user they meet what
//! root made (`AUTH_PERM_FOREIGN`) and what permissions, which do not bind root, refuse.
#![cfg(all(unix, feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use auth_core::Secret;
use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Change, Key, Loaded, LockKind, SiteEntry, Store as _};
use auth_core::session::{Session, Tokens};
use auth_store::TiledDirectory;
use rustix::fs::{AtFlags, CWD, Gid, Uid};

/// Whose files root makes.
const SOMEBODY: u32 = 65534;

struct Rig {
    temporary: tempfile::TempDir,
    store: TiledDirectory,
}

impl Rig {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let store = TiledDirectory::new(temporary.path().join("cache"), temporary.path().join("state"));
        Self { temporary, store }
    }

    /// With a session and a site in it, so that every file is there.
    fn filled() -> Self {
        let rig = Self::new();
        rig.store.apply(&save("a")).unwrap();
        rig.store.apply(&prefer()).unwrap();
        drop(rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap());
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        let tokens = self.store.token_directory(&key()).unwrap();
        match name.strip_prefix("TOKENS") {
            Some("") => tokens,
            Some(rest) => tokens.join(rest.trim_start_matches('/')),
            None if name == "SITE" => {
                let sites = fs::read_dir(self.path("state/tiled/sites")).unwrap();
                sites.map(|entry| entry.unwrap().path()).next().unwrap()
            }
            None => self.temporary.path().join(name),
        }
    }

    fn put(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        settle(&path);
    }
}

fn settle(path: &Path) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3)).unwrap();
}

/// Root's files may have been made just now.
fn load_when_settled(store: &TiledDirectory) -> Result<Loaded, StoreFault> {
    let started = Instant::now();
    loop {
        match store.load(&key()) {
            Ok(Loaded::Torn) if started.elapsed() < Duration::from_secs(20) => std::thread::yield_now(),
            loaded => return loaded,
        }
    }
}

fn key() -> Key {
    Key { site: "http://h/api/v1/".to_owned(), slot: String::new() }
}

fn save(name: &str) -> Change {
    let token = |kind: &str| Some(Secret::from(format!("{kind}-{name}")));
    let tokens = Tokens { access: token("access"), refresh: token("refresh"), ..Tokens::default() };
    Change::Save { key: key(), session: Box::new(Session { tokens, ..Session::default() }) }
}

fn prefer() -> Change {
    Change::Prefer(SiteEntry { key: key(), user: None, allow_http: false, method: None, pages: None })
}

fn untrusted<T: std::fmt::Debug>(result: Result<T, StoreFault>, context: &str) {
    let fault = result.expect_err(context);
    assert!(matches!(fault.kind, StoreFaultKind::Untrusted(_)), "{context}: {fault}");
}

fn denied<T: std::fmt::Debug>(result: Result<T, StoreFault>, path: &Path) {
    let fault = result.expect_err(&path.display().to_string());
    assert_eq!((fault.kind, fault.path.raw()), (StoreFaultKind::Denied, path.to_str().unwrap()));
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn give_away(path: &Path) {
    let (user, group) = (Uid::from_raw(SOMEBODY), Gid::from_raw(SOMEBODY));
    rustix::fs::chownat(CWD, path, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn is_root() -> bool {
    let user = rustix::process::geteuid().as_raw();
    if let Some(expected) = std::env::var_os("AUTH_PERM_UID") {
        assert_eq!(
            expected.to_str(),
            Some(user.to_string().as_str()),
            "these tests run as the user they are told"
        );
    }
    user == 0
}

/// The folder of root's that another user is given to try, with what is in it.
fn of_root() -> Option<PathBuf> {
    std::env::var_os("AUTH_PERM_FOREIGN").map(PathBuf::from).filter(|_| !is_root())
}

#[test]
fn what_somebody_else_placed_is_refused_wherever_it_is_f2() {
    if !is_root() {
        return;
    }
    // What is given away, and what meets it: loading, saving, the list of sites, a lock.
    let cases = [
        ("TOKENS/access_token", "load save"),
        ("TOKENS/refresh_token", "load save"),
        ("TOKENS", "load save"),
        ("cache/tokens", "load save"),
        ("cache", "load save"),
        ("state", "load save sites lock"),
        ("state/tiled", "load save sites"),
        ("state/locks", "save lock"),
        ("SITE", "sites"),
        ("state/tiled/sites", "sites"),
    ];
    for (name, meets) in cases {
        let rig = Rig::filled();
        give_away(&rig.path(name));
        for meeting in meets.split(' ') {
            let context = format!("{meeting} with {name}");
            match meeting {
                "load" => untrusted(rig.store.load(&key()), &context),
                "save" => untrusted(rig.store.apply(&save("b")), &context),
                "sites" => untrusted(rig.store.sites(), &context),
                _ => untrusted(rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO), &context),
            }
        }
        if !meets.contains("load") {
            assert!(rig.store.load(&key()).is_ok(), "{name} is not needed to load");
        }
        assert_eq!(fs::symlink_metadata(rig.path(name)).unwrap().uid(), SOMEBODY, "{name} is left alone");
    }
}

#[test]
fn files_of_our_own_that_somebody_else_owns_are_refused() {
    if !is_root() {
        return;
    }
    for folder in ["state/tiled", "state/locks"] {
        let rig = Rig::filled();
        for entry in fs::read_dir(rig.path(folder)).unwrap() {
            give_away(&entry.unwrap().path());
        }
        untrusted(rig.store.apply(&save("b")), folder);
        untrusted(rig.store.apply(&prefer()), folder);
    }
}

#[test]
fn links_somebody_else_made_are_not_followed_f2() {
    if !is_root() {
        return;
    }
    for name in ["TOKENS/access_token", "TOKENS", "cache/tokens", "state"] {
        let rig = Rig::filled();
        let (path, moved) = (rig.path(name), rig.path("moved"));
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert!(matches!(rig.store.load(&key()), Ok(Loaded::Found(_))), "our own link at {name}");
        give_away(&path);
        untrusted(rig.store.load(&key()), name);
        untrusted(rig.store.apply(&save("b")), name);
        // Our own link in somebody else's folder is no better: they could have moved it there.
        let rig = Rig::new();
        fs::create_dir_all(rig.path("theirs")).unwrap();
        fs::create_dir_all(rig.path("real")).unwrap();
        symlink(rig.path("real"), rig.path("theirs/link")).unwrap();
        give_away(&rig.path("theirs"));
        let store = TiledDirectory::new(rig.path("theirs/link"), rig.path("state"));
        untrusted(store.load(&key()), "a link in their folder");
        // A folder of ours in theirs is ours.
        fs::create_dir(rig.path("theirs/ours")).unwrap();
        let store = TiledDirectory::new(rig.path("theirs/ours"), rig.path("state"));
        store.apply(&save("c")).unwrap();
    }
}

#[test]
fn sudo_with_the_callers_home_is_refused() {
    if !is_root() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let home = temporary.path().join("home");
    fs::create_dir(&home).unwrap();
    give_away(&home);
    let path = |name: &str| temporary.path().join(name).into_os_string();
    let run = |given: &[&str]| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "home_child", "--nocapture"]).env_clear();
        command.env("AUTH_STORE_TEST_CHILD", "1").env("HOME", &home);
        command.envs(given.iter().map(|name| (name, path(name))));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    for given in [&[][..], &["TILED_CACHE_DIR"], &["AUTHCTL_STATE_DIR"], &["XDG_CACHE_HOME"]] {
        let said = run(given);
        assert!(said.contains("refused, because another user could"), "{given:?}: {said}");
    }
    for given in [["TILED_CACHE_DIR", "AUTHCTL_STATE_DIR"], ["XDG_CACHE_HOME", "XDG_STATE_HOME"]] {
        let said = run(&given);
        assert!(said.contains("accepted"), "{given:?}: {said}");
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "nothing was made in it");
}

/// Does nothing unless the test above asks for it.
#[test]
fn home_child() {
    if std::env::var_os("AUTH_STORE_TEST_CHILD").is_none() {
        return;
    }
    match TiledDirectory::from_env().and_then(|store| store.apply(&prefer())) {
        Ok(_) => println!("accepted"),
        Err(fault) => println!("{fault}"),
    }
}

#[test]
fn a_folder_that_may_not_be_written_denies_f2() {
    if is_root() {
        return;
    }
    for (name, mode) in [("TOKENS", 0o500), ("cache", 0o500), ("cache/tokens", 0o555)] {
        let rig = Rig::new();
        fs::create_dir_all(rig.path(name)).unwrap();
        chmod(&rig.path(name), mode);
        let denied = rig.store.apply(&save("a")).unwrap_err();
        assert_eq!(denied.kind, StoreFaultKind::Denied, "{name}: {denied}");
        assert!(rig.path(name).to_str().is_some_and(|path| denied.path.raw().starts_with(path)), "{denied}");
        assert_eq!(rig.store.load(&key()), Ok(Loaded::None), "reading is allowed");
        chmod(&rig.path(name), 0o700);
        rig.store.apply(&save("a")).unwrap();
        assert!(matches!(rig.store.load(&key()), Ok(Loaded::Found(_))));
    }
}

#[test]
fn a_session_that_may_not_be_changed_can_still_be_read() {
    if is_root() {
        return;
    }
    let rig = Rig::filled();
    for name in ["TOKENS", "state/tiled"] {
        chmod(&rig.path(name), 0o500);
        assert!(matches!(rig.store.load(&key()), Ok(Loaded::Found(_))));
        assert_eq!(rig.store.apply(&save("b")).unwrap_err().kind, StoreFaultKind::Denied, "{name}");
        assert!(matches!(rig.store.load(&key()), Ok(Loaded::Found(_))));
        chmod(&rig.path(name), 0o700);
    }
    rig.store.apply(&save("b")).unwrap();
}

#[test]
fn without_a_lock_file_there_is_no_lock_and_no_change() {
    if is_root() {
        return;
    }
    let rig = Rig::new();
    fs::create_dir_all(rig.path("state")).unwrap();
    chmod(&rig.path("state"), 0o500);
    let locks = rig.path("state/locks");
    denied(rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO), &locks);
    denied(rig.store.lock(LockKind::Prompt, &key(), Duration::from_millis(1)), &locks);
    denied(rig.store.apply(&save("a")), &locks);
    assert!(!rig.path("cache").exists(), "nothing was begun");
    chmod(&rig.path("state"), 0o700);
}

#[test]
fn what_may_not_be_read_denies() {
    if is_root() {
        return;
    }
    let rig = Rig::filled();
    for (name, mode, mended) in
        [("TOKENS/access_token", 0o000, 0o600), ("TOKENS", 0o600, 0o700), ("cache", 0o000, 0o700)]
    {
        chmod(&rig.path(name), mode);
        let fault = rig.store.load(&key()).expect_err(name);
        assert_eq!(fault.kind, StoreFaultKind::Denied, "{name}: {fault}");
        chmod(&rig.path(name), mended);
        assert!(matches!(rig.store.load(&key()), Ok(Loaded::Found(_))));
    }
}

#[test]
fn roots_folder_may_be_looked_at_and_not_changed() {
    let Some(foreign) = of_root() else { return };
    let rig = Rig::new();
    let store = TiledDirectory::new(&foreign, rig.path("state"));
    assert_eq!(store.load(&key()), Ok(Loaded::None));
    denied(store.apply(&save("a")), &foreign.join("tokens"));
    let store = TiledDirectory::new(rig.path("cache"), &foreign);
    denied(store.apply(&save("a")), &foreign.join("locks"));
    denied(store.lock(LockKind::Renewal, &key(), Duration::ZERO), &foreign.join("locks"));
    let store = TiledDirectory::new(foreign.join("closed"), rig.path("state"));
    denied(store.load(&key()), &foreign.join("closed/tokens"));
}

#[test]
fn links_to_roots_files_are_followed_unless_anybody_can_change_them_f2() {
    const ANYBODY: StoreFaultKind =
        StoreFaultKind::Untrusted("it is not ours, and other users can change it");
    let Some(foreign) = of_root() else { return };
    let cases = [
        ("readable", None),
        ("private", Some(StoreFaultKind::Denied)),
        ("writable", Some(ANYBODY)),
        ("closed/inside", Some(StoreFaultKind::Denied)),
    ];
    for (name, refused) in cases {
        let rig = Rig::new();
        rig.put("TOKENS/refresh_token", "r");
        symlink(foreign.join(name), rig.path("TOKENS/access_token")).unwrap();
        settle(&rig.path("TOKENS"));
        match (load_when_settled(&rig.store), &refused) {
            (Ok(Loaded::Found(stored)), None) => {
                assert_eq!(stored.session.tokens.access, Some(Secret::from("owned by root")));
                // Its place is root's: it cannot be replaced there, and nothing else was changed before.
                denied(rig.store.apply(&save("b")), &foreign.join(name));
            }
            (Err(fault), Some(kind)) => assert_eq!(fault.kind, *kind, "{name}"),
            (loaded, _) => panic!("{name}: {loaded:?}"),
        }
        assert_eq!(
            fs::symlink_metadata(rig.path("TOKENS/access_token")).unwrap().uid(),
            rustix::process::geteuid().as_raw()
        );
    }
}

#[test]
fn a_home_of_roots_is_not_ours() {
    let Some(foreign) = of_root() else { return };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "home_child", "--nocapture"]).env_clear();
    command.env("AUTH_STORE_TEST_CHILD", "1").env("HOME", &foreign);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("refused, because another user could"), "{said}");
}
