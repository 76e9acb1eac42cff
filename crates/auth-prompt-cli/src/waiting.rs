//! A sign of life while something takes long.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Nothing is shown before.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);
/// Letters only: they look the same everywhere.
const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
/// Longer would be broken over two lines, which cannot be taken back.
const LONGEST: usize = 70;

/// Shows on standard error, where that is a terminal, what is waited for, once it takes longer than a second; and takes it
/// back when it is dropped.
#[must_use = "it is over when this is dropped"]
pub struct Waiting {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Begins to wait for something, named in a few words.
    pub fn start(what: &str) -> Self {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let thread = if io::stderr().is_terminal() {
            let (what, over) = (what.to_owned(), Arc::clone(&over));
            let run = move || show(&mut io::stderr(), &what, &over, PATIENCE);
            thread::Builder::new().name("waiting".to_owned()).spawn(run).ok()
        } else {
            None
        };
        Self { over, thread }
    }
}

fn show(out: &mut dyn Write, what: &str, over: &(Mutex<bool>, Condvar), patience: Duration) {
    let what: String = what.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    // What cannot be shown is dropped.
    let mut say = |text: &str| drop(out.write_all(text.as_bytes()));
    if rests(over, patience) {
        return;
    }
    for frame in FRAMES.iter().cycle() {
        say(&format!("\r{frame} {what} "));
        if rests(over, TICK) {
            break;
        }
    }
    say(&format!("\r{}\r", " ".repeat(what.chars().count() + 3)));
}

/// True if it is over before so much time has passed.
fn rests(over: &(Mutex<bool>, Condvar), time: Duration) -> bool {
    let is_over = over.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = over.1.wait_timeout_while(is_over, time, |over| !*over);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what is shown, and says stop after so many writes.
    struct Screen<'a> {
        shown: String,
        left: u32,
        over: &'a (Mutex<bool>, Condvar),
    }

    impl Write for Screen<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.shown.push_str(&String::from_utf8_lossy(bytes));
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                *self.over.0.lock().unwrap() = true;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_waited_for_is_shown_once_it_takes_long_and_taken_back() {
        let over = (Mutex::new(false), Condvar::new());
        let mut screen = Screen { shown: String::new(), left: 2, over: &over };
        // A name that would move the cursor does not.
        show(&mut screen, "waiting\u{1b}[2J", &over, Duration::ZERO);
        let blank = " ".repeat("waiting[2J".len() + 3);
        assert_eq!(screen.shown, format!("\r| waiting[2J \r/ waiting[2J \r{blank}\r"));
    }

    #[test]
    fn what_is_over_soon_shows_nothing() {
        let over = (Mutex::new(true), Condvar::new());
        let mut screen = Screen { shown: String::new(), left: 9, over: &over };
        show(&mut screen, "waiting", &over, PATIENCE);
        assert_eq!(screen.shown, "");
    }
}
