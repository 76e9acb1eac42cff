//! What the kernel itself refuses: mounts of root's own, in a mount namespace that ends with the test.
#![cfg(all(target_os = "linux", feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Change, Key, Loaded, Replaces, Store as _};
use auth_core::session::{Session, Tokens};
use auth_core::{Digest, Secret};
use auth_store::TiledDirectory;

const CASE: &str = "AUTH_STORE_TEST_CASE";
const FOLDER: &str = "AUTH_STORE_TEST_FOLDER";

fn key() -> Key {
    Key { site: "http://h/api/v1/".to_owned(), slot: String::new() }
}

fn session(access: &str) -> Session {
    let tokens = Tokens {
        access: Some(Secret::from(access)),
        refresh: Some(Secret::from("r")),
        id: None,
        ..Tokens::default()
    };
    Session { tokens, ..Session::default() }
}

fn save(store: &TiledDirectory, access: &str) -> Result<Applied, StoreFault> {
    store.apply(&Change::Save {
        key: key(),
        session: Box::new(session(access)),
        replaces: Replaces::Anything,
    })
}

/// Notes that the refresh token is about to be redeemed, which is not done where its successor could not be saved.
fn intend(store: &TiledDirectory) -> Result<Applied, StoreFault> {
    store.apply(&Change::Intent { key: key(), redeeming: Digest::of(&Secret::from("r")) })
}

fn access(store: &TiledDirectory) -> String {
    match store.load(&key()).unwrap() {
        Loaded::Found(stored) => stored.session.tokens.access.unwrap().expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn store(folder: &Path) -> TiledDirectory {
    TiledDirectory::new(folder.join("cache"), folder.join("state"))
}

/// Runs a case below in a namespace in which `mounts` were made. False if that cannot be done here.
fn run(case: &str, folder: &Path, mounts: &str) -> bool {
    let in_namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-e", "-c", script, "sh"]).arg(std::env::current_exe().unwrap());
        command.env(CASE, case).env(FOLDER, folder).current_dir(folder).output()
    };
    if !in_namespace("mount -t tmpfs none /mnt").is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "only root can mount, and not everywhere");
        println!("skipped: only root can mount, and not everywhere");
        return false;
    }
    let output = in_namespace(&format!("{mounts}\nexec \"$1\" --exact child --nocapture")).unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    true
}

/// Does nothing unless a test below asks for it.
#[test]
fn child() {
    let (Some(case), Some(folder)) = (std::env::var_os(CASE), std::env::var_os(FOLDER)) else { return };
    let store = store(Path::new(&folder));
    let directory = store.token_directory(&key()).unwrap();
    match case.to_str().unwrap() {
        "bind" => {
            save(&store, "a2").unwrap();
            assert_eq!(access(&store), "a2");
            let generation = session("a2").tokens.generation();
            assert_eq!(store.apply(&Change::ClearIf { key: key(), generation }), Ok(Applied::Done));
            assert_eq!(fs::read(directory.join("access_token")).unwrap(), b"");
            assert!(!directory.join("refresh_token").exists());
            save(&store, "a3").unwrap();
        }
        "read-only" => {
            assert_eq!(save(&store, "a2").unwrap_err().kind, StoreFaultKind::ReadOnly);
            assert_eq!(intend(&store).unwrap_err().kind, StoreFaultKind::ReadOnly);
            assert_eq!(access(&store), "a1");
        }
        "full" => {
            save(&store, "a1").unwrap();
            let long = "a".repeat(60_000);
            assert_eq!(save(&store, &long).unwrap_err().kind, StoreFaultKind::Full);
            assert!(
                fs::read_dir(&directory)
                    .unwrap()
                    .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with('.') })
            );
            save(&store, "a2").unwrap();
            assert_eq!(access(&store), "a2");
            // As much as there is room for.
            assert!(fs::write(directory.join("other"), vec![0; 32 * 1024]).is_err());
            assert_eq!(intend(&store).unwrap_err().kind, StoreFaultKind::Full);
            fs::remove_file(directory.join("other")).unwrap();
            assert_eq!(intend(&store), Ok(Applied::Done));
        }
        case => panic!("{case}"),
    }
}

fn filled() -> (tempfile::TempDir, TiledDirectory, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let store = store(temporary.path());
    save(&store, "a1").unwrap();
    let directory = store.token_directory(&key()).unwrap();
    (temporary, store, directory)
}

#[test]
fn a_file_that_something_is_mounted_on_is_rewritten_where_it_is() {
    let (temporary, _, directory) = filled();
    let below = temporary.path().join("below");
    fs::write(&below, "a much longer token than the one to come").unwrap();
    let mounts = format!("mount --bind below '{}/access_token'", directory.display());
    if run("bind", temporary.path(), &mounts) {
        assert_eq!(fs::read(below).unwrap(), b"a3");
        assert_eq!(
            fs::read(directory.join("access_token")).unwrap(),
            b"a1",
            "what is mounted over is as it was"
        );
    }
}

#[test]
fn a_read_only_file_system_is_read() {
    for folder in ["cache", "state"] {
        let (temporary, store, _) = filled();
        let mounts = format!("mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}");
        run("read-only", temporary.path(), &mounts);
        assert_eq!(access(&store), "a1");
    }
}

#[test]
fn a_full_file_system_keeps_what_was_there_f4() {
    let (temporary, store, _) = filled();
    run("full", temporary.path(), "mount -t tmpfs -o size=32k,mode=700 none cache");
    assert_eq!(access(&store), "a1");
}
