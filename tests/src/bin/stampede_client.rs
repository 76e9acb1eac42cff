//! Many threads and tasks of one process that all want the same session at one moment.
//!
//! `stampede_client URL CALLERS blocking|async`. It connects with the stored session, says `ready`, waits for a line on
//! standard input, and then reads once with each caller. How many failed is printed; it ends with 1 if any did.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use auth_native::{Response, blocking, nonblocking};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: stampede_client URL CALLERS blocking|async");
    let (url, callers, driver) = (next()?, next()?.parse::<usize>()?, next()?);
    let go = || {
        println!("ready");
        std::io::stdin().read_line(&mut String::new())
    };
    let failures: Vec<String> = if driver == "async" {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let auth = nonblocking::Authenticator::builder().never_ask().build()?;
        let connection = Arc::new(runtime.block_on(auth.connect(&url))?);
        go()?;
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let connection = Arc::clone(&connection);
                runtime.spawn(async move { failed(connection.get("metadata/").await) })
            })
            .collect();
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(runtime.block_on(task)?);
        }
        ends.into_iter().flatten().collect()
    } else {
        let auth = blocking::Authenticator::builder().never_ask().build()?;
        let connection = auth.connect(&url)?;
        go()?;
        thread::scope(|scope| {
            let threads: Vec<_> =
                (0..callers).map(|_| scope.spawn(|| failed(connection.get("metadata/")))).collect();
            let lost = || Some("a thread fell over".to_owned());
            threads.into_iter().filter_map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
        })
    };
    println!("{callers} callers, {} failed {failures:?}", failures.len());
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failed(answer: Result<Response, auth_native::Error>) -> Option<String> {
    match answer {
        Ok(answer) if answer.is_success() => None,
        Ok(answer) => Some(answer.status().to_string()),
        Err(error) => Some(error.to_string()),
    }
}
