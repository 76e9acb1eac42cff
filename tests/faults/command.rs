//! What people do, each a flow or two.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use auth_core::flow::{Call, Flow, Governor, Login, LoginOptions, Logout, Outcome, Renewal, Warning, Whoami};
use auth_core::session::Session;
use auth_core::wire::Request;
use auth_core::{Error, Seed};
use auth_http::{Cancel, blocking, nonblocking};
use tokio::runtime::Runtime;

use crate::plan::Plan;
use crate::world::World;

/// One thing a person or a program does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Signing in, with nothing there.
    Login,
    /// Signing in where a session would be used, with nothing there.
    LoginAsked,
    /// Signing in where a session is still good.
    LoginReuse,
    /// Signing in where a session must be renewed.
    LoginRenew,
    /// A session that has ended is renewed.
    Renewal,
    /// A session that is near its end is renewed.
    EarlyRenewal,
    /// A request whose token has ended.
    Call,
    /// Who is signed in, with a session that must be renewed.
    Whoami,
    Logout,
}

/// Either driver.
pub(crate) enum Driver {
    Blocking(blocking::Driver),
    /// What waits for it leaves if the plan says so.
    Async(nonblocking::Driver, Runtime, Plan),
}

impl Driver {
    fn run<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        match self {
            Self::Blocking(driver) => driver.run(flow, cancel),
            Self::Async(driver, runtime, plan) => {
                let mut run = Box::pin(driver.run(flow, cancel));
                let end = runtime.block_on(poll_fn(|context| match run.as_mut().poll(context) {
                    Poll::Ready(end) => Poll::Ready(Some(end)),
                    Poll::Pending => plan.poll_leave(context).map(|()| None),
                }));
                end.unwrap_or_else(|| {
                    drop(run);
                    plan.left();
                    Err(Error::Cancelled)
                })
            }
        }
    }

    /// What goes on where its caller has left.
    pub(crate) fn into_runtime(self) -> Option<Runtime> {
        match self {
            Self::Blocking(_) => None,
            Self::Async(_, runtime, _) => Some(runtime),
        }
    }
}

/// What it came to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) error: Option<Error>,
    /// What the program has in hand afterwards.
    pub(crate) session: Option<Session>,
    pub(crate) warnings: Vec<Warning>,
}

impl Command {
    pub(crate) const ALL: [Self; 9] = [
        Self::Login,
        Self::LoginAsked,
        Self::LoginReuse,
        Self::LoginRenew,
        Self::Renewal,
        Self::EarlyRenewal,
        Self::Call,
        Self::Whoami,
        Self::Logout,
    ];

    /// How long before it somebody signed in, if anybody did.
    pub(crate) fn age(self) -> Option<Duration> {
        match self {
            Self::Login | Self::LoginAsked => None,
            Self::LoginReuse | Self::Logout => Some(Duration::from_secs(5)),
            // Access tokens live 15 minutes, and are renewed in the last.
            Self::EarlyRenewal => Some(Duration::from_secs(14 * 60 + 30)),
            Self::LoginRenew | Self::Renewal | Self::Call | Self::Whoami => Some(Duration::from_mins(20)),
        }
    }

    pub(crate) fn is_login(self) -> bool {
        matches!(self, Self::Login | Self::LoginAsked | Self::LoginReuse | Self::LoginRenew)
    }

    /// Does it; `held` is the session that a program has in hand.
    pub(crate) fn run(
        self,
        world: &World,
        driver: &Driver,
        held: Option<Session>,
        cancel: &Cancel,
    ) -> Report {
        let (uri, seed) = (world.uri.clone(), Seed::new([9; 32]));
        match self {
            Self::Login | Self::LoginAsked | Self::LoginReuse | Self::LoginRenew => {
                let options = LoginOptions { reuse: self != Self::Login, ..LoginOptions::default() };
                let login = Governor::new(Login::new(uri, options, seed));
                run(driver, cancel, login, |done| (Some(done.session), None))
            }
            Self::Renewal | Self::EarlyRenewal => {
                run(driver, cancel, Renewal::new(uri, seed), |done| (Some(done.session), None))
            }
            Self::Call => {
                let request = Request::get(uri.below("metadata/"));
                let call = Call::new(uri, request, held.unwrap_or_default(), seed);
                run(driver, cancel, call, |done| {
                    let error = match done.response {
                        Ok(response) if response.status() == 401 => Some(Error::NotSignedIn),
                        other => other.err(),
                    };
                    (Some(done.session), error)
                })
            }
            Self::Whoami => {
                run(driver, cancel, Whoami::new(uri, seed), |done| (Some(done.session), done.principal.err()))
            }
            Self::Logout => run(driver, cancel, Logout::new(uri), |_| (None, None)),
        }
    }
}

/// Runs a flow, and reads what it came to: a session, an error.
pub(crate) fn run<F>(
    driver: &Driver,
    cancel: &Cancel,
    flow: F,
    read: impl FnOnce(F::Output) -> (Option<Session>, Option<Error>),
) -> Report
where
    F: Flow + Send + 'static,
    F::Output: Send + 'static,
{
    match driver.run(flow, cancel) {
        Ok(Outcome { value, warnings }) => {
            let (session, error) = read(value);
            Report { error, session, warnings }
        }
        Err(error) => Report { error: Some(error), session: None, warnings: Vec::new() },
    }
}
