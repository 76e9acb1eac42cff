use core::time::Duration;

use crate::error::{CannotPrompt, Error, Misuse, NotApproved, Policy, TransportFault, Trouble};
use crate::flow::contract::{Machine, Pending};
use crate::flow::shotgun::Granted;
use crate::flow::{Event, Outcome, Step};
use crate::foreign::Foreign;
use crate::question::{Answer, BrowserQuestion, Notice, PageQuestion, PromptFault, Question};
use crate::secret::Secret;
use crate::seed::Seed;
use crate::shotgun::app_session::{Created, Polled};
use crate::shotgun::{ShotgunSite, app_session, same_login, session_token};
use crate::site::{Origin, Url};
use crate::time::{Now, Tick};

/// How long a person has to approve.
const APPROVAL: Duration = Duration::from_mins(3);
/// How often it is looked whether they have.
const POLL: Duration = Duration::from_secs(2);
/// So many looks fit into that time.
const POLLS: u8 = 90;
/// How often one request is tried in all.
const TRIES: u32 = 4;
/// What the pause before a further try is made of.
const PAUSE: Duration = Duration::from_millis(750);

/// The program that asks to be let in, as a person sees it on the page where they approve. It says so itself: nobody
/// vouches for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Program {
    /// Its name (`appName`).
    pub product: Foreign,
    /// The machine's name (`machineId`).
    pub machine: Foreign,
}

/// The App Session Launcher: a person approves in a browser of theirs, and this program gets a session token (spec:
/// Shotgun, section 6).
///
/// The page is shown and opened by the prompt; one that is not on the site's own origin only if the person agrees. Somebody else's approval of what was to be a certain user's sign-in is
/// refused.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AppSession {
    site: ShotgunSite,
    program: Program,
    username: Option<Foreign>,
    seed: Seed,
    id: Secret,
    page: Option<Url>,
    /// Whose pages may be opened besides the site's own.
    pages: Option<Origin>,
    /// When a person has had enough time.
    until: Tick,
    polls: u8,
    tries: u32,
    /// True while a countdown stands on somebody's screen.
    is_counting: bool,
    /// How it ended, where that is still to be told.
    ended: Option<Result<Granted, Error>>,
    state: State,
    pending: Pending,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum State {
    Asking,
    Creating,
    Agreeing,
    /// A further try is due.
    Retrying,
    Showing,
    Waiting,
    Polling,
    /// A further look is due.
    Repolling,
    Telling,
    /// The countdown is over.
    Closing,
}

impl AppSession {
    /// For a program, to be approved by this user if it is settled who that is.
    pub fn new(site: ShotgunSite, program: Program, username: Option<Foreign>, seed: Seed) -> Self {
        Self {
            site,
            program,
            username,
            seed,
            id: Secret::default(),
            page: None,
            pages: None,
            until: Tick(0),
            polls: 0,
            tries: 0,
            is_counting: false,
            ended: None,
            state: State::Asking,
            pending: Pending::default(),
        }
    }

    /// The pages of another origin may be opened too: a person has agreed before.
    #[must_use]
    pub fn allow_pages(mut self, pages: Option<Origin>) -> Self {
        self.pages = pages;
        self
    }

    /// Whose pages a person has agreed to.
    pub(crate) fn pages(&self) -> Option<&Origin> {
        self.pages.as_ref()
    }

    fn create(&mut self) -> Step<Granted> {
        self.state = State::Creating;
        Step::Send(app_session::create(&self.site, self.program.product.raw(), self.program.machine.raw()))
    }

    fn poll(&mut self) -> Step<Granted> {
        self.state = State::Polling;
        Step::Send(app_session::poll(&self.site, &self.id))
    }

    /// The end, before which a countdown is taken back.
    fn end(&mut self, result: Result<Granted, Error>) -> Step<Granted> {
        if !self.is_counting {
            return Step::Done(result.map(Outcome::clean));
        }
        self.ended = Some(result);
        self.state = State::Closing;
        Step::Tell(Notice::Approval { left: Duration::ZERO })
    }

    fn rest(&mut self, now: Now) -> Step<Granted> {
        if self.until <= now.tick || self.polls >= POLLS {
            return self.end(Err(NotApproved::TimedOut.into()));
        }
        self.polls += 1;
        self.tries = 0;
        self.state = State::Waiting;
        Step::Wait { until: now.tick.after(POLL) }
    }

