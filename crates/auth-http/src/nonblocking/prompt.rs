//! Asking a person without keeping a thread waiting.

use std::pin::Pin;
use std::sync::Arc;

use auth_core::error::CannotPrompt;
use auth_core::ports::{self, Dismiss};
use auth_core::{Answer, Notice, PromptFault, Question};
use tokio::sync::Notify;

use super::Threaded;
use super::job::Job;

/// A question on its way to an answer.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, PromptFault>> + Send + 'a>>;
/// A notice on its way.
pub type Telling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A way to ask a person without keeping a thread waiting.
///
/// The blocking one is [`auth_core::ports::Prompt`]; [`Threaded`] makes this of it.
pub trait Prompt: Send + Sync {
    /// Asks. If `dismissed` happens first, takes the question back and ends with [`PromptFault::Cancelled`].
    ///
    /// Ends with [`PromptFault::Suspended`] only where [`Dismiss::may_suspend`] allows it, as [`ports::Prompt::ask`]
    /// says.
    fn ask<'a>(&'a self, question: &'a Question, dismissed: &'a Dismiss) -> Asking<'a>;

    /// Tells something. What cannot be told is dropped.
    fn tell<'a>(&'a self, notice: &'a Notice) -> Telling<'a>;
}

impl<P: ports::Prompt + ?Sized + 'static> Prompt for Threaded<P> {
    fn ask<'a>(&'a self, question: &'a Question, dismissed: &'a Dismiss) -> Asking<'a> {
        let (prompt, question, dismissed) = (self.share(), question.clone(), dismissed.clone());
        Box::pin(async move {
            let broken = |_| Err(PromptFault::Cannot(CannotPrompt::HungUp));
            Job::start(move || prompt.ask(&question, &dismissed)).end().await.unwrap_or_else(broken)
        })
    }

    fn tell<'a>(&'a self, notice: &'a Notice) -> Telling<'a> {
        let (prompt, notice) = (self.share(), notice.clone());
        Box::pin(async move {
            // What cannot be told is dropped, whatever the reason.
            let _ = Job::start(move || prompt.tell(&notice)).end().await;
        })
    }
}

/// A closure that answers questions: its future is dropped when a question is no longer wanted. It is told nothing.
///
/// ```
/// use auth_core::{Answer, PromptFault, Question, Secret};
/// use auth_http::nonblocking::Asker;
///
/// let prompt = Asker::new(|question| async move {
///     let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
///     let username = question.username.unwrap_or_else(|| "alice".into());
///     Ok(Answer::Password { username, password: Secret::from("sesame") })
/// });
/// # let _ = prompt;
/// ```
pub struct Asker<F>(F);

impl<F, A> Asker<F>
where
    F: Fn(Question) -> A + Send + Sync,
    A: Future<Output = Result<Answer, PromptFault>> + Send,
{
    /// Takes one.
    pub fn new(ask: F) -> Self {
        Self(ask)
    }
}

impl<F, A> Prompt for Asker<F>
where
    F: Fn(Question) -> A + Send + Sync,
    A: Future<Output = Result<Answer, PromptFault>> + Send,
{
    fn ask<'a>(&'a self, question: &'a Question, dismissed: &'a Dismiss) -> Asking<'a> {
        Box::pin(async move {
            let over = Arc::new(Notify::new());
            let tell = Arc::clone(&over);
            dismissed.on_dismiss(move || tell.notify_one());
            tokio::select! {
                biased;
                () = over.notified() => Err(PromptFault::Cancelled),
                answer = (self.0)(question.clone()) => answer,
            }
        })
    }

    fn tell<'a>(&'a self, _notice: &'a Notice) -> Telling<'a> {
        Box::pin(async {})
    }
}
