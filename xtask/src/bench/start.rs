//! `start`: how long `authctl token` takes with a session at hand, beside others that print a credential.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::package::{self, Package};
use super::page::Section;
use super::subject::{Runs, Subject, in_turn};
use crate::peers::install;
use crate::test::artifacts;
use crate::{run, sys, tools};

const ROUNDS: usize = 40;
/// How long the session is good for.
const LIFE: &str = "30d";

/// Prints the token that is stored for a server. The client cannot be had without asking the server what it is.
const TILED: &str = "\
import sys
from tiled.client.context import Context
context, _ = Context.from_any_uri(sys.argv[1])
assert context.use_cached_tokens()
print(context.tokens['access_token'])
";

pub(super) fn measure() -> Result<Section, String> {
    let home = package::home().join("start");
    package::empty(&home)?;
    let authctl = authctl()?;
    let site = Site::start(&authctl, &home)?;
    let empty = Package { name: "empty", dependencies: String::new(), source: "fn main() {}\n".to_owned() };
    let (_, empty) = empty.write(&home, "")?.build()?;
    let mut subjects = vec![
        Subject::new("`authctl token`", &authctl, &["token"]).with("HOME", &home),
        Subject::new("an empty program in Rust", &empty, &[]).with("HOME", &home),
    ];
    let mut notes = vec![
        "The session was saved by `authctl login` and is good for 30 days: nothing is renewed.".to_owned(),
        "Runs are in turn, after two rounds to warm up; a ratio is the median of the rounds' ratios. Memory is the \
         most that was resident, as GNU `time` has it."
            .to_owned(),
    ];
    for peer in [bare_python(), tiled(&site.url, &home), uv(&home), gh(&home)] {
        match peer.and_then(|peer| peer.check().map(|()| peer)) {
            Ok(peer) => subjects.push(peer),
            Err(why) => notes.push(format!("Not measured: {why}.")),
        }
    }
    notes.push(
        "Tiled's client is imported, asks a sandbox on this machine what it is, as it must, and reads its stored tokens."
            .to_owned(),
    );
    let runs = in_turn(&subjects, ROUNDS, &home.join("memory"))?;
    Ok(section(&subjects, &runs, notes))
}

fn section(subjects: &[Subject], runs: &[Runs], notes: Vec<String>) -> Section {
    let base = runs.get(1);
    let row = |(subject, runs): (&Subject, &Runs)| {
        let ratio = base.and_then(|base| runs.over(base));
        let figure = |figure: Option<String>| figure.unwrap_or_default();
        vec![
            subject.who.clone(),
            figure(runs.time().map(|time| format!("{:.2}", time.median()))),
            figure(runs.time().map(|time| format!("{:.2} to {:.2}", time.least(), time.most()))),
            figure(runs.memory().map(|memory| format!("{:.1}", memory.median() / 1_000.0))),
            figure(ratio.map(|ratio| format!("{:.2}", ratio.median()))),
        ]
    };
    Section {
        name: "start",
        about: "A whole process that prints a stored credential, from start to end. The goal is at most twice the empty \
                program."
            .to_owned(),
        columns: ["who", "ms", "least to most", "MB", "× empty"].map(str::to_owned).to_vec(),
        rows: subjects.iter().zip(runs).map(row).collect(),
        notes,
    }
}

/// The command as it is released.
fn authctl() -> Result<PathBuf, String> {
    let built = artifacts::executables(&["build", "--release", "-p", "authctl", "--bin", "authctl"])?;
    let authctl = built.into_iter().find(|built| built.name == "authctl");
    Ok(authctl.ok_or("cargo built no authctl")?.path)
}

/// A site to be signed in to; it ends when this goes.
struct Site {
    child: Child,
    url: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        sys::kill(&mut self.child, false);
    }
}

