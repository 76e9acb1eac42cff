//! Running a command that finds somebody signed in.

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use auth_native::error::AuthError;
use auth_native::{Foreign, LoginOptions};

use super::private::{self, Private};
use super::shotgun;
use crate::client::{Client, Place};
use crate::exit::Exit;
use crate::output;
use crate::plan::Exec;
use crate::report::{Doing, Failure};

/// How often it is looked whether the command has ended, or a signal is for it.
const TICK: Duration = Duration::from_millis(20);

pub(crate) fn run(plan: &Exec) -> Result<Exit, Failure> {
    // Where a session of its own is wanted, the list of sites is still that of everybody.
    let usual = Client::new()?;
    let place = usual.place_of_session(plan.site.clone())?;
    if !plan.forgets {
        return run_with(plan, place, &usual, None);
    }
    private::sweep(|| usual.watch());
    if usual.signal() != 0 {
        return Err(usual.failure(&AuthError::Cancelled.into(), &place.site, Doing::Running));
    }
    let folder = Private::new(&place.site)?;
    let site = place.site.clone();
    let result = run_with(plan, place, &usual, Some(&folder));
    // A Shotgun site ends a session by itself, and what was kept of it goes with its folder.
    folder.end(&site);
    result
}

/// Runs the command with the session of everybody, or one of its own in a folder.
fn run_with(plan: &Exec, place: Place, usual: &Client, folder: Option<&Private>) -> Result<Exit, Failure> {
    let Exec { forgets, command, .. } = plan;
    let forgets = *forgets;
    let client = match folder {
        Some(folder) => Client::in_folder(folder.path())?,
        None => Client::new()?,
    };
    let Place { site, username, provider, .. } = place;
    let mut shotgun = usual.shotgun(&site)?;
    // A stored session is used whoever it is of.
    let (username, provider) = if forgets { (username, provider) } else { (None, None) };
    if shotgun.is_none() {
        let failed = |error| client.failure(&error, &site, Doing::Running);
        let allow_http = usual.auth.status(&site).map_err(failed)?.allow_http;
        let options = LoginOptions {
            reuse: !forgets,
            anonymous: !forgets,
            username: username.clone(),
            provider,
            allow_http,
            ..LoginOptions::default()
        };
        match client.auth.connect_with(&site, options) {
            Ok(connection) => {
                connection.warnings().iter().for_each(|warning| output::warning(warning));
                folder.inspect(|folder| folder.signed_in());
            }
            Err(error) => {
                shotgun = usual.found_out(&site, &error)?;
                if shotgun.is_none() {
                    return Err(failed(error));
                }
            }
        }
    }
    if let Some(site) = &shotgun {
        shotgun::sign_in_for(&client, usual, site, username, !forgets)?;
    }
    let mut child = start(command)?;
    // The command is given a session. The first key would override it, and the second is none of its business.
    child.env_remove("TILED_API_KEY").env_remove(crate::script::VARIABLE);
    if let Some(folder) = folder.map(Private::path) {
        child.env("TILED_CACHE_DIR", folder.join("cache"));
        child.env("AUTHCTL_STATE_DIR", folder.join("state"));
    }
    client.watch();
    match child.spawn().map(|child| attend(child, &client)) {
        Ok(status) => Ok(status.map_or(Exit::INTERNAL, exit_of)),
        Err(error) => Err(Failure::usage(
            &format!("the command {} cannot be run: {error}", name(command)),
            "Give the name of a program and its arguments after `--`.",
        )),
    }
}

fn name(command: &[OsString]) -> Foreign {
    Foreign::new(command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

fn start(command: &[OsString]) -> Result<Command, Failure> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Failure::internal("a command without a name was taken"))?;
    let mut child = Command::new(program);
    child.args(arguments);
    Ok(child)
}

/// Waits for the command. What a terminal sends reaches it by itself; what was sent to us alone is passed on.
fn attend(mut child: Child, client: &Client) -> Option<ExitStatus> {
    let mut passed = 0;
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => return Some(status),
            Err(_) => return None,
        }
        let signal = client.signal();
        if signal != passed {
            pass_on(&child, signal);
            passed = signal;
        }
        std::thread::sleep(TICK);
    }
}

#[cfg(unix)]
fn pass_on(child: &Child, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process};

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = [Signal::TERM, Signal::HUP, Signal::QUIT].into_iter().find(|known| known.as_raw() == signal);
    if let (Some(pid), Some(signal)) = (pid, signal) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn pass_on(_child: &Child, _signal: i32) {}

#[cfg(unix)]
fn exit_of(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;

    status.code().map_or_else(|| Exit::signal(status.signal().unwrap_or(-1)), Exit::of_command)
}

#[cfg(not(unix))]
fn exit_of(status: ExitStatus) -> Exit {
    status.code().map_or(Exit::INTERNAL, Exit::of_command)
}
