//! A user who answers by themselves: after a while, and not always with yes.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use auth_native::ports::{Dismiss, Prompt};
use auth_native::shotgun::SignInMethod;
use auth_native::{Answer, Foreign, Notice, PromptFault, Question, Secret};

use crate::calls::Lots;
use crate::notes::{Notes, now};

/// How long an answer takes, in milliseconds.
const THINKS: (u64, u64) = (20, 800);
/// One of so many questions is declined.
const DECLINES: u64 = 8;

pub(crate) struct Person {
    site: &'static str,
    user: String,
    password: Secret,
    lots: Mutex<Lots>,
    notes: Arc<Notes>,
}

impl Person {
    pub(crate) fn new(
        site: &'static str,
        user: &str,
        password: Secret,
        seed: u64,
        notes: Arc<Notes>,
    ) -> Self {
        Self { site, user: user.to_owned(), password, lots: Mutex::new(Lots::new(seed)), notes }
    }

    fn think(&self) -> (Duration, bool) {
        let mut lots = self.lots.lock().unwrap_or_else(PoisonError::into_inner);
        (Duration::from_millis(lots.between(THINKS.0, THINKS.1)), lots.one_in(DECLINES))
    }
}

impl Prompt for Person {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        let question = match question {
            Question::Method(question) => {
                let at = question.methods.iter().position(|method| *method == SignInMethod::Password);
                return at.map(Answer::Method).ok_or(PromptFault::Cancelled);
            }
            Question::Password(question) => question,
            _ => return Err(PromptFault::Cancelled),
        };
        let (began, (takes, declines)) = (now(), self.think());
        let until = Instant::now() + takes;
        while Instant::now() < until {
            if dismissed.is_dismissed() {
                self.notes.question(self.site, began, "withdrawn");
                return Err(PromptFault::Cancelled);
            }
            thread::sleep(Duration::from_millis(5));
        }
        if declines {
            self.notes.question(self.site, began, "declined");
            return Err(PromptFault::Cancelled);
        }
        self.notes.question(self.site, began, if question.refused { "answered again" } else { "answered" });
        let username = question.username.clone().unwrap_or_else(|| Foreign::new(self.user.as_str()));
        Ok(Answer::Password { username, password: self.password.clone() })
    }

    fn tell(&self, _: &Notice) {}
}
