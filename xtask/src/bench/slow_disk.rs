//! `slow-disk`: the bench `store` on a disk that needs milliseconds to make a file durable.
//!
//! The disks of virtual machines often answer in a tenth of a millisecond. There the processor decides how fast saves are,
//! not the number of syncs. `strace` delays each sync of this program and of its children, and stops at no other call.

use std::env;
use std::process::Command;

use super::page::Section;
use super::store;

pub(super) const NAME: &str = "slow-disk";

/// Set in the run whose syncs are delayed.
const IS_SLOW: &str = "AUTH_BENCH_SLOW_DISK";
/// By how much each sync is delayed, in microseconds.
const DELAY: u32 = 4_000;

/// Whether the syncs of this process are delayed.
pub(super) fn is_slow() -> bool {
    env::var_os(IS_SLOW).is_some()
}

/// Runs this bench in a process whose syncs are delayed. That process prints the table and writes the page.
pub(super) fn run_again() -> Result<(), String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let calls = "fsync,fdatasync";
    let status = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:delay_exit={DELAY}")])
        .arg(program)
        .args(["bench", NAME])
        .env(IS_SLOW, "1")
        .status()
        .map_err(|error| format!("cannot run strace, which delays the syncs: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the run with delayed syncs failed: {status}")) }
}

pub(super) fn measure() -> Result<Section, String> {
    store::measure_on(NAME, &format!("Each sync takes {} ms longer: strace delays it.", DELAY / 1_000))
}
