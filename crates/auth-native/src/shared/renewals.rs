use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::flow::{Backoff, Outcome, Renewed, Warning};
use auth_core::ports::Key;
use auth_core::time::Now;
use auth_core::{Error as AuthError, Seed};
use auth_http::Waiters;

use crate::Error;

/// The renewals of an authenticator: who is at it, and when one that failed is worth another try.
#[derive(Clone, Default)]
pub(crate) struct Renewals {
    pub(crate) waiters: Waiters<Result<Outcome<Renewed>, Error>>,
    backoffs: Arc<Mutex<HashMap<Key, Backoff>>>,
}

impl Renewals {
    /// True if the last one failed, and it is too early for another.
    pub(crate) fn rests(&self, key: &Key, now: Now) -> bool {
        self.why(key, now, true).is_some()
    }

    /// Why it is too early, for a session that still lasts or not.
    pub(crate) fn why(&self, key: &Key, now: Now, lasts: bool) -> Option<AuthError> {
        self.backoffs().get(key)?.rests(now, lasts).cloned()
    }

    /// Notes what came of one.
    pub(crate) fn note(&self, key: &Key, now: Now, outcome: &Result<Outcome<Renewed>, Error>, seed: &Seed) {
        let failed = match outcome {
            Ok(outcome) => outcome.warnings.iter().find_map(|warning| match warning {
                Warning::NotRenewed(why) => Some(why),
                _ => None,
            }),
            Err(error) => error.as_auth(),
        };
        let mut backoffs = self.backoffs();
        match failed {
            Some(why) => backoffs.entry(key.clone()).or_default().failed(now, why.clone(), seed),
            None => drop(backoffs.remove(key)),
        }
    }

    fn backoffs(&self) -> MutexGuard<'_, HashMap<Key, Backoff>> {
        self.backoffs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
