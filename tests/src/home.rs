use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use canary::{Evidence, Search};

use tempfile::TempDir;

use crate::Terminal;

/// An empty home directory of a person who has never used anything.
///
/// When it goes, everything that was printed and everything that lies in it outside the token directories is searched
/// for what was planted and for the tokens there.
pub struct Home {
    folder: TempDir,
    evidence: RefCell<Evidence>,
}

/// Where the Python client keeps tokens, below a home.
const TOKENS: &str = ".cache/tiled/tokens";
/// Where the sessions of Shotgun sites are.
const SESSIONS: &str = ".local/state/auth-native/sessions";

#[expect(clippy::expect_used, reason = "a test that leaks is to fail")]
impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let leaks = self.leaks().expect("what is left can be searched");
            assert!(leaks.is_empty(), "a secret was printed or left behind: {leaks:#?}");
        }
    }
}

/// Every file below a folder, which need not be there.
fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut rest = vec![folder.to_owned()];
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                rest.push(entry?.path());
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Run {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::expect_used, reason = "a test without a folder or a program cannot go on")]
impl Home {
    /// Makes one, which goes with the value.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder"), evidence: RefCell::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the Python client keeps the tokens of a server whose API is at this address.
    pub fn tokens(&self, url: &str) -> PathBuf {
        let name: String = format!("{url}/api/v1/").replace(':', "%3A").replace('/', "%2F");
        self.path().join(TOKENS).join(name)
    }

    /// A stored token.
    pub fn token(&self, url: &str, name: &str) -> Option<String> {
        std::fs::read_to_string(self.tokens(url).join(name)).ok()
    }

    /// A program that lives in this home and knows nothing of ours.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "dumb").env("LANG", "C.UTF-8").current_dir(self.path());
        command
    }

    /// The command under test, without a terminal.
    pub fn authctl(&self, args: &[&str]) -> Run {
        self.authctl_told(args, "")
    }

    /// The same, with this on its standard input.
    pub fn authctl_told(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command("setsid");
        command.arg("--wait").arg(authctl()).args(args);
        let run = run(command, input);
        self.heard(args, &run);
        run
    }

    /// The same, with every program that it starts written down, to be searched too. It needs `strace`.
    pub fn authctl_traced(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(authctl());
        command.args(args);
        let trace = self.path().join(format!("trace-{}", self.evidence.borrow().traces()));
        let run = run(canary::traced(&command, &trace), input);
        self.heard(args, &run);
        self.evidence.borrow_mut().trace(trace);
        run
    }

    /// Keeps what was printed. The one command that is there to print a token may do so.
    #[expect(clippy::expect_used, reason = "a test that cannot go on says why by panicking")]
    fn heard(&self, args: &[&str], run: &Run) {
        let mut evidence = self.evidence.borrow_mut();
        let shown = args.join(" ");
        if args.first() != Some(&"token") {
            evidence.output(&format!("standard output of `{shown}`"), run.out.as_str());
        }
        evidence.output(&format!("standard error of `{shown}`"), run.err.as_str());
        self.learn().expect("the tokens can be read");
    }

    /// Remembers the tokens that are there: the next command may replace them.
    fn learn(&self) -> std::io::Result<()> {
        for folder in self.token_folders() {
            for file in below(&folder)? {
                let name = file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned();
                canary::also(&name, String::from_utf8_lossy(&std::fs::read(&file)?).trim_end());
            }
        }
        Ok(())
    }

    fn token_folders(&self) -> [PathBuf; 2] {
        [TOKENS, SESSIONS].map(|folder| self.path().join(folder))
    }

    fn leaks(&self) -> std::io::Result<Vec<String>> {
        self.learn()?;
        let folders = self.token_folders();
        let mut evidence = self.evidence.borrow().clone();
        evidence.folder(self.path());
        // What could not be read is kept aside as it was, in a private folder of the store.
        let aside = |path: &Path| path.to_string_lossy().contains(".damaged-");
        evidence.leaks(&Search::of_planted(), &|path| {
            folders.iter().any(|folder| path.starts_with(folder)) || aside(path)
        })
    }

    /// The same, at a terminal.
    pub fn authctl_at_terminal(&self, args: &[&str]) -> Terminal {
        let mut command = self.command("setsid");
        command.args(["--ctty", "--wait"]).arg(authctl()).args(args);
        Terminal::start(command)
    }

    /// A script in a shell that controls jobs, at a terminal. `$authctl` is the command.
    pub fn jobs_at_terminal(&self, script: &str) -> Terminal {
        let mut command = self.command("setsid");
        command.args(["--ctty", "--wait", "bash", "--norc", "-mc", script]).env("authctl", authctl());
        Terminal::start(command)
    }

    /// A Python script, told its arguments.
    pub fn python(&self, script: &str, args: &[&str]) -> Run {
        let mut command = self.command(crate::python());
        command.arg("-c").arg(script).args(args);
        run(command, "")
    }
}

#[expect(clippy::expect_used, reason = "a test without its program cannot go on")]
fn run(mut command: Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input has closed it: that is its right.
        drop(stdin.write_all(input.as_bytes()));
    }
    child.wait_with_output().expect("the program ends").into()
}

/// The command under test, which `cargo xtask test` builds and names; else the one beside this test.
pub fn authctl() -> PathBuf {
    std::env::var_os("AUTHCTL").map_or_else(
        || {
            let test = std::env::current_exe().unwrap_or_default();
            test.ancestors().nth(2).unwrap_or_else(|| Path::new(".")).join("authctl")
        },
        PathBuf::from,
    )
}
