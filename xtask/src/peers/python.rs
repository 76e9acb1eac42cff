//! The Python that the peers run on: which versions the pins are resolved for, and what tells one Python from another.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::tail;
use crate::{run, sys};

/// The Python versions that `tests/peers/requirements.txt` is resolved for, oldest and newest.
const OLDEST: (u32, u32) = (3, 10);
const NEWEST: (u32, u32) = (3, 13);
/// Debian's own Python, which its package python3-venv belongs to.
const DEBIAN: &str = "/usr/bin/python3";
/// Prints what [`Interpreter::parse`] reads. Runs on every Python 3, so that an old one is named, not a syntax error.
const PROBE: &str = "\
import os, platform, sys, sysconfig
print('%s %s' % (platform.python_implementation(), platform.python_version()))
print(sysconfig.get_config_var('SOABI'))
print(os.path.realpath(sys.executable))";

/// A Python interpreter outside any virtual environment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interpreter {
    /// The program itself, with links and shims resolved.
    pub(crate) path: PathBuf,
    /// The full version, such as `3.11.2`.
    version: String,
    /// The tag of its compiled modules, such as `cpython-311-x86_64-linux-gnu`.
    abi: String,
}

impl Interpreter {
    /// Finds the Python of `AUTH_PEERS_PYTHON`, or `python3`, and checks that the peers can be installed for it. As root
    /// on Debian, installs what makes virtual environments where that is missing.
    pub(crate) fn find() -> Result<Self, String> {
        let named = std::env::var_os("AUTH_PEERS_PYTHON").filter(|name| !name.is_empty());
        let program = named.map_or_else(|| PathBuf::from("python3"), PathBuf::from);
        let (missing, remedy) = match Self::probe(&program) {
            Ok(found) if found.makes_venvs() => return Ok(found),
            Ok(found) => (
                format!("{} cannot create virtual environments", found.path.display()),
                "Install venv and ensurepip for it (on Debian: apt-get install python3-venv).".to_owned(),
            ),
            // The wrong version; another package would not help.
            Err(why) if is_there(&program) => return Err(why),
            Err(_) => (
                format!("{} is missing", program.display()),
                format!("Install {} (on Debian: apt-get install python3 python3-venv).", supported()),
            ),
        };
        if !sys::is_root() || sys::find("apt-get").is_none() {
            return Err(format!("{missing}\n{remedy}"));
        }
        install_debians(&missing)?;
        let debians = Self::probe(Path::new(DEBIAN))?;
        if debians.makes_venvs() {
            return Ok(debians);
        }
        Err(format!("{missing}, and {DEBIAN} cannot either\n{remedy}"))
    }

