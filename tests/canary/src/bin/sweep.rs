//! Searches what a run of tests left behind; `cargo xtask test` runs it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is what it is for")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use canary::{DECOYS, Leak, Search, sweep};

const HELP: &str = "\
Searches files and folders for secrets, and names those it finds.

Usage: sweep LIST PATH...

LIST has a line for each secret: its name, a tab, the secret. Secrets that are called decoys must be found.
Exit codes: 0 nothing was found, 1 something was, 2 it could not be searched.";

fn search(args: &[PathBuf]) -> Result<bool, String> {
    let Some((list, paths)) = args.split_first().filter(|(_, paths)| !paths.is_empty()) else {
        return Err(HELP.to_owned());
    };
    let text = std::fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
    let lines = || text.lines().filter_map(|line| line.split_once('\t'));
    let search = Search::new(lines().map(|(name, secret)| (name.to_owned(), secret.to_owned())));
    if search.is_empty() {
        return Err(format!("{} has no secret to look for", list.display()));
    }
    let mut leaks = Vec::new();
    for path in paths {
        let found = sweep(path, &search, &|_| false).map_err(|e| format!("{}: {e}", path.display()))?;
        if !path.exists() {
            return Err(format!("there is no {}", path.display()));
        }
        leaks.extend(found);
    }
    for decoy in DECOYS.iter().filter(|decoy| lines().any(|(name, _)| name == **decoy)) {
        if !leaks.iter().any(|leak| leak.found.secret == *decoy) {
            return Err(format!("{decoy} was not found: not all that tests print or leave was searched"));
        }
    }
    leaks.retain(|leak| !DECOYS.contains(&leak.found.secret.as_str()));
    for leak in &leaks {
        println!(
            "leak: {leak}{}",
            test(leak).map(|test| format!(", in the test {test}")).unwrap_or_default()
        );
    }
    println!("canaries: {} secrets looked for, {} leaks", search.len(), leaks.len());
    Ok(leaks.is_empty())
}

/// Which test printed it, if that was in a report of tests.
fn test(leak: &Leak) -> Option<String> {
    const CASE: &str = "<testcase name=\"";
    let report = std::fs::read(Path::new(&leak.path)).ok()?;
    let before = String::from_utf8_lossy(report.get(..leak.found.at)?).into_owned();
    let (_, case) = before.rsplit_once(CASE)?;
    Some(case.split('"').next()?.to_owned())
}

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match search(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("sweep: {why}");
            ExitCode::from(2)
        }
    }
}
