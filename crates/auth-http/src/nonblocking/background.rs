//! A runtime of our own, for work that callers on several runtimes share. A caller's runtime may end, or may not be driven
//! for a long time: a current-thread runtime rests between two calls of `block_on`.

use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// A prompt of the program that keeps its thread waiting holds up no other work.
const THREADS: usize = 2;

/// The runtime. It starts with the first work and lives as long as the process. `None` if there is no thread or no
/// descriptor for it; the next caller tries again.
pub(super) fn handle() -> Option<Handle> {
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime.is_none() {
        *runtime = start();
    }
    runtime.as_ref().map(|runtime| runtime.handle().clone())
}

fn start() -> Option<Runtime> {
    let build =
        || Builder::new_multi_thread().worker_threads(THREADS).thread_name("auth-http").enable_all().build();
    // tokio panics if a thread cannot be started.
    catch_unwind(build).ok()?.ok()
}
