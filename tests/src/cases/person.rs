//! Somebody who answers as a case says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Foreign, Notice, PromptFault, Question, Secret};

use super::case::Turn;
use super::names::Names;
use super::text;

/// A prompt with its answers ready. What it was asked and told stands in [`heard`](Self::heard).
pub(super) struct Person {
    names: Arc<Names>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<String>,
    heard: Vec<String>,
}

impl Person {
    /// For one run.
    pub(super) fn new(names: Arc<Names>) -> Self {
        Self { names, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the answers of a step ready, and forgets the last one's.
    pub(super) fn begin(&self, turns: &[Turn]) {
        let answers = turns.iter().filter_map(|turn| turn.answer.clone()).collect();
        *self.state() = State { answers, heard: Vec::new() };
    }

    /// What was asked and told in this step.
    pub(super) fn heard(&self) -> Vec<String> {
        self.state().heard.clone()
    }
}

impl Prompt for Person {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        let mut state = self.state();
        state.heard.push(format!("asked: {}", self.names.hide(&text::question(question))));
        let answer = state.answers.pop_front();
        match answer.as_deref() {
            // A question that the case does not expect; what was heard will show it.
            None | Some("cancel") => Err(PromptFault::Cancelled),
            Some("no terminal") => Err(PromptFault::Cannot(CannotPrompt::NoTerminal)),
            Some("hung up") => Err(PromptFault::Cannot(CannotPrompt::HungUp)),
            Some(answer) => match (answer.split_once(" / "), answer.parse::<usize>()) {
                (Some((name, password)), _) => {
                    Ok(Answer::Password { username: Foreign::from(name), password: Secret::from(password) })
                }
                // A prompt shows them counted from one.
                (None, Ok(number)) => Ok(Answer::Provider(number.wrapping_sub(1))),
                (None, Err(_)) => {
                    state.heard.push(format!("the answer {answer:?} is not one"));
                    Err(PromptFault::Cancelled)
                }
            },
        }
    }

    fn tell(&self, notice: &Notice) {
        self.state().heard.push(format!("told: {}", self.names.hide(&text::notice(notice))));
    }
}

/// What a case expects to be heard.
pub(super) fn expected(turns: &[Turn]) -> Vec<String> {
    let line = |turn: &Turn| {
        let asked = turn.asked.iter().map(|text| format!("asked: {text}"));
        asked.chain(turn.told.iter().map(|text| format!("told: {text}"))).collect::<Vec<_>>()
    };
    turns.iter().flat_map(line).collect()
}
