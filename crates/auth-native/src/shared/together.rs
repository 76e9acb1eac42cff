use core::time::Duration;

use auth_core::ports::Key;
use auth_http::{Cancel, Turn, Waiters};

use super::Engine;

/// How long a question stays open after its last caller has left.
pub(crate) const QUESTION_GRACE: Duration = Duration::from_secs(10);

/// Work that callers of the same site or session share: one of them starts it, and it belongs to all who wait.
pub(crate) struct Together<'a, E, T> {
    pub(crate) engine: &'a E,
    pub(crate) waiters: &'a Waiters<T>,
    pub(crate) cancel: &'a Cancel,
    /// How long the work goes on after its last caller has left.
    pub(crate) grace: Duration,
}

impl<E: Engine, T: Clone + Send + 'static> Together<'_, E, T> {
    /// Starts the work, or waits for another caller's whose outcome serves this one too. `None` if it was cancelled.
    ///
    /// Where another caller's work is under way, `glance` may have an outcome at once.
    pub(crate) async fn get<G, W>(
        &self,
        key: &Key,
        serves: impl Fn(&T) -> bool,
        glance: impl Fn() -> G,
        begin: impl Fn(Cancel) -> W,
    ) -> Option<T>
    where
        G: Future<Output = Option<T>>,
        W: Future<Output = T> + Send + 'static,
    {
        loop {
            let mut place = self.waiters.join(key);
            if !place.leads()
                && let Some(outcome) = Box::pin(glance()).await
            {
                return Some(outcome);
            }
            match place.turn(self.cancel).await {
                Turn::Landed(outcome) if serves(&outcome) => return Some(outcome),
                Turn::Landed(_) => {}
                Turn::Cancelled => return None,
                Turn::Lead => {
                    let Some(work) = place.start(self.cancel) else { continue };
                    let future = Box::pin(begin(work.cancel().clone()));
                    let (engine, grace) = (self.engine.clone(), self.grace);
                    let run = async move {
                        work.run(future, || engine.underway().linger(engine.sleep(grace))).await;
                    };
                    Box::pin(self.engine.detached(run)).await;
                    // Without an outcome the process ends.
                    return place.landed();
                }
            }
        }
    }
}
