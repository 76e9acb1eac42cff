use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;

use super::*;
use crate::os::Dir;
use crate::steps::script::{Script, under};

const LONG: Duration = Duration::from_secs(20);

struct Folder {
    temporary: tempfile::TempDir,
    base: Spot,
    clock: Spot,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
        let [base, clock] = ["x", "method"].map(|name| dir.spot(name, true).unwrap().unwrap());
        Self { temporary, base, clock }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn turn(&self) -> Turn<'_> {
        let (base, clock) = (&self.base, &self.clock);
        Turn { base, clock, reach: Reach::Part, known: None, watch: None, is_clear: false, seen: None }
    }

    fn take(&self, wait: Duration) -> Taken {
        take(&self.base, &self.clock, Reach::Part, &mut Patience::new(wait.into())).unwrap()
    }

    /// Makes a holder, who last showed something so long ago.
    fn hold(&self, number: u64, note: &str, age: Duration) {
        let path = self.path(&format!("x.{number}"));
        fs::write(&path, note).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.temporary.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
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
        Taken::Ours(_) => panic!("nobody holds it"),
    }
}

/// A note of this machine's.
fn note(pid: u32, started: u64) -> String {
    format!("{pid} {started} {} 7 host\n", os::machine().unwrap())
}

const ELSEWHERE: &str = "12 345 another 7 other-host\n";

#[test]
fn a_link_says_who_holds_the_lock_and_is_emptied_when_it_is_free_f6_f7() {
    let folder = Folder::new();
    let guard = ours(folder.take(Duration::ZERO));
    assert_eq!(fs::metadata(folder.path("x.1")).unwrap().mode() & 0o7777, 0o600);
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        assert_eq!(
            theirs(folder.take(wait)),
            Holder { pid: Some(process::id()), host: os::host(), stopped: false }
        );
    }
    drop(guard);
    assert_eq!(fs::read(folder.path("x.1")).unwrap(), b"");
    drop(ours(folder.take(Duration::ZERO)));
    assert_eq!(folder.names(), ["x.1", "x.2"], "nothing else is left");
}

#[test]
fn one_at_a_time_has_a_lock_of_links_f6() {
    let (folder, inside) = (Folder::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let guard = ours(folder.take(LONG));
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                }
            });
        }
    });
    let kept = usize::try_from(KEPT).unwrap() + 1;
    assert!(folder.names().iter().filter(|name| name.starts_with("x.")).count() <= kept);
}

#[test]
fn the_lock_of_a_process_that_died_here_is_free_at_once_f7() {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let started = os::started(process::id()).unwrap();
    let dead = [note(child.id(), started), note(process::id(), started + 1), note(u32::MAX, started)];
    for dead in dead {
        let folder = Folder::new();
        folder.hold(1, &dead, Duration::ZERO);
        drop(ours(folder.take(Duration::ZERO)));
        assert!(folder.path("x.2").exists());
        assert_eq!(fs::read_to_string(folder.path("x.1")).unwrap(), dead, "nobody else's file is touched");
    }
}

#[test]
fn the_lock_of_a_process_that_lives_here_is_its_own_however_long_it_stands_still_f6() {
    let folder = Folder::new();
    folder.hold(1, &note(process::id(), os::started(process::id()).unwrap()), Duration::from_hours(10));
    let mut turn = folder.turn();
    for _ in 0..3 {
        assert_eq!(theirs(turn.attempt().unwrap()).pid, Some(process::id()));
    }
    assert_eq!(turn.watch, None);
}

