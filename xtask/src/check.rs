//! `cargo xtask check`: everything that can be said without running a test.

use std::process::Command;
use std::time::Instant;

use crate::{docs, run, sys, tidy, workspace};

const HELP: &str = "\
Runs every check, all of them even when one fails, and prints a line for each.

Usage: cargo xtask check

  fmt      formatting
  clippy   lints, in every target with all features; warnings are errors
  tidy     the project's own rules (cargo xtask tidy)
  doc      the documentation, with all features; warnings are errors
  docs     the book and the README are true (cargo xtask docs)
  book     the book builds (cargo xtask docs --build; installs mdBook the first time)
  wasm32   auth-core builds where there are no files, threads or clocks
  facade   auth-native builds with no feature, with each alone, and with all";

const WASM: &str = "wasm32-unknown-unknown";
const FACADE: &str = "auth-native";

/// How a step ended when it did not fail.
enum Done {
    Well(Option<String>),
    Skipped(String),
}

type Step = Result<Done, String>;

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    if crate::only_help(args, HELP)? {
        return Ok(true);
    }
    let mut report = Report::default();
    report.step("fmt", || cargo(&["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    report.step("clippy", || cargo(&clippy));
    report.step("tidy", run_tidy);
    report.step("doc", || {
        let mut doc = workspace::cargo();
        doc.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
        finish(&mut doc)
    });
    report.step("docs", || {
        let found = docs::run()?;
        if found.problems.is_empty() {
            Ok(Done::Well(Some(found.notes.join("; "))))
        } else {
            Err(found.problems.join("\n"))
        }
    });
    report.step("book", || docs::book::build().map(|folder| Done::Well(Some(folder.display().to_string()))));
    report.step("wasm32", wasm);
    facade(&mut report);
    let Report { ran, failed } = report;
    if failed.is_empty() {
        println!("check: all {ran} steps are well");
    } else {
        println!("check: {} of {ran} steps failed: {}", failed.len(), failed.join(", "));
    }
    Ok(failed.is_empty())
}

#[derive(Default)]
struct Report {
    ran: usize,
    failed: Vec<String>,
}

impl Report {
    fn step(&mut self, name: &str, what: impl FnOnce() -> Step) {
        let started = Instant::now();
        let result = what();
        let took = started.elapsed().as_secs_f32();
        self.ran += 1;
        match result {
            Ok(Done::Well(None)) => println!("ok       {name:<28} {took:6.1} s"),
            Ok(Done::Well(Some(note))) => println!("ok       {name:<28} {took:6.1} s  {note}"),
            Ok(Done::Skipped(why)) => println!("skipped  {name:<28} {took:6.1} s  {why}"),
            Err(printed) => {
                println!("FAILED   {name:<28} {took:6.1} s");
                println!("{printed}");
                self.failed.push(name.to_owned());
            }
        }
    }
}

fn cargo(args: &[&str]) -> Step {
    finish(workspace::cargo().args(args))
}

fn finish(command: &mut Command) -> Step {
    // What fails is shown whole: without the names of all that was built on the way.
    run::quietly(command.env("CARGO_TERM_QUIET", "true")).map(|()| Done::Well(None))
}

fn run_tidy() -> Step {
    let found = tidy::run()?;
    if found.problems.is_empty() {
        Ok(Done::Well(Some(found.notes.join("; ")).filter(|notes| !notes.is_empty())))
    } else {
        Err(found.problems.join("\n"))
    }
}

fn wasm() -> Step {
    if let Err(why) = add_wasm() {
        return Ok(Done::Skipped(why));
    }
    cargo(&["check", "-p", "auth-core", "--target", WASM])
}

/// Sees to it that the target is installed; `Err` says why it cannot be.
fn add_wasm() -> Result<(), String> {
    if sys::find("rustup").is_none() {
        return Err(format!("there is no rustup to add the target {WASM} with"));
    }
    let rustup = || {
        let mut command = Command::new("rustup");
        // The toolchain that the workspace's folder selects.
        command.current_dir(workspace::root());
        command
    };
    let installed = rustup().args(["target", "list", "--installed"]).output();
    let installed = installed.map_err(|e| format!("rustup could not be run: {e}"))?;
    if String::from_utf8_lossy(&installed.stdout).lines().any(|line| line.trim() == WASM) {
        return Ok(());
    }
    run::quietly(rustup().args(["target", "add", WASM]))
        .map_err(|printed| format!("the target {WASM} could not be added: {}", run::reason(&printed)))
}

fn facade(report: &mut Report) {
    let features = match workspace::members() {
        Ok(members) => members.into_iter().find(|m| m.name == FACADE).map(|m| m.features).unwrap_or_default(),
        Err(why) => return report.step("facade", || Err(why)),
    };
    let base = ["check", "-p", FACADE];
    report.step("facade with nothing", || cargo(&[&base[..], &["--no-default-features"]].concat()));
    for feature in &features {
        let args = [&base[..], &["--no-default-features", "--features", feature]].concat();
        report.step(&format!("facade with {feature}"), || cargo(&args));
    }
    report.step("facade with everything", || cargo(&[&base[..], &["--all-features"]].concat()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_kept_and_the_others_run() {
        let mut report = Report::default();
        report.step("one", || Err("why".to_owned()));
        report.step("two", || Ok(Done::Well(None)));
        report.step("three", || Ok(Done::Skipped("no reason".to_owned())));
        assert_eq!((report.ran, report.failed), (3, vec!["one".to_owned()]));
    }
}
