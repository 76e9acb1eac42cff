//! A page opened by a program, by what its environment says.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PAGE: &str = "http://127.0.0.1:8000/a$(id)?b=1&c=2";

/// The example, which cargo builds with the tests, without a desktop.
fn open(variables: &[(&str, &str)]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let example: PathBuf = tests.parent().and_then(Path::parent).unwrap().join("examples/open");
    assert!(example.is_file(), "{} is missing: `cargo build --examples`", example.display());
    let mut command = Command::new(example);
    command.arg(PAGE).env_remove("BROWSER").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command.envs(variables.iter().copied());
    command
}

/// A folder with an opener under this name that tells what it was given; and where.
fn opener(name: &str) -> (TempDir, PathBuf, PathBuf) {
    let folder = TempDir::new().unwrap();
    let (opener, told) = (folder.path().join(name), folder.path().join("told"));
    symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/opener.sh"), &opener).unwrap();
    assert!(Command::new("mkfifo").arg(&told).status().unwrap().success());
    (folder, opener, told)
}

fn said(output: &Output) -> (&str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn browser_names_what_opens_a_page() {
    let (_folder, opener, told) = opener("tells");
    let mut child = open(&[("BROWSER", opener.to_str().unwrap())]).spawn().unwrap();
    // The reader's end: whoever writes waits for it.
    assert_eq!(fs::read_to_string(told).unwrap(), format!("{PAGE}\n"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_an_opener_says_is_not_seen() {
    let (_folder, opener, _) = opener("talks");
    let output = open(&[("BROWSER", opener.to_str().unwrap())]).output().unwrap();
    assert_eq!(said(&output), ("opened\n", ""));
}

#[test]
fn what_is_typed_is_not_for_an_opener() {
    let (_folder, opener, told) = opener("reads");
    let mut command = open(&[("BROWSER", opener.to_str().unwrap())]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    assert_eq!(fs::read_to_string(told).unwrap(), "");
    assert!(child.wait().unwrap().success());
}

#[test]
fn no_key_is_in_the_environment_of_an_opener_s3() {
    let (_folder, opener, told) = opener("shows");
    let key = canary::plant("a key of the environment");
    let browser = ("BROWSER", opener.to_str().unwrap());
    let keys = [("TILED_API_KEY", key.as_str()), ("AUTHCTL_SCRIPT_KEY", &key)];
    let mut child = open(&[browser, keys[0], keys[1]]).spawn().unwrap();
    let environment = fs::read_to_string(told).unwrap();
    let names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.contains(&"BROWSER"), "{names:?}");
    assert!(!names.iter().any(|name| keys.iter().any(|(key, _)| key == name)), "{names:?}");
    canary::assert_silent(&environment);
    assert!(child.wait().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_desktop_xdg_open_opens_a_page_and_without_one_it_is_not_tried() {
    let (folder, _opener, told) = opener("xdg-open");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for variable in [("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0")] {
        let mut child = open(&[("PATH", path.as_str()), variable]).spawn().unwrap();
        assert_eq!(fs::read_to_string(&told).unwrap(), format!("{PAGE}\n"), "{variable:?}");
        assert!(child.wait().unwrap().success());
    }
    fs::remove_file(folder.path().join("arguments")).unwrap();
    let no_desktop = "no browser can be opened here: there is no desktop, and BROWSER names no program\n";
    for variable in [("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("BROWSER", "")] {
        let output = open(&[("PATH", path.as_str()), variable]).output().unwrap();
        assert_eq!(said(&output), ("", no_desktop), "{variable:?}");
        assert!(!folder.path().join("arguments").exists(), "{variable:?}");
    }
}
