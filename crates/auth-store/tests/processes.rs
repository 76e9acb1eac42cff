//! Several processes at one token directory: each is this binary again.
#![cfg(all(unix, feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use auth_core::Secret;
use auth_core::ports::{Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store as _};
use auth_core::session::{Session, Tokens};
use auth_store::TiledDirectory;

const ROLE: &str = "AUTH_STORE_TEST_ROLE";
const FOLDER: &str = "AUTH_STORE_TEST_FOLDER";

fn key() -> Key {
    Key { site: "http://h/api/v1/".to_owned(), slot: String::new() }
}

fn store(folder: &Path) -> TiledDirectory {
    TiledDirectory::new(folder.join("cache"), folder.join("state"))
}

fn session(name: &str) -> Session {
    let token = |kind: &str| Some(Secret::from(format!("{kind}-{name}")));
    let tokens = Tokens { access: token("access"), refresh: token("refresh"), ..Tokens::default() };
    Session { tokens, ..Session::default() }
}

fn save(session: Session) -> Change {
    Change::Save { key: key(), session: Box::new(session), replaces: Replaces::Anything }
}

fn lock(store: &TiledDirectory, wait: Duration) -> Locking {
    store.lock(LockKind::Renewal, &key(), wait).unwrap()
}

/// Does nothing unless a test below asks for it.
#[test]
fn child() {
    let (Some(role), Some(folder)) = (std::env::var_os(ROLE), std::env::var_os(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    let store = store(&folder);
    match role.to_str().unwrap() {
        "save" => {
            println!("\nready");
            for n in 0_u64.. {
                store.apply(&save(session(&format!("{}-{n}", std::process::id())))).unwrap();
            }
        }
        "count" => {
            for _ in 0..TURNS {
                let Locking::Held(guard) = lock(&store, Duration::from_mins(1)) else { panic!("busy") };
                count(&folder);
                drop(guard);
            }
        }
        "hold" => {
            let Locking::Held(_guard) = lock(&store, Duration::from_mins(1)) else { panic!("busy") };
            println!("\nready");
            loop {
                std::thread::park();
            }
        }
        "umask" => {
            rustix::process::umask(rustix::fs::Mode::empty());
            store.apply(&save(session("x"))).unwrap();
            store
                .apply(&Change::Prefer(SiteEntry {
                    key: key(),
                    user: None,
                    allow_http: false,
                    method: None,
                    pages: None,
                }))
                .unwrap();
            drop(lock(&store, Duration::ZERO));
        }
        role => panic!("{role}"),
    }
}

/// What two at once would do wrong. It counts in lengths: a network file system may not see a change that keeps one.
fn count(folder: &Path) {
    let path = folder.join("counter");
    let number = fs::read(&path).unwrap().len();
    fs::write(&path, vec![b'x'; number + 1]).unwrap();
}

const TURNS: usize = 100;

fn spawn(role: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(ROLE, role).env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn wait_until_ready(child: &mut Child) -> BufReader<ChildStdout> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ready") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended");
    }
    output
}

