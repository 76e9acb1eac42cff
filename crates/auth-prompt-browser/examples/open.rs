//! Opens a page in the browser: `open URL`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program to try things out with")]

use std::process::ExitCode;

use auth_core::site::Url;

fn main() -> ExitCode {
    let Some(Ok(page)) = std::env::args().nth(1).map(|typed| typed.parse::<Url>()) else {
        eprintln!("Usage: open URL");
        return ExitCode::from(2);
    };
    match auth_prompt_browser::open(&page) {
        Ok(()) => {
            println!("opened");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}
