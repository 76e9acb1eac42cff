//! The command `authctl`: signing in to servers, and using the session, from the shell.
//!
//! [`args`] is what was typed, [`plan`] what it means, [`commands`] does it, and [`report`] says what went wrong.

mod args;
#[cfg(test)]
#[path = "tests/book.rs"]
mod book;
mod client;
mod commands;
mod exit;
mod interrupt;
mod json;
mod kind;
mod output;
mod plan;
mod report;
mod script;
mod stdin;
mod text;
mod typed;

use std::process::ExitCode;

use crate::plan::Plan;

fn main() -> ExitCode {
    let typed = match typed::read(std::env::args_os()) {
        Ok(typed) => typed,
        Err(exit) => return exit.into(),
    };
    let json = plan::wants_json(&typed);
    let exit = Plan::new(typed).and_then(commands::run).unwrap_or_else(|failure| {
        output::failure(&failure);
        if json {
            // A failure to say so has nowhere to go.
            let _ = output::object(&json::Failed::new(&failure));
        }
        failure.exit
    });
    client::finish();
    exit.into()
}
