//! Running flows on threads.

mod closing;
mod connect;
mod job;
mod secure;
mod transport;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use auth_core::flow::{Event, Flow, LOCK_DEADLINE, Outcome, Resource, Step};
use auth_core::ports::{Clock, Prompt, Store, Transport};
use auth_core::{Error, Notice, Question};

use self::job::{Heard, Job};
use crate::cancel::Cancel;
use crate::drive::{self, Broke, Brought, Patience, Run};
use crate::telling::OnItsWay;
use crate::underway::Underway;

pub use crate::user_agent::TransportError;
pub use transport::UreqTransport;

/// How long a prompt that was dismissed may take to put the terminal back, before it is left behind.
const RESTORED_WITHIN: Duration = Duration::from_secs(5);

/// Runs flows, and waits for them. One driver can run any number of flows at once, from any thread.
///
/// Requests, questions, notices and whatever a store is asked are carried out on threads of their own, so that a step
/// that is cancelled or past its deadline can be left behind; a question is taken back first, and its prompt waited for
/// until the terminal is as it was (5 s at most). A lock won after it was left behind is given back at once.
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

    /// Runs a flow to its end.
    ///
    /// A cancel is told to the flow once: at once where it can be interrupted, otherwise as soon as it can. A
    /// [`Misuse`](auth_core::error::Misuse) is the end of the run. Whatever the flow still holds at its end, however
    /// it came, is given back.
    pub fn run<F: Flow>(&self, flow: F, cancel: &Cancel) -> Result<Outcome<F::Output>, Error> {
        let mut run = Run::new(flow, &self.underway);
        let mut brought = Brought::Event(Event::Start);
        loop {
            let step = run.resume(self.clock.now(), brought, cancel.is_cancelled())?;
            brought = match step {
                Step::Done(result) => return result,
                Step::Close(held) => run.close(held),
                _ if run.takes(cancel.is_cancelled()) => Brought::Event(Event::Cancel),
                Step::Send(request) => {
                    let (transport, request) = (Arc::clone(&self.transport), run.patient(request));
                    let job = Job::start(cancel, move || transport.send(&request));
                    self.attend(&mut run, cancel, &job, drive::sent)
                }
                Step::Ask(question) => self.ask(question, &mut run, cancel),
                Step::Tell(notice) => self.tell(notice, &mut run, cancel),
                Step::Load(key) => {
                    let store = Arc::clone(&self.store);
                    let job = Job::start(cancel, move || store.load(&key));
                    self.attend(&mut run, cancel, &job, drive::loaded)
                }
                Step::Apply(change) => {
                    let store = Arc::clone(&self.store);
                    let kept = run.kept();
                    let job = Job::start(cancel, move || kept.keeping(|| store.apply(&change)));
                    self.attend(&mut run, cancel, &job, drive::applied)
                }
                Step::Recall(key) => {
                    let store = Arc::clone(&self.store);
                    let job = Job::start(cancel, move || store.asked(&key));
                    self.attend(&mut run, cancel, &job, drive::recalled)
                }
                Step::Note { key, asked } => {
                    let store = Arc::clone(&self.store);
                    let kept = run.kept();
                    let job = Job::start(cancel, move || kept.keeping(|| store.note_asked(&key, asked)));
                    self.attend(&mut run, cancel, &job, drive::noted)
                }
                Step::Open { what: Resource::Lock { kind, key }, wait } => {
                    let store = Arc::clone(&self.store);
                    // The thread that waits for the lock ends once this is dropped.
                    let waits = Arc::new(());
                    let is_wanted = Arc::downgrade(&waits);
                    let left = |deadline| self.clock.now().tick.until(deadline);
                    let wait = if wait { run.deadline().map_or(LOCK_DEADLINE, left) } else { Duration::ZERO };
                    let job = Job::start(cancel, move || {
                        store.lock_while(kind, &key, wait, &|| is_wanted.strong_count() > 0)
                    });
                    self.attend(&mut run, cancel, &job, drive::locked)
                }
                Step::Wait { until } => {
                    // A clock that is turned by hand is there at once; for any other this does nothing.
                    self.clock.turn(run.deadline().unwrap_or(until));
                    let over = |_: Result<(), Broke>| Brought::Event(Event::TimedOut);
                    self.attend(&mut run, cancel, &Job::nothing(cancel), over)
                }
            };
        }
    }

    fn tell<F: Flow>(&self, notice: Notice, run: &mut Run<F>, cancel: &Cancel) -> Brought {
        let over = Brought::Event(Event::Told);
        let Some(on_its_way) = OnItsWay::begin(&notice) else { return over };
        let prompt = Arc::clone(&self.prompt);
        let tell = move || {
            let _on_its_way = on_its_way;
            prompt.tell(&notice);
        };
        let job = Job::start(cancel, tell);
        if run.is_committed() {
            // A terminal that is stopped keeps no token from being saved.
            return over;
        }
        drive::told(self.attend(run, cancel, &job, |_: Result<(), Broke>| over))
    }

    fn ask<F: Flow>(&self, question: Question, run: &mut Run<F>, cancel: &Cancel) -> Brought {
        let prompt = Arc::clone(&self.prompt);
        let dismiss = run.dismiss();
        let may_suspend = dismiss.may_suspend();
        let dismissed = dismiss.clone();
        let job = Job::start(cancel, move || prompt.ask(&question, &dismissed));
        let brought = self.attend(run, cancel, &job, |result| drive::asked(result, may_suspend));
        if matches!(brought, Brought::Event(Event::Cancel | Event::TimedOut)) {
            // This calls what the prompt asked to be called.
            let _ = catch_unwind(|| dismiss.dismiss());
            job.end(RESTORED_WITHIN);
        }
        brought
    }

    /// Waits for a job as long as the flow has patience. What has come goes before a deadline that has just passed, and
    /// where the flow cannot be interrupted, what is just coming too.
    fn attend<F: Flow, T: Send + 'static>(
        &self,
        run: &mut Run<F>,
        cancel: &Cancel,
        job: &Job<T>,
        read: impl FnOnce(Result<T, Broke>) -> Brought,
    ) -> Brought {
        loop {
            let now = self.clock.now();
            if let Some(key) = run.slow(now) {
                let (store, prompt) = (Arc::clone(&self.store), Arc::clone(&self.prompt));
                let tell = move || prompt.tell(&Notice::Saving { location: store.location(&key) });
                drop(Job::start(cancel, tell));
            }
            let patience = run.patience(now, cancel.is_cancelled());
            let wait = match patience {
                Patience::Cancelled => return Brought::Event(Event::Cancel),
                Patience::TimedOut => run.grace(),
                Patience::For(wait) => wait,
            };
            match job.hear(wait) {
                Some(Heard::Over(result)) => return read(result),
                None if patience == Patience::TimedOut => return Brought::Event(Event::TimedOut),
                Some(Heard::Cancelled) | None => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/driver.rs"]
mod tests;
