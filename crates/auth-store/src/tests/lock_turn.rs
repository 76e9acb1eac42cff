//! The turnstile of a lock of the system, and the one thread that stands there for a process.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use auth_core::Holder;

use super::*;
use crate::steps::script::meddled;

const LONG: Duration = Duration::from_secs(20);

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

    /// Locks a file as another process would.
    fn locked(&self, name: &str) -> File {
        let file = File::options().create(true).append(true).open(self.path(name)).unwrap();
        file.lock().unwrap();
        file
    }

    /// How many descriptors of this process are open on the files of the lock.
    fn descriptors(&self) -> usize {
        let open = fs::read_dir("/proc/self/fd").unwrap();
        let open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        open.filter(|path| path.starts_with(self.temporary.path()) && path.file_name().unwrap() != "").count()
    }

    /// How many requests the system has in its queue for a file.
    fn queued(&self, name: &str) -> usize {
        let inode = format!(":{} ", fs::metadata(self.path(name)).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().filter(|line| line.contains("-> FLOCK") && line.contains(&inode)).count()
    }
}

#[track_caller]
fn ours(taken: Taken) -> Guard {
    match taken {
        Taken::Ours(guard) => guard,
        Taken::Theirs(holder) => panic!("{holder:?}"),
    }
}

#[track_caller]
fn theirs(taken: Taken) -> Holder {
    match taken {
        Taken::Theirs(holder) => holder,
        Taken::Ours(_) => panic!("somebody else holds it or is before us"),
    }
}

fn until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < LONG);
        thread::yield_now();
    }
}

fn id(folder: &Folder) -> queue::Id {
    let (spot, _, stamp) = folder.dir.open_to_lock("x").unwrap().unwrap();
    queue::Id::new(stamp, &spot)
}

#[test]
fn a_newcomer_does_not_overtake_who_stands_at_the_turnstile_f7() {
    let folder = Folder::new();
    drop(ours(folder.take(Duration::ZERO)));
    assert!(!folder.path("x.turn").exists(), "nobody has waited yet");
    let stands = folder.locked("x.turn");
    // The lock itself is free, and is somebody else's turn.
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        assert_eq!(theirs(folder.take(wait)), Holder::default());
    }
    drop(stands);
    until(|| matches!(folder.take(Duration::ZERO), Taken::Ours(_)));
}

#[test]
fn one_of_a_process_waits_for_the_lock_the_others_queue_f7() {
    let folder = Folder::new();
    let held = ours(folder.take(Duration::ZERO));
    let (id, order) = (id(&folder), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for number in 0..8 {
            let (folder, order) = (&folder, &order);
            let waiting = move || {
                let guard = ours(folder.take(LONG));
                order.lock().unwrap().push(number);
                drop(guard);
            };
            scope.spawn(waiting);
            until(|| queue::length(&id) == number + 1);
        }
        until(|| folder.queued("x") == 1);
        assert_eq!((folder.queued("x.turn"), queue::has_thread(&id)), (0, true));
        drop(held);
    });
    assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7], "first come, first served");
    until(|| !queue::has_thread(&id));
}

#[test]
fn waits_that_time_out_leave_one_thread_and_go_on_to_leave_none_f7() {
    let folder = Folder::new();
    let held = ours(folder.take(Duration::ZERO));
    let (id, before) = (id(&folder), folder.descriptors());
    for _ in 0..200 {
        theirs(folder.take(Duration::from_millis(1)));
    }
    assert_eq!((queue::has_thread(&id), folder.descriptors()), (false, before), "a short wait needs none");
    // The first wait is given up once it has a thread; the others find that one.
    let is_wanted = || !queue::has_thread(&id);
    let wait = Wait { is_wanted: Some(&is_wanted), ..Wait::from(LONG) };
    theirs(take(&folder.dir, "x", wait).unwrap());
    for _ in 0..3 {
        theirs(folder.take(Duration::from_millis(20)));
    }
    until(|| folder.queued("x") == 1);
    assert_eq!((folder.queued("x.turn"), queue::has_thread(&id)), (0, true));
    assert_eq!(folder.descriptors(), before + 2, "the lock and its turnstile, once");
    drop(held);
    // What was won for nobody is given back at once, and nothing is left.
    ours(folder.take(LONG));
    until(|| !queue::has_thread(&id) && folder.descriptors() == before - 1);
}

#[test]
fn who_stands_at_the_turnstile_and_is_stopped_is_passed_by_f7() {
    let folder = Folder::new();
    drop(ours(folder.take(Duration::ZERO)));
    let _stopped = folder.locked("x.turn");
    let guard = ours(folder.take(LONG));
    assert_eq!(theirs(folder.take(Duration::ZERO)).pid, Some(std::process::id()));
    drop(guard);
}

