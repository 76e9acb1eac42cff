//! `cargo xtask conformance`: the cases, with the servers that some of them need.

use std::process::Command;

use crate::{peers, run, workspace};

/// Plays the cases. It finds real servers in `AUTH_PEERS`.
pub(crate) fn cases() -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "-p", "conformance", "--bin", "cases", "--"]);
    command
}

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let mut command = cases();
    command.args(args);
    // Dropped at the end: the servers live as long as the cases.
    let peers = if needs_servers(args) { Some(start()?) } else { None };
    if let Some(peers) = &peers {
        command.env("AUTH_PEERS", peers.json());
    }
    Ok(run::shown(&mut command, None)?.ok)
}

fn start() -> Result<peers::tiled::Peers, String> {
    peers::tiled::start(peers::install::tiled()?, &peers::tiled::names()?)
}

/// True unless the options leave out everything that is played with a real server. What is wrong with them is said by
/// the program that they are for.
fn needs_servers(args: &[String]) -> bool {
    let without = |option: &str, value: &str| {
        args.windows(2).any(|pair| matches!(pair, [name, given] if name == option && given != value))
    };
    let said = |option: &str| args.iter().any(|arg| arg == option);
    !(said("--quick")
        || said("--help")
        || said("-h")
        || without("--peer", "tiled")
        || without("--transport", "ureq"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_started_only_for_cases_that_are_played_with_them() {
        let cases: [(&[&str], bool); 7] = [
            (&[], true),
            (&["--case", "renewal"], true),
            (&["--peer", "tiled", "--store", "memory"], true),
            (&["--peer", "sandbox"], false),
            (&["--transport", "bare"], false),
            (&["--quick"], false),
            (&["--help"], false),
        ];
        for (args, needed) in cases {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            assert_eq!(needs_servers(&args), needed, "{args:?}");
        }
    }
}