impl Site {
    /// Serves one, and signs in to it in this home.
    fn start(authctl: &Path, home: &Path) -> Result<Self, String> {
        let cannot = |what: &str| format!("the sandbox {what}");
        let mut command = sys::dies_with_us(authctl).unwrap_or_else(|| Command::new(authctl));
        command.args(["sandbox", "--json", "--access-life", LIFE]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().map_err(|error| cannot(&format!("cannot be run: {error}")))?;
        let mut site = Self { child, url: String::new() };
        let mut line = String::new();
        let out = site.child.stdout.take().ok_or_else(|| cannot("has no output"))?;
        BufReader::new(out)
            .read_line(&mut line)
            .map_err(|error| cannot(&format!("said nothing: {error}")))?;
        let (url, username, password) = served(&line).ok_or_else(|| cannot("did not say where it is"))?;
        site.url = url;
        let args = ["login", &site.url, "--user", &username, "--password-stdin"];
        let mut login = Subject::new("authctl login", authctl, &args).with("HOME", home).command(&[]);
        login.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut login = login.spawn().map_err(|error| format!("authctl login cannot be run: {error}"))?;
        if let Some(mut input) = login.stdin.take() {
            writeln!(input, "{password}")
                .map_err(|error| format!("authctl login does not listen: {error}"))?;
        }
        match login.wait() {
            Ok(status) if status.success() => Ok(site),
            other => Err(format!("authctl login failed: {other:?}")),
        }
    }
}

/// Address, name and password out of what `authctl sandbox --json` prints.
fn served(line: &str) -> Option<(String, String, String)> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value["tiled"][name].as_str().map(str::to_owned);
    Some((text("url")?, text("username")?, text("password")?))
}

fn bare_python() -> Result<Subject, String> {
    // Not the first of the path, which may be a script that looks for one.
    let python = install::tiled()?.python;
    Ok(Subject::new("`python -c pass`", &python, &["-c", "pass"]))
}

fn tiled(url: &str, home: &Path) -> Result<Subject, String> {
    let python = install::tiled()?.python;
    Ok(Subject::new("Tiled's Python client", &python, &["-c", TILED, url]).with("HOME", home))
}

/// The command of the package manager, out of a folder of its own.
fn uv(home: &Path) -> Result<Subject, String> {
    const SERVICE: &str = "https://example.com";
    let folder = package::home().join("uv");
    let uv = folder.join("bin").join("uv");
    if !uv.exists() {
        let mut pip = Command::new(install::tiled()?.python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--target",
        ]);
        run::quietly(pip.arg(&folder).arg("uv"))
            .map_err(|printed| format!("uv could not be installed: {}", run::reason(&printed)))?;
    }
    let login = ["auth", "login", SERVICE, "--username", "demo", "--password", "of-no-use"];
    Subject::new("uv auth login", &uv, &login).with("HOME", home).check()?;
    let token = ["auth", "token", SERVICE, "--username", "demo"];
    Ok(Subject::new(&format!("`uv auth token` ({})", version(&uv)), &uv, &token).with("HOME", home))
}

/// The command of a code host, with a token in its file.
fn gh(home: &Path) -> Result<Subject, String> {
    tools::ensure_apt("gh")?;
    let gh = sys::find("gh").ok_or("gh cannot be found")?;
    let folder = home.join("gh");
    let hosts = "github.com:\n    oauth_token: of-no-use\n    user: demo\n    git_protocol: https\n";
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("hosts.yml"), hosts))
        .map_err(|error| format!("cannot write below {}: {error}", folder.display()))?;
    let who = format!("`gh auth token` ({})", version(&gh));
    Ok(Subject::new(&who, &gh, &["auth", "token"]).with("HOME", home).with("GH_CONFIG_DIR", &folder))
}

/// The version that a program names first.
fn version(program: &Path) -> String {
    let printed = Command::new(program).arg("--version").output().map(|output| output.stdout);
    first_number(&String::from_utf8_lossy(&printed.unwrap_or_default()))
}

fn first_number(text: &str) -> String {
    let mut words = text.split_whitespace();
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_sandbox_is_is_read() {
        let line = r#"{"tiled":{"url":"http://127.0.0.1:1/","username":"demo","password":"a-b"}}"#;
        let expected = ("http://127.0.0.1:1/".to_owned(), "demo".to_owned(), "a-b".to_owned());
        assert_eq!(served(line), Some(expected));
        assert_eq!(served("{}"), None);
        assert_eq!(served("SANDBOX"), None);
    }

    #[test]
    fn a_version_is_the_first_number() {
        assert_eq!(first_number("gh version 2.23.0 (2023-02-27)"), "2.23.0");
        assert_eq!(first_number("uv 0.13.9 (x86_64)"), "0.13.9");
        assert_eq!(first_number(""), "unknown");
    }
}
