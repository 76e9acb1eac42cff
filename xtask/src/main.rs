//! The project's own commands, run as `cargo xtask COMMAND`. It depends on none of the project's crates: it runs cargo.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is what it is for")]

mod bench;
mod check;
mod conformance;
mod crash_table;
mod docs;
mod peers;
mod run;
mod soak;
mod sys;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  check   Formatting, lints, tidy, docs, wasm32 and every feature of the facade
  test    All tests, with real peer servers started for the tests that need them
  conformance
          The cases of tests/cases in every way there is, as a matrix
  tidy    The project's own rules, among them which crate may depend on which
  docs    The book and the README: their blocks are compiled and run, their links followed
  peers   Install and start the peer servers that tests talk to
  bench   The project beside its peers, as tables of ratios in docs/benchmarks.md
  soak    Many callers, several programs and much that goes wrong, for a long time
  crash-table
          Write docs/src/crash-table.md, what a crash leaves, from a run

`cargo xtask COMMAND --help` says more.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => ("", args.as_slice()),
    };
    let done = match command {
        "check" => check::command(rest),
        "test" => test::command(rest),
        "conformance" => conformance::command(rest),
        "tidy" => tidy::command(rest),
        "docs" => docs::command(rest),
        "peers" => peers::command(rest),
        "bench" => bench::command(rest),
        "soak" => soak::command(rest),
        "crash-table" => crash_table::command(rest),
        "-h" | "--help" | "help" => {
            println!("{HELP}");
            Ok(true)
        }
        "" => Err(format!("no command given\n\n{HELP}")),
        other => Err(format!("there is no command `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::from(2)
        }
    }
}

/// Whether help was asked for; any argument in `rest` other than that is refused.
fn only_help(rest: &[String], help: &str) -> Result<bool, String> {
    match rest.first().map(String::as_str) {
        None => Ok(false),
        Some("-h" | "--help") => {
            println!("{help}");
            Ok(true)
        }
        Some(other) => Err(format!("unexpected argument `{other}`\n\n{help}")),
    }
}
