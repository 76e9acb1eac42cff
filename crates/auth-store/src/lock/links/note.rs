//! What stands in the file of a holder.

use std::process;

use auth_core::{Foreign, Holder};

use crate::os;

/// Who holds a lock: `PROCESS STARTED MACHINE RANDOM HOST`, with `-` for what is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Note {
    pid: u32,
    /// When the process started, which tells it from a later one of the same number.
    started: Option<u64>,
    /// Where its number means that process: a boot of a machine, and what sees the same processes there.
    machine: Option<String>,
    random: String,
    /// For people: machines may have the same name.
    host: String,
}

impl Note {
    pub(super) fn ours(random: u64) -> Self {
        let machine = os::machine();
        Self {
            pid: process::id(),
            started: machine.as_ref().and_then(|_| os::started(process::id())),
            machine,
            random: format!("{random:016x}"),
            host: os::host().unwrap_or_default().raw().to_owned(),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { pid, started, machine, random, host } = self;
        let started = started.map_or_else(|| "-".to_owned(), |started| started.to_string());
        let machine = machine.as_deref().unwrap_or("-");
        format!("{pid} {started} {machine} {random} {host}\n")
    }

    /// `None` for anything else. One that is cut short is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let mut words = text.splitn(5, ' ');
        let mut word = || words.next();
        let known = |word: &str| (word != "-").then(|| word.to_owned());
        Some(Self {
            pid: word()?.parse().ok()?,
            started: match word()? {
                "-" => None,
                started => Some(started.parse().ok()?),
            },
            machine: known(word()?),
            random: word()?.to_owned(),
            host: word()?.to_owned(),
        })
    }

    /// Whether the holder has ended; `None` if that cannot be known here.
    pub(super) fn is_gone(&self) -> Option<bool> {
        let (machine, started) = (self.machine.as_ref()?, self.started?);
        (os::machine().as_ref() == Some(machine)).then(|| os::is_gone(self.pid, started))
    }

    pub(super) fn into_holder(self) -> Holder {
        let is_here = self.machine.is_some() && os::machine() == self.machine;
        let host = Some(self.host).filter(|host| !host.is_empty());
        Holder {
            pid: Some(self.pid),
            host: host.map(Foreign::new),
            stopped: is_here && os::is_stopped(self.pid),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../../tests/lock_note.rs"]
mod tests;
