use crate::error::{CannotPrompt, Error, Misuse, TransportFault, Trouble};
use crate::flow::contract::{Machine, Pending};
use crate::flow::shotgun::Granted;
use crate::flow::{Event, Outcome, Step};
use crate::foreign::Foreign;
use crate::question::{Answer, CodeQuestion, PasswordQuestion, PromptFault, Question};
use crate::secret::Secret;
use crate::shotgun::rpc::Credentials;
use crate::shotgun::session_token::SessionTokenAnswer;
use crate::shotgun::{ShotgunSite, session_token};
use crate::time::Now;
use crate::wire::Response;

/// How often a person may answer: with a password, and with the code after it.
const ANSWERS: u8 = 3;

/// A login and a password, and a code where the site wants one, for a session token (spec: Shotgun, section 5).
///
/// A person has three answers, and three for the code; what the program gives is presented once. A blank login or an empty
/// answer is a cancel and is not sent. Nothing but the token is
/// kept. A site that lets other servers know its people refuses passwords: the error names the ways that work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Password {
    site: ShotgunSite,
    username: Option<Foreign>,
    suggested: Option<Foreign>,
    given: Option<Secret>,
    given_code: Option<Secret>,
    never_ask: bool,
    /// What was presented last.
    presented: Option<(Foreign, Secret)>,
    left: u8,
    codes_left: u8,
    state: State,
    pending: Pending,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum State {
    New,
    Password,
    Code,
    Sending,
    SendingCode,
}

impl Password {
    /// Asks a person; for the login as well, unless it is settled.
    pub fn new(site: ShotgunSite, username: Option<Foreign>) -> Self {
        Self {
            site,
            username,
            suggested: None,
            given: None,
            given_code: None,
            never_ask: false,
            presented: None,
            left: ANSWERS,
            codes_left: ANSWERS,
            state: State::New,
            pending: Pending::default(),
        }
    }

    /// The login to be taken if none is given.
    #[must_use]
    pub fn suggested(mut self, login: Option<Foreign>) -> Self {
        self.suggested = login;
        self
    }

    /// Presents this password once instead of asking, and this code. Without a login there is nobody they could belong to.
    #[must_use]
    pub fn given(mut self, password: Option<Secret>, code: Option<Secret>) -> Self {
        self.given = password.filter(|_| self.username.is_some());
        self.given_code = code;
        self
    }

    /// Asks nobody: where a question would be needed, the answer is [`CannotPrompt::NotAllowed`].
    #[must_use]
    pub fn never_ask(mut self, never: bool) -> Self {
        self.never_ask = never;
        self
    }

    fn ask(&mut self) -> Step<Granted> {
        if self.never_ask {
            return Step::Done(Err(CannotPrompt::NotAllowed.into()));
        }
        self.state = State::Password;
        Step::Ask(Question::Password(PasswordQuestion {
            origin: self.site.origin().clone(),
            provider: Foreign::default(),
            username: self.username.clone(),
            suggested: self.suggested.clone(),
            refused: self.left < ANSWERS,
            left: self.left,
        }))
    }

    fn ask_code(&mut self) -> Step<Granted> {
        let Some((username, _)) = self.presented.as_ref().filter(|_| !self.never_ask) else {
            return self.ask();
        };
        self.state = State::Code;
        Step::Ask(Question::Code(CodeQuestion {
            origin: self.site.origin().clone(),
            username: username.clone(),
            refused: self.codes_left < ANSWERS,
            left: self.codes_left,
        }))
    }

    fn present(&mut self, login: Foreign, password: Secret, code: Option<Secret>) -> Step<Granted> {
        if login.is_blank() || password.is_empty() || code.as_ref().is_some_and(Secret::is_empty) {
            return Step::Done(Err(Error::Cancelled));
        }
        self.state = if code.is_some() { State::SendingCode } else { State::Sending };
        self.presented = Some((login.clone(), password.clone()));
        let credentials = Credentials::Password { login, password, code };
        Step::Send(session_token::request(&self.site, credentials))
    }

    fn answered(&mut self, now: Now, response: &Response) -> Step<Granted> {
        let Some((login, _)) = self.presented.clone() else { return Step::Done(Err(Error::Cancelled)) };
        let with_code = self.state == State::SendingCode;
        match session_token::read(now, &login, response) {
            SessionTokenAnswer::Granted(session) => {
                Step::Done(Ok(Outcome::clean(Granted { login, session: *session })))
            }
            SessionTokenAnswer::NeedsCode(_) if !with_code => {
                if let Some(code) = self.given_code.take() {
                    self.codes_left = 1;
                    return self.present_code(code);
                }
                self.codes_left = ANSWERS;
                self.ask_code()
            }
            SessionTokenAnswer::NeedsCode(why) | SessionTokenAnswer::Refused(why) if with_code => {
                self.codes_left -= 1;
                if self.codes_left == 0 { Step::Done(Err(Error::Rejected(why))) } else { self.ask_code() }
            }
            SessionTokenAnswer::NeedsCode(why) | SessionTokenAnswer::Refused(why) => {
                self.left -= 1;
                if self.left == 0 { Step::Done(Err(Error::Rejected(why))) } else { self.ask() }
            }
            SessionTokenAnswer::Failed(error) => Step::Done(Err(error)),
        }
    }

    fn present_code(&mut self, code: Secret) -> Step<Granted> {
        match self.presented.take() {
            Some((login, password)) => self.present(login, password, Some(code)),
            None => self.ask(),
        }
    }
}

impl Machine for Password {
    type Output = Granted;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<Granted>, Misuse> {
        Ok(match (self.state, event) {
            (_, Event::PromptFailed(PromptFault::Cancelled) | Event::Cancel) => {
                Step::Done(Err(Error::Cancelled))
            }
            (_, Event::PromptFailed(PromptFault::Cannot(reason))) => Step::Done(Err(reason.into())),
            (State::New, _) => match (self.given.take(), self.username.clone()) {
                (Some(password), Some(username)) => {
                    self.left = 1;
                    self.present(username, password, None)
                }
                _ => self.ask(),
            },
            (State::Password, Event::Answer(Answer::Password { username, password })) => {
                let username = self.username.clone().unwrap_or(username);
                self.present(username, password, None)
            }
            (State::Code, Event::Answer(Answer::Code(code))) => {
                if code.is_empty() {
                    return Ok(Step::Done(Err(Error::Cancelled)));
                }
                self.present_code(code)
            }
            (State::Password | State::Code, Event::Answer(_)) => return Err(Misuse::BadAnswer),
            (State::Password | State::Code, _) => Step::Done(Err(CannotPrompt::Unanswered.into())),
            (State::Sending | State::SendingCode, Event::Response(response)) => self.answered(now, &response),
            (State::Sending | State::SendingCode, Event::Unreachable { fault, .. }) => {
                Step::Done(Err(Trouble::Unreachable(fault).into()))
            }
            (State::Sending | State::SendingCode, _) => {
                Step::Done(Err(Trouble::Unreachable(TransportFault::Timeout).into()))
            }
        })
    }
}

#[cfg(test)]
#[path = "../../tests/shotgun_flow_password.rs"]
mod tests;
