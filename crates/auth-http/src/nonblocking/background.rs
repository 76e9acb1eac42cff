//! A runtime of our own, for work that callers on several runtimes share. A caller's runtime may end, or may not be driven
//! for a long time: a current-thread runtime rests between two calls of `block_on`.

use std::future;
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

/// The runtime. Its thread starts with the first work and lives as long as the process. `None` if there is no thread or
/// no descriptor for it; the next caller tries again.
pub(super) fn handle() -> Option<Handle> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);

    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime.is_none() {
        *runtime = start();
    }
    runtime.clone()
}

fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    let drive = move || runtime.block_on(future::pending::<()>());
    thread::Builder::new().name("auth-http".to_owned()).spawn(drive).ok()?;
    Some(handle)
}
