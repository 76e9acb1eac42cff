//! The renewal locks that a store holds, and who is told of long waits.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::Holder;
use auth_core::error::StoreFault;

use super::{Names, TiledDirectory};
use crate::lock::{Guard, Watch};

/// The renewal locks that are held, by their names.
#[derive(Default)]
pub(super) struct Renewals(Mutex<BTreeMap<String, Vec<(u64, Watch)>>>);

/// A renewal lock that is noted as held until this is dropped.
pub(super) struct Renewal {
    _guard: Guard,
    name: String,
    number: u64,
    renewals: Arc<Renewals>,
}

impl Renewals {
    pub(super) fn note(self: &Arc<Self>, name: String, guard: Guard) -> Renewal {
        let mut held = self.held();
        let watches = held.entry(name.clone()).or_default();
        let number = watches.last().map_or(0, |(number, _)| number + 1);
        watches.push((number, guard.watch()));
        drop(held);
        Renewal { _guard: guard, name, number, renewals: Arc::clone(self) }
    }

    fn check(&self, name: &str) -> Result<(), StoreFault> {
        let watches = self.held().get(name).cloned().unwrap_or_default();
        // One that was taken over may have been taken anew since.
        watches.iter().rev().map(|(_, watch)| watch.check()).reduce(Result::or).unwrap_or(Ok(()))
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Vec<(u64, Watch)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let mut held = self.renewals.held();
        if let Some(watches) = held.get_mut(&self.name) {
            watches.retain(|(number, _)| *number != self.number);
            if watches.is_empty() {
                held.remove(&self.name);
            }
        }
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Renewals({})", self.held().len())
    }
}

/// Who is told of long waits.
#[derive(Clone, Default)]
pub(super) struct Listener(Option<Arc<Tell>>);

type Tell = dyn Fn(&Holder) + Send + Sync;

impl Listener {
    pub(super) fn new(tell: impl Fn(&Holder) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(super) fn tell(&self, holder: &Holder) {
        if let Some(tell) = &self.0 {
            // A subscriber that panics does not fail the change.
            drop(catch_unwind(AssertUnwindSafe(|| tell(holder))));
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "none" })
    }
}

impl TiledDirectory {
    /// Fails if this store, or a clone of it, holds the renewal lock of this session and has lost it: another process has
    /// taken it over, and may be redeeming the same token. Passes where it holds none.
    pub(super) fn check_renewal(&self, names: &Names) -> Result<(), StoreFault> {
        self.renewals.check(&names.renewal)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../tests/holding.rs"]
mod tests;
