//! The clauses, by what they are about.

mod clearing;
mod fresh;
mod intents;
mod keys;
mod locks;
mod processes;
mod remains;
mod saving;
mod sites;
mod strange;
mod threads;
mod waiting;

use std::sync::LazyLock;

use super::trial::{Outcome, Trial};
use super::{Clause, Needs};

/// Every clause, in the order in which they are tried.
///
/// ```
/// let names: Vec<_> = auth_store::contract::clauses().iter().map(|clause| clause.name).collect();
/// assert!(names.contains(&"clear-spares-what-is-newer"));
/// ```
pub fn clauses() -> &'static [Clause] {
    static ALL: LazyLock<Vec<Clause>> = LazyLock::new(|| {
        let rooms = [
            fresh::CLAUSES,
            saving::CLAUSES,
            strange::CLAUSES,
            clearing::CLAUSES,
            intents::CLAUSES,
            sites::CLAUSES,
            keys::CLAUSES,
            locks::CLAUSES,
            waiting::CLAUSES,
            threads::CLAUSES,
            processes::CLAUSES,
            remains::CLAUSES,
        ];
        rooms.concat()
    });
    &ALL
}

/// A clause that needs nothing but the store.
const fn clause(name: &'static str, promise: &'static str, check: fn(&Trial<'_>) -> Outcome) -> Clause {
    Clause { name, promise, needs: Needs::Store, check }
}

const fn needing(needs: Needs, clause: Clause) -> Clause {
    Clause { needs, ..clause }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_clause_has_a_name_of_its_own_and_a_promise_in_one_sentence() {
        let mut names = BTreeSet::new();
        for clause in clauses() {
            let Clause { name, promise, .. } = *clause;
            assert!(names.insert(name), "{name} twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(promise.ends_with('.') && promise.starts_with(char::is_uppercase), "{promise}");
            assert!(!promise.contains('|') && !promise.contains(". "), "{promise}");
        }
        assert!(names.len() > 60);
    }
}
