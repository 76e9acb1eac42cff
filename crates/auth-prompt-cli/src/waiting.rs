//! A sign of life while something takes long.

use std::io::{self, IsTerminal as _, Write as _};
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
        let thread = if io::stderr().is_terminal() { show(what, Arc::clone(&over)) } else { None };
        Self { over, thread }
    }
}

fn show(what: &str, over: Arc<(Mutex<bool>, Condvar)>) -> Option<JoinHandle<()>> {
    let what: String = what.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let run = move || {
        if rests(&over, PATIENCE) {
            return;
        }
        let mut frames = FRAMES.iter().cycle();
        loop {
            let frame = frames.next().copied().unwrap_or(' ');
            say(&format!("\r{frame} {what} "));
            if rests(&over, TICK) {
                break;
            }
        }
        say(&format!("\r{}\r", " ".repeat(what.chars().count() + 3)));
    };
    thread::Builder::new().name("waiting".to_owned()).spawn(run).ok()
}

/// True if it is over before so much time has passed.
fn rests(over: &(Mutex<bool>, Condvar), time: Duration) -> bool {
    let is_over = over.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = over.1.wait_timeout_while(is_over, time, |over| !*over);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn say(text: &str) {
    // What cannot be shown is dropped.
    let _ = io::stderr().lock().write_all(text.as_bytes());
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
