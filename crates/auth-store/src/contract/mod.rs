//! What every store promises, as a suite that tries any store: those here, and yours.
//!
//! A [`Clause`] is one promise. A [`Subject`] is a fresh place with your store on it; [`run`] makes one for each clause
//! and reports what became of it. What a subject cannot do is skipped, and the reason is in the [`Report`].
//!
//! ```
//! use auth_core::{error::StoreFault, ports::Store};
//! use auth_store::MemoryStore;
//! use auth_store::contract::{self, Subject};
//!
//! struct Memory(MemoryStore);
//!
//! impl Subject for Memory {
//!     fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
//!         Ok(Box::new(self.0.clone()))
//!     }
//! }
//!
//! let report = contract::run(|| Ok(Memory(MemoryStore::new())));
//! report.assert_all();
//! // Memory is of one process.
//! assert!(report.skipped().any(|(name, _)| name == "processes-share-sessions"));
//! ```
//!
//! # Other processes
//!
//! A store that several processes use gives [`Subject::command`]: a program that opens the same place and calls
//! [`obey`]. In a test that is the test's own program, told to run only the test that obeys:
//!
//! ```no_run
//! use std::process::Command;
//! # use auth_store::{MemoryStore, contract};
//!
//! // In `Subject::command`:
//! let mut command = Command::new(std::env::current_exe()?);
//! command.args(["--exact", "other_process", "--nocapture"]).env("PLACE", "/the/folder");
//!
//! // A #[test] of the name `other_process`, which does nothing by itself:
//! if let Some(place) = std::env::var_os("PLACE") {
//!     let store = MemoryStore::new(); // yours, opened at `place`
//!     contract::obey(&store, std::io::stdin().lock(), std::io::stdout())?;
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What is not tried
//!
//! Who may read the files, and what a loss of power leaves, which no program can bring about; these need tests of
//! their own.

mod clauses;
mod obey;
mod peer;
mod report;
mod sample;
mod subject;
mod trial;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub use clauses::clauses;
pub use obey::obey;
pub use report::{Failure, Report, Verdict};
pub use subject::{Grain, Subject, Survival, Unable};
use trial::{Outcome, Stop, Trial};

/// How long one clause may take. The slowest waits for twenty seconds at most for what is certain to happen.
const LIMIT: Duration = Duration::from_mins(1);

/// One promise, and how it is tried.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Clause {
    /// Its name, which stays the same.
    pub name: &'static str,
    /// What is promised, in one sentence.
    pub promise: &'static str,
    /// What must be possible with a subject to try it.
    pub needs: Needs,
    check: fn(&Trial<'_>) -> Outcome,
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clause").field("name", &self.name).field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// What a clause needs of a [`Subject`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing but [`Subject::open`].
    Store,
    /// [`Subject::command`].
    Processes,
    /// [`Subject::tear`].
    Tearing,
    /// [`Subject::litter`].
    Litter,
    /// [`Subject::add_unknown`].
    Unknown,
}

/// There is no clause of this name; [`clauses`] lists them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NoSuchClause(pub String);

impl fmt::Display for NoSuchClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the contract has no clause {:?}", self.0)
    }
}

impl std::error::Error for NoSuchClause {}

/// Tries every clause, each on a subject of its own.
///
/// Nothing the store does gets out: a panic is a failure of the clause, and so is taking longer than a minute; then the
/// thread that hangs is left behind.
pub fn run<S: Subject + 'static>(make: impl Fn() -> Result<S, Unable> + Send + Sync + 'static) -> Report {
    let make = Arc::new(make);
    Report { verdicts: clauses().iter().map(|clause| (clause.name, tried(clause, &make, LIMIT))).collect() }
}

/// Tries one clause.
pub fn run_one<S: Subject + 'static>(
    name: &str,
    make: impl Fn() -> Result<S, Unable> + Send + Sync + 'static,
) -> Result<Report, NoSuchClause> {
    let clause = clauses().iter().find(|clause| clause.name == name);
    let clause = clause.ok_or_else(|| NoSuchClause(name.to_owned()))?;
    Ok(Report { verdicts: vec![(clause.name, tried(clause, &Arc::new(make), LIMIT))] })
}

