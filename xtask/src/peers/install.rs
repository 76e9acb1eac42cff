//! Installing the pinned packages of the Tiled peer into a Python environment of our own, one for each interpreter.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::python::{Interpreter, clean};
use crate::run;

/// Tells whether every pinned package is there in its pinned version, and that the server itself can be found.
const PROBE: &str = "\
import importlib.metadata as m, importlib.util as u, sys
from packaging.requirements import Requirement
for line in open(sys.argv[1]):
    line = line.split('#')[0].strip()
    if not line: continue
    pin = Requirement(line)
    if pin.marker and not pin.marker.evaluate(): continue
    if m.version(pin.name) not in pin.specifier: sys.exit(f'{pin.name} is not {pin.specifier}')
for name in ('tiled', 'uvicorn', 'fastapi', 'sqlalchemy', 'shotgun_api3'):
    if u.find_spec(name) is None: sys.exit(f'{name} cannot be found')";

/// A Python that has the peer; as long as this lives nobody rebuilds it.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) python: PathBuf,
    _in_use: File,
}

/// Installs the Tiled peer for the Python that is found, unless it is there already.
pub(crate) fn tiled() -> Result<Installed, String> {
    tiled_for(Interpreter::find()?)
}

/// Installs the Tiled peer for one Python unless it is there already.
pub(crate) fn tiled_for(interpreter: Interpreter) -> Result<Installed, String> {
    if !cfg!(unix) {
        return Err("the peers can be installed on Unix only".to_owned());
    }
    let home = super::home();
    fs::create_dir_all(&home).map_err(|e| format!("cannot create {}: {e}", home.display()))?;
    let place = Place::new(&home, interpreter, super::sources().join("requirements.txt"));
    // One installs at a time; any number use what is installed.
    let lock = lock_file(&place.beside("lock"))?;
    shared(&lock)?;
    if place.is_ready()? {
        return Ok(Installed { python: place.python(), _in_use: lock });
    }
    exclusive(&lock)?;
    // Somebody else may have installed it while we waited.
    if !place.is_ready()? {
        place.install()?;
    }
    shared(&lock)?;
    Ok(Installed { python: place.python(), _in_use: lock })
}

struct Place {
    interpreter: Interpreter,
    /// Named for the interpreter: another one makes an environment of its own.
    venv: PathBuf,
    requirements: PathBuf,
}

impl Place {
    fn new(home: &Path, interpreter: Interpreter, requirements: PathBuf) -> Self {
        let venv = home.join(format!("python-{}", interpreter.key()));
        Self { interpreter, venv, requirements }
    }

    /// A file that belongs to the environment and is not in it.
    fn beside(&self, what: &str) -> PathBuf {
        let mut path = self.venv.clone().into_os_string();
        path.push(format!(".{what}"));
        PathBuf::from(path)
    }

    /// Holds what was installed for which interpreter, and is written last: without it the rest is in pieces.
    fn stamp(&self) -> PathBuf {
        self.beside("stamp")
    }

    fn python(&self) -> PathBuf {
        self.venv.join("bin").join("python")
    }

    /// What the stamp holds when all is there: the interpreter, then the requirements themselves rather than a hash of
    /// them: nothing to collide, and a diff tells what changed.
    fn wanted(&self) -> Result<String, String> {
        let requirements = fs::read_to_string(&self.requirements)
            .map_err(|e| format!("cannot read {}: {e}", self.requirements.display()))?;
        Ok(self.interpreter.identity() + &requirements)
    }

    fn is_ready(&self) -> Result<bool, String> {
        if fs::read_to_string(self.stamp()).ok() != Some(self.wanted()?) {
            return Ok(false);
        }
        let probed = self.probe();
        if let Err(why) = &probed {
            eprintln!("peers: {} is broken and is rebuilt: {}", self.venv.display(), run::reason(why));
        }
        Ok(probed.is_ok())
    }

    fn probe(&self) -> Result<(), String> {
        run::quietly(clean(&self.python()).args(["-c", PROBE]).arg(&self.requirements))
    }

