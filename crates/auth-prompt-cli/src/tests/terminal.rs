use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;

/// Both ends of a terminal that is nobody's.
fn pair() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let slave = fs::open(name, flags, fs::Mode::empty()).unwrap();
    (master, slave)
}

fn state(fd: impl AsFd) -> String {
    format!("{:?}", termios::tcgetattr(fd).unwrap())
}

#[test]
fn a_panic_restores_the_terminal_s8() {
    for mode in [Mode::Shown, Mode::Hidden] {
        let (_master, slave) = pair();
        let watched = slave.try_clone().unwrap();
        let before = state(&watched);
        let mut terminal = Terminal::new(slave);
        terminal.set(mode).unwrap();
        assert_eq!(state(&watched) == before, mode == Mode::Shown);
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _asking = terminal;
            panic!("while asking");
        }));
        assert!(panicked.is_err());
        assert_eq!(state(&watched), before);
    }
}

#[test]
fn modes_follow_each_other_and_what_was_found_comes_back_s8() {
    let (_master, slave) = pair();
    let watched = slave.try_clone().unwrap();
    // As a program that crashed might have left it.
    let mut odd = termios::tcgetattr(&watched).unwrap();
    odd.make_raw();
    odd.special_codes[SpecialCodeIndex::VMIN] = 7;
    termios::tcsetattr(&watched, OptionalActions::Now, &odd).unwrap();
    let before = state(&watched);
    let mut terminal = Terminal::new(slave);
    for mode in [Mode::Shown, Mode::Hidden, Mode::Shown, Mode::Hidden] {
        terminal.set(mode).unwrap();
        let now = termios::tcgetattr(&watched).unwrap();
        let shown = LocalModes::ICANON | LocalModes::ECHO;
        assert_eq!(now.local_modes.contains(shown), mode == Mode::Shown);
        assert_eq!(now.local_modes.intersects(shown), mode == Mode::Shown);
        assert!(now.local_modes.contains(LocalModes::ISIG) && now.input_modes.contains(InputModes::ICRNL));
    }
    terminal.restore().unwrap();
    assert_eq!((state(&watched), terminal.mode()), (before.clone(), None));
    terminal.restore().unwrap();
    drop(terminal);
    assert_eq!(state(&watched), before);
}

#[test]
fn a_terminal_that_cannot_be_polled_is_read_all_the_same() {
    let (master, slave) = pair();
    let (wake, waker) = UnixStream::pair().unwrap();
    let mut terminal = Terminal::new(slave);
    terminal.pollable = false;
    terminal.set(Mode::Hidden).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(terminal.read(&mut buffer), Ok(Read::Nothing));
    io::write(&master, b"ab").unwrap();
    let mut read = Read::Nothing;
    for _ in 0..100 {
        if read == Read::Nothing {
            assert_eq!(terminal.wait(PollFlags::IN, wake.as_fd()), Ok(true));
            read = terminal.read(&mut buffer).unwrap();
        }
    }
    assert_eq!(read, Read::Bytes(2));
    io::write(&waker, &[0]).unwrap();
    assert_eq!(terminal.wait(PollFlags::IN, wake.as_fd()), Ok(false));
}

#[test]
fn a_terminal_that_goes_away_has_hung_up_whatever_is_done() {
    let (master, slave) = pair();
    let mut terminal = Terminal::new(slave);
    terminal.set(Mode::Hidden).unwrap();
    drop(master);
    let mut buffer = [0; 16];
    assert_eq!(terminal.read(&mut buffer), Err(CannotPrompt::HungUp));
    assert_eq!(terminal.write(b"x"), Err(CannotPrompt::HungUp));
    assert_eq!(terminal.set(Mode::Shown), Err(CannotPrompt::HungUp));
    assert_eq!(terminal.keys().err(), Some(CannotPrompt::HungUp));
    assert_eq!(terminal.restore(), Err(CannotPrompt::HungUp));
}

#[test]
fn the_editing_characters_are_the_terminals_own() {
    let (_master, slave) = pair();
    let mut changed = termios::tcgetattr(&slave).unwrap();
    changed.special_codes[SpecialCodeIndex::VKILL] = 0x18;
    changed.special_codes[SpecialCodeIndex::VWERASE] = 0;
    termios::tcsetattr(&slave, OptionalActions::Now, &changed).unwrap();
    let keys = Terminal::new(slave).keys().unwrap();
    assert_eq!((keys.erase, keys.erase_word, keys.kill, keys.end), (0x7f, 0, 0x18, 0x04));
}
