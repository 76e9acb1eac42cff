use super::*;

#[test]
fn a_cancel_is_seen_by_every_clone_and_stays() {
    let (cancel, other) = (Cancel::new(), Cancel::new());
    let clone = cancel.clone();
    assert!(!clone.is_cancelled());
    cancel.cancel();
    cancel.cancel();
    assert!(clone.is_cancelled() && !other.is_cancelled());
    assert_eq!(format!("{clone:?}"), "Cancel(true)");
}

#[cfg(any(feature = "blocking", feature = "async"))]
#[test]
fn a_watch_is_woken_once_whichever_came_first_and_not_after_its_end() {
    use std::sync::mpsc::{self, TryRecvError};

    let (tell, hear) = mpsc::channel();
    let cancel = Cancel::new();
    let watch = |name: &'static str| {
        let tell = tell.clone();
        cancel.watch(move || {
            let _ = tell.send(name);
        })
    };
    let _early = watch("early");
    drop(watch("gone"));
    cancel.cancel();
    cancel.cancel();
    let _late = watch("late");
    drop(tell);
    assert_eq!([hear.recv(), hear.recv()], [Ok("early"), Ok("late")]);
    // Nothing is kept of any of them.
    assert_eq!(hear.try_recv(), Err(TryRecvError::Disconnected));
}