#[test]
fn a_holder_elsewhere_is_dead_if_it_showed_nothing_for_long_and_shows_nothing_while_watched_f6() {
    let old = LEASE + Duration::from_secs(10);
    for note in [ELSEWHERE, "12 345 another 7 cut", "garbage\n", "\0\0\0", "12 - - 7 \n"] {
        let folder = Folder::new();
        let mut turn = folder.turn();
        folder.hold(1, note, LEASE / 2);
        theirs(turn.attempt().unwrap());
        assert_eq!(turn.watch, None, "{note:?}: it is alive");
        folder.hold(1, note, old);
        theirs(turn.attempt().unwrap());
        let long_ago = Instant::now().checked_sub(WATCH).unwrap();
        let watch =
            |turn: &mut Turn<'_>| turn.watch = turn.watch.map(|(number, seen, _)| (number, seen, long_ago));
        // Not yet, and not if it shows something after all, however old that is.
        theirs(turn.attempt().unwrap());
        watch(&mut turn);
        folder.hold(1, note, old + Duration::from_secs(1));
        theirs(turn.attempt().unwrap());
        assert!(turn.watch.unwrap().2 > long_ago, "{note:?}: it is watched anew");
        watch(&mut turn);
        let guard = ours(turn.attempt().unwrap());
        assert_eq!(theirs(folder.take(Duration::ZERO)).pid, Some(process::id()));
        drop(guard);
    }
}

#[test]
fn who_tries_once_takes_nothing_from_a_holder_elsewhere_f6() {
    let folder = Folder::new();
    folder.hold(1, ELSEWHERE, Duration::from_hours(1));
    let holder = Holder { pid: Some(12), host: Some("other-host".into()), stopped: false };
    assert_eq!(theirs(folder.take(Duration::ZERO)), holder);
    ours(folder.take(WATCH + LONG));
}

#[test]
fn a_time_ahead_of_the_servers_is_no_life_f6() {
    let folder = Folder::new();
    folder.hold(1, ELSEWHERE, Duration::ZERO);
    let ahead = SystemTime::now() + Duration::from_hours(1);
    File::options().write(true).open(folder.path("x.1")).unwrap().set_modified(ahead).unwrap();
    let mut turn = folder.turn();
    theirs(turn.attempt().unwrap());
    assert!(turn.watch.is_some());
}

#[test]
fn a_number_that_was_used_and_removed_is_no_lock_f6() {
    let folder = Folder::new();
    for number in 5..20 {
        folder.hold(number, "", Duration::ZERO);
    }
    folder.hold(20, &note(process::id(), os::started(process::id()).unwrap()), Duration::ZERO);
    // Slow ones, who looked long ago: when there was none yet, and when the fourth was free.
    for known in [0, 4] {
        if known == 4 {
            folder.hold(4, "", Duration::ZERO);
        }
        let mut turn = Turn { known: Some(known), ..folder.turn() };
        if known == 4 {
            fs::remove_file(folder.path("x.5")).unwrap();
        }
        assert_eq!(theirs(turn.attempt().unwrap()).pid, Some(process::id()), "after {known}");
        let spurious = folder.path(&format!("x.{}", known + 1));
        assert_eq!(fs::read(spurious).unwrap(), b"");
    }
}

#[test]
fn a_new_number_is_the_last_and_follows_one_f6() {
    let cases: [(u64, &[u64], bool); 6] = [
        (1, &[1], true),
        (5, &[4, 5], true),
        (1, &[1, 4, 5], false),
        (3, &[3, 4, 5], false),
        (3, &[1, 3], false),
        (3, &[3], false),
    ];
    for (number, numbers, expected) in cases {
        assert_eq!(is_first(number, &numbers.iter().copied().collect()), expected, "{number} of {numbers:?}");
    }
}

#[test]
fn who_looks_at_an_old_folder_finds_the_last_number_all_the_same_f6() {
    let folder = Folder::new();
    for number in 1..=3 {
        folder.hold(number, "", Duration::ZERO);
    }
    let mut turn = Turn { known: Some(1), ..folder.turn() };
    let guard = ours(turn.attempt().unwrap());
    assert!(folder.path("x.4").exists());
    let mut gone = Turn { known: Some(9), ..folder.turn() };
    theirs(gone.attempt().unwrap());
    drop(guard);
}

#[test]
fn a_link_whose_answer_was_lost_is_ours_f6() {
    let folder = Folder::new();
    let (mine, other) = (Note::ours(7), Note::ours(8));
    folder.hold(1, &mine.text(), Duration::ZERO);
    assert!(folder.turn().link(1, &mine).unwrap().is_some());
    folder.hold(1, &other.text(), Duration::ZERO);
    assert!(folder.turn().link(1, &mine).unwrap().is_none());
}

