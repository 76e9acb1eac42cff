//! Reads from a Tiled server again and again, for tests that have several programs share one session.
//!
//! `storm_client URL SECONDS blocking|async`. Nobody is asked. How often it read is printed, and every read that failed;
//! it ends with 1 if one did.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use auth_native::{Response, blocking, nonblocking};

/// How often a connection is used before another is made, as by a program that starts anew.
const READS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: storm_client URL SECONDS blocking|async");
    let (url, seconds, driver) = (next()?, next()?.parse()?, next()?);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut reads, mut failures) = (0_u32, 0_u32);
    let mut note = |answer: Result<Response, auth_native::Error>| {
        reads += 1;
        let failed = match answer {
            Ok(answer) if answer.is_success() => return,
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.to_string(),
        };
        failures += 1;
        println!("read {reads}: {failed}");
    };
    if driver == "async" {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let auth = nonblocking::Authenticator::builder().never_ask().build()?;
            while Instant::now() < end {
                let connection = match auth.connect(&url).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        note(Err(error));
                        continue;
                    }
                };
                for _ in 0..READS {
                    note(connection.get("metadata/").await);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Ok::<_, auth_native::Error>(())
        })?;
    } else {
        let auth = blocking::Authenticator::builder().never_ask().build()?;
        while Instant::now() < end {
            let connection = match auth.connect(&url) {
                Ok(connection) => connection,
                Err(error) => {
                    note(Err(error));
                    continue;
                }
            };
            for _ in 0..READS {
                note(connection.get("metadata/"));
                std::thread::sleep(PAUSE);
            }
        }
    }
    println!("{reads} reads, {failures} failed");
    Ok(if failures == 0 && reads > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
