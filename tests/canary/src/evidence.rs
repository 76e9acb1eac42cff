//! What a program left behind, and the search through all of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Found, Leak, Search, sweep};

/// What programs left behind.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    outputs: Vec<(String, Vec<u8>)>,
    traces: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Evidence {
    /// Something that was printed, and what to call it.
    pub fn output(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.outputs.push((name.to_owned(), bytes.into()));
    }

    /// A file that [`traced`] wrote.
    pub fn trace(&mut self, file: impl Into<PathBuf>) {
        self.traces.push(file.into());
    }

    /// How many traces there are.
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    /// A folder in which there may be files.
    pub fn folder(&mut self, folder: impl Into<PathBuf>) {
        self.folders.push(folder.into());
    }

    /// Searches all of it; a line for each leak. What is `allowed` is not opened: the store.
    pub fn leaks(&self, search: &Search, allowed: &dyn Fn(&Path) -> bool) -> io::Result<Vec<String>> {
        let mut leaks = Vec::new();
        for (name, bytes) in &self.outputs {
            leaks.extend(search.search(bytes).into_iter().map(|found| format!("{name}: {found}")));
        }
        for file in &self.traces {
            let trace = fs::read_to_string(file)?;
            if !trace.contains(STARTED) {
                return Err(io::Error::other(format!(
                    "{} names no program: nothing was traced",
                    file.display()
                )));
            }
            leaks.extend(children(&trace, search).iter().map(|(child, found)| format!("{child}: {found}")));
        }
        for folder in &self.folders {
            leaks.extend(sweep(folder, search, allowed)?.iter().map(Leak::to_string));
        }
        Ok(leaks)
    }
}

/// What a line of a trace holds that tells of a program.
const STARTED: &str = "execve";

/// The same program, with a list of every program it starts, their arguments and environments in full, kept in a file.
/// It needs `strace`.
pub fn traced(program: &Command, file: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-v",
        "-s",
        "65535",
        "-e",
        "trace=execve,execveat",
        "-e",
        "signal=none",
        "-o",
    ]);
    command.arg(file).arg("--").arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// What was found of each program started, by the number of its line.
fn children(trace: &str, search: &Search) -> Vec<(String, Found)> {
    let lines = trace.lines().enumerate().filter(|(_, line)| line.contains(STARTED));
    let found = lines.flat_map(|(at, line)| {
        // The arguments, then the environment, each in brackets.
        let (arguments, environment) = line.split_once("], [").unwrap_or((line, ""));
        let search = |of: &'static str, part: &str| {
            let found = search.search(part.as_bytes());
            found.into_iter().map(move |found| (format!("the {of} of the program on line {}", at + 1), found))
        };
        search("arguments", arguments).chain(search("environment", environment)).collect::<Vec<_>>()
    });
    found.collect()
}
