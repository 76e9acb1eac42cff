//! The programs that benches start, and a folder for what these write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::artifacts::{self, Executable};
use crate::workspace;

/// What every section says whose figures come from such programs.
pub(crate) const BUILT: &str =
    "Our programs are built with the profile `bench-programs`: a release without optimizing while linking.";

/// The programs of the package `conformance`, built.
pub(crate) struct Programs(Vec<Executable>);

impl Programs {
    pub(crate) fn build() -> Result<Self, String> {
        let args = ["build", "--profile", "bench-programs", "-p", "conformance", "--bins"];
        Ok(Self(artifacts::executables(&args)?))
    }

    /// The same without optimization, as tests have them.
    pub(crate) fn unoptimized() -> Result<Self, String> {
        Ok(Self(artifacts::executables(&["build", "-p", "conformance", "--bins"])?))
    }

    pub(crate) fn path(&self, name: &str) -> Result<&Path, String> {
        let found = self.0.iter().find(|program| program.kind == "bin" && program.name == name);
        found.map(|program| program.path.as_path()).ok_or_else(|| format!("cargo built no {name}"))
    }
}

/// A folder that goes with the value. It is on the disk of the build, where making a file durable takes its time.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        Self::below(&workspace::root().join("target/bench"), name)
    }

    /// The same in memory, where making a file durable takes no time; `None` where there is no such place.
    pub(crate) fn in_memory(name: &str) -> Result<Option<Self>, String> {
        let memory = Path::new("/dev/shm");
        memory.is_dir().then(|| Self::below(&memory.join("auth-bench"), name)).transpose()
    }

    fn below(folder: &Path, name: &str) -> Result<Self, String> {
        let path = folder.join(format!("{}-{name}", std::process::id()));
        let _none = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A program whose home this is and that knows nothing of ours.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.0).current_dir(&self.0);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _left_in_target = fs::remove_dir_all(&self.0);
    }
}
