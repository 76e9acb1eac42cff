//! The same once more, in few lines, with one fault if that is wanted. What it does well it does as the real one.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use shuttle::sync::{Mutex, MutexGuard, PoisonError};

use super::{Cancel, Room, Turn, Waiting};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    None,
    /// Those who wait are woken first, and told then.
    WakesTooSoon,
    /// It is not its turn yet, so it lets go, and takes note of who is to be woken.
    LooksThenListens,
    /// Who goes does not wake the next.
    LeavesInSilence,
    /// Of those who were told one is woken.
    WakesOne,
    /// Who leads keeps that place when it goes.
    LeaderStays,
    /// Who sees that nobody leads lets go, and then leads.
    LooksThenLeads,
    /// All sessions are one.
    OneForAll,
    /// A cancel wakes nobody.
    CancelsInSilence,
    /// What has landed is kept for who comes later.
    Remembers,
}

#[derive(Clone)]
pub(super) struct Bent {
    fault: Fault,
    hall: Arc<Mutex<Hall>>,
}

#[derive(Default)]
struct Hall {
    /// The first of each leads.
    aboard: HashMap<&'static str, Vec<u64>>,
    told: HashMap<u64, u32>,
    wakers: HashMap<u64, Waker>,
    kept: HashMap<&'static str, u32>,
    next: u64,
}

pub(super) struct Seat {
    bent: Bent,
    key: &'static str,
    number: u64,
    /// It believes that it leads, whoever does.
    is_sure: bool,
}

impl Bent {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, hall: Arc::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, number: u64) {
        let waker = self.hall().wakers.remove(&number);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Seat {
    fn leads(&self, hall: &Hall) -> bool {
        self.is_sure || hall.aboard.get(self.key).and_then(|aboard| aboard.first()) == Some(&self.number)
    }

    fn listen(&self, waker: &Waker) {
        self.bent.hall().wakers.insert(self.number, waker.clone());
    }
}

impl Room for Bent {
    type Seat = Seat;

    fn join(&self, key: &'static str) -> Seat {
        let key = if self.has(Fault::OneForAll) { "all" } else { key };
        let seat = |number, is_sure| Seat { bent: self.clone(), key, number, is_sure };
        let mut hall = self.hall();
        let number = hall.next;
        hall.next += 1;
        if self.has(Fault::LooksThenLeads) && !hall.aboard.contains_key(key) {
            drop(hall);
            self.hall().aboard.entry(key).or_default().push(number);
            return seat(number, true);
        }
        if let Some(kept) = hall.kept.get(key).copied() {
            hall.told.insert(number, kept);
        } else {
            hall.aboard.entry(key).or_default().push(number);
        }
        seat(number, false)
    }

    fn turn<'a>(seat: &'a mut Seat, cancel: &'a Cancel) -> Waiting<'a> {
        Box::pin(async move {
            let (bent, number) = (seat.bent.clone(), seat.number);
            let is_silent = bent.has(Fault::CancelsInSilence);
            let _watch = cancel.watch(move || {
                if !is_silent {
                    bent.wake(number);
                }
            });
            poll_fn(|context| {
                let mut hall = seat.bent.hall();
                if let Some(outcome) = hall.told.remove(&number) {
                    return Poll::Ready(Turn::Landed(outcome));
                }
                if cancel.is_cancelled() {
                    return Poll::Ready(Turn::Cancelled);
                }
                if seat.leads(&hall) {
                    return Poll::Ready(Turn::Lead);
                }
                if seat.bent.has(Fault::LooksThenListens) {
                    drop(hall);
                    seat.listen(context.waker());
                } else {
                    hall.wakers.insert(number, context.waker().clone());
                }
                Poll::Pending
            })
            .await
        })
    }

    fn land(seat: Seat, outcome: u32) {
        let bent = &seat.bent;
        if bent.has(Fault::WakesTooSoon) {
            let waiting = bent.hall().aboard.get(seat.key).cloned().unwrap_or_default();
            for number in waiting {
                bent.wake(number);
            }
        }
        let mut told = {
            let mut hall = bent.hall();
            let mut told = hall.aboard.remove(seat.key).unwrap_or_default();
            told.retain(|number| *number != seat.number);
            hall.told.extend(told.iter().map(|number| (*number, outcome)));
            if bent.has(Fault::Remembers) {
                hall.kept.insert(seat.key, outcome);
            }
            told
        };
        if bent.has(Fault::WakesOne) {
            told.truncate(1);
        }
        if !bent.has(Fault::WakesTooSoon) {
            for number in told {
                bent.wake(number);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let next = {
            let mut hall = self.bent.hall();
            hall.wakers.remove(&self.number);
            hall.told.remove(&self.number);
            let led = self.leads(&hall);
            if led && self.bent.has(Fault::LeaderStays) {
                return;
            }
            let Some(aboard) = hall.aboard.get_mut(self.key) else { return };
            aboard.retain(|number| *number != self.number);
            let next = aboard.first().copied();
            if next.is_none() {
                hall.aboard.remove(self.key);
            }
            next.filter(|_| led)
        };
        if let Some(next) = next.filter(|_| !self.bent.has(Fault::LeavesInSilence)) {
            self.bent.wake(next);
        }
    }
}
