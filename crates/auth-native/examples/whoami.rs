//! Prints who is signed in to a Tiled server, signing in if need be: `whoami http://127.0.0.1:8000`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to its user")]

use std::process::ExitCode;

use auth_native::blocking::Authenticator;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: whoami URL")?;
    let auth = Authenticator::builder().user_agent("whoami/0.1").build()?;
    let connection = auth.connect(&url)?;
    println!("{}", connection.whoami()?.name());
    for warning in connection.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
