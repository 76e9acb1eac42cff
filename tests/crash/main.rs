//! One operation on a token directory, killed or disturbed at each of its system calls by strace, and on disks that
//! are full or cannot be written. `cargo xtask test` installs strace.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on says why by panicking, and one that is skipped by printing"
)]

mod conditions;
mod errors;
mod killed;
mod operation;
mod probe;
mod rig;
mod table;
mod trace;
