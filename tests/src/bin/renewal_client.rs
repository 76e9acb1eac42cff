//! Renews the stored session of a server, whether that is due or not, for tests that stop it meanwhile.
//!
//! `renewal_client URL`. What came of it is printed; it ends with 1 if that is an error.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use auth_native::blocking::Authenticator;

/// Longer than a token lives.
const NEED: Duration = Duration::from_hours(2);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: renewal_client URL")?;
    let auth = Authenticator::builder().never_ask().ignore_environment_key().build()?;
    Ok(match auth.token(&url, Some(NEED)) {
        Ok(outcome) if outcome.value.fresh => {
            println!("renewed");
            ExitCode::SUCCESS
        }
        Ok(_) => {
            println!("not renewed");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    })
}
