//! What the blocks need: the command, and the crates as libraries.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::workspace;

/// What cargo built.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Built {
    /// The libraries of the workspace, under the names that `use` knows.
    pub(super) libraries: Vec<(String, PathBuf)>,
    /// The libraries that they use.
    pub(super) others: Vec<(String, PathBuf)>,
    /// The programs.
    pub(super) programs: Vec<(String, PathBuf)>,
}

impl Built {
    pub(super) fn program(&self, name: &str) -> Result<&Path, String> {
        let found = self.programs.iter().find(|(known, _)| known == name);
        found.map(|(_, path)| path.as_path()).ok_or_else(|| format!("cargo built no {name}"))
    }
}

/// Every crate below `crates/`, with all features.
pub(super) fn everything() -> Result<Built, String> {
    let crates = workspace::root().join("crates");
    let members = workspace::members()?;
    let ours = members.iter().filter(|member| member.manifest.starts_with(&crates));
    let packages = ours.flat_map(|member| ["-p", &member.name]);
    build(&["--all-features", "--lib", "--bins"].into_iter().chain(packages).collect::<Vec<_>>())
}

/// The facade with just these features.
pub(super) fn facade(features: &str) -> Result<Built, String> {
    build(&["-p", "auth-native", "--lib", "--no-default-features", "--features", features])
}

/// A library that is not ours, of those in `Cargo.lock`.
pub(super) fn library(name: &str) -> Result<(String, PathBuf), String> {
    let messages = messages(&["-p", name, "--lib"])?;
    let found = artifacts(&messages).rev().find_map(|value| library_of(&value));
    found.ok_or_else(|| format!("cargo built no library {name}"))
}

fn build(args: &[&str]) -> Result<Built, String> {
    Ok(parse(&messages(args)?))
}

/// What cargo says of what it builds.
fn messages(args: &[&str]) -> Result<String, String> {
    let mut command = workspace::cargo();
    command.arg("build").args(args).arg("--message-format=json-render-diagnostics");
    command.env("CARGO_TERM_QUIET", "true").stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("cargo could not be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo build {}` failed ({})", args.join(" "), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn artifacts(messages: &str) -> impl DoubleEndedIterator<Item = Value> {
    let values = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.filter(|value| value["reason"] == "compiler-artifact")
}

fn library_of(value: &Value) -> Option<(String, PathBuf)> {
    let mut files = value["filenames"].as_array()?.iter().filter_map(Value::as_str).map(Path::new);
    let path = files.find(|path| path.extension().is_some_and(|extension| extension == "rlib"))?;
    Some((value["target"]["name"].as_str()?.to_owned(), path.to_owned()))
}

fn parse(messages: &str) -> Built {
    let mut built = Built::default();
    for value in artifacts(messages) {
        if !value["package_id"].as_str().is_some_and(|id| id.starts_with("path+")) {
            built.others.extend(library_of(&value));
            continue;
        }
        if let (Some(name), Some(path)) = (value["target"]["name"].as_str(), value["executable"].as_str()) {
            built.programs.push((name.to_owned(), PathBuf::from(path)));
        }
        built.libraries.extend(library_of(&value));
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_programs_are_read_from_messages() {
        let messages = r#"{"reason":"compiler-artifact","package_id":"path+file:///w#auth-core@0.1.0","target":{"name":"auth_core"},"filenames":["/t/libauth_core.rlib","/t/libauth_core.rmeta"],"executable":null}
{"reason":"compiler-artifact","package_id":"path+file:///w#authctl@0.1.0","target":{"name":"authctl"},"filenames":["/t/authctl"],"executable":"/t/authctl"}
{"reason":"compiler-artifact","package_id":"registry+https://r#serde@1.0.0","target":{"name":"serde"},"filenames":["/t/libserde.rlib"],"executable":null}
{"reason":"build-finished","success":true}"#;
        let built = parse(messages);
        assert_eq!(built.others, [("serde".to_owned(), PathBuf::from("/t/libserde.rlib"))]);
        assert_eq!(built.libraries, [("auth_core".to_owned(), PathBuf::from("/t/libauth_core.rlib"))]);
        assert_eq!(built.program("authctl"), Ok(Path::new("/t/authctl")));
        assert!(built.program("other").is_err());
    }
}