    /// Asks `program` what it is. Fails if it is not a supported Python.
    fn probe(program: &Path) -> Result<Self, String> {
        let output = clean(program).args(["-c", PROBE]).output();
        let output = output.map_err(|e| needed(&format!("{} cannot be run ({e})", program.display())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let why = run::reason(&said);
            return Err(needed(&format!("{} is not a usable Python ({why})", program.display())));
        }
        Self::parse(program, &String::from_utf8_lossy(&output.stdout))
    }

    fn parse(program: &Path, printed: &str) -> Result<Self, String> {
        let mut lines = printed.lines();
        let (name, abi, path) =
            (lines.next().unwrap_or(""), lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        let (implementation, version) = name.split_once(' ').unwrap_or((name, ""));
        let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
        let release = numbers.next().zip(numbers.next());
        let is_supported =
            implementation == "CPython" && release.is_some_and(|r| (OLDEST..=NEWEST).contains(&r));
        if !is_supported || path.is_empty() {
            let name = name.replacen("CPython", "Python", 1);
            return Err(needed(&format!("{} is {name}", program.display())));
        }
        Ok(Self { path: PathBuf::from(path), version: version.to_owned(), abi: abi.to_owned() })
    }

    /// Whether it can create an environment with pip in it, which Debian keeps in a package of its own.
    fn makes_venvs(&self) -> bool {
        run::quietly(clean(&self.path).args(["-c", "import venv, ensurepip"])).is_ok()
    }

    /// A name for a folder of this interpreter's: its version and its path.
    pub(super) fn key(&self) -> String {
        let path = self.path.to_string_lossy();
        let path =
            path.trim_start_matches('/').replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        format!("{}-{path}", self.version)
    }

    /// All that tells this interpreter from others, one fact a line.
    pub(super) fn identity(&self) -> String {
        format!("{}\n{}\n{}\n", self.path.display(), self.version, self.abi)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

/// A Python that sees only its own packages.
pub(super) fn clean(python: &Path) -> Command {
    let mut command = Command::new(python);
    for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
        command.env_remove(name);
    }
    command
}

fn is_there(program: &Path) -> bool {
    if program.components().count() > 1 {
        program.is_file()
    } else {
        sys::find(&program.to_string_lossy()).is_some()
    }
}

fn supported() -> String {
    format!("Python {}.{} to {}.{}", OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1)
}

/// What is wrong, and the remedy on a line of its own.
fn needed(what: &str) -> String {
    format!("{what}, and the peers need {}\nSet AUTH_PEERS_PYTHON to the path of one of these.", supported())
}

fn install_debians(missing: &str) -> Result<(), String> {
    eprintln!("peers: {missing}: installing Debian's python3 and python3-venv");
    for args in [&["update"][..], &["install", "-y", "--no-install-recommends", "python3", "python3-venv"]] {
        let mut apt = Command::new("apt-get");
        run::quietly(apt.args(args).env("DEBIAN_FRONTEND", "noninteractive")).map_err(|printed| {
            format!("{missing}, and apt-get {} failed: {}", args.join(" "), tail(&printed, 5))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Result<Interpreter, String> {
        Interpreter::parse(
            Path::new("python3"),
            &format!("{name}\ncpython-311-x86_64-linux-gnu\n/usr/bin/python3.11\n"),
        )
    }

    #[test]
    fn python_3_10_to_3_13_is_supported() {
        for version in ["3.10.0", "3.11.2", "3.12.1", "3.13.0", "3.13.0rc1", "3.13.7+"] {
            assert_eq!(parse(&format!("CPython {version}")).unwrap().version, version);
        }
    }

    #[test]
    fn another_python_is_named_with_the_one_remedy() {
        for (name, said) in [
            ("CPython 3.9.18", "Python 3.9.18"),
            ("CPython 3.14.0", "Python 3.14.0"),
            ("CPython 2.7.18", "Python 2.7.18"),
            ("CPython 4.10.0", "Python 4.10.0"),
            ("PyPy 3.11.9", "PyPy 3.11.9"),
        ] {
            let expected = format!(
                "python3 is {said}, and the peers need Python 3.10 to 3.13\n\
                 Set AUTH_PEERS_PYTHON to the path of one of these."
            );
            assert_eq!(parse(name), Err(expected));
        }
    }

    #[test]
    fn every_interpreter_has_a_key_of_its_own() {
        let debians = parse("CPython 3.11.2").unwrap();
        assert_eq!(debians.key(), "3.11.2-usr-bin-python3.11");
        assert_eq!(debians.identity(), "/usr/bin/python3.11\n3.11.2\ncpython-311-x86_64-linux-gnu\n");
        let other = Interpreter { path: PathBuf::from("/opt/python/bin/python3.11"), ..debians.clone() };
        assert_ne!(other.key(), debians.key());
        let upgraded = Interpreter { version: "3.11.9".to_owned(), ..debians.clone() };
        assert_ne!(upgraded.key(), debians.key());
    }

    #[test]
    fn a_program_that_is_no_python_is_refused() {
        let why = Interpreter::probe(Path::new("/no/such/python3")).unwrap_err();
        assert!(why.starts_with("/no/such/python3 cannot be run"), "{why}");
        assert!(why.contains("Python 3.10 to 3.13"), "{why}");
        let why = Interpreter::parse(Path::new("x"), "").unwrap_err();
        assert!(why.starts_with("x is "), "{why}");
    }
}
