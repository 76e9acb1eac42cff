use std::sync::atomic::{AtomicBool, Ordering};

use auth_core::error::StoreFault;

use super::*;

#[derive(Default)]
struct Lock(AtomicBool);

impl Hold for Lock {
    fn free(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn beat(&self) {}

    fn check(&self) -> Result<(), StoreFault> {
        Ok(())
    }
}

#[test]
fn a_lock_shows_life_after_a_second_until_it_is_freed_f7() {
    let mut heart = Heart { held: Vec::new(), late: Vec::new(), is_beating: true };
    let now = Instant::now();
    let [old, new]: [Arc<dyn Hold>; 2] = [Arc::new(Lock::default()), Arc::new(Lock::default())];
    heart.held.push((now, Arc::downgrade(&old)));
    heart.held.push((now + BEAT / 2, Arc::downgrade(&new)));
    let beats = |heart: &mut Heart, at| heart.next(at).map(|(due, _)| due.len());
    assert_eq!(beats(&mut heart, now + BEAT / 2), Some(0));
    assert_eq!(beats(&mut heart, now + BEAT), Some(1));
    assert_eq!(beats(&mut heart, now + BEAT * 2), Some(2));
    drop(old);
    assert_eq!(beats(&mut heart, now + BEAT * 3), Some(1));
    drop(new);
    assert_eq!(beats(&mut heart, now + BEAT * 4), None, "the thread ends");
    assert!(!heart.is_beating);
}

#[test]
fn a_lock_that_could_not_be_freed_is_freed_later_f7() {
    let lock = Arc::new(Lock::default());
    let weak = Arc::downgrade(&lock);
    let held: Arc<dyn Hold> = lock;
    free_later(&held);
    drop(held);
    assert!(weak.upgrade().is_some(), "it is kept until it is free");
    weak.upgrade().unwrap().0.store(true, Ordering::SeqCst);
    let started = Instant::now();
    while weak.upgrade().is_some() {
        assert!(started.elapsed() < Duration::from_secs(20));
        thread::yield_now();
    }
}
