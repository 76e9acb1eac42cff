//! Secrets that tests plant, and the search for them in everything that the tests left.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::PathBuf;

use crate::{run, sys, workspace};

/// One run of tests under watch. Its folder goes with it.
#[derive(Debug)]
pub(super) struct Canaries {
    folder: PathBuf,
    reports: usize,
}

impl Canaries {
    /// Makes a temporary folder for all tests, and the list in which they note what they planted. Both are open to
    /// other users: some tests run as one.
    pub(super) fn begin() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("auth-canaries-{}", std::process::id()));
        let canaries = Self { folder, reports: 0 };
        let cannot = |e: std::io::Error| format!("cannot write to {}: {e}", canaries.folder.display());
        fs::create_dir_all(canaries.temporary()).map_err(cannot)?;
        for file in [canaries.list(), canaries.output()] {
            fs::write(file, "").map_err(cannot)?;
        }
        sys::chmod(&canaries.folder, 0o755)?;
        sys::chmod(&canaries.temporary(), 0o1777)?;
        sys::chmod(&canaries.list(), 0o666)?;
        Ok(canaries)
    }

    fn list(&self) -> PathBuf {
        self.folder.join("list")
    }

    fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// What the tests are told.
    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        let random = [0, 1].map(|part: u8| format!("{:016x}", RandomState::new().hash_one(part))).concat();
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        [("AUTH_CANARY", random), ("AUTH_CANARY_LIST", path(self.list())), ("TMPDIR", path(self.temporary()))]
    }

    /// True if nothing was planted.
    pub(super) fn is_idle(&self) -> bool {
        fs::metadata(self.list()).is_ok_and(|meta| meta.len() == 0)
    }

    /// Keeps what was shown.
    pub(super) fn keep(&self, lines: &[String]) -> Result<(), String> {
        let file = fs::OpenOptions::new().append(true).open(self.output());
        let written = file.and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()));
        written.map_err(|e| format!("cannot write to {}: {e}", self.output().display()))
    }

    /// The runner's configuration, with a report of what each test printed: it shows that of tests that fail only.
    pub(super) fn configuration(&self) -> Result<PathBuf, String> {
        let (from, to) = (workspace::root().join(".config/nextest.toml"), self.folder.join("nextest.toml"));
        let own = fs::read_to_string(&from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
        // In quotes that take everything as it is.
        let store = self.folder.join("store").display().to_string();
        let more = format!(
            "\n[store]\ndir = '{store}'\n\n[profile.default.junit]\npath = \"junit.xml\"\n\
             store-success-output = true\nstore-failure-output = true\n"
        );
        fs::write(&to, own + &more).map_err(|e| format!("cannot write {}: {e}", to.display()))?;
        Ok(to)
    }

    /// Keeps the report of a run of tests.
    pub(super) fn keep_report(&mut self) -> Result<(), String> {
        let report = self.folder.join("store/default/junit.xml");
        let kept = self.folder.join(format!("report-{}", self.reports + 1));
        fs::rename(&report, &kept).map_err(|e| {
            format!("the runner left no report of what tests printed at {}: {e}", report.display())
        })?;
        self.reports += 1;
        Ok(())
    }

    /// The reports that were kept, one for each run of tests.
    pub(super) fn reports(&self) -> impl Iterator<Item = PathBuf> {
        (1..=self.reports).map(|number| self.folder.join(format!("report-{number}")))
    }

    /// Searches all of it, and what else there is, and says what was found; not ok if that is a secret.
    pub(super) fn search(&self, more: &[PathBuf]) -> Result<run::Shown, String> {
        let mut command = workspace::cargo();
        command.args(["run", "--quiet", "-p", "canary", "--bin", "sweep", "--"]);
        command.arg(self.list()).arg(self.output()).arg(self.temporary());
        command.args(more);
        command.args(self.reports());
        run::shown(&mut command, None)
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        let _left_in_the_temporary_folder = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_folder_goes_with_it() {
        let canaries = Canaries::begin().unwrap();
        canaries.keep(&["line".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(canaries.output()).unwrap(), "line\n");
        let folder = canaries.folder.clone();
        assert!(folder.join("tmp").is_dir());
        drop(canaries);
        assert!(!folder.exists());
    }
}
