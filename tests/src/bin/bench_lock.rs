//! One of many processes that want a lock at the same moment, for `cargo xtask bench lock`.
//!
//! `bench_lock ours|kernel|polling FOLDER HOLD WAIT`, both times in milliseconds. It says `ready`, waits for a line on
//! standard input, takes the lock, prints `held` or `busy` with the microseconds until then, and lets go after HOLD.
//!
//! `bench_lock reader FOLDER` says `ready` and reads the session that the lock is of without a pause, until it is told a
//! line; then it prints how often it did.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_core::error::StoreFault;
use auth_core::ports::{Change, Key, LockKind, Locking, Replaces, Store as _};
use auth_core::session::{Session, Tokens};
use auth_store::TiledDirectory;

/// How often it is tried again where nobody is woken.
const POLL: Duration = Duration::from_millis(250);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: bench_lock ours|kernel|polling FOLDER HOLD WAIT");
    let (way, folder) = (next()?, next()?);
    if way == "reader" {
        return read(Path::new(&folder));
    }
    let (hold, wait) = (millis(&next()?)?, millis(&next()?)?);
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    let started = Instant::now();
    let lock: Option<Box<dyn Send>> = match way.as_str() {
        "ours" => ours(Path::new(&folder), wait)?,
        "kernel" => {
            let file = open(Path::new(&folder))?;
            file.lock()?;
            Some(Box::new(file))
        }
        "polling" => polling(open(Path::new(&folder))?, started, wait)?,
        _ => return Err("no such way".into()),
    };
    let word = if lock.is_some() { "held" } else { "busy" };
    println!("{word} {}", started.elapsed().as_micros());
    if lock.is_some() {
        sleep(hold);
    }
    drop(lock);
    Ok(())
}

fn millis(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

fn store(folder: &Path) -> (TiledDirectory, Key) {
    let store = TiledDirectory::new(folder.join("cache"), folder.join("state"));
    (store, Key { site: "http://h/api/v1/".to_owned(), slot: String::new() })
}

fn read(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (store, key) = store(folder);
    let tokens = Tokens { access: Some("a".into()), refresh: Some("r".into()), ..Tokens::default() };
    let session = Box::new(Session { tokens, ..Session::default() });
    store.apply(&Change::Save { key: key.clone(), session, replaces: Replaces::Anything })?;
    println!("ready");
    let over = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _nothing = std::io::stdin().read_line(&mut String::new());
            over.store(true, Ordering::SeqCst);
        });
        let mut reads = 0_u64;
        while !over.load(Ordering::SeqCst) {
            store.load(&key)?;
            reads += 1;
        }
        Ok::<_, StoreFault>(reads)
    })?;
    println!("{reads}");
    Ok(())
}

fn ours(folder: &Path, wait: Duration) -> Result<Option<Box<dyn Send>>, Box<dyn Error>> {
    let (store, key) = store(folder);
    Ok(match store.lock(LockKind::Renewal, &key, wait)? {
        Locking::Held(lock) => Some(lock),
        Locking::Busy(_) => None,
    })
}

fn open(folder: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(folder.join("plain.lock"))
}

fn polling(file: File, started: Instant, wait: Duration) -> Result<Option<Box<dyn Send>>, Box<dyn Error>> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Box::new(file))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if started.elapsed() >= wait => return Ok(None),
            Err(TryLockError::WouldBlock) => sleep(POLL),
        }
    }
}