    /// Another try after a while, or the error.
    fn again(&mut self, now: Now, error: Error) -> Step<Granted> {
        self.tries += 1;
        if self.tries >= TRIES {
            return self.end(Err(error));
        }
        self.state = if self.state == State::Creating { State::Retrying } else { State::Repolling };
        let pause = PAUSE * self.tries;
        let attempt = u32::from(self.polls) * TRIES + self.tries;
        let jitter = self.seed.jitter("app-session", attempt, pause * 2);
        Step::Wait { until: now.tick.after(pause + jitter) }
    }

    fn broken(&mut self, now: Now, fault: TransportFault) -> Step<Granted> {
        let error = Trouble::Unreachable(fault).into();
        match fault {
            TransportFault::Connect | TransportFault::Closed => self.again(now, error),
            _ => self.end(Err(error)),
        }
    }

    fn created(&mut self, now: Now, created: Created) -> Step<Granted> {
        match created {
            Created::Begun { id, url: page } => {
                self.id = id;
                self.page = Some(page.clone());
                let is_known =
                    page.origin() == self.site.origin() || Some(page.origin()) == self.pages.as_ref();
                if is_known {
                    return self.show(now, page);
                }
                self.state = State::Agreeing;
                Step::Ask(Question::Page(PageQuestion { origin: self.site.origin().clone(), page }))
            }
            Created::Failed(error) => Step::Done(Err(error)),
            Created::Again(error) => self.again(now, error),
        }
    }

    fn show(&mut self, now: Now, page: Url) -> Step<Granted> {
        self.until = now.tick.after(APPROVAL);
        self.state = State::Showing;
        Step::Tell(Notice::Page { page, origin: self.site.origin().clone() })
    }

    fn agreed(&mut self, now: Now) -> Step<Granted> {
        let Some(page) = self.page.clone() else { return self.create() };
        self.pages = Some(page.origin().clone());
        self.show(now, page)
    }

    fn polled(&mut self, now: Now, polled: Polled) -> Step<Granted> {
        match polled {
            Polled::Pending => {
                self.state = State::Telling;
                let left = now.tick.until(self.until);
                self.is_counting = !left.is_zero();
                Step::Tell(Notice::Approval { left })
            }
            Polled::Approved { login, token } => {
                let another = |asked: &Foreign| !same_login(asked.raw(), login.raw());
                if let Some(asked) = self.username.clone().filter(another) {
                    return self.end(Err(Policy::AnotherAccount { asked, got: login }.into()));
                }
                let session = session_token::session(now, &login, token);
                self.end(Ok(Granted { login, session }))
            }
            Polled::Over(error) => self.end(Err(error)),
            Polled::Again(error) => self.again(now, error),
        }
    }
}

impl Machine for AppSession {
    type Output = Granted;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn is_redeeming(&self) -> bool {
        self.state == State::Closing
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Granted>, Misuse> {
        Ok(match (self.state, event) {
            (State::Closing, _) => {
                let ended = self.ended.take().unwrap_or(Err(Error::Cancelled));
                Step::Done(ended.map(Outcome::clean))
            }
            (_, Event::Cancel | Event::PromptFailed(PromptFault::Cancelled)) => {
                Step::Done(Err(Error::Cancelled))
            }
            (State::Asking, Event::Start) => Step::Ask(Question::Browser(BrowserQuestion {
                origin: self.site.origin().clone(),
                username: self.username.clone(),
            })),
            (State::Asking, Event::Answer(Answer::Proceed)) | (State::Retrying, _) => self.create(),
            (State::Agreeing, Event::Answer(Answer::Proceed)) => self.agreed(now),
            (State::Asking | State::Agreeing, Event::PromptFailed(PromptFault::Cannot(reason))) => {
                Step::Done(Err(reason.into()))
            }
            (State::Asking | State::Agreeing, Event::TimedOut) => {
                Step::Done(Err(CannotPrompt::Unanswered.into()))
            }
            (State::Asking | State::Agreeing, _) => return Err(Misuse::BadAnswer),
            (State::Creating, Event::Response(response)) => {
                self.created(now, app_session::read_created(&response))
            }
            (State::Polling, Event::Response(response)) => {
                self.polled(now, app_session::read_poll(&response))
            }
            (State::Creating | State::Polling, Event::Unreachable { fault, .. }) => self.broken(now, fault),
            (State::Creating | State::Polling, _) => self.broken(now, TransportFault::Timeout),
            (State::Showing | State::Telling, _) => self.rest(now),
            (State::Waiting | State::Repolling, _) => self.poll(),
        })
    }
}

#[cfg(test)]
#[path = "../../tests/shotgun_flow_app_session.rs"]
mod tests;
