//! From redeeming a token to saving what was given for it, on a thread and a runtime of its own: the caller's runtime
//! may end meanwhile, and takes its tasks with it.

use std::sync::mpsc::{self, SendError};
use std::thread;

use auth_core::error::Misuse;
use auth_core::flow::{Flow, Step};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::Driver;
use crate::cancel::Cancel;
use crate::drive::Run;

type At<F> = (Run<F>, Step<<F as Flow>::Output>);

/// Carries steps out until what was given is saved, and gives back where the flow stands then. If the caller is gone by
/// then, what the flow still holds is given back.
pub(super) async fn outlast<F>(
    driver: Driver,
    run: Run<F>,
    step: Step<F::Output>,
    cancel: Cancel,
) -> Result<At<F>, Misuse>
where
    F: Flow + Send + 'static,
    F::Output: Send + 'static,
{
    let (tell, over) = oneshot::channel();
    let (hand_over, take) = mpsc::channel::<(Driver, Run<F>, Step<F::Output>, Cancel)>();
    let work = move || {
        let Ok((driver, run, step, cancel)) = take.recv() else { return };
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            let _ = tell.send(Ok((run, step)));
            return;
        };
        let at = runtime.block_on(go_on(&driver, run, step, &cancel));
        let _ = tell.send(at);
        // A name that is still being resolved is not waited for.
        runtime.shutdown_background();
    };
    let here = driver.clone();
    let (run, step) = match thread::Builder::new().name("auth-http".to_owned()).spawn(work) {
        // It takes them at once, so that nothing is lost if this task ends here.
        Ok(_) => match hand_over.send((driver, run, step, cancel.clone())) {
            Ok(()) => over.await.unwrap_or(Err(Misuse::Unexpected))?,
            Err(SendError((_, run, step, _))) => (run, step),
        },
        Err(_) => (run, step),
    };
    // Without a thread or a runtime of its own it goes on here.
    go_on(&here, run, step, &cancel).await
}

async fn go_on<F: Flow>(
    driver: &Driver,
    mut run: Run<F>,
    mut step: Step<F::Output>,
    cancel: &Cancel,
) -> Result<At<F>, Misuse> {
    while run.is_committed() {
        let brought = driver.carry(step, &mut run, cancel).await;
        step = run.resume(driver.clock.now(), brought, cancel.is_cancelled())?;
    }
    Ok((run, step))
}