fn all_end_well(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn writers_killed_at_any_moment_leave_whole_tokens_f4() {
    let temporary = tempfile::tempdir().unwrap();
    let store = store(temporary.path());
    store.apply(&save(session("first"))).unwrap();
    for round in 0..12_u32 {
        let mut writers: Vec<_> = (0..2).map(|_| spawn("save", temporary.path())).collect();
        let outputs: Vec<_> = writers.iter_mut().map(wait_until_ready).collect();
        // Each time a few more of our own saves among theirs.
        for n in 0..round {
            store.apply(&save(session(&format!("own-{n}")))).unwrap();
        }
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        drop(outputs);
        // These writers know nobody's name, so each takes the old access token away first: it may be missing, and
        // then, for a moment, somebody might be renewing it. What is there is whole.
        for (name, kind) in [("access_token", "access-"), ("refresh_token", "refresh-")] {
            let path = store.token_directory(&key()).unwrap().join(name);
            if let Ok(text) = fs::read_to_string(path) {
                let rest = text.strip_prefix(kind).unwrap_or_else(|| panic!("{text}"));
                assert!(
                    rest.split('-')
                        .all(|part| part.parse::<u64>().is_ok() || ["own", "first"].contains(&part))
                );
            }
        }
        assert!(!matches!(store.load(&key()).unwrap(), Loaded::None));
    }
    store.apply(&save(session("last"))).unwrap();
    match store.load(&key()).unwrap() {
        Loaded::Found(stored) => assert_eq!(stored.session, session("last")),
        other => panic!("{other:?}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn processes_count_together_with_either_kind_of_lock_and_some_are_killed_f6_f7() {
    for method in ["", "links\n"] {
        let temporary = tempfile::tempdir().unwrap();
        let locks = temporary.path().join("state/locks");
        fs::create_dir_all(&locks).unwrap();
        fs::write(locks.join("method"), method).unwrap();
        fs::write(temporary.path().join("counter"), "").unwrap();
        let counting: Vec<_> = (0..3).map(|_| spawn("count", temporary.path())).collect();
        for _ in 0..3 {
            let mut holder = spawn("hold", temporary.path());
            let output = wait_until_ready(&mut holder);
            holder.kill().unwrap();
            holder.wait().unwrap();
            drop(output);
        }
        all_end_well(counting);
        let counted = fs::read(temporary.path().join("counter")).unwrap().len();
        assert_eq!(counted, 3 * TURNS, "{method:?}");
        let links =
            fs::read_dir(&locks).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_link = |name: &String| {
            name.rsplit_once(".lock.").is_some_and(|(_, number)| number.parse::<u64>().is_ok())
        };
        assert_eq!(links.into_iter().any(|name| is_link(&name)), !method.is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_holder_shows_life_until_it_is_stopped_and_again_after_f7() {
    use rustix::process::{Pid, Signal, kill_process};

    for method in ["", "links\n"] {
        let temporary = tempfile::tempdir().unwrap();
        let locks = temporary.path().join("state/locks");
        fs::create_dir_all(&locks).unwrap();
        fs::write(locks.join("method"), method).unwrap();
        let mut holder = spawn("hold", temporary.path());
        let _output = wait_until_ready(&mut holder);
        let shown = || {
            let files = fs::read_dir(&locks).unwrap().map(|entry| entry.unwrap().path());
            let holders = files.filter(|path| path.to_string_lossy().contains(".lock"));
            let shown = holders.map(|path| (fs::metadata(&path).unwrap().modified(), fs::read(&path)));
            format!("{:?}", shown.collect::<Vec<_>>())
        };
        let until = |what: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !what() {
                assert!(started.elapsed() < Duration::from_secs(20));
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let signal = |signal| kill_process(Pid::from_child(&holder), signal).unwrap();
        let at_first = shown();
        until(&|| shown() != at_first);
        signal(Signal::STOP);
        let status = format!("/proc/{}/stat", holder.id());
        until(&|| fs::read_to_string(&status).unwrap().contains(") T "));
        let stopped = shown();
        // Longer than between two signs of life.
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(shown(), stopped);
        signal(Signal::CONT);
        until(&|| shown() != stopped);
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
}

#[test]
fn modes_are_right_from_birth_whatever_the_umask_f1_f2() {
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o755)).unwrap();
    all_end_well(vec![spawn("umask", temporary.path())]);
    let mut folders = vec![temporary.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().mode() & 0o7777;
            if entry.file_type().unwrap().is_dir() {
                assert_eq!(mode, 0o700, "{}", entry.path().display());
                folders.push(entry.path());
            } else {
                assert_eq!(mode, 0o600, "{}", entry.path().display());
                files += 1;
            }
        }
    }
    assert!(files >= 6, "two tokens, the sidecar, the index, locks: {files}");
}
