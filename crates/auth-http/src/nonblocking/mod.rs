//! Running flows on a tokio runtime.

mod background;
mod committed;
mod job;
mod prompt;
mod runtime;
mod threaded;
mod transport;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use auth_core::flow::{Event, Flow, LOCK_DEADLINE, Outcome, Resource, Step};
use auth_core::ports::{Clock, Store};
use auth_core::wire::Request;
use auth_core::{Error, Notice, Question};
use tokio::sync::Notify;

use self::job::Job;
use crate::cancel::Cancel;
use crate::drive::{self, Broke, Brought, Patience, Run};
use crate::telling::OnItsWay;
use crate::underway::Underway;

pub use crate::user_agent::TransportError;
pub use prompt::{Asker, Asking, Prompt, Telling};
pub use threaded::{Threaded, aside, beside, detached, sleep};
pub use transport::{Exchange, ReqwestTransport, Transport};

/// How long a prompt that was dismissed may take to put the terminal back, before it is left behind.
const RESTORED_WITHIN: Duration = Duration::from_secs(5);

/// Runs flows on a tokio runtime with timers, and with I/O where its transport needs that. One driver can run any
/// number of flows at once.
///
/// A notice is left behind where it is not told within [`TELL_DEADLINE`](auth_core::flow::TELL_DEADLINE), or not once
/// it was cancelled. Whatever a store is asked, and a prompt that is [`Threaded`], is carried out on threads of their
/// own, never on the runtime's, which may not be kept from ending; a question that is no longer wanted is taken back,
/// and its prompt waited for until the terminal is as it was (5 s at most). A lock won after it was left behind is
/// given back at once.
#[derive(Clone)]
pub struct Driver {
    transport: Arc<dyn Transport>,
    store: Arc<dyn Store>,
    prompt: Arc<dyn Prompt>,
    clock: Arc<dyn Clock>,
    underway: Underway,
}

impl Driver {
    /// Puts the parts together.
    pub fn new(
        transport: Arc<dyn Transport>,
        store: Arc<dyn Store>,
        prompt: Arc<dyn Prompt>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { transport, store, prompt, clock, underway: Underway::new() }
    }

    /// Counts what this driver may not be cut short in together with others.
    #[must_use]
    pub fn counted(self, underway: Underway) -> Self {
        Self { underway, ..self }
    }

