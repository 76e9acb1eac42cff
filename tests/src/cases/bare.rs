//! A flow with nothing around it: no thread, no driver; each step is carried out where it stands.

use std::sync::Arc;
use std::time::Duration;

use auth_core::Error;
use auth_core::flow::{Event, Flow, Held, Outcome, Resource, Step};
use auth_core::ports::{Applied, Clock, Dismiss, Locking, Prompt, Store, Transport};
use auth_http::Cancel;

/// What a flow is run with, besides a transport.
#[derive(Clone)]
pub(super) struct World {
    /// Where sessions are.
    pub(super) store: Arc<dyn Store>,
    /// Who answers questions.
    pub(super) prompt: Arc<dyn Prompt>,
    /// What time it is; it must be one that can be turned, so that nothing is waited for.
    pub(super) clock: Arc<dyn Clock>,
    /// Who says stop.
    pub(super) cancel: Cancel,
}

/// Runs a flow to its end.
pub(super) fn run<F: Flow>(
    mut flow: F,
    transport: &dyn Transport,
    world: &World,
) -> Result<Outcome<F::Output>, Error> {
    let mut held: Vec<Box<dyn Send>> = Vec::new();
    let mut event = Event::Start;
    let mut told = false;
    loop {
        if world.cancel.is_cancelled() && !told && flow.interruptible() {
            (event, told) = (Event::Cancel, true);
        }
        event = match flow.resume(world.clock.now(), event)? {
            Step::Done(result) => return result,
            Step::Send(request) => match transport.send(&request) {
                Ok(response) => Event::Response(response),
                Err(failed) => Event::Unreachable { fault: failed.fault, sent: failed.sent },
            },
            Step::Ask(question) => {
                let answer = world.prompt.ask(&question, &Dismiss::new());
                answer.map_or_else(Event::PromptFailed, Event::Answer)
            }
            Step::Tell(notice) => {
                world.prompt.tell(&notice);
                Event::Told
            }
            Step::Load(key) => world.store.load(&key).map_or_else(Event::StoreFailed, Event::Loaded),
            Step::Apply(change) => match world.store.apply(&change) {
                Ok(Applied::Done) => Event::Applied,
                Ok(Applied::Conflict(stored)) => Event::Conflict(stored),
                Err(fault) => Event::StoreFailed(fault),
            },
            Step::Recall(key) => world.store.asked(&key).map_or_else(Event::StoreFailed, Event::Recalled),
            Step::Note { key, asked } => {
                world.store.note_asked(&key, asked).map_or_else(Event::StoreFailed, |()| Event::Applied)
            }
            Step::Open { what: Resource::Lock { kind, key }, .. } => {
                match world.store.lock(kind, &key, Duration::ZERO) {
                    Ok(Locking::Held(guard)) => {
                        held.push(guard);
                        Event::Opened(Held(held.len() as u64))
                    }
                    Ok(Locking::Busy(holder)) => Event::Busy(holder),
                    Err(fault) => Event::StoreFailed(fault),
                }
            }
            Step::Close(Held(number)) => {
                if let Some(guard) = usize::try_from(number).ok().and_then(|number| held.get_mut(number - 1))
                {
                    *guard = Box::new(());
                }
                Event::Closed
            }
            Step::Wait { until } => {
                world.clock.turn(until);
                Event::TimedOut
            }
        };
    }
}