fn tried<S: Subject + 'static>(
    clause: &Clause,
    make: &Arc<impl Fn() -> Result<S, Unable> + Send + Sync + 'static>,
    limit: Duration,
) -> Verdict {
    let (check, make) = (clause.check, Arc::clone(make));
    let (sender, receiver) = mpsc::channel();
    let trial = thread::Builder::new().name(clause.name.to_owned()).spawn(move || {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| check(&Trial { subject: &make()? })));
        // Nobody listens any more if it took too long.
        drop(sender.send(outcome));
    });
    if let Err(error) = trial {
        let stop = Stop::Failed { expected: "a thread to try it on".to_owned(), found: error.to_string() };
        return verdict(clause, Err(stop));
    }
    verdict(
        clause,
        match receiver.recv_timeout(limit) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panicked)) => {
                let text = panicked.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panicked.downcast_ref::<&str>().copied()).unwrap_or("no text");
                trial::failed("no panic", format!("a panic: {text}"))
            }
            Err(_) => trial::failed(format!("an end within {} s", limit.as_secs()), "it still goes on"),
        },
    )
}

fn verdict(clause: &Clause, outcome: Outcome) -> Verdict {
    match outcome {
        Ok(()) => Verdict::Passed,
        Err(Stop::Skipped(why)) => Verdict::Skipped(why),
        Err(Stop::Failed { expected, found }) => Verdict::Failed(Failure::new(clause, expected, &found)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use auth_core::error::StoreFault;
    use auth_core::ports::Store;

    use super::*;
    use crate::MemoryStore;

    struct Memory(MemoryStore);

    impl Subject for Memory {
        fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
            Ok(Box::new(self.0.clone()))
        }
    }

    fn failure(check: fn(&Trial<'_>) -> Outcome, limit: Duration) -> Failure {
        let clause = Clause { name: "x", promise: "It ends.", needs: Needs::Store, check };
        let make = Arc::new(|| Ok(Memory(MemoryStore::new())));
        match tried(&clause, &make, limit) {
            Verdict::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panic_is_a_failure_with_its_text() {
        let texts = [
            failure(|_| panic!("number {}", 7), LIMIT),
            failure(|_| std::thread::scope(|scope| trial::joined(scope.spawn(|| panic!("number 7")))), LIMIT),
        ];
        for failure in texts {
            assert_eq!(failure.found.to_string(), "a panic: number 7");
        }
    }

    #[test]
    fn what_hangs_is_left_behind() {
        static HANGING: Mutex<()> = Mutex::new(());
        let hanging = HANGING.lock().unwrap();
        let failure = failure(|_| HANGING.lock().map(drop).or(Ok(())), Duration::from_millis(50));
        assert_eq!(failure.found.to_string(), "it still goes on");
        drop(hanging);
    }

    #[test]
    fn a_subject_that_cannot_be_made_is_no_pass() {
        let make = || -> Result<Memory, Unable> { Err(Unable::failed("no folder")) };
        let report = run_one("clear-removes", make).unwrap();
        assert_eq!(
            report.failures().map(|failure| failure.found.to_string()).collect::<Vec<_>>(),
            ["no folder"]
        );
        let lacking = || -> Result<Memory, Unable> { Err(Unable::lacks("not on this system")) };
        let report = run_one("clear-removes", lacking).unwrap();
        assert_eq!(report.skipped().collect::<Vec<_>>(), [("clear-removes", "not on this system")]);
    }

    #[test]
    fn a_clause_is_found_by_its_name() {
        let make = || Ok(Memory(MemoryStore::new()));
        let one = run_one("clear-removes", make).unwrap();
        assert_eq!(one.verdicts().collect::<Vec<_>>(), [("clear-removes", &Verdict::Passed)]);
        assert_eq!(run_one("clear", make), Err(NoSuchClause("clear".to_owned())));
    }
}
