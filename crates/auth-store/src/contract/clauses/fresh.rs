//! Before anything was kept.

use super::clause;
use crate::contract::Clause;
use crate::contract::sample;
use crate::contract::trial::{Outcome, Trial, equal, finds_nothing, well};

pub(super) const CLAUSES: &[Clause] =
    &[clause("fresh-place-is-empty", "A fresh place holds no session and lists no site.", is_empty)];

fn is_empty(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    finds_nothing(&*store, &sample::key(1), "no session")?;
    equal(&well("sites can be listed", store.sites())?, &Vec::new(), "no site")
}
