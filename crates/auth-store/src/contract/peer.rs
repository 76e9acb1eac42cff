//! The near end: another process that holds the same place, and is told what to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;

use auth_core::ports::{Loaded, LockKind, Stored};

use super::obey::{ANSWER, Order, shown};
use super::trial::{LONG, Outcome, Trial, failed};

/// How much of what is no answer is kept for the report.
const KEPT: usize = 2_000;

/// Another process. It is killed when this is dropped.
pub(super) struct Peer {
    child: Child,
    /// Dropped last of all: a child of another kind than was thought ends when its input does.
    input: ChildStdin,
    answers: Receiver<Result<String, String>>,
}

impl Peer {
    /// Starts it and waits until it obeys.
    pub(super) fn start(trial: &Trial<'_>) -> Outcome<Self> {
        let mut command = trial.subject.command()?;
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => return failed("the subject's command runs", error.to_string()),
        };
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return failed("the subject's command has standard streams", "none");
        };
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut others = String::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match line.split_once(ANSWER) {
                    Some((_, answer)) => drop(sender.send(Ok(answer.to_owned()))),
                    None if others.len() < KEPT => others.extend([line.as_str(), " / "]),
                    None => {}
                }
            }
            drop(sender.send(Err(others)));
        });
        let peer = Self { child, input, answers };
        peer.expect("ready")?;
        Ok(peer)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to do something without waiting for the answer.
    pub(super) fn tell(&mut self, order: Order) -> Outcome {
        let sent = self.input.write_all((order.line() + "\n").as_bytes()).and_then(|()| self.input.flush());
        sent.or_else(|error| failed("the other process takes orders", error.to_string()))
    }

    /// Its next answer.
    pub(super) fn answer(&self) -> Outcome<String> {
        match self.answers.recv_timeout(LONG) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(others)) => failed("the other process obeys", format!("it ended; it printed: {others}")),
            Err(RecvTimeoutError::Timeout) => failed("the other process answers", "no answer in 20 s"),
            Err(RecvTimeoutError::Disconnected) => failed("the other process obeys", "it ended"),
        }
    }

    /// True if an answer came meanwhile.
    pub(super) fn has_answered(&self, answer: &str) -> Outcome<bool> {
        match self.answers.try_recv() {
            Ok(Ok(found)) if found == answer => Ok(true),
            Ok(Ok(found)) => failed(format!("the other process answers {answer:?}"), found),
            Ok(Err(others)) => failed("the other process obeys", format!("it ended; it printed: {others}")),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn expect(&self, answer: &str) -> Outcome {
        let found = self.answer()?;
        if found == answer { Ok(()) } else { failed(format!("the other process answers {answer:?}"), found) }
    }

    pub(super) fn ask(&mut self, order: Order) -> Outcome<String> {
        self.tell(order)?;
        self.answer()
    }

    /// Tells it to do something that must succeed.
    pub(super) fn done(&mut self, order: Order) -> Outcome {
        self.tell(order)?;
        self.expect("done")
    }

    /// It must find just this.
    pub(super) fn finds(&mut self, key: u64, stored: Stored, expected: &str) -> Outcome {
        let wanted = shown(&Loaded::Found(Box::new(stored)));
        let found = self.ask(Order::Load { key })?;
        if found == wanted { Ok(()) } else { failed(expected, format!("the other process: {found}")) }
    }

    /// Takes a lock that is free.
    pub(super) fn hold(&mut self, kind: LockKind, key: u64) -> Outcome {
        self.tell(Order::Lock { kind, key, millis: 0 })?;
        self.expect("held")
    }

    /// Ends it as the system ends a process (SIGKILL): nothing of it runs any more.
    pub(super) fn kill(mut self) -> Outcome {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).or_else(|error| failed("the other process can be killed", error.to_string()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Gone already is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
