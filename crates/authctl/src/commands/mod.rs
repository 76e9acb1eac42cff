//! One file for each command.

mod call;
mod completions;
#[cfg(feature = "sandbox")]
mod demo;
mod exec;
mod login;
mod logout;
mod man;
mod private;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sessions;
mod shotgun;
mod sites;
mod status;
mod token;
mod whoami;

use crate::client::Client;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::report::Failure;

/// Does what is to be done.
pub(crate) fn run(plan: Plan) -> Result<Exit, Failure> {
    match plan {
        Plan::Login(login) => login::run(&login),
        Plan::Token { site, min_validity, json } => token::run(&Client::new()?, site, min_validity, json),
        Plan::Whoami { site, json } => whoami::run(&Client::new()?, site, json),
        Plan::Status { which, check, json } => status::run(&Client::new()?, which, check, json),
        Plan::Logout { which, forget } => logout::run(&Client::new()?, which, forget),
        Plan::Sites { json } => sites::run(&Client::new()?, json),
        Plan::Sessions { site, revoke, json } => sessions::run(&Client::new()?, site, revoke, json),
        Plan::Exec(exec) => exec::run(&exec),
        Plan::Call(call) => call::run(call),
        #[cfg(feature = "sandbox")]
        Plan::Demo => demo::run(),
        #[cfg(feature = "sandbox")]
        Plan::Sandbox(sandbox) => sandbox::run(&sandbox),
        Plan::Completions(shell) => completions::run(shell),
        Plan::Man(pages) => man::run(pages),
    }
}