    /// Runs a flow to its end, on a task of its own.
    ///
    /// A cancel is told to the flow once: at once where it can be interrupted, otherwise as soon as it can. Dropping
    /// the future is a cancel as well: a flow that has redeemed a token goes on until what it was given is saved, on a
    /// thread and a runtime of its own, so that it does so even where this runtime ends meanwhile. A
    /// [`Misuse`](auth_core::error::Misuse) is the end of the run. Whatever the flow still holds at its end, however it
    /// came, is given back.
    ///
    /// # Errors
    ///
    /// Besides those of the flow: [`Misuse::NoRuntime`](auth_core::error::Misuse::NoRuntime) outside a tokio runtime,
    /// and [`NoTimers`](auth_core::error::Misuse::NoTimers) or [`NoIo`](auth_core::error::Misuse::NoIo) on one that was
    /// built without them.
    pub async fn run<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        runtime::check(self.transport.needs_io())?;
        let leave = Leave(Cancel::new());
        let stop = leave.0.clone();
        let _watch = cancel.watch(move || stop.cancel());
        let (driver, stopped) = (self.clone(), leave.0.clone());
        match tokio::spawn(async move { driver.carry_out(flow, &stopped).await }).await {
            Ok(end) => end,
            Err(broken) => match broken.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is being shut down.
                Err(_) => Err(Error::Cancelled),
            },
        }
    }

    async fn carry_out<F>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        let mut run = Run::new(flow, &self.underway);
        let mut brought = Brought::Event(Event::Start);
        loop {
            let mut step = run.resume(self.clock.now(), brought, cancel.is_cancelled())?;
            if run.is_committed() {
                (run, step) = committed::outlast(self.clone(), run, step, cancel.clone()).await?;
            }
            brought = match step {
                Step::Done(result) => return result,
                step => self.carry(step, &mut run, cancel).await,
            };
        }
    }

    /// Carries one step out. Of an end there is nothing to carry out.
    async fn carry<F: Flow>(&self, step: Step<F::Output>, run: &mut Run<F>, cancel: &Cancel) -> Brought {
        match step {
            Step::Done(_) => Brought::Event(Event::Start),
            Step::Close(held) => run.close(held),
            _ if run.takes(cancel.is_cancelled()) => Brought::Event(Event::Cancel),
            Step::Send(request) => self.send(request, run, cancel).await,
            Step::Ask(question) => self.ask(question, run, cancel).await,
            Step::Tell(notice) => {
                let Some(on_its_way) = OnItsWay::begin(&notice) else { return Brought::Event(Event::Told) };
                let prompt = Arc::clone(&self.prompt);
                let told = async move {
                    prompt.tell(&notice).await;
                    drop(on_its_way);
                };
                let mut job = Job::spawn(told).outliving();
                if run.is_committed() {
                    // A terminal that is stopped keeps no token from being saved.
                    return Brought::Event(Event::Told);
                }
                let over = |_: Result<(), Broke>| Brought::Event(Event::Told);
                drive::told(self.attend(run, cancel, &mut job, over).await)
            }
            Step::Load(key) => {
                let store = Arc::clone(&self.store);
                let mut job = Job::start(move || store.load(&key));
                self.attend(run, cancel, &mut job, drive::loaded).await
            }
            Step::Apply(change) => {
                let (store, kept) = (Arc::clone(&self.store), run.kept());
                let mut job = Job::start(move || kept.keeping(|| store.apply(&change)));
                self.attend(run, cancel, &mut job, drive::applied).await
            }
            Step::Recall(key) => {
                let store = Arc::clone(&self.store);
                let mut job = Job::start(move || store.asked(&key));
                self.attend(run, cancel, &mut job, drive::recalled).await
            }
            Step::Note { key, asked } => {
                let (store, kept) = (Arc::clone(&self.store), run.kept());
                let mut job = Job::start(move || kept.keeping(|| store.note_asked(&key, asked)));
                self.attend(run, cancel, &mut job, drive::noted).await
            }
            Step::Open { what: Resource::Lock { kind, key }, wait } => {
                let store = Arc::clone(&self.store);
                // The thread that waits for the lock ends once this is dropped.
                let waits = Arc::new(());
                let is_wanted = Arc::downgrade(&waits);
                let left = |deadline| self.clock.now().tick.until(deadline);
                let wait = if wait { run.deadline().map_or(LOCK_DEADLINE, left) } else { Duration::ZERO };
                let mut job =
                    Job::start(move || store.lock_while(kind, &key, wait, &|| is_wanted.strong_count() > 0));
                self.attend(run, cancel, &mut job, drive::locked).await
            }
            Step::Wait { until } => {
                // A clock that is turned by hand is there at once; for any other this does nothing.
                self.clock.turn(run.deadline().unwrap_or(until));
                let over = |_: Result<(), Broke>| Brought::Event(Event::TimedOut);
                self.attend(run, cancel, &mut Job::nothing(), over).await
            }
        }
    }

    async fn send<F: Flow>(&self, request: Request, run: &mut Run<F>, cancel: &Cancel) -> Brought {
        let (transport, request) = (Arc::clone(&self.transport), run.patient(request));
        let mut job = Job::spawn(async move { transport.send(&request).await });
        self.attend(run, cancel, &mut job, drive::sent).await
    }

    async fn ask<F: Flow>(&self, question: Question, run: &mut Run<F>, cancel: &Cancel) -> Brought {
        let prompt = Arc::clone(&self.prompt);
        let dismiss = run.dismiss();
        let may_suspend = dismiss.may_suspend();
        let dismissed = dismiss.clone();
        let mut job = Job::spawn(async move { prompt.ask(&question, &dismissed).await });
        let asked = |result| drive::asked(result, may_suspend);
        let brought = self.attend(run, cancel, &mut job, asked).await;
        if matches!(brought, Brought::Event(Event::Cancel | Event::TimedOut)) {
            // This calls what the prompt asked to be called.
            let mut dismissal = Job::start(move || dismiss.dismiss());
            let _ = tokio::time::timeout(RESTORED_WITHIN, async { (dismissal.end().await, job.end().await) })
                .await;
        }
        brought
    }

    /// Waits for a job as long as the flow has patience. What has come goes before a deadline that has just passed, and
    /// where the flow cannot be interrupted, what is just coming too.
    async fn attend<F: Flow, T: Send + 'static>(
        &self,
        run: &mut Run<F>,
        cancel: &Cancel,
        job: &mut Job<T>,
        read: impl FnOnce(Result<T, Broke>) -> Brought,
    ) -> Brought {
        let stopped = Arc::new(Notify::new());
        let stop = Arc::clone(&stopped);
        let _watch = cancel.watch(move || stop.notify_one());
        loop {
            let now = self.clock.now();
            if let Some(key) = run.slow(now) {
                let (store, prompt) = (Arc::clone(&self.store), Arc::clone(&self.prompt));
                drop(tokio::spawn(async move {
                    if let Some(location) = aside(move || store.location(&key)).await {
                        prompt.tell(&Notice::Saving { location }).await;
                    }
                }));
            }
            let patience = run.patience(now, cancel.is_cancelled());
            let wait = match patience {
                Patience::Cancelled => return Brought::Event(Event::Cancel),
                Patience::TimedOut => run.grace(),
                Patience::For(wait) => wait,
            };
            tokio::select! {
                biased;
                result = job.end() => return read(result),
                () = stopped.notified() => {}
                () = tokio::time::sleep(wait) => {
                    if patience == Patience::TimedOut {
                        return Brought::Event(Event::TimedOut);
                    }
                }
            }
        }
    }
}

/// Says stop when the caller has left.
struct Leave(Cancel);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
#[path = "../tests/left.rs"]
mod left;
#[cfg(test)]
#[path = "../tests/runtime.rs"]
mod runtimes;
#[cfg(test)]
mod same;
