//! `cargo xtask peers`: the real servers that tests talk to.

pub(crate) mod install;
pub(crate) mod python;
pub(crate) mod tiled;

use std::path::PathBuf;
use std::time::Duration;

use crate::workspace;

const HELP: &str = "\
Installs and starts the peer servers that tests talk to. All they need and write is under target/peers.

Usage: cargo xtask peers install          install them; at once when they are installed already
       cargo xtask peers start [NAME...]  install, start those named or all, print AUTH_PEERS, serve until interrupted
       cargo xtask peers list             print the names that can be started

The pinned packages are in tests/peers/requirements.txt, the configurations in tests/peers/tiled/NAME.yml.
AUTH_PEERS_PYTHON names the Python to install with, 3.10 to 3.13 (default: python3).";

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if args.iter().any(|a| matches!(*a, "-h" | "--help")) {
        println!("{HELP}");
        return Ok(true);
    }
    match args.as_slice() {
        ["install"] => {
            let installed = install::tiled()?;
            println!("peers: Tiled is installed, its Python is {}", installed.python.display());
        }
        ["start", names @ ..] => return start(names),
        ["list"] => tiled::names()?.iter().for_each(|name| println!("{name}")),
        [] => return Err(format!("say what to do with the peers\n\n{HELP}")),
        [other, ..] => return Err(format!("peers cannot `{other}`\n\n{HELP}")),
    }
    Ok(true)
}

fn start(names: &[&str]) -> Result<bool, String> {
    let known = tiled::names()?;
    if let Some(stranger) = names.iter().find(|name| !known.iter().any(|k| k == *name)) {
        return Err(format!("there is no peer `{stranger}`; there are {}", known.join(", ")));
    }
    let wanted: Vec<String> =
        if names.is_empty() { known } else { names.iter().map(ToString::to_string).collect() };
    let mut peers = tiled::start(install::tiled()?, &wanted)?;
    for (name, url) in peers.urls() {
        println!("{name:<10} {url}");
    }
    println!("AUTH_PEERS='{}'", peers.json());
    println!("peers: serving until interrupted");
    loop {
        std::thread::sleep(Duration::from_secs(1));
        peers.check()?;
    }
}

/// Where everything of the peers is. Not in `CARGO_TARGET_DIR`: builds for several targets share one installation.
pub(crate) fn home() -> PathBuf {
    workspace::root().join("target").join("peers")
}

/// Where the files are that say which peers there are.
fn sources() -> PathBuf {
    workspace::root().join("tests").join("peers")
}
