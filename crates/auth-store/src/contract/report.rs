use std::error::Error;
use std::fmt;

use auth_core::Foreign;

use super::Clause;
use super::sample::MARK;

/// What became of one clause.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The store keeps it.
    Passed,
    /// The store, or the subject, does not.
    Failed(Failure),
    /// It was not tried, and why.
    Skipped(String),
}

/// A clause that is not kept. It names no token, whatever the store said.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Failure {
    /// The clause's name.
    pub clause: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// What should have been found.
    pub expected: String,
    /// What was found instead: a state, a fault, the text of a panic.
    pub found: Foreign,
}

impl Failure {
    pub(super) fn new(clause: &Clause, expected: String, found: &str) -> Self {
        let Clause { name, promise, .. } = *clause;
        Self { clause: name, promise, expected, found: Foreign::new(struck(found)) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clause, promise, expected, found } = self;
        write!(f, "{clause}: {promise}\n         expected: {expected}\n         found: {found}")
    }
}

impl Error for Failure {}

/// Strikes out every token of the suite.
fn struck(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "._-+".contains(c));
        out.extend(["***", rest]);
    }
    out
}

/// What became of every clause that was tried. `Display` is a table.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[must_use]
pub struct Report {
    pub(super) verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// The clauses by name, in the order in which they were tried.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.verdicts.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// Those that are not kept.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.verdicts.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Failed(failure) => Some(failure),
            Verdict::Passed | Verdict::Skipped(_) => None,
        })
    }

    /// Those that were not tried, each with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.verdicts.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::Skipped(why) => Some((*name, why.as_str())),
            Verdict::Passed | Verdict::Failed(_) => None,
        })
    }

    /// Itself as the error if any clause is not kept. What was skipped is no failure: look at
    /// [`skipped`](Self::skipped).
    pub fn into_result(self) -> Result<Self, Self> {
        if self.failures().next().is_none() { Ok(self) } else { Err(self) }
    }

    /// For tests.
    ///
    /// # Panics
    ///
    /// With the table, if any clause is not kept.
    #[track_caller]
    pub fn assert_all(&self) {
        assert!(self.failures().next().is_none(), "the store does not keep its contract\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.verdicts {
            match verdict {
                Verdict::Passed => writeln!(f, "passed   {name}")?,
                Verdict::Failed(failure) => writeln!(f, "FAILED   {failure}")?,
                Verdict::Skipped(why) => writeln!(f, "skipped  {name}: {why}")?,
            }
        }
        let (failed, skipped) = (self.failures().count(), self.skipped().count());
        write!(f, "{} passed, {failed} failed, {skipped} skipped", self.verdicts.len() - failed - skipped)
    }
}

impl Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Needs, sample};

    fn clause() -> Clause {
        Clause { name: "a-name", promise: "A promise.", needs: Needs::Store, check: |_| Ok(()) }
    }

    #[test]
    fn a_failure_shows_no_token_and_moves_no_cursor_s1_t1() {
        let token = sample::token("access", "alice", 7);
        let found = format!("\u{1b}[2J {0}, \"{0}\" {0}\n", token.expose());
        let failure = Failure::new(&clause(), "peace".to_owned(), &found);
        assert_eq!(failure.found.to_string(), r#"\u{1b}[2J ***, "***" ***\u{a}"#);
        assert!(!format!("{failure} {failure:?}").contains("alice"));
    }

    #[test]
    fn a_report_is_a_table_and_says_what_was_left_out() {
        let failure = Failure::new(&clause(), "this".to_owned(), "that");
        let report = Report {
            verdicts: vec![
                ("one", Verdict::Passed),
                ("a-name", Verdict::Failed(failure.clone())),
                ("two", Verdict::Skipped("no file".to_owned())),
            ],
        };
        let table = "passed   one\nFAILED   a-name: A promise.\n         expected: this\n         found: that\n\
                     skipped  two: no file\n1 passed, 1 failed, 1 skipped";
        assert_eq!(report.to_string(), table);
        assert_eq!(report.failures().collect::<Vec<_>>(), [&failure]);
        assert_eq!(report.skipped().collect::<Vec<_>>(), [("two", "no file")]);
        assert_eq!(report.clone().into_result(), Err(report));
    }
}
