//! A store that does wrong when it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Asked, Change, Key, Loaded, LockKind, Locking, SiteEntry, Store};
use auth_core::{Foreign, Holder};

use super::case::StoreFault as Rule;

/// A store with faults in front of it.
pub(super) struct Faulty {
    below: Arc<dyn Store>,
    rules: Mutex<Vec<(Rule, u32)>>,
}

impl Faulty {
    /// In front of this store, which does nothing wrong yet.
    pub(super) fn new(below: Arc<dyn Store>) -> Self {
        Self { below, rules: Mutex::default() }
    }

    fn rules(&self) -> MutexGuard<'_, Vec<(Rule, u32)>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these, and no others.
    pub(super) fn begin(&self, rules: &[Rule]) {
        *self.rules() = rules.iter().map(|rule| (rule.clone(), 0)).collect();
    }

    /// What happens to this call.
    fn next(&self, call: &str) -> Option<String> {
        let mut struck = None;
        for (rule, seen) in self.rules().iter_mut().filter(|(rule, _)| rule.on == call) {
            *seen += 1;
            if rule.nth.is_none_or(|nth| nth == *seen) {
                struck = struck.or_else(|| Some(rule.fault.clone()));
            }
        }
        struck
    }
}

fn fault(name: &str) -> StoreFault {
    let kind = match name {
        "denied" => StoreFaultKind::Denied,
        "read-only" => StoreFaultKind::ReadOnly,
        "full" => StoreFaultKind::Full,
        "timeout" => StoreFaultKind::Timeout,
        other => StoreFaultKind::Other(Foreign::new(format!(
            "the case asks for a fault {other:?}, and there is none"
        ))),
    };
    StoreFault { kind, path: Foreign::default() }
}

impl Store for Faulty {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        match self.next("load").as_deref() {
            None => self.below.load(key),
            Some("torn") => Ok(Loaded::Torn),
            Some(name) => Err(fault(name)),
        }
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        let call = match change {
            Change::Save { .. } => "save",
            Change::ClearIf { .. } => "clear",
            Change::Intent { .. } => "intent",
            Change::Withdraw { .. } => "withdraw",
            Change::Prefer(_) | Change::Forget(_) => "prefer",
        };
        self.next(call).map_or_else(|| self.below.apply(change), |name| Err(fault(&name)))
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        match self.next("lock").as_deref() {
            None => self.below.lock(kind, key, wait),
            Some("busy") => Ok(Locking::Busy(Holder::default())),
            Some(name) => Err(fault(name)),
        }
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.below.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.below.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.below.note_asked(key, asked)
    }
}
