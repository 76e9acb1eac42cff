use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Notice, PromptFault, Question};

/// A closure that answers questions, for whoever needs no more of a [`Prompt`]. It is told nothing, and what it answers
/// to a question that is no longer wanted is dropped.
///
/// ```
/// use std::sync::Arc;
///
/// use auth_native::blocking::{Asker, Authenticator};
/// use auth_native::{Answer, PromptFault, Question, Secret};
///
/// let prompt = Asker::new(|question| {
///     let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
///     let username = question.username.unwrap_or_else(|| "alice".into());
///     Ok(Answer::Password { username, password: Secret::from("what was typed") })
/// });
/// let auth = Authenticator::builder().prompt(Arc::new(prompt)).build()?;
/// # drop(auth);
/// # Ok::<(), auth_native::Error>(())
/// ```
pub struct Asker<F>(F);

impl<F: Fn(Question) -> Result<Answer, PromptFault> + Send + Sync> Asker<F> {
    /// Takes one.
    pub fn new(ask: F) -> Self {
        Self(ask)
    }
}

impl<F: Fn(Question) -> Result<Answer, PromptFault> + Send + Sync> Prompt for Asker<F> {
    fn ask(&self, question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        (self.0)(question.clone())
    }

    fn tell(&self, _notice: &Notice) {}
}
