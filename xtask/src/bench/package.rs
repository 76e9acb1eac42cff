//! Tiny packages made for a measurement, outside the workspace and with its profile and its versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, tools, workspace};

/// A program and what it depends on.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: &'static str,
    /// The lines of `[dependencies]`.
    pub(super) dependencies: String,
    /// `main.rs`.
    pub(super) source: String,
}

/// Where benches keep what they make.
pub(super) fn home() -> PathBuf {
    workspace::root().join("target").join("bench")
}

/// Makes a folder that is empty.
pub(super) fn empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

impl Package {
    /// Writes it below this folder, to be built like a release of ours, with more lines in its profile.
    pub(super) fn write(&self, below: &Path, more: &str) -> Result<Written, String> {
        let folder = below.join(self.name);
        let source = folder.join("src");
        fs::create_dir_all(&source).map_err(|error| format!("cannot make {}: {error}", source.display()))?;
        let profile = read(&workspace::root().join("Cargo.toml"))?;
        let profile = release_profile(&profile).ok_or("the workspace has no [profile.release]")?;
        let manifest = manifest(self.name, &self.dependencies, &format!("{profile}{more}"));
        write(&folder.join("Cargo.toml"), &manifest)?;
        write(&source.join("main.rs"), &self.source)?;
        // The versions of the workspace; what is not in it is added.
        let lock = read(&workspace::root().join("Cargo.lock"))?;
        write(&folder.join("Cargo.lock"), &lock)?;
        Ok(Written { name: self.name, folder })
    }
}

/// A package as it lies there.
#[derive(Debug)]
pub(super) struct Written {
    name: &'static str,
    folder: PathBuf,
}

impl Written {
    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = workspace::cargo();
        command.current_dir(&self.folder).args(args).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
        command
    }

    /// Gets what it depends on, so that building it asks no network.
    pub(super) fn fetch(&self) -> Result<(), String> {
        run::quietly(&mut self.cargo(&["fetch"]))
    }

    /// What `cargo tree` prints of what is linked into it, one a line.
    pub(super) fn tree(&self) -> Result<String, String> {
        let output = self
            .cargo(&["tree", "--offline", "-e", "normal", "--prefix", "none"])
            .output()
            .map_err(|error| format!("cargo could not be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo tree failed:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Builds it from nothing, and says how long processors worked on that, in seconds, and where it is.
    pub(super) fn build(&self) -> Result<(f64, PathBuf), String> {
        let target = self.folder.join("target");
        empty(&target)?;
        tools::ensure_apt("time")?;
        let cargo = self.cargo(&["build", "--release", "--offline"]);
        let took = self.folder.join("took");
        let mut timed = Command::new("time");
        timed.args(["-f", "%U %S", "-o"]).arg(&took).arg(cargo.get_program()).args(cargo.get_args());
        timed.current_dir(&self.folder);
        for (name, value) in cargo.get_envs() {
            match value {
                Some(value) => timed.env(name, value),
                None => timed.env_remove(name),
            };
        }
        run::quietly(&mut timed).map_err(|printed| format!("{} could not be built: {printed}", self.name))?;
        let took = sum(&read(&took)?).ok_or("time did not say how long the build took")?;
        Ok((took, target.join("release").join(self.name)))
    }
}

/// The numbers of a line together.
fn sum(line: &str) -> Option<f64> {
    line.split_whitespace().map(|number| number.parse::<f64>().ok()).sum()
}

fn manifest(name: &str, dependencies: &str, profile: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\n{dependencies}\n[profile.release]\n{profile}"
    )
}

/// The lines below `[profile.release]`.
fn release_profile(manifest: &str) -> Option<String> {
    let (_, rest) = manifest.split_once("\n[profile.release]\n")?;
    let lines: Vec<&str> = rest.lines().take_while(|line| !line.starts_with('[')).collect();
    Some(lines.join("\n") + "\n")
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_added() {
        assert_eq!(sum("1.50 0.25\n"), Some(1.75));
        assert_eq!(sum("Command exited with non-zero status 1"), None);
    }

    #[test]
    fn the_profile_is_that_of_the_workspace() {
        let text = "[a]\nb = 1\n\n[profile.release]\nlto = \"fat\"\nstrip = true\n[profile.release.package.x]\ny = 1\n";
        assert_eq!(release_profile(text).unwrap(), "lto = \"fat\"\nstrip = true\n");
        assert_eq!(release_profile("[a]\n"), None);
        let manifest = manifest("tiny", "a = \"1\"\n", "lto = true\n");
        assert!(
            manifest.ends_with("[workspace]\n\n[dependencies]\na = \"1\"\n\n[profile.release]\nlto = true\n")
        );
    }
}
