use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use auth_core::Foreign;

use super::*;
use crate::os;

fn folder() -> (tempfile::TempDir, Dir) {
    let temporary = tempfile::tempdir().unwrap();
    let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
    (temporary, dir)
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

#[test]
fn a_lock_says_who_holds_it_and_its_file_stays_f7() {
    let (temporary, dir) = folder();
    let path = temporary.path().join("x.lock");
    let guard = ours(take(&dir, "x.lock", Duration::ZERO).unwrap());
    let file = fs::metadata(&path).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o600);
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        let holder = theirs(take(&dir, "x.lock", wait).unwrap());
        assert_eq!(holder, Holder { pid: Some(std::process::id()), host: os::host(), stopped: false });
    }
    drop(guard);
    assert!(fs::read(&path).unwrap().starts_with(b"\n"), "nobody is told of a former holder");
    let stands = File::open(&path).unwrap();
    stands.lock().unwrap();
    assert_eq!(theirs(take(&dir, "x.lock", Duration::ZERO).unwrap()), Holder::default());
    drop(stands);
    ours(take(&dir, "x.lock", Duration::from_secs(20)).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().ino(), file.ino());
}

#[test]
fn any_note_in_a_lock_file_is_read_p9() {
    let (temporary, dir) = folder();
    let path = temporary.path().join("x");
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    let cases: [(&[u8], Option<u32>, Option<&str>); 7] = [
        (b"", None, None),
        (b"12 node\n", Some(12), Some("node")),
        (b"12\n", Some(12), None),
        (b"-1 a b\n", None, Some("a b")),
        (b"99999999999 \x1b[2J\n", None, Some("\u{1b}[2J")),
        (b"\xff\xfe", None, None),
        (b"\0\0\0", None, None),
    ];
    for (note, pid, host) in cases {
        fs::write(&path, note).unwrap();
        let holder = theirs(take(&dir, "x", Duration::ZERO).unwrap());
        assert_eq!(holder, Holder { pid, host: host.map(Foreign::from), stopped: false });
    }
}

#[test]
fn a_stopped_holder_is_told_from_one_elsewhere_f7() {
    use std::process::Command;

    use rustix::process::{Pid, Signal, kill_process};

    let (temporary, dir) = folder();
    let path = temporary.path().join("x");
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    kill_process(Pid::from_child(&child), Signal::STOP).unwrap();
    while !os::is_stopped(child.id()) {
        std::thread::yield_now();
    }
    let here = os::host().unwrap();
    for (host, stopped) in [(here.raw(), true), ("elsewhere", false), ("", false)] {
        fs::write(&path, format!("{} {host}\n", child.id())).unwrap();
        assert_eq!(theirs(take(&dir, "x", Duration::ZERO).unwrap()).stopped, stopped, "{host:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn whoever_wins_after_giving_up_frees_the_lock_again() {
    let (_temporary, dir) = folder();
    let guard = ours(take(&dir, "x", Duration::ZERO).unwrap());
    for _ in 0..20 {
        theirs(take(&dir, "x", Duration::from_millis(1)).unwrap());
    }
    drop(guard);
    // Twenty threads win it now, one after the other; each must let it go.
    ours(take(&dir, "x", Duration::from_secs(20)).unwrap());
}

#[test]
fn what_is_no_lock_file_is_a_fault_and_no_lock() {
    let (temporary, dir) = folder();
    fs::create_dir(temporary.path().join("x")).unwrap();
    let fault = take(&dir, "x", Duration::ZERO).err().unwrap();
    assert_eq!(fault.kind, StoreFaultKind::NotA("file"));
}
