//! Signs in to a Shotgun site by itself, with whatever there is to ask: `self_authenticate [SITE]`. At a terminal a person
//! is asked, and a page opens in their browser if the site wants that; without one it says why not.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to its user")]

use std::process::ExitCode;
use std::sync::Arc;

use auth_native::blocking::Authenticator;
use auth_native::ports::Prompt;
use auth_native::shotgun::{Defaults, Program, ShotgunSite};
use auth_native::{TerminalPrompt, WithBrowser};

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
    let mut defaults = Defaults::new();
    if let Some(site) = std::env::args().nth(1) {
        defaults = defaults.fixed_host(site.parse::<ShotgunSite>()?);
    }
    let prompt: Arc<dyn Prompt> = Arc::new(WithBrowser::new(TerminalPrompt::new()));
    let program = Program { product: "self_authenticate 0.1".into(), machine: "this machine".into() };
    let auth = Authenticator::builder()
        .user_agent("self_authenticate/0.1")
        .prompt(prompt)
        .defaults(Arc::new(defaults))
        .build_shotgun(program)?;
    let signed_in = auth.user(None)?; // kept, or asked for; the site as well
    for warning in &signed_in.warnings {
        eprintln!("warning: {warning}");
    }
    let user = signed_in.value;
    println!("signed in to {} as {user}", user.site());
    let connection = auth.connect(user);
    println!("the site knows them as {}", connection.resolve_entity()?.unwrap_or_default());
    Ok(())
}
