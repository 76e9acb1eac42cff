//! One page, opened.

use core::time::Duration;
use std::process::ExitStatus;
use std::sync::mpsc::RecvTimeoutError;

use auth_core::Foreign;
use auth_core::error::PageFault;
use auth_core::site::Url;

use crate::opener::{Environment, System, command};
use crate::start::start;

/// How long an opener has to fail. Those that leave the page to a running browser have ended by then; a browser that is
/// its own opener goes on for as long as it is open.
const MOMENT: Duration = Duration::from_millis(500);

/// Opens a page in the person's browser. It is `https`, or on this machine (T3).
///
/// Waits half a second at most for the program that opens it: whoever has not failed by then has opened it. Whether the
/// page is seen by anybody cannot be known, so show its address too.
///
/// ```no_run
/// use auth_core::site::Url;
/// let page: Url = "https://studio.example/app_session_launcher".parse()?;
/// if let Err(fault) = auth_prompt_browser::open(&page) {
///     eprintln!("{fault}; open it yourself: {}", page.to_request());
/// }
/// # Ok::<(), auth_core::site::UrlError>(())
/// ```
pub fn open(page: &Url) -> Result<(), OpenFault> {
    open_with(System::HERE, &Environment::read(), page, MOMENT)
}

/// The same with everything from outside as arguments.
fn open_with(
    system: System,
    environment: &Environment,
    page: &Url,
    moment: Duration,
) -> Result<(), OpenFault> {
    let words = command(system, environment, page)?;
    let opener = || Foreign::from(words.first().map_or("", String::as_str));
    let not_started =
        |why: std::io::Error| OpenFault::NotStarted { opener: opener(), why: Foreign::from(why.to_string()) };
    match start(&words).map_err(not_started)?.recv_timeout(moment) {
        Ok(Err(why)) => Err(not_started(why)),
        Ok(Ok(Some(status))) if !status.success() => Err(OpenFault::Refused { opener: opener(), status }),
        Ok(Ok(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
    }
}

/// Why a page was not opened. Its address is to be shown then, for somebody to open it elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFault {
    /// Its address could be a trap.
    #[error("the page is not opened: {0}")]
    Page(#[from] PageFault),
    /// There is nothing to show a browser on, as over SSH, and `BROWSER` names no program.
    #[error("no browser can be opened here: there is no desktop, and BROWSER names no program")]
    NoDesktop,
    /// There is no such program, or it cannot be run.
    #[error("no browser could be opened: {opener} cannot be started: {why}")]
    NotStarted {
        /// The program.
        opener: Foreign,
        /// What the system says.
        why: Foreign,
    },
    /// The program ended at once, and not well.
    #[error("no browser could be opened: {opener} ended with {status}")]
    Refused {
        /// The program.
        opener: Foreign,
        /// How it ended.
        status: ExitStatus,
    },
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/open.rs"]
mod tests;
