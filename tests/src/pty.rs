use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Far more than a busy machine needs.
const DEADLINE: Duration = Duration::from_mins(1);
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A program at a terminal of its own, and somebody who types.
pub struct Terminal {
    master: Option<OwnedFd>,
    /// Kept open so that the terminal and its settings outlive the program.
    _slave: OwnedFd,
    name: String,
    before: String,
    child: Child,
    screen: Vec<u8>,
    seen: usize,
}

#[expect(clippy::unwrap_used, clippy::panic, reason = "a test without a terminal cannot go on")]
impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name.as_str(), flags, Mode::empty()).unwrap();
        fcntl_setfl(&master, fcntl_getfl(&master).unwrap() | OFlags::NONBLOCK).unwrap();
        let before = stty(&name);
        let stdio = || slave.try_clone().unwrap();
        let child = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
        drop(command);
        Self { master: Some(master), _slave: slave, name, before, child, screen: Vec::new(), seen: 0 }
    }

    fn pump(&mut self) {
        let Some(master) = &self.master else { return };
        let _ = poll(&mut [PollFd::new(master, PollFlags::IN)], Some(&TICK));
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = rustix::io::read(master, &mut bytes) {
            self.screen.extend(bytes.iter().take(count));
        }
    }

    fn until<T>(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = condition(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "no {what:?} on the screen:\n{}", self.screen());
            self.pump();
        }
    }

    /// Waits until this is on the screen, after what was waited for before.
    pub fn expect(&mut self, text: &str) {
        let end = self.until(text, |terminal| {
            let new = terminal.screen.get(terminal.seen..)?;
            new.windows(text.len()).position(|part| part == text.as_bytes()).map(|at| at + text.len())
        });
        self.seen += end;
    }

    /// Types.
    pub fn send(&mut self, typed: &str) {
        let Some(master) = &self.master else { panic!("the terminal is closed") };
        assert_eq!(rustix::io::write(master, typed.as_bytes()).unwrap(), typed.len());
    }

    /// What has come to the screen.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).replace("\r\n", "\n")
    }

    /// Asserts that the terminal is as the program found it.
    pub fn assert_as_before(&self) {
        assert_eq!(stty(&self.name), self.before, "the terminal is not as it was:\n{}", self.screen());
    }

    /// Closes the terminal, as a dropped connection does.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Waits for the program's end: its exit code, or -1 for a signal. The terminal must be as it was.
    pub fn ended(&mut self) -> i32 {
        let status = self.until("end", |terminal| terminal.child.try_wait().unwrap());
        self.pump();
        if self.master.is_some() {
            self.assert_as_before();
        }
        status.code().unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if !std::thread::panicking() {
            canary::assert_silent(&self.screen);
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a test without stty cannot go on")]
fn stty(name: &str) -> String {
    let output = Command::new("stty").args(["-a", "-F", name]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