    fn install(&self) -> Result<(), String> {
        let (wanted, stamp, python) = (self.wanted()?, self.stamp(), &self.interpreter.path);
        remove(&stamp, |p| fs::remove_file(p))?;
        remove(&self.venv, |p| fs::remove_dir_all(p))?;
        let version = self.interpreter.version();
        eprintln!(
            "peers: installing Tiled and shotgun_api3 for Python {version} into {} (a minute or two)",
            self.venv.display()
        );
        run::quietly(clean(python).args(["-m", "venv"]).arg(&self.venv))
            .map_err(|printed| format!("{} could not make a venv:\n{printed}", python.display()))?;
        let mut pip = clean(&self.python());
        pip.args([
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ]);
        // Pinned is all: what a package asks for beyond the list would drift.
        pip.args(["--no-deps", "-r"]).arg(&self.requirements);
        run::quietly(&mut pip).map_err(|printed| {
            let (list, why) = (self.requirements.display(), run::reason(&printed));
            format!("pip could not install {list}: {why}\n{}", tail(&printed, 20))
        })?;
        // A package that only some Python versions need is easily missing from the list.
        let mut check = clean(&self.python());
        check.args(["-m", "pip", "--disable-pip-version-check", "check"]);
        run::quietly(&mut check).and_then(|()| self.probe()).map_err(|printed| {
            format!("{} is incomplete for Python {version}:\n{printed}", self.requirements.display())
        })?;
        fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))
    }
}

fn lock_file(path: &Path) -> Result<File, String> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.open(path).map_err(|e| format!("cannot open {}: {e}", path.display()))
}

fn shared(lock: &File) -> Result<(), String> {
    held(lock.try_lock_shared(), || {
        eprintln!("peers: waiting for another process to install them");
        lock.lock_shared()
    })
}

fn exclusive(lock: &File) -> Result<(), String> {
    // A lock is not traded up at once; letting go first also lets others finish who wait for the same.
    lock.unlock().map_err(|e| format!("cannot unlock the peers: {e}"))?;
    held(lock.try_lock(), || {
        eprintln!("peers: waiting for another process that uses or installs them");
        lock.lock()
    })
}

fn held(tried: Result<(), TryLockError>, wait: impl FnOnce() -> std::io::Result<()>) -> Result<(), String> {
    match tried {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => wait().map_err(|e| format!("cannot lock the peers: {e}")),
        Err(TryLockError::Error(e)) => Err(format!("cannot lock the peers: {e}")),
    }
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), String> {
    match how(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {e}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The last `count` lines.
pub(super) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end() {
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
    }

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        let lock = include_str!("../../../tests/peers/requirements.txt");
        let lines = lock.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert!(lines.clone().count() > 50);
        let mut for_all = std::collections::BTreeSet::new();
        let mut for_some = std::collections::BTreeSet::new();
        for line in lines {
            let (pin, marker) = line.split_once(" ; ").unwrap_or((line, ""));
            let (name, version) = pin.split_once("==").unwrap_or(("", ""));
            assert!(!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()), "{line}");
            let is_new = if marker.is_empty() { for_all.insert(name) } else { for_some.insert(name) };
            assert!(is_new || !marker.is_empty(), "{name} is pinned twice for the same Python");
        }
        assert!(for_all.is_disjoint(&for_some), "{for_all:?} {for_some:?}");
        assert!(lock.contains("\ntiled==0.2.20\n"));
        assert!(lock.contains("\nshotgun-api3==3.10.3\n"));
    }

    #[test]
    fn pins_hold_what_only_debians_python_needs() {
        let lock = include_str!("../../../tests/peers/requirements.txt");
        let line = lock.lines().find(|line| line.starts_with("async-timeout=="));
        assert!(line.is_some_and(|line| line.ends_with(" ; python_full_version < '3.11.3'")), "{line:?}");
    }

    #[test]
    fn what_is_gone_already_need_not_be_removed() {
        assert_eq!(remove(Path::new("/no/such/file"), |p| fs::remove_file(p)), Ok(()));
    }
}
