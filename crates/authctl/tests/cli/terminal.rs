//! Questions at a terminal, and none without one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::rig::{AUTHCTL, DEADLINE, Ran, Rig, collect, command, end, kill};

/// The command as the leader of a session on a terminal of its own.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// All that was ever on the screen.
    shown: Vec<u8>,
    child: Child,
    _slave: OwnedFd,
}

impl Terminal {
    fn run(rig: &Rig, args: &[&str]) -> Self {
        Self::run_in(rig.home.0.path(), args)
    }

    pub(crate) fn run_in(home: &Path, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        let words = [&["--ctty", AUTHCTL], args].concat();
        let child = command("setsid", home, &words)
            .stdin(slave.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut shown = keyboard.try_clone().unwrap();
        let (tell, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 1_024];
            while let Ok(count @ 1..) = shown.read(&mut buffer) {
                if tell.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, screen, seen: String::new(), shown: Vec::new(), child, _slave: slave }
    }

    /// Waits until this is on the screen, behind what was waited for before, and types the rest.
    pub(crate) fn when(&mut self, shown: &str, typed: &str) -> &mut Self {
        let end = loop {
            if let Some(at) = self.seen.find(shown) {
                break at + shown.len();
            }
            match self.screen.recv_timeout(DEADLINE) {
                Ok(more) => {
                    self.seen.push_str(&String::from_utf8_lossy(&more));
                    self.shown.extend(more);
                }
                Err(error) => panic!("{shown:?} is not in {:?}: {error}", self.seen),
            }
        };
        self.seen.drain(..end);
        self.keyboard.write_all(typed.as_bytes()).unwrap();
        self
    }

    pub(crate) fn end(self) -> Ran {
        let ran = collect(self.child);
        canary::assert_silent(&ran.out);
        canary::assert_silent([self.shown, self.screen.try_iter().flatten().collect()].concat());
        ran
    }
}

#[test]
fn somebody_signs_in_at_a_terminal_after_a_wrong_password() {
    let rig = Rig::new();
    let mut terminal = Terminal::run(&rig, &["login", &rig.url]);
    terminal.when("Username: ", "demo\n");
    terminal.when("Password: ", &format!("{}\n", canary::plant("a wrong password")));
    terminal.when("not recognized", "").when("Password: ", &format!("{}\n", rig.password));
    assert_eq!(terminal.end().is(0).out, format!("Signed in to {} as demo.\n", rig.url));
    rig.run(&["token"]).is(0);
}

#[test]
fn a_name_that_was_given_is_not_asked_for() {
    let rig = Rig::new();
    let mut terminal = Terminal::run(&rig, &["login", &rig.url, "--user", "demo"]);
    terminal.when("Password: ", &format!("{}\n", rig.password));
    terminal.end().is(0);
}

#[test]
fn whoever_cancels_a_question_has_cancelled() {
    let rig = Rig::new();
    for typed in ["\n", "\u{3}", "\u{4}"] {
        let mut terminal = Terminal::run(&rig, &["login", &rig.url, "--user", "demo"]);
        terminal.when("Password: ", typed);
        terminal.end().is(5).says(&["authctl: cancelled", "Nothing was changed"]);
    }
    assert_eq!(rig.counters().token_requests, 0);
}

#[test]
fn whoever_ends_the_command_at_a_question_has_ended_it() {
    let rig = Rig::new();
    let mut terminal = Terminal::run(&rig, &["login", &rig.url, "--user", "demo"]);
    terminal.when("Password: ", "");
    kill(&terminal.child, "-TERM");
    terminal.end().is(143);
}

#[test]
fn without_a_terminal_the_ways_out_are_named() {
    let rig = Rig::new();
    let ran = end(command("setsid", rig.home.0.path(), &["--wait", AUTHCTL, "login", &rig.url]), "");
    ran.is(8).says(&["no terminal", "--password-stdin", "authctl login", "Python's tiled"]);
}

#[test]
fn a_password_is_not_read_from_a_terminal_as_if_it_were_a_file() {
    let rig = Rig::new();
    let terminal = Terminal::run(&rig, &["login", &rig.url, "--user", "demo", "--password-stdin"]);
    terminal.end().is(2).says(&["standard input is a terminal"]);
}
