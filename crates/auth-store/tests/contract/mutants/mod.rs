//! Stores with one deliberate fault each. The suite must find it, and find nothing else.

mod bent;
mod clearing;
mod intents;
mod locks;
mod processes;
mod remains;
mod saving;
mod sites;
mod threads;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use auth_core::error::StoreFault;
use auth_core::ports::{Key, Store};
use auth_core::session::Session;
use auth_store::MemoryStore;
use auth_store::contract::{self, Grain, Needs, Subject, Survival, Unable};

use crate::tiled::{self, Tiled};
use bent::{Bent, Notes};

/// One fault.
struct Mutant {
    name: &'static str,
    /// The clause that it breaks.
    clause: &'static str,
    /// What is bent.
    base: Base,
    bend: fn(Bent) -> Bent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Base {
    Memory,
    Tiled,
}

/// The mutants of one room: a table of them, and the test of it.
macro_rules! mutants {
    ($base:ident: $($clause:literal => $name:ident,)+) => {
        pub(super) const MUTANTS: &[super::Mutant] = &[$(super::Mutant {
            name: stringify!($name),
            clause: $clause,
            base: super::Base::$base,
            bend: $name,
        },)+];

        #[test]
        fn each_breaks_one_clause_and_no_other() {
            super::are_caught(MUTANTS);
        }
    };
}
use mutants;

fn all() -> impl Iterator<Item = &'static Mutant> {
    let rooms = [
        saving::MUTANTS,
        clearing::MUTANTS,
        intents::MUTANTS,
        sites::MUTANTS,
        locks::MUTANTS,
        threads::MUTANTS,
        processes::MUTANTS,
        remains::MUTANTS,
    ];
    rooms.into_iter().flatten()
}

fn of_name(name: &str) -> &'static Mutant {
    all().find(|mutant| mutant.name == name).unwrap_or_else(|| panic!("no mutant {name}"))
}

/// A place whose store has the fault.
struct Place {
    mutant: &'static Mutant,
    notes: Arc<Notes>,
    memory: MemoryStore,
    tiled: Tiled,
}

impl Place {
    fn new(mutant: &'static Mutant) -> Self {
        let tiled = Tiled::new();
        let notes = Arc::new(Notes::at(tiled.temporary.path()));
        Self { mutant, notes, memory: MemoryStore::new(), tiled }
    }

    fn is_tiled(&self) -> Result<&Tiled, Unable> {
        if self.mutant.base == Base::Tiled { Ok(&self.tiled) } else { Err(Unable::lacks("it is memory")) }
    }
}

impl Subject for Place {
    fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
        let store: Arc<dyn Store> = match self.mutant.base {
            Base::Memory => Arc::new(self.memory.clone()),
            Base::Tiled => Arc::new(tiled::store(self.tiled.temporary.path())),
        };
        Ok(Box::new((self.mutant.bend)(Bent::new(store, Arc::clone(&self.notes)))))
    }

    fn grain(&self) -> Grain {
        self.is_tiled().map_or(Grain::Session, Subject::grain)
    }

    fn command(&self) -> Result<Command, Unable> {
        Ok(crate::command(self.mutant.name, self.is_tiled()?.temporary.path()))
    }

    fn tear(&self, key: &Key, session: &Session) -> Result<(), Unable> {
        self.is_tiled()?.tear(key, session)
    }

    fn litter(&self, key: &Key) -> Result<(), Unable> {
        self.is_tiled()?.litter(key)
    }

    fn add_unknown(&self, key: &Key) -> Result<Survival, Unable> {
        self.is_tiled()?.add_unknown(key)
    }
}

/// The same in another process.
pub(crate) fn open(name: &str, place: &Path) -> Box<dyn Store> {
    let store = Arc::new(tiled::store(place));
    Box::new((of_name(name).bend)(Bent::new(store, Arc::new(Notes::at(place)))))
}

/// Several at a time: most of what the suite does is waiting.
const AT_ONCE: usize = 4;

fn are_caught(mutants: &'static [Mutant]) {
    let next = AtomicUsize::new(0);
    let work = || {
        let next = || mutants.get(next.fetch_add(1, Ordering::SeqCst));
        std::iter::from_fn(next).filter_map(escaped).collect::<Vec<_>>()
    };
    let escaped: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}

/// What is wrong if the suite does not find just the one fault.
fn escaped(mutant: &'static Mutant) -> Option<String> {
    let report = contract::run(move || Ok(Place::new(mutant)));
    let failed: Vec<_> = report.failures().map(|failure| failure.clause).collect();
    let skipped: Vec<_> = report.skipped().map(|(clause, _)| clause).collect();
    let others = contract::clauses().iter().filter(|clause| clause.needs != Needs::Store);
    let expected: Vec<_> = others.map(|clause| clause.name).filter(|_| mutant.base == Base::Memory).collect();
    let is_caught = failed == [mutant.clause] && skipped == expected;
    (!is_caught).then(|| format!("{} breaks {failed:?}, not {}\n{report}", mutant.name, mutant.clause))
}

#[test]
fn every_clause_is_broken_by_a_mutant() {
    let broken: BTreeSet<_> = all().map(|mutant| mutant.clause).collect();
    let clauses: BTreeSet<_> = contract::clauses().iter().map(|clause| clause.name).collect();
    assert_eq!(broken, clauses);
    let names: BTreeSet<_> = all().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), all().count(), "each has a name of its own");
}
