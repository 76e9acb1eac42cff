//! For programs that must not ask.

use auth_core::error::CannotPrompt;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Notice, PromptFault, Question};

/// Asks nobody, at once, and tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct NoPrompt;

impl Prompt for NoPrompt {
    fn ask(&self, _question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cannot(CannotPrompt::NotAllowed))
    }

    fn tell(&self, _notice: &Notice) {}
}

#[cfg(test)]
mod tests {
    use auth_core::site::Url;
    use auth_core::{Foreign, ProviderQuestion};

    use super::*;

    #[test]
    fn every_question_is_refused() {
        let origin = "https://tiled.example".parse::<Url>().unwrap().origin().clone();
        let question = Question::Provider(ProviderQuestion { origin, providers: vec![Foreign::from("toy")] });
        let answer = NoPrompt.ask(&question, &Dismiss::new());
        assert_eq!(answer, Err(PromptFault::Cannot(CannotPrompt::NotAllowed)));
    }
}
