//! The screens that the book shows, written from real runs.

use super::built;
use crate::{run, workspace};

/// Runs the test that compares them, and has it write instead.
pub(super) fn write() -> Result<(), String> {
    let built = built::everything()?;
    let mut test = workspace::cargo();
    test.args(["test", "-p", "conformance", "--test", "sandbox", "captures::"]);
    test.env("AUTHCTL", built.program("authctl")?).env("AUTH_CAPTURES", "write");
    run::quietly(&mut test)?;
    println!("docs: docs/src/captures is written");
    Ok(())
}
