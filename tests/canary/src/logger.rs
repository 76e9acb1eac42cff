//! A log that writes everything, so that it can be searched.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use log::{LevelFilter, Log, Metadata, Record};

struct Everything;

/// What servers that are part of a test say of the requests they are sent is no leak of those who send them.
const SERVERS: [&str; 1] = ["mockito"];

static EVERYTHING: Everything = Everything;
static RECORDED: AtomicUsize = AtomicUsize::new(0);

impl Log for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if SERVERS.iter().any(|server| record.target().starts_with(server)) {
            return;
        }
        RECORDED.fetch_add(1, Ordering::SeqCst);
        // Not `eprintln!`, which a test harness keeps from some threads.
        let _ = writeln!(
            std::io::stderr(),
            "{} {} {}:{} {}",
            record.level(),
            record.target(),
            record.file().unwrap_or_default(),
            record.line().unwrap_or_default(),
            record.args()
        );
    }

    fn flush(&self) {}
}

/// From now on, everything that is logged in this process goes to standard error. More than once is as once.
pub fn listen() {
    if log::set_logger(&EVERYTHING).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

/// How many records there were: a log that nobody writes to shows nothing.
pub fn recorded() -> usize {
    RECORDED.load(Ordering::SeqCst)
}
