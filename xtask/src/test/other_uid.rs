//! Permission tests as another user. Root may read and write everything, so what files refuse to others shows only here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::artifacts::{self, Built};
use crate::sys;
use crate::workspace::Member;

/// `nobody`, by the number it has everywhere.
pub(super) const UID: u32 = 65534;
/// One test binary may take this long.
pub(super) const LIMIT: Duration = Duration::from_mins(10);
/// Of what the tests are told, what does not lead to folders of root's.
const PASSED: [&str; 3] = ["AUTH_PEERS", "AUTH_CANARY", "AUTH_CANARY_LIST"];
/// Integration tests with such names are run.
const PREFIX: &str = "perm_";

#[derive(Debug)]
pub(super) enum Problem {
    /// It cannot be done on this machine or by this user.
    NotHere(String),
    Failed(String),
}

impl From<String> for Problem {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

pub(super) fn there_are_any(members: &[Member]) -> bool {
    members.iter().any(has_any)
}

/// Whether a selection (cargo's arguments) holds such tests: cargo refuses a name that matches nothing.
pub(super) fn selects_any(selection: &[String], members: &[Member]) -> bool {
    let after = |option: &str| {
        let at = selection.iter().position(|arg| arg == option)?;
        selection.get(at + 1).map(String::as_str)
    };
    let (only, excluded) = (after("-p"), after("--exclude"));
    members
        .iter()
        .filter(|m| only.is_none_or(|only| m.name == only) && excluded != Some(m.name.as_str()))
        .any(has_any)
}

fn has_any(member: &Member) -> bool {
    member.targets.iter().any(|t| t.kinds.iter().any(|kind| kind == "test") && t.name.starts_with(PREFIX))
}

/// Test binaries where the other user can reach them, and folders for them to try. Removed when dropped.
#[derive(Debug)]
pub(super) struct Prepared {
    folder: Folder,
    tests: Vec<Test>,
}

/// One test binary.
#[derive(Debug)]
pub(super) struct Test {
    name: String,
    path: PathBuf,
}

impl Test {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Builds the tests of a selection and copies them, and what they need, out of folders only root may enter.
pub(super) fn prepare(selection: &[String], built: &Built) -> Result<Prepared, Problem> {
    if !sys::is_root() {
        return Err(Problem::NotHere("only root can become another user".to_owned()));
    }
    if sys::find("setpriv").is_none() {
        return Err(Problem::NotHere(
            "setpriv is missing (on Debian: apt-get install util-linux)".to_owned(),
        ));
    }
    let mut args = vec!["test", "--no-run", "--test", "perm_*"];
    args.extend(selection.iter().map(String::as_str));
    let executables = artifacts::executables(&args)?;

    let folder = Folder::create()?;
    let bin = folder.sub("bin", 0o755)?;
    let mut tests = Vec::new();
    for executable in executables.iter().filter(|e| e.kind == "test" && e.name.starts_with(PREFIX)) {
        // Numbered: two packages may have a test of the same name.
        let path = bin.join(format!("{}-{}", tests.len(), executable.name));
        copy(&executable.path, &path)?;
        tests.push(Test { name: executable.name.clone(), path });
    }
    copy(&built.authctl, &bin.join("authctl"))?;
    for theirs in ["home", "home/tmp"] {
        let path = folder.sub(theirs, 0o700)?;
        sys::chown(&path, UID)?;
    }
    foreign(&folder)?;
    Ok(Prepared { folder, tests })
}

impl Prepared {
    pub(super) fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// Where the other user's files are.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.0.join("home")
    }

    /// Runs one test as the other user, who has a home of its own and none of root's environment.
    pub(super) fn command(&self, test: &Test, environment: &[(&str, String)]) -> Command {
        let root = &self.folder.0;
        let home = root.join("home");
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={UID}"), format!("--regid={UID}"), "--clear-groups".to_owned()]);
        command.arg("--").arg(&test.path).current_dir(&home).env_clear();
        command.envs(
            ["PATH", "LANG", "CI", "RUST_BACKTRACE"].iter().filter_map(|n| Some((n, std::env::var_os(n)?))),
        );
        let theirs_too = |(name, _): &&(&str, String)| PASSED.contains(name);
        command.envs(environment.iter().filter(theirs_too).map(|(n, v)| (n, v)));
        command
            .env("HOME", &home)
            .env("TMPDIR", home.join("tmp"))
            .env("AUTHCTL", root.join("bin").join("authctl"))
            .env("AUTH_PERM_UID", UID.to_string())
            .env("AUTH_PERM_FOREIGN", root.join("foreign"));
        command
    }
}

/// Files of root's, for the tests to try themselves on.
fn foreign(folder: &Folder) -> Result<(), String> {
    let foreign = folder.sub("foreign", 0o755)?;
    let closed = folder.sub("foreign/closed", 0o700)?;
    for (path, mode) in [
        (foreign.join("readable"), 0o644),
        (foreign.join("private"), 0o600),
        (foreign.join("writable"), 0o666),
        (closed.join("inside"), 0o644),
    ] {
        fs::write(&path, "owned by root\n").map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        sys::chmod(&path, mode)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))?;
    sys::chmod(to, 0o755)
}

/// A folder of our own among the temporary files, removed when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, String> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("auth-perm-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        // Not create_dir_all: as root, we use nothing that somebody else put there.
        fs::create_dir(&path).map_err(|e| format!("cannot create {}: {e}", path.display()))?;
        let folder = Self(path);
        sys::chmod(&folder.0, 0o755)?;
        Ok(folder)
    }

    fn sub(&self, name: &str, mode: u32) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        fs::create_dir(&path).map_err(|e| format!("cannot create {}: {e}", path.display()))?;
        sys::chmod(&path, mode)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _not_worth_a_failure = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Target;

    fn member(name: &str, target: &str, kind: &str) -> Member {
        let targets = vec![Target { name: target.to_owned(), kinds: vec![kind.to_owned()] }];
        Member { name: name.to_owned(), targets, ..Member::default() }
    }

    #[test]
    fn only_integration_tests_named_for_it_count() {
        assert!(there_are_any(&[member("a", "perm_files", "test")]));
        assert!(!there_are_any(&[member("a", "perm_files", "bin"), member("b", "permissions", "test")]));
    }

    #[test]
    fn a_selection_is_asked_for_them_only_where_it_has_some() {
        let members = [member("conformance", "perm_files", "test"), member("auth-store", "other", "test")];
        let selects =
            |args: &str| selects_any(&args.split(' ').map(str::to_owned).collect::<Vec<_>>(), &members);
        assert!(selects("--workspace --all-features"));
        assert!(selects("-p conformance"));
        assert!(!selects("--workspace --exclude conformance --all-features"));
        assert!(!selects("-p auth-store"));
    }
}
