//! Owners and permissions. Some tests need root, to make files that another user owns. The others need a user whom
//! permissions bind: root runs each of them once more as such a user. What cannot be run is said, and fails in CI.
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
use auth_core::ports::{Change, Key, Loaded, LockKind, Replaces, SiteEntry, Store as _};
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
    Change::Save {
        key: key(),
        session: Box::new(Session { tokens, ..Session::default() }),
        replaces: Replaces::Anything,
    }
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

/// The user that these tests were told to run as.
fn told() -> Option<u32> {
    Some(std::env::var("AUTH_PERM_UID").ok()?.parse().unwrap())
}

fn is_root() -> bool {
    let user = rustix::process::geteuid().as_raw();
    assert!(told().is_none_or(|told| told == user), "this is user {user}, not the one it should be");
    user == 0
}

/// Says why a test cannot be run. In CI that is a failure.
fn cannot_run(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    println!("skipped: {why}");
}

/// Whether this is root. If not, and no run as root belongs to this one, the test says that it cannot be run.
fn as_root() -> bool {
    let root = is_root();
    if !root && told().is_none() {
        cannot_run("only root can make files that another user owns");
    }
    root
}

/// Whether permissions bind this user. Root, whom they do not bind, runs `test` as another user instead.
fn as_bound_user(test: &str) -> bool {
    if !is_root() {
        return true;
    }
    let temporary = tempfile::tempdir().unwrap();
    chmod(temporary.path(), 0o755);
    let path = |name: &str| temporary.path().join(name);
    // The program is copied: its folder may be closed to others.
    fs::copy(std::env::current_exe().unwrap(), path("program")).unwrap();
    chmod(&path("program"), 0o755);
    fs::create_dir(path("home")).unwrap();
    give_away(&path("home"));
    fs::create_dir_all(path("foreign/closed")).unwrap();
    for (name, mode) in
        [("readable", 0o644), ("private", 0o600), ("writable", 0o666), ("closed/inside", 0o644)]
    {
        fs::write(path("foreign").join(name), "owned by root\n").unwrap();
        chmod(&path("foreign").join(name), mode);
    }
    chmod(&path("foreign/closed"), 0o700);
    let user = SOMEBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(path("program"));
    command.args(["--exact", test, "--nocapture"]).current_dir(path("home"));
    command.env("HOME", path("home")).env("TMPDIR", path("home"));
    command.env("AUTH_PERM_UID", &user).env("AUTH_PERM_FOREIGN", path("foreign"));
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            // A name that is no test's would pass as well.
            assert!(output.status.success() && said.contains("1 passed"), "as user {user}: {said}");
        }
        Err(error) => cannot_run(&format!("root cannot become another user: setpriv: {error}")),
    }
    false
}

/// The folder of root's that another user is given to try, with what is in it. `None` for root, who runs `test` as
/// that user, and where no folder is given.
fn of_root(test: &str) -> Option<PathBuf> {
    if !as_bound_user(test) {
        return None;
    }
    let folder = std::env::var_os("AUTH_PERM_FOREIGN").map(PathBuf::from);
    if folder.is_none() {
        cannot_run("only root can prepare files of root's for another user");
    }
    folder
}

#[test]
fn what_somebody_else_placed_is_refused_wherever_it_is_f2() {
    if !as_root() {
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
    if !as_root() {
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
    if !as_root() {
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
    if !as_root() {
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
    if !as_bound_user("a_folder_that_may_not_be_written_denies_f2") {
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
    if !as_bound_user("a_session_that_may_not_be_changed_can_still_be_read") {
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
    if !as_bound_user("without_a_lock_file_there_is_no_lock_and_no_change") {
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
    if !as_bound_user("what_may_not_be_read_denies") {
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
    let Some(foreign) = of_root("roots_folder_may_be_looked_at_and_not_changed") else { return };
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
    let Some(foreign) = of_root("links_to_roots_files_are_followed_unless_anybody_can_change_them_f2") else {
        return;
    };
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
    let Some(foreign) = of_root("a_home_of_roots_is_not_ours") else { return };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "home_child", "--nocapture"]).env_clear();
    command.env("AUTH_STORE_TEST_CHILD", "1").env("HOME", &foreign);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("refused, because another user could"), "{said}");
}