/// Otherwise each of many waiters would pay the second again.
#[test]
fn a_stopped_turnstile_is_passed_by_at_once_from_then_on_f7() {
    let folder = Folder::new();
    drop(ours(folder.take(Duration::ZERO)));
    let stopped = folder.locked("x.turn");
    drop(ours(folder.take(LONG)));
    // No waiter has a whole second of quiet here.
    for _ in 0..3 {
        drop(ours(folder.take(Duration::from_millis(900))));
    }
    // Once the turnstile works again, its order counts again.
    drop(stopped);
    drop(ours(folder.take(Duration::ZERO)));
    let _stopped = folder.locked("x.turn");
    theirs(folder.take(Duration::from_millis(500)));
}

#[test]
fn a_single_slow_try_makes_no_turnstile_f7() {
    let folder = Folder::new();
    let _held = ours(folder.take(Duration::ZERO));
    // Longer than a turnstile is left to the process that is being woken for it.
    let slow = || thread::sleep(Duration::from_millis(5));
    theirs(meddled(0, slow, || folder.take(Duration::ZERO)).0);
    assert!(!folder.path("x.turn").exists());
}

#[test]
fn who_was_served_takes_no_later_place_away_f7() {
    let folder = Folder::new();
    let (id, spot) = (id(&folder), folder.dir.spot("x", false).unwrap().unwrap());
    let served = queue::join(&id, &spot, None).unwrap();
    let given = served.wait(LONG).unwrap().unwrap().unwrap();
    until(|| !queue::has_thread(&id));
    let later = queue::join(&id, &spot, None).unwrap();
    drop(served);
    assert_eq!(queue::length(&id), 1);
    drop(given);
    assert!(later.wait(LONG).is_some());
}

#[test]
fn a_lock_freed_between_two_tries_needs_no_thread_f7() {
    for failed in [1, 2, 10, 50] {
        let folder = Folder::new();
        let held = ours(folder.take(Duration::ZERO));
        let (guard, tries) = meddled(failed, move || drop(held), || ours(folder.take(LONG)));
        // A thread would have made the last try.
        assert_eq!((tries.len(), queue::has_thread(&id(&folder))), (failed + 1, false));
        drop(guard);
    }
}

#[test]
fn what_goes_wrong_while_waiting_is_a_fault_and_no_lock_f7() {
    let folder = Folder::new();
    let _held = ours(folder.take(Duration::ZERO));
    fs::create_dir(folder.path("x.turn")).unwrap();
    let fault = take(&folder.dir, "x", LONG).err().unwrap();
    assert_eq!(fault.kind, StoreFaultKind::NotA("file"));
}

#[test]
fn a_note_moves_with_each_holder_and_each_sign_of_life_f7() {
    let folder = Folder::new();
    let note = || fs::read_to_string(folder.path("x")).unwrap();
    let mut notes = Vec::new();
    for _ in 0..2 {
        let guard = ours(folder.take(Duration::ZERO));
        notes.push(note());
        guard.0.beat();
        notes.push(note());
        let holder = theirs(folder.take(Duration::ZERO));
        assert_eq!(holder, Holder { pid: Some(std::process::id()), host: crate::os::host(), stopped: false });
        let (hold, weak) = (Arc::clone(&guard.0), guard.watch());
        drop(guard);
        hold.beat();
        assert!(note().starts_with('\n'), "a lock that was freed shows nothing");
        assert_eq!(weak.check(), Ok(()));
    }
    let moved = notes.len();
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), moved, "{notes:?}");
}

#[test]
fn no_thread_to_wait_with_is_a_fault_and_leaves_no_place_f7() {
    const CHILD: &str = "AUTH_STORE_TEST_NO_THREADS";
    let Some(path) = std::env::var_os(CHILD) else {
        let folder = Folder::new();
        let held = ours(folder.take(Duration::ZERO));
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let test = "lock::turn_tests::no_thread_to_wait_with_is_a_fault_and_leaves_no_place_f7";
        command.args(["--exact", test, "--nocapture"]).env(CHILD, folder.temporary.path());
        let output = command.output().unwrap();
        drop(held);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    };
    let dir = Dir::open(std::path::Path::new(&path), &[], false).unwrap().unwrap();
    let opened: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let fault = take(&dir, "x", Duration::from_secs(1)).err().map(|fault| fault.kind);
    drop(opened);
    assert_eq!(fault, Some(StoreFaultKind::Exhausted));
    theirs(take(&dir, "x", Duration::from_millis(1)).unwrap());
}

#[test]
fn threads_that_come_and_go_have_one_lock_at_a_time_f7() {
    let (folder, inside) = (Folder::new(), std::sync::atomic::AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let guard = ours(folder.take(LONG));
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(guard);
                }
            });
        }
    });
    let id = id(&folder);
    until(|| !queue::has_thread(&id));
}
