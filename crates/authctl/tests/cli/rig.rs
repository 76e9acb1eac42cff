//! A site, an empty home, and running the command.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use auth_sandbox::{Counters, Server, SiteClock, TiledSite};
use canary::{Evidence, Search};
use tempfile::TempDir;

pub(crate) const AUTHCTL: &str = env!("CARGO_BIN_EXE_authctl");
/// For everything: far more than a busy machine needs.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn is(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Standard output as one line of JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert!(self.out.ends_with('\n') && self.out.lines().count() == 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let all = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(all.contains(word), "{word:?} is not in {self:?}");
        }
        self
    }
}

/// Where the command lives, and what it printed there.
///
/// When it goes, all of that and everything that lies in it outside the token directories is searched for what was
/// planted and for the tokens.
pub(crate) struct Home(pub(crate) TempDir, Mutex<Evidence>);

impl Drop for Home {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        self.learn();
        let folders = self.tokens();
        let mut evidence = std::mem::take(&mut *self.1.lock().unwrap());
        evidence.folder(self.0.path());
        let holds = |path: &Path| folders.iter().any(|folder| path.starts_with(folder));
        let leaks = evidence.leaks(&Search::of_planted(), &holds).unwrap();
        assert!(leaks.is_empty(), "a secret was printed or left behind: {leaks:#?}");
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), Mutex::default())
    }

    /// The command in this home and nothing else in its environment.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        command(AUTHCTL, self.0.path(), args)
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        self.heard(args, end(self.command(args), ""))
    }

    pub(crate) fn run_with(&self, input: &str, args: &[&str]) -> Ran {
        self.heard(args, end(self.command(args), input))
    }

    /// Keeps what was printed. The one command that is there to print a token may do so.
    fn heard<S: AsRef<OsStr>>(&self, args: &[S], ran: Ran) -> Ran {
        let mut evidence = self.1.lock().unwrap();
        let words: Vec<_> = args.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        if words.first().is_none_or(|command| command != "token") {
            evidence.output(&format!("standard output of {words:?}"), ran.out.as_str());
        }
        evidence.output(&format!("standard error of {words:?}"), ran.err.as_str());
        drop(evidence);
        self.learn();
        ran
    }

    /// Where the Python client keeps tokens, and where the sessions of Shotgun sites are.
    fn tokens(&self) -> [PathBuf; 2] {
        [".cache/tiled/tokens", ".local/state/auth-native/sessions"].map(|folder| self.0.path().join(folder))
    }

    /// Remembers the tokens that are there: the next command may replace them.
    fn learn(&self) {
        let folders = self.tokens().map(|folder| folder.display().to_string());
        let holds = |file: &&String| folders.iter().any(|folder| file.starts_with(folder));
        for file in self.files().iter().filter(holds) {
            let name = file.rsplit('/').next().unwrap_or_default();
            canary::also(name, String::from_utf8_lossy(&fs::read(file).unwrap()).trim_end());
        }
    }

    /// Every file below.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path.display().to_string()) }
            }
        }
        found
    }
}

pub(crate) fn command<S: AsRef<OsStr>>(program: &str, home: &Path, args: &[S]) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(args).env_clear().env("PATH", path).env("HOME", home);
    command
}

/// Runs to the end, with this on standard input.
pub(crate) fn end(mut command: Command, input: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    collect(child)
}

/// Waits for a child whose output is piped, and ends it if that takes too long.
pub(crate) fn collect(child: Child) -> Ran {
    let id = child.id().to_string();
    let done = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&done);
    thread::spawn(move || {
        let ended = until(DEADLINE, || seen.lock().unwrap().then_some(()));
        if ended.is_none() {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    *done.lock().unwrap() = true;
    canary::assert_silent(&output.stderr);
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Looks until there is something, and not for ever.
pub(crate) fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let found = look();
        if found.is_some() || started.elapsed() > limit {
            return found;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Sends a signal.
pub(crate) fn kill(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A site with one user, and a home.
pub(crate) struct Rig {
    pub(crate) home: Home,
    pub(crate) server: Server,
    pub(crate) url: String,
    pub(crate) password: String,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With the site set up in another way.
    pub(crate) fn with(set_up: impl FnOnce(&mut TiledSite)) -> Self {
        // Sites of one seed give the same tokens, and one test's would be found among another's.
        static SEEDS: AtomicU8 = AtomicU8::new(7);
        let mut site = TiledSite::demo([SEEDS.fetch_add(1, Ordering::Relaxed); 32]);
        set_up(&mut site);
        let password = canary::plant("the password of demo");
        site.config.users[0].password = password.as_str().into();
        let server = Server::start(site, SiteClock::running()).unwrap();
        let url = server.url().to_string().trim_end_matches('/').to_owned();
        Self { home: Home::new(), server, url, password }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.home.run(args)
    }

    /// Signs in with the right password.
    pub(crate) fn sign_in(&self) -> Ran {
        self.sign_in_with(&self.password, &[])
    }

    pub(crate) fn sign_in_with(&self, password: &str, more: &[&str]) -> Ran {
        let args = ["login", &self.url, "--user", "demo", "--password-stdin"];
        self.home.run_with(&format!("{password}\n"), &[&args, more].concat())
    }

    pub(crate) fn counters(&self) -> Counters {
        self.server.site().lock().unwrap().counters()
    }

    /// Waits until the site was asked for something whose path ends so.
    pub(crate) fn wait_for(&self, path: &str) {
        let asked =
            || self.server.site().lock().unwrap().log().iter().any(|entry| entry.path.ends_with(path));
        assert_eq!(until(DEADLINE, || asked().then_some(())), Some(()), "nobody asked for {path}");
    }
}
