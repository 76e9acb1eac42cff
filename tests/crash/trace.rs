//! The system calls of an operation, and one of them met with something else.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::Digest;
use auth_core::ports::Key;
use tempfile::NamedTempFile;

use crate::operation::Operation;
use crate::rig::{Rig, key};

/// One system call between the probe's marks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Which call of this name it is in the life of the process, from 1.
    pub(crate) nth: usize,
    /// What it changes, if anything: `rename to refresh_token`.
    pub(crate) change: Option<String>,
}

/// The calls of an operation in their order, with the one that comes after it.
pub(crate) fn calls(operation: &Operation) -> Vec<Call> {
    let rig = operation.rig();
    let log = NamedTempFile::new().unwrap();
    let wrapper = ["strace", "-f", "-qq", "-y", "-s", "300", "-o", log.path().to_str().unwrap()];
    let end = rig.probe(operation, &wrapper).end();
    assert!(end.status.success(), "{}: {end:?}", operation.name);
    let text = fs::read_to_string(log).unwrap();
    let folder = rig.path("");
    let (mut seen, mut calls, mut inside) = (Vec::<String>::new(), Vec::new(), false);
    for line in text.lines().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim_start())) {
        let Some((name, rest)) = line.split_once('(') else { continue };
        seen.push(name.to_owned());
        let nth = seen.iter().filter(|seen| *seen == name).count();
        if inside {
            let change = change(name, rest, folder.to_str().unwrap());
            calls.push(Call { name: name.to_owned(), nth, change });
        }
        inside |= rest.contains("\"/probe-begins\"");
        if rest.contains("\"/probe-ends\"") {
            return calls;
        }
    }
    panic!("the probe's marks are missing: {text}");
}

/// Runs the operation and kills it as it enters one call.
pub(crate) fn kill(rig: &Rig, operation: &Operation, call: &Call) {
    let injection = Injection::new(call, "signal=KILL");
    let end = rig.probe(operation, &injection.wrapper(&[])).end();
    let text = injection.log();
    let context = format!("{}, {call:?}: {end:?} {text}", operation.name);
    assert_eq!(end.status.signal(), Some(9), "{context}");
    // It came to the operation, and did not get through it.
    assert_eq!(end.printed, ["ready"], "{context}");
    let entered = text.lines().filter(|line| line.contains(&format!(" {}(", call.name))).count();
    assert_eq!(entered, call.nth, "{context}");
}

/// Runs the operation, and one call does not happen but answers with this error. Of what the probe says of its first
/// try, `failed` is called with a fault before there is a second one. Answers with the last it said.
pub(crate) fn fail(
    rig: &Rig,
    operation: &Operation,
    call: &Call,
    errno: &str,
    failed: impl FnOnce(&str),
) -> String {
    let injection = Injection::new(call, &format!("error={errno}"));
    // Only the call meant is stopped at, which is fast; a signal would need them all.
    let mut probe = rig.probe(operation, &injection.wrapper(&["--seccomp-bpf"]));
    assert_eq!(probe.line(), "ready", "{call:?} came too early");
    let mut said = probe.line();
    if said.starts_with("fault") {
        failed(&said);
        probe.tell("again");
        said = probe.line();
    }
    let end = probe.end();
    let text = injection.log();
    let context = format!("{}, {call:?}, {errno}: {end:?} {text}", operation.name);
    assert!(end.status.success() && text.contains("(INJECTED)"), "{context}");
    said
}

/// What strace is told.
struct Injection {
    log: NamedTempFile,
    trace: String,
    inject: String,
}

impl Injection {
    fn new(call: &Call, how: &str) -> Self {
        let Call { name, nth, .. } = call;
        let inject = format!("inject={name}:{how}:when={nth}");
        Self { log: NamedTempFile::new().unwrap(), trace: format!("trace={name}"), inject }
    }

    fn wrapper<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["strace", "-f", "-qq", "-e", &self.trace, "-e", &self.inject, "-o"];
        words.push(self.log.path().to_str().unwrap());
        words.extend(more);
        words
    }

    /// What it wrote.
    fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }
}

