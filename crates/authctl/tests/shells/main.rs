//! Completions in the shells that are on this machine, and manual pages as the system's `man` shows them.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it left out"
)]

mod completions;
mod pages;

use std::path::Path;
use std::process::{Command, Output};

const AUTHCTL: &str = env!("CARGO_BIN_EXE_authctl");

/// A program in a home of its own, with the command under test on its path.
fn command(program: &str, home: &Path) -> Command {
    let folder = Path::new(AUTHCTL).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8").current_dir(home);
    command
}

/// What it printed; it must have ended well and complained about nothing.
fn printed(output: Output) -> String {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success() && err.is_empty(), "{:?}: {err}{out}", output.status);
    out
}

fn authctl(home: &Path, args: &[&str]) -> String {
    printed(command(AUTHCTL, home).args(args).output().unwrap())
}

/// Whether a program is here. If not, the test says so and leaves out what needs it.
fn is_here(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !here {
        eprintln!("left out: there is no {program} on this machine");
    }
    here
}
