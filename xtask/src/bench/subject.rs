//! Programs measured from outside, in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::sample::Sample;
use crate::{run, tools};

/// A program that does the same thing each time.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) who: String,
    program: PathBuf,
    args: Vec<String>,
    /// All of its environment but the path.
    environment: Vec<(String, String)>,
}

/// What its runs took.
#[derive(Debug)]
pub(super) struct Runs {
    times: Vec<Duration>,
    /// The most memory, in kB.
    memory: Vec<f64>,
}

impl Subject {
    pub(super) fn new(who: &str, program: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self { who: who.to_owned(), program: program.to_owned(), args, environment: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: &Path) -> Self {
        self.environment.push((name.to_owned(), value.to_string_lossy().into_owned()));
        self
    }

    /// A command that runs it, below another program if one is named.
    pub(super) fn command(&self, below: &[&str]) -> Command {
        let mut command = match below.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Says why it cannot be measured.
    pub(super) fn check(&self) -> Result<(), String> {
        run::quietly(&mut self.command(&[]))
            .map_err(|printed| format!("{}: {}", self.who, run::reason(&printed)))
    }

    fn timed(&self) -> Result<Duration, String> {
        let mut command = self.command(&[]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let status = command.status().map_err(|error| format!("{} cannot be run: {error}", self.who))?;
        let took = began.elapsed();
        if status.success() { Ok(took) } else { Err(format!("{} failed ({status})", self.who)) }
    }

    fn memory(&self, scratch: &Path) -> Result<f64, String> {
        let file = scratch.to_string_lossy();
        let mut command = self.command(&["time", "-f", "%M", "-o", &file]);
        run::quietly(&mut command)?;
        let text = fs::read_to_string(scratch).unwrap_or_default();
        text.trim().parse().map_err(|_| format!("time did not say what {} took: {text}", self.who))
    }
}

/// Runs each in turn, round after round: what changes on the machine meets them all. The first two rounds warm up.
pub(super) fn in_turn(subjects: &[Subject], rounds: usize, scratch: &Path) -> Result<Vec<Runs>, String> {
    tools::ensure_apt("time")?;
    let empty = || Runs { times: Vec::new(), memory: Vec::new() };
    let mut runs: Vec<Runs> = subjects.iter().map(|_| empty()).collect();
    for round in 0..rounds + 2 {
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            let took = subject.timed()?;
            if round >= 2 {
                runs.times.push(took);
            }
            // Memory hardly differs from run to run.
            if round < 5 {
                runs.memory.push(subject.memory(scratch)?);
            }
        }
    }
    Ok(runs)
}

impl Runs {
    pub(super) fn time(&self) -> Option<Sample> {
        Sample::millis(self.times.iter().copied())
    }

    pub(super) fn memory(&self) -> Option<Sample> {
        Sample::new(self.memory.iter().copied())
    }

    /// How many times as long as others it took, round by round.
    pub(super) fn over(&self, other: &Self) -> Option<Sample> {
        let pairs = self.times.iter().zip(&other.times);
        Sample::new(pairs.map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_pair_by_pair() {
        let runs =
            |millis: [u64; 3]| Runs { times: millis.map(Duration::from_millis).to_vec(), memory: vec![] };
        let ratio = runs([2, 30, 4]).over(&runs([1, 10, 2])).unwrap();
        assert_eq!(format!("{:.1} {:.1}", ratio.median(), ratio.most()), "2.0 3.0");
        assert_eq!(runs([1, 2, 3]).memory(), None);
    }

    #[test]
    fn a_subject_finds_only_what_it_is_given() {
        let subject = Subject::new("env", Path::new("env"), &["-u", "PATH"]).with("HOME", Path::new("/h"));
        let printed = subject.command(&[]).output().unwrap().stdout;
        assert_eq!(String::from_utf8(printed).unwrap(), "HOME=/h\n");
        assert!(Subject::new("x", Path::new("/no/such/program"), &[]).check().is_err());
    }
}
