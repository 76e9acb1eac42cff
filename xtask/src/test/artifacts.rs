//! What cargo built and where it put it, read from its messages: right whatever the target folder is.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{run, workspace};

/// The binaries that tests start.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) authctl: PathBuf,
    pub(super) examples: Option<PathBuf>,
}

/// Something that can be run.
#[derive(Debug, PartialEq)]
pub(crate) struct Executable {
    pub(crate) name: String,
    /// `bin`, `example`, `test`, ...
    pub(crate) kind: String,
    pub(crate) path: PathBuf,
}

/// Builds the command and the facade's examples.
pub(super) fn build() -> Result<Built, String> {
    // All features, as in the test run: otherwise the two would replace each other's binary.
    let args = ["build", "-p", "authctl", "-p", "auth-native", "--all-features", "--bins", "--examples"];
    let built = executables(&args)?;
    let authctl = built.iter().find(|e| e.kind == "bin" && e.name == "authctl");
    let authctl = authctl.ok_or("cargo built no authctl")?.path.clone();
    let example = built.iter().find(|e| e.kind == "example");
    Ok(Built { authctl, examples: example.and_then(|e| e.path.parent()).map(Path::to_path_buf) })
}

/// Shows what cargo says to people, not its messages for machines.
struct ForPeople;

impl run::Watch for ForPeople {
    fn line(&mut self, line: &str) -> bool {
        !line.starts_with('{')
    }
}

/// Runs a building cargo command and lists the executables it made. Compiler messages are shown, and are in the error.
pub(crate) fn executables(args: &[&str]) -> Result<Vec<Executable>, String> {
    let mut command = workspace::cargo();
    command.args(args).arg("--message-format=json-render-diagnostics");
    let shown = run::watched(&mut command, None, &mut ForPeople)?;
    if !shown.ok {
        let said = shown.lines.iter().skip_while(|line| !line.starts_with("error"));
        let said: Vec<&str> = said.map(String::as_str).filter(|line| !line.starts_with('{')).collect();
        return Err(format!("`cargo {}` failed\n{}", args.join(" "), said.join("\n")));
    }
    Ok(parse(&shown.lines.join("\n")))
}

fn parse(messages: &str) -> Vec<Executable> {
    let values = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values
        .filter(|value| value["reason"] == "compiler-artifact")
        .filter_map(|value| {
            Some(Executable {
                name: value["target"]["name"].as_str()?.to_owned(),
                kind: value["target"]["kind"][0].as_str()?.to_owned(),
                path: PathBuf::from(value["executable"].as_str()?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_read_from_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"auth_core","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"authctl","kind":["bin"]},"executable":"/t/debug/authctl"}
not json
{"reason":"build-finished","success":true}"#;
        let expected = Executable {
            name: "authctl".to_owned(),
            kind: "bin".to_owned(),
            path: PathBuf::from("/t/debug/authctl"),
        };
        assert_eq!(parse(messages), [expected]);
    }
}
