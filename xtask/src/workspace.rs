//! The workspace as cargo sees it: its root, its members, and what they depend on.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One member of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// One line of a member's dependency tables.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `normal`, `dev` or `build`.
    pub(crate) kind: String,
}

/// Something cargo builds for a member.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kinds: Vec<String>,
}

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Set by `cargo run`, so a copied checkout finds itself and not the place it was compiled at.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs us, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    // Ours, not those of what is run: a build script or a test that reads them must not see xtask's.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// The members of the workspace.
pub(crate) fn members() -> Result<Vec<Member>, String> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|e| format!("cargo could not be run: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    parse(&output.stdout)
}

fn parse(metadata: &[u8]) -> Result<Vec<Member>, String> {
    let value: Value = serde_json::from_slice(metadata)
        .map_err(|e| format!("what cargo metadata printed is not JSON: {e}"))?;
    let packages = value["packages"].as_array().ok_or("cargo metadata names no packages")?;
    Ok(packages.iter().map(member).collect())
}

fn member(package: &Value) -> Member {
    Member {
        name: text(&package["name"]),
        manifest: PathBuf::from(text(&package["manifest_path"])),
        features: package["features"].as_object().map(|f| f.keys().cloned().collect()).unwrap_or_default(),
        dependencies: list(&package["dependencies"])
            .map(|d| Dependency {
                name: text(&d["name"]),
                kind: d["kind"].as_str().unwrap_or("normal").to_owned(),
            })
            .collect(),
        targets: list(&package["targets"])
            .map(|t| Target { name: text(&t["name"]), kinds: list(&t["kind"]).map(text).collect() })
            .collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_from_metadata() {
        let json = br#"{"packages":[{"name":"a","manifest_path":"/w/a/Cargo.toml","features":{"default":["x"],"x":[]},
            "dependencies":[{"name":"b","kind":null},{"name":"c","kind":"dev"},{"name":"d","kind":"build"}],
            "targets":[{"name":"perm_files","kind":["test"]}]}]}"#;
        let members = parse(json).unwrap();
        let a = members.first().unwrap();
        assert_eq!((a.name.as_str(), a.features.len()), ("a", 2));
        let kinds: Vec<_> = a.dependencies.iter().map(|d| d.kind.as_str()).collect();
        assert_eq!(kinds, ["normal", "dev", "build"]);
        assert_eq!(a.targets.first().unwrap().kinds, ["test"]);
    }

    #[test]
    fn says_what_is_wrong_with_metadata() {
        assert!(parse(b"nonsense").unwrap_err().contains("not JSON"));
        assert!(parse(b"{}").unwrap_err().contains("no packages"));
    }
}
