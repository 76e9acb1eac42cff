use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::*;
use crate::os::Reach;
use crate::steps::Step;
use crate::steps::script::{Script, under};

struct Folder {
    temporary: tempfile::TempDir,
    dir: Dir,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
        Self { temporary, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn take(&self, wait: Duration) -> Taken {
        take(&self.dir, "x", wait).unwrap()
    }

    fn note(&self) {
        fs::write(self.path("method"), "links\n").unwrap();
    }
}

fn ours(taken: Taken) -> Guard {
    match taken {
        Taken::Ours(guard) => guard,
        Taken::Theirs(holder) => panic!("{holder:?}"),
    }
}

fn theirs(taken: Taken) -> Holder {
    match taken {
        Taken::Theirs(holder) => holder,
        Taken::Ours(_) => panic!("nobody holds it"),
    }
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn where_the_system_has_no_locks_links_are_the_way_for_everybody_f6() {
    for errno in [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL] {
        let folder = Folder::new();
        assert_eq!(method(&folder.dir), Ok(LockMethod::System));
        let script = Script::Fail(Step::Lock, errno.raw_os_error());
        let (taken, _) = under(script, || folder.take(Duration::ZERO));
        let guard = ours(taken);
        assert_eq!(method(&folder.dir), Ok(LockMethod::Links), "{errno:?}");
        assert_eq!(fs::read(folder.path("method")).unwrap(), b"links\n");
        // Also for those for whom the system's would work.
        let (taken, steps) = under(Script::Pass, || folder.take(Duration::ZERO));
        assert_eq!(theirs(taken).pid, Some(std::process::id()));
        assert!(!steps.iter().any(|(step, _)| *step == Step::Lock), "{steps:?}");
        drop(guard);
        ours(folder.take(Duration::ZERO));
    }
}

#[test]
fn another_error_is_a_fault_and_changes_nothing_f6() {
    for errno in [Errno::IO, Errno::STALE, Errno::ACCESS] {
        let folder = Folder::new();
        let script = Script::Fail(Step::Lock, errno.raw_os_error());
        let (taken, _) = under(script, || take(&folder.dir, "x", Duration::ZERO));
        assert!(taken.is_err(), "{errno:?}");
        assert!(!folder.path("method").exists());
    }
}

#[test]
fn where_there_are_neither_locks_nor_links_nothing_is_locked_f6() {
    static NEITHER: [(Step, i32); 2] =
        [(Step::Lock, Errno::NOLCK.raw_os_error()), (Step::Link, Errno::PERM.raw_os_error())];
    let folder = Folder::new();
    let (taken, _) = under(Script::FailEach(&NEITHER), || take(&folder.dir, "x", Duration::ZERO));
    let fault = taken.err().unwrap();
    assert_eq!(fault, crate::fault::fault(StoreFaultKind::NoLocks, folder.temporary.path()));
    assert!(!folder.path("method").exists());
    // Noted by somebody for whom there are.
    folder.note();
    let (taken, _) = under(Script::FailEach(&NEITHER), || take(&folder.dir, "x", Duration::ZERO));
    assert_eq!(taken.err().unwrap().kind, StoreFaultKind::NoLocks);
    let left = fs::read_dir(folder.temporary.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| name == "x" || name == "method"));
}

#[test]
fn a_note_that_is_cut_short_is_a_note_and_an_unknown_one_a_fault_f6() {
    let folder = Folder::new();
    for (text, expected) in [
        ("", Some(LockMethod::System)),
        ("l", Some(LockMethod::Links)),
        ("links", Some(LockMethod::Links)),
        ("links\n", Some(LockMethod::Links)),
        ("links\nand more", None),
        ("another\n", None),
        ("\0\0\0", None),
    ] {
        fs::write(folder.path("method"), text).unwrap();
        assert_eq!(method(&folder.dir).ok(), expected, "{text:?}");
        assert_eq!(take(&folder.dir, "x", Duration::ZERO).is_ok(), expected.is_some(), "{text:?}");
    }
}

#[test]
fn who_held_a_lock_of_the_system_before_links_were_the_way_still_holds_it_f6() {
    let folder = Folder::new();
    let held = ours(folder.take(Duration::ZERO));
    folder.note();
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        assert_eq!(theirs(folder.take(wait)).pid, Some(std::process::id()));
    }
    drop(held);
    ours(folder.take(Duration::ZERO));
}

#[test]
fn who_died_with_a_lock_of_the_system_is_waited_for_where_that_is_not_seen_as_long_as_one_is_held_f6() {
    let folder = Folder::new();
    fs::write(folder.path("x"), "12 another-machine\n").unwrap();
    folder.note();
    let age = |age| File::options().write(true).open(folder.path("x")).unwrap().set_modified(age).unwrap();
    let [base, clock] = ["x", "method"].map(|name| folder.dir.spot(name, true).unwrap().unwrap());
    let take = || links::take(&base, &clock, Reach::Part, &mut Patience::new(Duration::ZERO.into())).unwrap();
    age(SystemTime::now() - Duration::from_mins(14));
    assert_eq!(theirs(take()).pid, Some(12));
    age(SystemTime::now() - Duration::from_mins(16));
    ours(take());
    assert_eq!(fs::read(folder.path("x")).unwrap(), b"");
}

#[test]
fn who_died_with_a_lock_of_the_system_is_not_waited_for_where_that_is_seen_f6() {
    let folder = Folder::new();
    fs::write(folder.path("x"), "12 another-machine\n").unwrap();
    folder.note();
    ours(folder.take(Duration::ZERO));
    assert_eq!(fs::read(folder.path("x")).unwrap(), b"");
}

#[test]
fn who_wins_a_lock_of_the_system_when_links_are_the_way_lets_it_go_f6() {
    let folder = Folder::new();
    let held = ours(folder.take(Duration::ZERO));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| folder.take(LONG));
        let inode = format!(":{} ", fs::metadata(folder.path("x")).unwrap().ino());
        // It stands in the system's queue.
        let queue = || fs::read_to_string("/proc/locks").unwrap();
        while !queue().lines().any(|line| line.contains("-> FLOCK") && line.contains(&inode)) {
            thread::yield_now();
        }
        folder.note();
        drop(held);
        let guard = ours(waiting.join().unwrap());
        File::open(folder.path("x")).unwrap().try_lock().unwrap();
        assert!(folder.path("x.1").exists());
        theirs(folder.take(Duration::ZERO));
        drop(guard);
    });
}
