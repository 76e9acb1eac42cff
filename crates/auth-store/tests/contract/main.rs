//! The store contract: kept by the stores here and by the book's example, and broken by mutants, each in one clause.
#![cfg(all(feature = "contract", feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

mod chapter;
mod memory;
#[cfg(unix)]
mod mutants;
mod tiled;

use std::path::{Path, PathBuf};
use std::process::Command;

use auth_core::ports::Store;
use auth_store::contract;

const PLACE: &str = "AUTH_STORE_TEST_FOLDER";
const KIND: &str = "AUTH_STORE_TEST_CASE";
/// Where folders are made, for a run by hand on another file system.
const DISK: &str = "AUTH_STORE_TEST_DISK";
/// A program that runs the other processes, with their command as its arguments.
const RUNNER: &str = "AUTH_STORE_TEST_RUNNER";

/// This program again, as another process at the same place.
fn command(kind: &str, place: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match std::env::var_os(RUNNER) {
        Some(runner) => Command::new(runner),
        None => Command::new(&this),
    };
    if std::env::var_os(RUNNER).is_some() {
        command.arg(&this);
    }
    command.args(["--exact", "other_process", "--nocapture"]).env(KIND, kind).env(PLACE, place);
    command
}

/// Does nothing unless the suite in another process wants it.
#[test]
fn other_process() {
    let (Ok(kind), Some(place)) = (std::env::var(KIND), std::env::var_os(PLACE)) else { return };
    let place = PathBuf::from(place);
    let store: Box<dyn Store> = match kind.as_str() {
        "tiled" => Box::new(tiled::store(&place)),
        #[cfg(unix)]
        mutant => mutants::open(mutant, &place),
        #[cfg(not(unix))]
        other => panic!("{other}"),
    };
    contract::obey(&*store, std::io::stdin().lock(), std::io::stdout()).unwrap();
}

/// In memory where that can be had: thousands of changes are made durable.
fn folder() -> tempfile::TempDir {
    if let Some(disk) = std::env::var_os(DISK) {
        return tempfile::tempdir_in(disk).unwrap();
    }
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
