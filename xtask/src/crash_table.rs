//! `cargo xtask crash-table`: the document that says what a crash leaves, made from a run.

use crate::{run, tools, workspace};

const HELP: &str = "\
Kills and disturbs every operation on a token directory at every step, and writes what was found to
docs/src/crash-table.md. Takes about a minute.

Usage: cargo xtask crash-table [--check]

  --check   write nothing; fail if the document says something else (cargo xtask test does this too)";

/// The test that makes the table; it writes only if the variable below says so.
const TEST: &str = "table::the_table_in_the_documents_is_what_happens";
const VARIABLE: &str = "AUTH_CRASH_TABLE";

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let (check, rest) = match args.split_first() {
        Some((first, rest)) if first == "--check" => (true, rest),
        _ => (false, args),
    };
    if crate::only_help(rest, HELP)? {
        return Ok(true);
    }
    tools::ensure_apt("strace")?;
    let mut cargo = workspace::cargo();
    cargo.args(["test", "-p", "conformance", "--test", "crash", "--", TEST]);
    cargo.env(VARIABLE, if check { "check" } else { "write" });
    let shown = run::shown(&mut cargo, None)?;
    // A test that was not found is no test that passed.
    let ran = shown.lines.iter().any(|line| line.starts_with("test result:") && line.contains(" 1 passed"));
    Ok(shown.ok && ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_refused() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(command(&words(&["--check", "--help"])), Ok(true));
        assert!(command(&words(&["--wrong"])).is_err_and(|why| why.contains("--wrong")));
    }
}
