//! Uses whoever is signed in to a Shotgun site, or says how to sign in: `use_signed_in_user [SITE]`. Asks nobody, so that
//! it can run in a job.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to its user")]

use std::process::ExitCode;

use auth_native::blocking::Authenticator;
use auth_native::shotgun::{Program, ShotgunSite};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let named: Option<ShotgunSite> = std::env::args().nth(1).map(|site| site.parse()).transpose()?;
    let program = Program { product: "use_signed_in_user 0.1".into(), machine: "this machine".into() };
    let auth =
        Authenticator::builder().user_agent("use_signed_in_user/0.1").never_ask().build_shotgun(program)?;
    let Some(user) = auth.default_user(named.as_ref())? else {
        let site = named.or(auth.default_host()?).map_or_else(|| "SITE".to_owned(), |site| site.to_string());
        eprintln!("Nobody is signed in. Sign in first: authctl login {site}");
        return Ok(ExitCode::from(3));
    };
    let connection = auth.connect(user);
    let found = connection.find_one("HumanUser", &[], &["id", "login"])?;
    println!("{} is signed in to {}", connection.user(), connection.user().site());
    println!("the first person there is {}", found.unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}
