//! The phases of a run: announced, timed, and summed up at its end.

use std::time::{Duration, Instant};

use super::counts::Counts;

/// One part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Build,
    Servers,
    Tests,
    DocTests,
    Cases,
    OtherUser,
    Soak,
    Search,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Servers => "real servers",
            Self::Tests => "tests",
            Self::DocTests => "examples in the documentation",
            Self::Cases => "conformance cases",
            Self::OtherUser => "permission tests as another user",
            Self::Soak => "soak",
            Self::Search => "search for planted secrets",
        }
    }
}

/// Which phases there are, and how far the run is.
#[derive(Debug)]
pub(super) struct Phases {
    planned: Vec<Phase>,
    ended: Vec<(Phase, Duration)>,
    current: Option<(Phase, Instant)>,
}

impl Phases {
    pub(super) fn new(planned: Vec<Phase>) -> Self {
        Self { planned, ended: Vec::new(), current: None }
    }

    pub(super) fn has(&self, phase: Phase) -> bool {
        self.planned.contains(&phase)
    }

    /// The name of the phase under way.
    pub(super) fn current(&self) -> Option<&'static str> {
        self.current.map(|(phase, _)| phase.name())
    }

    /// Begins a phase and returns the line that announces it.
    pub(super) fn begin(&mut self, phase: Phase) -> String {
        self.current = Some((phase, Instant::now()));
        self.title(phase)
    }

    /// Ends the phase under way and returns the line that says so, with its time and what it counted.
    pub(super) fn end(&mut self, counted: Counts) -> Option<String> {
        let (phase, started) = self.current.take()?;
        let took = started.elapsed();
        self.ended.push((phase, took));
        let tests = match (counted.passed, counted.failed) {
            (0, 0) => String::new(),
            (passed, failed) => format!("{passed} passed, {failed} failed in "),
        };
        Some(format!("{}: {tests}{:.0} s", self.title(phase), took.as_secs_f32()))
    }

    /// `3 of 6: real servers`
    fn title(&self, phase: Phase) -> String {
        let number = self.planned.iter().position(|planned| *planned == phase).map_or(0, |at| at + 1);
        format!("{number} of {}: {}", self.planned.len(), phase.name())
    }

    /// The time of each phase that ended, on one line.
    pub(super) fn times(&self) -> String {
        let time =
            |(phase, took): &(Phase, Duration)| format!("{} {:.0} s", phase.name(), took.as_secs_f32());
        self.ended.iter().map(time).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_says_its_number_name_time_and_counts() {
        let mut phases = Phases::new(vec![Phase::Build, Phase::Servers, Phase::Tests]);
        assert_eq!(phases.begin(Phase::Servers), "2 of 3: real servers");
        assert_eq!(phases.current(), Some("real servers"));
        assert_eq!(phases.end(Counts::default()).as_deref(), Some("2 of 3: real servers: 0 s"));
        assert_eq!(phases.begin(Phase::Tests), "3 of 3: tests");
        let counted = Counts { passed: 5, failed: 1, left_out: 0 };
        assert_eq!(phases.end(counted).as_deref(), Some("3 of 3: tests: 5 passed, 1 failed in 0 s"));
        assert_eq!(phases.times(), "real servers 0 s, tests 0 s");
        assert_eq!((phases.current(), phases.end(counted)), (None, None));
        assert!(phases.has(Phase::Build) && !phases.has(Phase::Cases));
    }
}
