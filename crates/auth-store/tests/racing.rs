//! Somebody renames files and folders while the store reads and writes them (F3).
//!
//! `AUTH_STORE_F3_SECONDS` says for how long each test goes on; one second by default.
#![cfg(all(target_os = "linux", feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use auth_core::Secret;
use auth_core::ports::{Change, Key, Loaded, Replaces, Store as _};
use auth_core::session::{Session, Tokens};
use auth_store::TiledDirectory;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};

const SECONDS: &str = "AUTH_STORE_F3_SECONDS";
/// Where the child below renames.
const FOLDER: &str = "AUTH_STORE_F3_FOLDER";
/// The other user.
const SOMEBODY: &str = "65534";
/// The renamer goes on as long as this is there.
const GO: &str = "go";

fn duration() -> Duration {
    let given = std::env::var(SECONDS).ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(given.unwrap_or(1))
}

fn key(site: &str) -> Key {
    Key { site: format!("https://{site}.example/api/v1/"), slot: String::new() }
}

/// A session whose tokens say of which site they are.
fn save(site: &str, number: u32) -> Change {
    let token = |kind: &str| Some(Secret::from(format!("{site}-{kind}{number}")));
    let tokens = Tokens { access: token("a"), refresh: token("r"), ..Tokens::default() };
    Change::Save {
        key: key(site),
        session: Box::new(Session { tokens, ..Session::default() }),
        replaces: Replaces::Anything,
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes everything below a folder old enough to count as written.
fn settle(folder: &File) {
    folder.set_modified(SystemTime::now() - Duration::from_secs(3)).unwrap();
    for entry in rustix::fs::Dir::read_from(folder).unwrap() {
        let (entry, flags) = (entry.unwrap(), OFlags::RDONLY | OFlags::NOFOLLOW);
        if !entry.file_name().to_bytes().starts_with(b".") {
            let file =
                File::from(rustix::fs::openat(folder, entry.file_name(), flags, Mode::empty()).unwrap());
            if file.metadata().unwrap().is_dir() {
                settle(&file);
            }
            file.set_modified(SystemTime::now() - Duration::from_secs(3)).unwrap();
        }
    }
}

/// What every file below holds.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// While somebody swaps a token's file for a link and back, no read or save goes wrong.
#[test]
fn renamed_files_are_never_followed_outside_f3() {
    let temporary = tempfile::tempdir().unwrap();
    let path = |name: &str| temporary.path().join(name);
    let store = TiledDirectory::new(path("cache"), path("state"));
    store.apply(&save("one", 0)).unwrap();
    fs::create_dir(path("outside")).unwrap();
    fs::write(path("outside/canary"), "untouched").unwrap();
    chmod(&path("outside"), 0o777);
    // A link in a folder that everybody can change: never followed.
    symlink("canary", path("outside/link")).unwrap();
    let outside = contents(&path("outside"));
    let access = store.token_directory(&key("one")).unwrap().join("access_token");
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let swap = path("swap");
            while running.load(Ordering::SeqCst) {
                drop(fs::remove_file(&swap));
                drop(symlink(path("outside/link"), &swap));
                drop(fs::rename(&swap, &access));
                drop(fs::write(&swap, "one-a"));
                drop(fs::rename(&swap, &access));
            }
        });
        let started = Instant::now();
        let mut number = 0;
        while started.elapsed() < duration() {
            number += 1;
            // Refused or done, never followed.
            drop(store.apply(&save("one", number)));
            if let Ok(Loaded::Found(stored)) = store.load(&key("one")) {
                assert_ne!(stored.session.tokens.access, Some(Secret::from("untouched")));
            }
        }
        running.store(false, Ordering::SeqCst);
    });
    assert_eq!(contents(&path("outside")), outside);
}

/// Another user swaps whole folders of ours: for those of another time, in which the directories of two sites have
/// changed places, and for links that lead outside.
#[test]
fn renamed_folders_never_mix_sites_f3() {
    let temporary = tempfile::tempdir().unwrap();
    chmod(temporary.path(), 0o755);
    let above = temporary.path().join("above");
    fs::create_dir(&above).unwrap();
    let store = TiledDirectory::new(above.join("cache"), above.join("state"));
    for site in ["one", "two"] {
        TiledDirectory::new(above.join("cache2"), above.join("state2")).apply(&save(site, 0)).unwrap();
        store.apply(&save(site, 0)).unwrap();
    }
    let [one, two] = ["one", "two"].map(|site| store.token_directory(&key(site)).unwrap());
    // Held open, because their paths are what is being swapped.
    let tokens = ["cache", "cache2"].map(|name| fs::File::open(above.join(name).join("tokens")).unwrap());
    let names = [&one, &two].map(|path| path.file_name().unwrap());
    tokens.iter().for_each(settle);
    let outside = temporary.path().join("outside");
    for folder in [&one, &two] {
        let folder = outside.join(folder.strip_prefix(above.join("cache")).unwrap());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("access_token"), "outside").unwrap();
    }
    let before = contents(&outside);
    fs::write(above.join(GO), "").unwrap();
    chmod(&above, 0o777);
    let Some(mut renamer) = renamer(temporary.path(), &above, &outside) else { return };

    let (mut found, mut refused) = (0, 0);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < duration() || found == 0 || refused == 0 {
        assert!(started.elapsed() < duration() + Duration::from_mins(1), "{found} found, {refused} refused");
        number += 1;
        if number % 8 == 0 {
            drop(store.apply(&save(if number % 16 == 0 { "one" } else { "two" }, number)));
            tokens.iter().for_each(settle);
        }
        if number % 32 == 0 {
            let [tokens, _] = &tokens;
            rustix::fs::renameat_with(tokens, names[0], tokens, names[1], RenameFlags::EXCHANGE).unwrap();
        }
        for site in ["one", "two"] {
            match store.load(&key(site)) {
                Ok(Loaded::Found(stored)) => {
                    let Tokens { access, refresh, .. } = stored.session.tokens;
                    for token in [access, refresh].into_iter().flatten() {
                        assert!(token.expose().starts_with(site), "a token of another site, under {site}");
                    }
                    found += 1;
                }
                Ok(_) => {}
                Err(_) => refused += 1,
            }
        }
    }
    fs::remove_file(above.join(GO)).unwrap();
    assert!(renamer.wait().unwrap().success());
    assert_eq!(contents(&outside), before, "nothing outside was touched");
    println!("{number} rounds: {found} found, {refused} refused");
}

/// This program as another user, renaming. `None` where that cannot be done.
fn renamer(temporary: &Path, above: &Path, outside: &Path) -> Option<Child> {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "only root can become another user");
        println!("skipped: only root can become another user");
        return None;
    }
    let program = temporary.join("renamer");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    chmod(&program, 0o755);
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={SOMEBODY}"), &format!("--regid={SOMEBODY}"), "--clear-groups", "--"]);
    command.arg(program).args(["--exact", "renamer_child"]).env_clear().current_dir(above);
    Some(command.env(FOLDER, above).env("AUTH_STORE_F3_OUTSIDE", outside).spawn().unwrap())
}

/// Does nothing unless the test above asks for it.
#[test]
fn renamer_child() {
    let Some(above) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let outside = std::env::var_os("AUTH_STORE_F3_OUTSIDE").unwrap();
    symlink(&outside, above.join("link")).unwrap();
    let pairs = [("cache", "cache2"), ("cache", "link"), ("cache", "link"), ("state", "state2")];
    while above.join(GO).exists() {
        for (one, other) in pairs {
            let (one, other) = (above.join(one), above.join(other));
            rustix::fs::renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
        }
    }
}