/// Panics if strace is not there or may not trace: what it would have shown is not shown otherwise.
pub(crate) fn needs_strace() {
    let version = std::process::Command::new("strace").arg("-V").output();
    assert!(
        version.is_ok_and(|output| output.status.success()),
        "strace is missing, and without it this shows nothing: run `cargo xtask test`, which installs it"
    );
}

/// Does all of these, several at a time, and gives the results in their order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    let result = work(item);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// What a call changes, in words that are the same on every machine.
fn change(name: &str, arguments: &str, folder: &str) -> Option<String> {
    let verb = match name {
        "mkdirat" | "mkdir" => "mkdir",
        "openat" | "open" if arguments.contains("O_CREAT") => "open",
        "write" | "pwrite64" => "write",
        "fsync" | "fdatasync" => "fsync",
        "renameat" | "renameat2" | "rename" => "rename to",
        "unlinkat" | "unlink" => "unlink",
        "ftruncate" => "ftruncate",
        "flock" if arguments.contains("LOCK_UN") => "unlock",
        "flock" => "flock",
        "fchmod" | "fchmodat" | "fchmodat2" | "chmod" => "chmod",
        _ => return None,
    };
    let known = |part: &str| {
        part.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map(|(path, _)| path.to_owned())
    };
    let parts: Vec<_> = arguments.split(", ").collect();
    // What is meant comes last: a rename names what it replaces after what it moves.
    let at = if verb == "rename to" { 2 } else { 0 };
    let mut path = parts.get(at).and_then(|part| known(part))?;
    if !matches!(verb, "write" | "fsync" | "ftruncate" | "unlock" | "flock") || name == "fchmodat" {
        let text = parts.get(at + 1).copied().unwrap_or_default();
        let text = text.split('"').nth(1).unwrap_or_default();
        path = format!("{path}/{text}");
    }
    Some(format!("{verb} {}", role(path.strip_prefix(folder.trim_end_matches('/')).unwrap_or("/above"))))
}

/// Which of the two sites a file or a lock of the list is about.
fn site_of(name: &str) -> Option<&'static str> {
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let is_of =
        |key: Key| Digest::of_parts(&[Some("listed"), Some(&key.site), Some(&key.slot)]).to_string() == name;
    let known = [(key(), "site"), (Rig::other_key(), "other site")];
    known.into_iter().find_map(|(key, role)| is_of(key).then_some(role))
}

fn role(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(target) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".authctl-tmp")) {
        let target = target.rsplit_once('.').map_or(target, |(target, _)| target);
        return format!("new {}", role(&format!("{folder}/{target}")));
    }
    match (folder, name) {
        ("", "") => "home".to_owned(),
        ("", "cache") => "cache folder".to_owned(),
        ("", "state") => "state folder".to_owned(),
        ("/cache", "tokens") => "folder of all tokens".to_owned(),
        ("/cache/tokens", _) => "token folder".to_owned(),
        ("/state", "tiled") => "folder of sidecars".to_owned(),
        ("/state", "locks") => "folder of locks".to_owned(),
        ("/state/locks", "index.lock") => "old list's lock".to_owned(),
        ("/state/locks", name) if site_of(name).is_some() => format!("{}'s lock", site_of(name).unwrap()),
        ("/state/locks", _) => "session's lock".to_owned(),
        ("", "elsewhere") => "linked folder".to_owned(),
        ("/elsewhere", name) => format!("linked {name}"),
        ("/state/tiled", "index.json") => "old list".to_owned(),
        ("/state/tiled", "sites") => "folder of sites".to_owned(),
        ("/state/tiled/sites", name) => site_of(name).unwrap_or(name).to_owned(),
        ("/state/tiled", name) => {
            let name = name.split_once('.').map_or(name, |(_, rest)| rest);
            name.strip_prefix("json").map_or(name.to_owned(), |rest| format!("sidecar{rest}"))
        }
        (_, name) => name.to_owned(),
    }
}
