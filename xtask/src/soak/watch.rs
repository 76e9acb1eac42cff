//! What processes use, sampled while they run.

use std::fs;
use std::path::Path;

/// What one sample found: of several processes, the most that one of them uses.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Sample {
    /// Resident memory, in KiB.
    pub(super) memory: u64,
    pub(super) threads: u64,
    pub(super) descriptors: u64,
    /// Files below the store's folders.
    pub(super) files: u64,
    /// Sockets of the clients in `TIME_WAIT`.
    pub(super) waiting: u64,
}

/// What is measured, by name.
pub(super) type Measure = (&'static str, fn(&Sample) -> u64);

pub(super) const MEASURES: [Measure; 5] = [
    ("memory, KiB", |sample| sample.memory),
    ("threads", |sample| sample.threads),
    ("descriptors", |sample| sample.descriptors),
    ("files in the store", |sample| sample.files),
    ("sockets in TIME_WAIT", |sample| sample.waiting),
];

impl Sample {
    /// Of these processes, whose store is below `home` and whose servers listen at `ports`.
    pub(super) fn take(processes: &[u32], home: &Path, ports: &[u16]) -> Self {
        let mut sample = Self { files: files(home), waiting: waiting(ports), ..Self::default() };
        for process in processes {
            let folder = Path::new("/proc").join(process.to_string());
            let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
            let number = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
            };
            sample.memory = sample.memory.max(number("VmRSS:"));
            sample.threads = sample.threads.max(number("Threads:"));
            let descriptors = fs::read_dir(folder.join("fd")).map_or(0, Iterator::count);
            sample.descriptors = sample.descriptors.max(u64::try_from(descriptors).unwrap_or(u64::MAX));
        }
        sample
    }
}

fn files(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

/// How many sockets wait in `TIME_WAIT` for a peer at one of these ports.
fn waiting(ports: &[u16]) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let ends: Vec<String> = ports.iter().map(|port| format!(":{port:04X}")).collect();
    let is_waiting = |line: &&str| {
        let mut fields = line.split_whitespace().skip(2);
        let remote = fields.next().unwrap_or_default();
        ends.iter().any(|end| remote.ends_with(end)) && fields.next() == Some("06")
    };
    u64::try_from(table.lines().filter(is_waiting).count()).unwrap_or(u64::MAX)
}

/// At the start, in the middle, at the end, and the most.
pub(super) fn course(samples: &[Sample], measure: fn(&Sample) -> u64) -> [u64; 4] {
    let at = |place: usize| samples.get(place).map_or(0, measure);
    let last = samples.len().saturating_sub(1);
    let most = samples.iter().map(measure).max().unwrap_or(0);
    // At the very start processes have not yet done anything.
    [at((samples.len() / 20).min(last)), at(samples.len() / 2), at(last), most]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_has_start_middle_end_and_most() {
        let samples: Vec<Sample> =
            [1, 2, 9, 4, 3].map(|threads| Sample { threads, ..Sample::default() }).to_vec();
        assert_eq!(course(&samples, |sample| sample.threads), [1, 9, 3, 9]);
        assert_eq!(course(&[], |sample| sample.threads), [0; 4]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_runs_has_memory_threads_and_descriptors() {
        let sample = Sample::take(&[std::process::id()], Path::new("/nowhere"), &[1]);
        assert!(sample.memory > 0 && sample.threads > 0 && sample.descriptors > 0, "{sample:?}");
        assert_eq!((sample.files, sample.waiting), (0, 0));
    }
}
