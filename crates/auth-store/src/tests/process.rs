use std::io::Read as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

const TAIL: &str = "1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 THREADS 0 77 1 1 184";

fn stat(name: &str, state: char, threads: u32) -> String {
    format!("12 ({name}) {state} {}", TAIL.replace("THREADS", &threads.to_string()))
}

#[test]
fn a_process_has_ended_if_its_parent_alone_does_not_know_f7() {
    let cases = [
        (stat("sh", 'S', 1), Some((false, false))),
        (stat("a) R 1 (b", 'R', 3), Some((false, false))),
        (stat("sh", 'Z', 1), Some((true, false))),
        (stat("sh", 'X', 0), Some((true, false))),
        // Its first thread has ended, another has not.
        (stat("sh", 'Z', 2), Some((false, false))),
        (stat("sh", 'T', 1), Some((false, true))),
        // By a debugger.
        (stat("sh", 't', 1), Some((false, true))),
        ("12 (sh) S 1 1".to_owned(), None),
        (String::new(), None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|(has_ended, is_stopped)| Stat { has_ended, is_stopped, started: 77 });
        assert_eq!(Stat::read(&text), expected, "{text}");
    }
}

#[test]
fn a_process_is_known_by_its_number_and_its_start_f7() {
    assert!(machine().is_some_and(|name| name.len() == 32));
    assert_eq!(machine(), machine());
    let own = std::process::id();
    let start = started(own).unwrap();
    assert!(!is_gone(own, start));
    assert!(is_gone(own, start + 1), "a later process of the same number");
    for none in [0, u32::MAX, i32::MAX.unsigned_abs()] {
        assert!(is_gone(none, start));
    }
}

#[test]
fn a_stopped_process_is_seen_until_it_is_continued() {
    use rustix::process::{Signal, kill_process};

    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    assert!(!is_stopped(child.id()) && !is_stopped(0) && !is_stopped(u32::MAX));
    for (signal, stopped) in [(Signal::STOP, true), (Signal::CONT, false)] {
        kill_process(pid, signal).unwrap();
        while is_stopped(child.id()) != stopped {
            std::thread::yield_now();
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_process_that_was_killed_is_gone_before_and_after_its_parent_knows_f7() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let start = started(child.id()).unwrap();
    assert!(!is_gone(child.id(), start));
    child.kill().unwrap();
    // Its end of the pipe is closed as it dies, a moment before it has died.
    child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
    while Stat::of(child.id()).is_some_and(|stat| !stat.has_ended) {
        std::thread::yield_now();
    }
    assert!(is_gone(child.id(), start));
    child.wait().unwrap();
    assert!(is_gone(child.id(), start));
}

proptest! {
    #[test]
    fn any_text_is_a_stat_or_none_p9(text in ".{0,200}", fields in "[ ()A-Z0-9-]{0,200}") {
        let _ = (Stat::read(&text), Stat::read(&fields));
    }
}
