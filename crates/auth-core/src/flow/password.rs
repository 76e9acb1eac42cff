use super::contract::{Machine, Pending};
use super::{Event, Outcome, Step, Warning};
use crate::error::{CannotPrompt, Error, Misuse, TransportFault, Trouble};
use crate::foreign::Foreign;
use crate::oauth;
use crate::question::{Answer, PasswordQuestion, PromptFault, Question};
use crate::secret::Secret;
use crate::session::Session;
use crate::site::Url;
use crate::tiled::{GrantAnswer, read_grant, wrong_clock};
use crate::time::Now;

/// How often a person may answer.
const ANSWERS: u8 = 3;

/// A name and a password, asked or given, and the tokens for them (RFC 6749 section 4.3; spec: Tiled, section 5).
///
/// The user has three attempts. A password that the program gives has one, without a prompt. A blank name or an empty
/// password cancels and is not sent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Password {
    endpoint: Url,
    provider: Foreign,
    username: Option<Foreign>,
    given: Option<Secret>,
    left: u8,
    pending: Pending,
}

/// Tokens that were given and are not saved yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Granted {
    /// The session they make.
    pub session: Session,
}

impl Password {
    /// Asks a person; for the name as well, unless it is settled.
    pub fn new(endpoint: Url, provider: Foreign, username: Option<Foreign>) -> Self {
        Self { endpoint, provider, username, given: None, left: ANSWERS, pending: Pending::default() }
    }

    /// Presents this password once instead of asking. Without a name there is nobody it could belong to, and the
    /// name is asked for together with another password.
    #[must_use]
    pub fn given(mut self, password: Option<Secret>) -> Self {
        self.given = password.filter(|_| self.username.is_some());
        self
    }

    fn ask(&self) -> Step<Granted> {
        Step::Ask(Question::Password(PasswordQuestion {
            origin: self.endpoint.origin().clone(),
            provider: self.provider.clone(),
            username: self.username.clone(),
            suggested: None,
            refused: self.left < ANSWERS,
            left: self.left,
        }))
    }

    fn send(&mut self, username: &Foreign, password: &Secret) -> Step<Granted> {
        if username.is_blank() || password.is_empty() {
            return Step::Done(Err(Error::Cancelled));
        }
        self.username = Some(username.clone());
        Step::Send(oauth::password::request(self.endpoint.clone(), username.raw(), password))
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
        Ok(match event {
            Event::Start => match (self.given.take(), self.username.clone()) {
                (Some(password), Some(username)) => {
                    self.left = 1;
                    self.send(&username, &password)
                }
                _ => self.ask(),
            },
            Event::Answer(Answer::Password { username, password }) => {
                let username = self.username.clone().unwrap_or(username);
                self.send(&username, &password)
            }
            Event::Answer(_) => return Err(Misuse::BadAnswer),
            Event::PromptFailed(PromptFault::Cancelled) | Event::Cancel => Step::Done(Err(Error::Cancelled)),
            Event::PromptFailed(PromptFault::Cannot(reason)) => Step::Done(Err(reason.into())),
            Event::Response(response) => match read_grant(now, &response) {
                GrantAnswer::Granted(session) => {
                    let warnings = wrong_clock(now, &response).map(Warning::Clock).into_iter().collect();
                    Step::Done(Ok(Outcome { value: Granted { session: *session }, warnings }))
                }
                GrantAnswer::Refused(detail) => {
                    self.left -= 1;
                    if self.left == 0 { Step::Done(Err(Error::Rejected(detail))) } else { self.ask() }
                }
                GrantAnswer::Failed(error) => Step::Done(Err(error)),
            },
            Event::Unreachable { fault, .. } => Step::Done(Err(Trouble::Unreachable(fault).into())),
            // Whoever is asked has ten minutes; a server has less.
            Event::TimedOut if self.pending.is_ask() => Step::Done(Err(CannotPrompt::Unanswered.into())),
            Event::TimedOut => Step::Done(Err(Trouble::Unreachable(TransportFault::Timeout).into())),
            _ => return Err(Misuse::Unexpected),
        })
    }
}

#[cfg(test)]
#[path = "../tests/password.rs"]
mod tests;
