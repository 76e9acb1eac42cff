//! A pseudo-terminal, the example `ask` on it, and waiting for what they do.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// For everything: far more than a busy machine needs.
const DEADLINE: Duration = Duration::from_secs(30);
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The example, which cargo builds with the tests.
fn helper() -> String {
    let tests = std::env::current_exe().unwrap();
    let path: PathBuf = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/ask");
    assert!(path.is_file(), "{} is missing: `cargo build -p auth-prompt-cli --examples`", path.display());
    path.to_str().unwrap().to_owned()
}

/// What stands for the planted password in what these tests type and expect.
pub(crate) const PASSWORD: &str = "hunter2";

/// What the example prints for this answer.
pub(crate) fn answered(username: &str, password: &str) -> String {
    let password = password.replace(PASSWORD, &canary::plant(PASSWORD));
    let mut hasher = DefaultHasher::new();
    password.hash(&mut hasher);
    format!("{username} with {} bytes of hash {:x}", password.len(), hasher.finish())
}

pub(crate) struct Rig {
    master: Option<OwnedFd>,
    slave: OwnedFd,
    name: String,
    before: (String, String),
    child: Child,
    stdout: ChildStdout,
    screen: Vec<u8>,
    /// How much of the screen was expected already.
    seen: usize,
    printed: Vec<u8>,
    taken: usize,
}

impl Rig {
    /// Runs the example as a job in the foreground, with nothing at its standard input.
    pub(crate) fn ask(args: &[&str]) -> Self {
        Self::start("in-job", &[&[helper().as_str()], args].concat())
    }

    /// Runs a script in a shell that controls jobs; `$ask` is the example.
    pub(crate) fn shell(script: &str) -> Self {
        Self::start("in-job-on", &["bash", "--norc", "-mc", script])
    }

    /// Runs a script in a shell that does not, as a job.
    pub(crate) fn plain_shell(script: &str) -> Self {
        Self::start("in-job-on", &["sh", "-c", script])
    }

    /// The same, as the leader of the session.
    pub(crate) fn leading_shell(script: &str) -> Self {
        Self::start("in-session", &["sh", "-c", script])
    }

    fn start(how: &str, command: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name.as_str(), flags, Mode::empty()).unwrap();
        // Not as a new terminal is, so that what is given back is not by chance what a terminal begins with.
        let odd = ["-F", &name, "sane", "-echok", "noflsh", "werase", "^B", "min", "3", "columns", "133"];
        assert!(Command::new("stty").args(odd).status().unwrap().success());
        let before = state(&slave, &name);
        let helper = helper();
        let mut child = Command::new(&helper)
            .arg(how)
            .args(command)
            .env("ask", &helper)
            .env("TERM", "dumb")
            .stdin(slave.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        fcntl_setfl(&stdout, fcntl_getfl(&stdout).unwrap() | OFlags::NONBLOCK).unwrap();
        fcntl_setfl(&master, fcntl_getfl(&master).unwrap() | OFlags::NONBLOCK).unwrap();
        let (screen, printed) = (Vec::new(), Vec::new());
        Self { master: Some(master), slave, name, before, child, stdout, screen, seen: 0, printed, taken: 0 }
    }

    /// Takes in what came, waiting a little for more.
    fn pump(&mut self) {
        let mut fds = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        fds.extend(self.master.iter().map(|master| PollFd::new(master, PollFlags::IN)));
        poll(&mut fds, Some(&TICK)).unwrap();
        let closed = fds[0].revents() == PollFlags::HUP;
        take(&self.stdout, &mut self.printed);
        if let Some(master) = &self.master {
            take(master, &mut self.screen);
        }
        if closed {
            // Only the terminal and the process are left to wait for.
            let master = self.master.iter().map(|master| PollFd::new(master, PollFlags::IN));
            poll(&mut master.collect::<Vec<_>>(), Some(&TICK)).unwrap();
        }
    }

