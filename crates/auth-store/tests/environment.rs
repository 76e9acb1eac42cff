//! Which folders the environment names. The environment belongs to the process, so each case is one of its own: this
//! binary again.
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

use auth_core::error::StoreFaultKind;
use auth_core::ports::{Change, Key, SiteEntry, Store as _};
use auth_store::TiledDirectory;

const CHILD: &str = "AUTH_STORE_TEST_CHILD";

fn key() -> Key {
    Key { site: "http://h/api/v1/".to_owned(), slot: String::new() }
}

/// Does nothing unless a test below asks for it.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    match TiledDirectory::from_env() {
        Ok(store) => {
            let entry = SiteEntry { key: key(), user: None, allow_http: false, method: None, pages: None };
            println!("tokens={}", store.token_directory(&key()).unwrap().display());
            store.apply(&Change::Prefer(entry)).unwrap();
        }
        Err(fault) if fault.kind == StoreFaultKind::NoHome => println!("no home"),
        Err(fault) => println!("fault={fault}"),
    }
}

/// What a process with only these variables says, and in which folder it then kept its list of sites.
fn run(temporary: &Path, variables: &[(&str, &str)]) -> (String, Option<PathBuf>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env_clear().env(CHILD, "1").current_dir(temporary);
    for (name, value) in variables {
        command.env(name, value.replace("TMP", temporary.to_str().unwrap()));
    }
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let said =
        output.lines().find(|line| ["tokens=", "fault=", "no home"].iter().any(|said| line.contains(said)));
    // The harness writes the test's name in front.
    let said = said.unwrap_or_else(|| panic!("{output}"));
    let said = said.rsplit_once("... ").map_or(said, |(_, said)| said);
    let mut folders = vec![temporary.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_name() == "sites" {
                let state = folder.parent().unwrap().strip_prefix(temporary).unwrap().to_owned();
                return (said.to_owned(), Some(state));
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    (said.to_owned(), None)
}

#[test]
fn folders_are_where_the_python_client_and_the_desktop_have_them() {
    const NAME: &str = "tokens/http%3A%2F%2Fh%2Fapi%2Fv1%2F";
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let home = ("HOME", "TMP/home");
    let cases: [(Variables<'_>, &str, &str); 8] = [
        (&[home], "home/.cache/tiled", "home/.local/state/auth-native"),
        (&[home, ("XDG_CACHE_HOME", "TMP/c"), ("XDG_STATE_HOME", "TMP/s")], "c/tiled", "s/auth-native"),
        (
            &[home, ("XDG_CACHE_HOME", "c"), ("XDG_STATE_HOME", "")],
            "home/.cache/tiled",
            "home/.local/state/auth-native",
        ),
        (&[home, ("TILED_CACHE_DIR", "TMP/t")], "t", "home/.local/state/auth-native"),
        (&[home, ("TILED_CACHE_DIR", "t/../u")], "t/../u", "home/.local/state/auth-native"),
        (
            &[home, ("TILED_CACHE_DIR", ""), ("AUTHCTL_STATE_DIR", "")],
            "home/.cache/tiled",
            "home/.local/state/auth-native",
        ),
        (&[home, ("AUTHCTL_STATE_DIR", "TMP/own")], "home/.cache/tiled", "own"),
        (
            &[("HOME", "TMP/missing"), ("XDG_CACHE_HOME", "TMP/c"), ("XDG_STATE_HOME", "TMP/s")],
            "c/tiled",
            "s/auth-native",
        ),
    ];
    for (variables, cache, state) in cases {
        let temporary = tempfile::tempdir().unwrap();
        fs::create_dir(temporary.path().join("home")).unwrap();
        let (said, kept) = run(temporary.path(), variables);
        let expected = temporary.path().join(cache).join(NAME);
        assert_eq!(said, format!("tokens={}", expected.display()), "{variables:?}");
        assert_eq!(kept, Some(PathBuf::from(state)), "{variables:?}");
    }
}

#[test]
fn without_a_home_there_is_nowhere() {
    let given = [("TILED_CACHE_DIR", "TMP/t"), ("AUTHCTL_STATE_DIR", "TMP/s")];
    for home in ["TMP/missing", "home", "TMP/file", "/proc/self/no"] {
        let temporary = tempfile::tempdir().unwrap();
        fs::create_dir(temporary.path().join("home")).unwrap();
        fs::write(temporary.path().join("file"), "").unwrap();
        let home = ("HOME", home);
        assert_eq!(run(temporary.path(), &[home]), ("no home".to_owned(), None), "{home:?}");
        for one in given {
            assert_eq!(run(temporary.path(), &[home, one]), ("no home".to_owned(), None), "{home:?} {one:?}");
        }
        let (said, kept) = run(temporary.path(), &[home, given[0], given[1]]);
        assert!(said.starts_with("tokens="), "{said}");
        assert_eq!(kept, Some(PathBuf::from("s")));
    }
}
