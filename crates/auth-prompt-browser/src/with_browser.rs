//! A prompt whose pages open by themselves.

use auth_core::ports::{Dismiss, Prompt};
use auth_core::site::Url;
use auth_core::{Answer, Notice, PromptFault, Question};

use crate::open::{OpenFault, open};

/// A prompt around another one: told of a page ([`Notice::Page`]), it opens it in the person's browser and has the other
/// one tell of it as well. Everything else is the other one's.
///
/// The address is shown whether the page was opened or not. One on another origin than the site's is not told of before
/// a person has agreed to it (T3).
#[derive(Clone, Copy, Debug, Default)]
pub struct WithBrowser<P>(P);

impl<P: Prompt> WithBrowser<P> {
    /// Around the prompt that asks and tells.
    pub fn new(prompt: P) -> Self {
        Self(prompt)
    }
}

impl<P: Prompt> Prompt for WithBrowser<P> {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        self.0.ask(question, dismissed)
    }

    fn tell(&self, notice: &Notice) {
        tell(&self.0, notice, open);
    }
}

fn tell(prompt: &impl Prompt, notice: &Notice, open: impl FnOnce(&Url) -> Result<(), OpenFault>) {
    if let Notice::Page { page, .. } = notice {
        // What could not be opened is shown like everything else, and whoever sees the address knows what to do.
        let _ = open(page);
    }
    prompt.tell(notice);
}

#[cfg(test)]
#[path = "tests/with_browser.rs"]
mod tests;