    /// Waits until `condition` holds.
    pub(crate) fn until<T>(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = condition(self) {
                return found;
            }
            let (screen, printed) = (self.screen(), String::from_utf8_lossy(&self.printed));
            assert!(Instant::now() < deadline, "no {what}\nscreen: {screen:?}\nprinted: {printed:?}");
            self.pump();
        }
    }

    /// Waits until this is on the screen, after what was waited for before.
    pub(crate) fn expect(&mut self, text: &str) {
        let end = self.until(text, |rig| {
            let new = &rig.screen[rig.seen..];
            new.windows(text.len()).position(|part| part == text.as_bytes()).map(|at| at + text.len())
        });
        self.seen += end;
    }

    /// What has come to the screen so far.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    /// Types, with the planted password in place of the word that stands for it.
    pub(crate) fn send(&mut self, typed: impl AsRef<[u8]>) {
        let typed = with_password(typed.as_ref());
        let mut left = typed.as_slice();
        while !left.is_empty() {
            let master = self.master.as_ref().unwrap();
            match rustix::io::write(master, left) {
                Ok(count) => left = &left[count..],
                Err(rustix::io::Errno::AGAIN) => self.pump(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next line that the example prints.
    pub(crate) fn printed(&mut self) -> String {
        let taken = self.taken;
        let end =
            self.until("printed line", |rig| rig.printed[taken..].iter().position(|byte| *byte == b'\n'));
        self.taken += end + 1;
        String::from_utf8(self.printed[taken..taken + end].to_vec()).unwrap()
    }

    /// The process that asks, from its first line.
    pub(crate) fn pid(&mut self) -> Pid {
        let line = self.printed();
        line.strip_prefix("pid ").and_then(to_pid).unwrap_or_else(|| panic!("not a process: {line}"))
    }

    /// The process whose number alone is printed.
    pub(crate) fn number(&mut self) -> Pid {
        let line = self.printed();
        to_pid(&line).unwrap_or_else(|| panic!("not a number: {line}"))
    }

    /// A field of `/proc/PID/stat` after the command, counted from zero.
    fn stat(pid: Pid, field: usize) -> String {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(field).unwrap().to_owned()
    }

    pub(crate) fn is_stopped(pid: Pid) -> bool {
        Self::stat(pid, 0) == "T"
    }

    pub(crate) fn until_stopped(&mut self, pid: Pid) {
        self.until("stop", |_| Self::is_stopped(pid).then_some(()));
    }

    /// Whether a process has ended, though its parent may not have looked.
    pub(crate) fn is_dead(pid: Pid) -> bool {
        Self::stat(pid, 0) == "Z"
    }

    pub(crate) fn until_gone(&mut self, pid: Pid) {
        self.until("end", |_| test_kill_process(pid).is_err().then_some(()));
    }

    /// The processor time that a process has used, in hundredths of a second.
    pub(crate) fn ticks(pid: Pid) -> u64 {
        [11, 12].map(|field| Self::stat(pid, field).parse::<u64>().unwrap()).iter().sum()
    }

    /// How many descriptors a process has open.
    pub(crate) fn descriptors(pid: Pid) -> usize {
        fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap().count()
    }

    pub(crate) fn kill(pid: Pid, signal: Signal) {
        kill_process(pid, signal).unwrap();
    }

    /// Whether typing is seen.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// The terminal's state, as the system and as `stty -a` tell it.
    pub(crate) fn assert_as_before(&self, when: &str) {
        assert_eq!(state(&self.slave, &self.name), self.before, "{when}");
    }

    /// Closes the terminal.
    pub(crate) fn hang_up(&mut self) {
        self.master = None;
    }

    /// Waits for the leader of the session to end.
    pub(crate) fn leader_ended(&mut self) -> ExitStatus {
        self.until("end", |rig| rig.child.try_wait().unwrap())
    }

    /// Waits for the job to end: what it is told to have ended with or by.
    pub(crate) fn ended(&mut self) -> String {
        let line = self.printed();
        line.strip_prefix("ended ").unwrap_or_else(|| panic!("not the end: {line}")).to_owned()
    }

    /// The same, and checks what is left behind: the terminal as it was, nothing in it that was typed, and the screen
    /// at the beginning of a line. From here on [`screen`](Self::screen) is all that was ever on it.
    pub(crate) fn ended_cleanly(&mut self, name: &str) -> String {
        const MARK: &str = "mark";
        let ended = self.ended();
        self.assert_as_before(name);
        self.send(format!("{MARK}\n"));
        let mut left = [0; 64];
        let count = rustix::io::read(&self.slave, &mut left).unwrap();
        assert_eq!(&left[..count], b"mark\n", "{name}: typed, and left for the next program");
        self.expect(MARK);
        self.screen.truncate(self.seen - MARK.len());
        let screen = self.screen();
        assert!(!screen.contains('\u{1b}'), "{name}: escape sequences in {screen:?}");
        assert!(screen.is_empty() || screen.ends_with('\n'), "{name}: {screen:?}");
        ended
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // What has ended cannot be killed and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            canary::assert_silent(&self.screen);
            canary::assert_silent(&self.printed);
        }
    }
}

fn with_password(typed: &[u8]) -> Vec<u8> {
    let password = canary::plant(PASSWORD);
    let mut all = Vec::new();
    let mut left = typed;
    while let Some(first) = left.first() {
        if let Some(rest) = left.strip_prefix(PASSWORD.as_bytes()) {
            all.extend(password.as_bytes());
            left = rest;
        } else {
            all.push(*first);
            left = &left[1..];
        }
    }
    all
}

fn to_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

fn take(from: impl rustix::fd::AsFd, into: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = rustix::io::read(&from, &mut buffer) {
        into.extend_from_slice(&buffer[..count]);
    }
}

fn state(slave: &OwnedFd, name: &str) -> (String, String) {
    let told = Command::new("stty").args(["-F", name, "-a"]).output().unwrap();
    assert!(told.status.success());
    (format!("{:?}", tcgetattr(slave).unwrap()), String::from_utf8(told.stdout).unwrap())
}

/// Runs the example without any terminal and gives what it prints.
pub(crate) fn ask_without_terminal(args: &[&str]) -> String {
    let helper = helper();
    let output = Command::new(&helper).args(["without-terminal", &helper]).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the example and gives its standard error.
pub(crate) fn told(args: &[&str]) -> String {
    String::from_utf8(Command::new(helper()).args(args).output().unwrap().stderr).unwrap()
}