#[test]
fn a_holder_shows_that_it_is_alive_f6() {
    let folder = Folder::new();
    let guard = ours(folder.take(Duration::ZERO));
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    let path = folder.path("x.1");
    File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    let started = Instant::now();
    while fs::metadata(&path).unwrap().modified().unwrap() == long_ago {
        assert!(started.elapsed() < LONG);
        thread::yield_now();
    }
    drop(guard);
}

#[test]
fn a_holder_whose_lease_ran_out_is_told_so_and_by_whom_f6() {
    let folder = Folder::new();
    let slept = ours(folder.take(Duration::ZERO));
    assert_eq!(slept.check(), Ok(()));
    folder.hold(2, ELSEWHERE, Duration::ZERO);
    let holder = Holder { pid: Some(12), host: Some("other-host".into()), stopped: false };
    let taken_over = fault(StoreFaultKind::Locked(holder), &folder.path("x"));
    assert_eq!(slept.check(), Err(taken_over.clone()));
    assert_eq!(slept.watch().check(), Err(taken_over));
    // Also once the one that took it over has let it go, and when many have had it since.
    folder.hold(2, "", Duration::ZERO);
    assert!(slept.check().is_err());
    fs::remove_file(folder.path("x.1")).unwrap();
    fs::remove_file(folder.path("x.2")).unwrap();
    folder.hold(20, "", Duration::ZERO);
    assert!(slept.check().is_err());
    let watch = slept.watch();
    drop(slept);
    assert_eq!(watch.check(), Ok(()), "it is held no more");
}

#[test]
fn a_holder_that_wiped_its_folder_has_no_lock_f6() {
    let folder = Folder::new();
    let guard = ours(folder.take(Duration::ZERO));
    fs::remove_file(folder.path("x.1")).unwrap();
    assert!(guard.check().is_err());
}

#[test]
fn what_others_leave_in_the_folder_is_no_number_f6() {
    let folder = Folder::new();
    let names = [
        ".nfs0000000000000001",
        "x.",
        "x.01",
        "x.-1",
        "x.1a",
        "x.9999999999999999",
        "y.7",
        "x.lock.3",
        ".x.5",
    ];
    for name in names {
        fs::write(folder.path(name), "12 345 another 7 h\n").unwrap();
    }
    assert!(numbers(&folder.base).unwrap().is_empty());
    ours(folder.take(Duration::ZERO));
    assert!(folder.path("x.1").exists());
    assert!(names.iter().all(|name| folder.path(name).exists()));
}

#[test]
fn what_the_dead_left_over_is_swept_away_f6() {
    let folder = Folder::new();
    let names = [".x.1.authctl-tmp", ".x.2.authctl-tmp", ".y.1.authctl-tmp"];
    for name in names {
        // As a server may have it of a file that is being made.
        let file = File::create(folder.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    drop(ours(folder.take(Duration::ZERO)));
    assert!(names.iter().all(|name| folder.path(name).exists()), "they may be somebody's who lives");
    let changed = fs::metadata(folder.path(names[0])).unwrap().ctime();
    folder.turn().sweep(changed + LEFT_OVER - 100);
    assert_eq!(folder.names(), [names[0], names[1], names[2], "x.1"]);
    folder.turn().sweep(changed + LEFT_OVER + 100);
    assert_eq!(folder.names(), [names[2], "x.1"]);
}

#[test]
fn a_file_that_is_lost_while_it_is_made_is_made_again_f6() {
    let folder = Folder::new();
    for step in [Step::Sync, Step::Link] {
        let script = Script::Fail(step, Errno::STALE.raw_os_error());
        let (linked, _) = under(script, || folder.turn().link(1, &Note::ours(7)).map(|held| held.is_some()));
        assert_eq!(linked, Ok(false), "{step:?}");
    }
    let full = Script::Fail(Step::Sync, Errno::NOSPC.raw_os_error());
    let mut patience = Patience::new(Duration::ZERO.into());
    let (taken, _) = under(full, || take(&folder.base, &folder.clock, Reach::All, &mut patience));
    assert_eq!(taken.err().unwrap().kind, StoreFaultKind::Full);
    assert_eq!(folder.names(), Vec::<String>::new());
}
