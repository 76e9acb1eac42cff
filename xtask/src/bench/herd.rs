//! Processes that are made ready one by one and then let go all at once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys;

/// Longer than this none of them takes; what does is killed.
const LIMIT: Duration = Duration::from_mins(10);

/// A process that says lines and is told lines.
pub(crate) struct Talker {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| format!("cannot start {name}: {error}"))?;
        let out = child.stdout.take().ok_or_else(|| format!("{name} has no output"))?;
        Ok(Self { child, out: BufReader::new(out) })
    }

    /// The next line it says, without its end; empty once it has said all.
    pub(crate) fn hear(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.out.read_line(&mut line).map_err(|error| format!("cannot hear a program: {error}"))?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn expect(&mut self, word: &str) -> Result<(), String> {
        let line = self.hear()?;
        if line == word { Ok(()) } else { Err(format!("a program said {line:?} and not {word:?}")) }
    }

    pub(crate) fn tell(&mut self, line: &str) -> Result<(), String> {
        let stdin = self.child.stdin.as_mut().ok_or("a program was told everything already")?;
        let told = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
        told.map_err(|error| format!("cannot tell a program: {error}"))
    }

    /// All that it still says, and whether it ended well.
    pub(crate) fn end(mut self) -> Result<(bool, String), String> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).map_err(|error| format!("cannot hear a program: {error}"))?;
        let status = self.child.wait().map_err(|error| format!("cannot wait for a program: {error}"))?;
        Ok((status.success(), rest))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        sys::kill(&mut self.child, false);
    }
}

/// What one of them said after it was let go, and whether it ended well.
pub(crate) type Said = (bool, String);

/// Processes that all have said `ready`.
pub(crate) struct Herd(Vec<Talker>);

impl Herd {
    pub(crate) fn ready(commands: impl IntoIterator<Item = Command>) -> Result<Self, String> {
        Self::of(commands.into_iter().map(Talker::start).collect::<Result<_, _>>()?)
    }

    /// The same of those that were told something before.
    pub(crate) fn of(mut talkers: Vec<Talker>) -> Result<Self, String> {
        talkers.iter_mut().try_for_each(|talker| talker.expect("ready"))?;
        Ok(Self(talkers))
    }

    /// Lets them go, and waits for all.
    pub(crate) fn go(mut self) -> Result<Vec<Said>, String> {
        self.0.iter_mut().try_for_each(|talker| talker.tell("go"))?;
        let started = Instant::now();
        let ends: Vec<_> = self.0.into_iter().map(|talker| thread::spawn(|| talker.end())).collect();
        while !ends.iter().all(thread::JoinHandle::is_finished) {
            if started.elapsed() > LIMIT {
                return Err(format!("some were still running after {LIMIT:?}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        ends.into_iter().map(|end| end.join().map_err(|_| "a thread fell over".to_owned())?).collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn nobody_goes_before_all_are_ready_and_each_is_heard() {
        let one = || shell("echo ready; read line; echo heard $line");
        let said = Herd::ready([one(), one()]).unwrap().go().unwrap();
        assert_eq!(said, vec![(true, "heard go\n".to_owned()); 2]);
        let failed = Herd::ready([shell("echo ready; read line; exit 3")]).unwrap().go().unwrap();
        assert_eq!(failed, [(false, String::new())]);
    }

    #[test]
    fn one_that_is_not_ready_is_an_error() {
        assert!(Herd::ready([shell("echo no")]).is_err_and(|why| why.contains("\"no\"")));
    }
}
