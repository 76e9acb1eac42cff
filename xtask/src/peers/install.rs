//! Installing the pinned packages of the Tiled peer into a Python environment of our own.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, sys};

/// Tells whether every pinned package is there in its pinned version, and that the server itself can be found.
const PROBE: &str = "\
import importlib.metadata as m, importlib.util as u, re, sys
for line in open(sys.argv[1]):
    name, _, version = line.split('#')[0].strip().partition('==')
    if name and m.version(name) != version: sys.exit(f'{name} is not {version}')
for name in ('tiled', 'uvicorn', 'fastapi', 'sqlalchemy', 'shotgun_api3'):
    if u.find_spec(name) is None: sys.exit(f'{name} cannot be found')";

/// A Python that has the peer; as long as this lives nobody rebuilds it.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) python: PathBuf,
    _in_use: File,
}

/// Installs the Tiled peer unless it is there already.
pub(crate) fn tiled() -> Result<Installed, String> {
    if !cfg!(unix) {
        return Err("the peers can be installed on Unix only".to_owned());
    }
    let home = super::home();
    fs::create_dir_all(&home).map_err(|e| format!("cannot create {}: {e}", home.display()))?;
    let place = Place {
        venv: home.join("venv"),
        stamp: home.join("venv.stamp"),
        requirements: super::sources().join("requirements.txt"),
    };
    // One installs at a time; any number use what is installed.
    let lock = lock_file(&home.join("lock"))?;
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
    venv: PathBuf,
    /// Holds the requirements that were installed, and is written last: without it the rest is in pieces.
    stamp: PathBuf,
    requirements: PathBuf,
}

impl Place {
    fn python(&self) -> PathBuf {
        self.venv.join("bin").join("python")
    }

    fn wanted(&self) -> Result<String, String> {
        fs::read_to_string(&self.requirements)
            .map_err(|e| format!("cannot read {}: {e}", self.requirements.display()))
    }

    fn is_ready(&self) -> Result<bool, String> {
        // The requirements themselves rather than a hash of them: nothing to collide, and a diff tells what changed.
        if fs::read_to_string(&self.stamp).ok() != Some(self.wanted()?) {
            return Ok(false);
        }
        let probed = run::quietly(clean(&self.python()).args(["-c", PROBE]).arg(&self.requirements));
        if let Err(why) = &probed {
            eprintln!("peers: {} is broken and is built anew: {}", self.venv.display(), run::reason(why));
        }
        Ok(probed.is_ok())
    }

    fn install(&self) -> Result<(), String> {
        let wanted = self.wanted()?;
        remove(&self.stamp, |p| fs::remove_file(p))?;
        remove(&self.venv, |p| fs::remove_dir_all(p))?;
        let python = python_with_venv()?;
        eprintln!("peers: installing Tiled and shotgun_api3 into {} (a minute or two)", self.venv.display());
        run::quietly(Command::new(&python).args(["-m", "venv"]).arg(&self.venv))
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
        fs::write(&self.stamp, wanted).map_err(|e| format!("cannot write {}: {e}", self.stamp.display()))
    }
}

/// A Python that sees only its own packages.
fn clean(python: &Path) -> Command {
    let mut command = Command::new(python);
    for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
        command.env_remove(name);
    }
    command
}

/// A Python that can make a venv with pip in it. Debian keeps that in a package of its own, which root gets installed.
fn python_with_venv() -> Result<PathBuf, String> {
    let python =
        std::env::var_os("AUTH_PEERS_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let able = |python: &Path| run::quietly(Command::new(python).args(["-c", "import venv, ensurepip"]));
    let Err(why) = able(&python) else { return Ok(python) };
    let missing = format!("{} cannot make a venv ({})", python.display(), run::reason(&why));
    let advice = "install Python 3 with venv and ensurepip (on Debian: apt-get install python3-venv), or name \
                  another Python in AUTH_PEERS_PYTHON";
    if !sys::is_root() || sys::find("apt-get").is_none() {
        return Err(format!("{missing}: {advice}"));
    }
    eprintln!("peers: {missing}: installing Debian's python3-venv");
    let apt = |args: &[&str]| {
        run::quietly(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive")).map_err(
            |printed| format!("{missing}, and apt-get {} failed: {}", args.join(" "), tail(&printed, 5)),
        )
    };
    apt(&["update"])?;
    apt(&["install", "-y", "--no-install-recommends", "python3-venv"])?;
    // Debian's own, which the package belongs to; another python3 may come first on the path.
    let debian = PathBuf::from("/usr/bin/python3");
    able(&debian).map_err(|why| {
        format!("{missing}, and after installing python3-venv still not ({}): {advice}", run::reason(&why))
    })?;
    Ok(debian)
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
        for line in lines {
            let (name, version) = line.split_once("==").unwrap_or(("", ""));
            assert!(!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()), "{line}");
        }
        assert!(lock.contains("\ntiled==0.2.20\n"));
        assert!(lock.contains("\nshotgun_api3==3.10.3\n"));
    }

    #[test]
    fn what_is_gone_already_need_not_be_removed() {
        assert_eq!(remove(Path::new("/no/such/file"), |p| fs::remove_file(p)), Ok(()));
    }
}
