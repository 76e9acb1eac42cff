//! `cargo xtask tidy`: the project's own rules.

mod leaks;
pub(crate) mod lexer;
mod manifests;
mod picture;
mod sources;

use std::collections::BTreeSet;

use crate::workspace;

const HELP: &str = "\
Checks the project's own rules and says what breaks them.

Usage: cargo xtask tidy

  layers     a crate depends on no crate of ours that the picture does not allow it (dev- and build-dependencies too)
  manifests  dependencies are inherited from the workspace, default features are off there, members say why they exist
  sources    every `allow` has a reason, no file is too long, nothing unfinished is left, auth-core stays pure
  leaks      a test prints every public type with secrets in it
  size       how many crates the blocking+file build of the facade takes, against a ceiling";

/// How many crates a simple script may pull in, ours included.
const SCRIPT_CRATES: usize = 60;
/// The features of that build.
const SCRIPT_FEATURES: [&str; 2] = ["blocking", "file"];
const FACADE: &str = "auth-native";

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    if crate::only_help(args, HELP)? {
        return Ok(true);
    }
    let found = run()?;
    for note in &found.notes {
        println!("{note}");
    }
    for problem in &found.problems {
        println!("{problem}");
    }
    println!("tidy: {} problems", found.problems.len());
    Ok(found.problems.is_empty())
}

/// What tidy has to say.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<String>,
    /// Worth printing, and no failure.
    pub(crate) notes: Vec<String>,
}

pub(crate) fn run() -> Result<Findings, String> {
    let root = workspace::root();
    let members = workspace::members()?;
    let mut found = Findings::default();
    found.problems.extend(picture::compare(&members));
    found.problems.extend(manifests::check(&root, &members)?);
    found.problems.extend(sources::check(&root)?);
    found.problems.extend(leaks::check(&root)?);
    script_size(&members, &mut found)?;
    Ok(found)
}

fn script_size(members: &[workspace::Member], found: &mut Findings) -> Result<(), String> {
    let facade = members.iter().find(|m| m.name == FACADE);
    let missing: Vec<&str> = SCRIPT_FEATURES
        .into_iter()
        .filter(|wanted| !facade.is_some_and(|f| f.features.iter().any(|has| has == wanted)))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        found.notes.push(format!("size: not measured, {FACADE} has no feature {missing} yet"));
        return Ok(());
    }
    let features = SCRIPT_FEATURES.join(",");
    let output = workspace::cargo()
        .args(["tree", "-p", FACADE, "-e", "normal", "--no-default-features", "--prefix", "none"])
        .args(["--features", &features])
        .output()
        .map_err(|e| format!("cargo could not be run: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let count = crates_in_tree(&String::from_utf8_lossy(&output.stdout));
    found.notes.push(format!("size: {FACADE} with {features} is {count} crates (ceiling {SCRIPT_CRATES})"));
    if count > SCRIPT_CRATES {
        found.problems.push(format!(
            "size: {FACADE} with {features} takes {count} crates, more than {SCRIPT_CRATES}: drop a dependency, or raise \
             the ceiling in xtask with a reason"
        ));
    }
    Ok(())
}

/// Counts the crates in what `cargo tree --prefix none` prints: one a line, repeated ones marked `(*)`.
pub(crate) fn crates_in_tree(printed: &str) -> usize {
    let name_and_version = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    printed.lines().filter_map(name_and_version).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_and_each_version_counts() {
        let printed = "auth-native v0.1.0 (/w/crates/auth-native)\nserde v1.0.1\nthiserror-impl v2.0.0 (proc-macro)\n\
                       serde v1.0.1 (*)\nbitflags v1.0.0\nbitflags v2.0.0\n\n";
        assert_eq!(crates_in_tree(printed), 5);
    }
}
