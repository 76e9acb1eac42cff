//! A home and a sandbox of its own for the commands of a page, and bash to run them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{sys, workspace};

/// Far longer than any command of a page takes.
const LIMIT: Duration = Duration::from_mins(2);
/// What the pages call the sandbox's Tiled server, as an address and as part of a file's name, and its Shotgun site.
const PLACE: [&str; 3] = ["127.0.0.1:8000", "127.0.0.1%3A8000", "127.0.0.1:8001"];
/// What the pages call the home directory.
const HOME: &str = "/home/you";
/// The files that have the password of the Tiled server's user, that of the Shotgun site's, and its script's key.
const FILES: [&str; 3] = ["password-file", "studio-password", "key-file"];

/// Goes with its folder and its sandbox.
#[derive(Debug)]
pub(super) struct Shell {
    folder: PathBuf,
    authctl: PathBuf,
    sandbox: Child,
    /// Where the sandbox is, in the spellings of [`PLACE`].
    place: [String; 3],
    /// What is in [`FILES`].
    secrets: [String; 3],
}

impl Shell {
    pub(super) fn start(authctl: &Path) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("docs-home-{}-{number}", std::process::id());
        let folder = workspace::root().join("target").join("docs").join(name);
        let home = folder.join("home");
        fs::create_dir_all(&home).map_err(|error| format!("cannot make {}: {error}", home.display()))?;
        sys::chmod(&home, 0o700)?;
        let mut command = sys::dies_with_us(authctl).unwrap_or_else(|| Command::new(authctl));
        command.args(["sandbox", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let sandbox =
            command.spawn().map_err(|error| format!("the sandbox could not be started: {error}"))?;
        let place = Default::default();
        let mut shell =
            Self { folder, authctl: authctl.to_owned(), sandbox, place, secrets: Default::default() };
        shell.learn()?;
        for (name, secret) in FILES.iter().zip(&shell.secrets) {
            let file = home.join(name);
            fs::write(&file, format!("{secret}\n"))
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
            sys::chmod(&file, 0o600)?;
        }
        Ok(shell)
    }

    /// Where the sandbox is, and how to sign in to it.
    fn learn(&mut self) -> Result<(), String> {
        let strange = |what: &str| format!("the sandbox did not say where it is: {what}");
        let mut line = String::new();
        let out = self.sandbox.stdout.take().ok_or_else(|| strange("it has no output"))?;
        BufReader::new(out).read_line(&mut line).map_err(|error| strange(&error.to_string()))?;
        let said: Value = serde_json::from_str(&line).map_err(|error| strange(&error.to_string()))?;
        let text = |site: &str, name: &str| said[site][name].as_str().unwrap_or_default().to_owned();
        let place =
            |site: &str| text(site, "url").trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (tiled, shotgun) = (place("tiled"), place("shotgun"));
        self.secrets =
            [text("tiled", "password"), text("shotgun", "password"), text("shotgun", "script_key")];
        if tiled.is_empty() || shotgun.is_empty() || self.secrets.iter().any(String::is_empty) {
            return Err(strange(&line));
        }
        self.place = [tiled.clone(), tiled.replace(':', "%3A"), shotgun];
        Ok(())
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Runs a command; gives back what it printed on both streams, in the words of the pages, and its exit code.
    pub(super) fn run(&self, command: &str) -> Result<(Vec<String>, i32), String> {
        let failed = |error: std::io::Error| format!("`{command}` could not be run: {error}");
        let mut typed = command.to_owned();
        for (ours, real) in PLACE.iter().zip(&self.place) {
            typed = typed.replace(ours, real);
        }
        let file = self.folder.join("printed");
        let out = fs::File::create(&file).map_err(failed)?;
        let beside = self.authctl.parent().unwrap_or(Path::new("."));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [beside.to_owned()].into_iter().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(path).map_err(|error| format!("PATH: {error}"))?;
        // A session of its own has no terminal: what would ask there cannot, whoever runs this.
        let mut bash = match sys::find("setsid") {
            Some(setsid) => {
                let mut setsid = Command::new(setsid);
                setsid.arg("bash");
                setsid
            }
            None => Command::new("bash"),
        };
        bash.args(["--norc", "--noprofile", "-c", &typed]).current_dir(self.home()).env_clear();
        bash.env("PATH", path).env("HOME", self.home()).env("LANG", "C.UTF-8").env("TERM", "dumb");
        bash.stdin(Stdio::null()).stdout(out.try_clone().map_err(failed)?).stderr(out);
        let mut child = bash.spawn().map_err(failed)?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if started.elapsed() > LIMIT {
                sys::kill(&mut child, sys::find("setsid").is_some());
                return Err(format!("`{command}` was still running after {LIMIT:?} and was killed"));
            }
            std::thread::park_timeout(Duration::from_millis(5));
        };
        let printed = fs::read(&file).map_err(failed)?;
        let printed = self.in_words_of_the_pages(&String::from_utf8_lossy(&printed));
        Ok((printed.lines().map(str::to_owned).collect(), status.code().unwrap_or(-1)))
    }

    fn in_words_of_the_pages(&self, printed: &str) -> String {
        let mut text = printed.replace(&*self.home().to_string_lossy(), HOME);
        for secret in &self.secrets {
            text = text.replace(secret, "PASSWORD");
        }
        for (ours, real) in PLACE.iter().zip(&self.place) {
            text = text.replace(real.as_str(), ours);
        }
        text
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        sys::kill(&mut self.sandbox, false);
        // What is left over is below target.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
