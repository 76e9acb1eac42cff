//! What is shown of a test runner's output while it runs: failures and what is slow at once, and how far it is.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::counts::Runner;
use crate::run::Watch;

/// How often the count is written again: on a terminal in place, elsewhere as a line of its own.
const ON_A_TERMINAL: Duration = Duration::from_secs(1);
const IN_A_FILE: Duration = Duration::from_secs(20);

/// Watches one run of a test runner.
#[derive(Debug)]
pub(super) struct View {
    runner: Runner,
    /// Whether the lines that follow are what tests that passed printed.
    in_successes: bool,
    run: u64,
    failed: u64,
    /// How many tests there are, once that is known.
    of: Option<u64>,
    terminal: bool,
    started: Instant,
    written: Instant,
    /// Whether the last thing on the terminal is the count.
    is_open: bool,
}

impl View {
    pub(super) fn new(runner: Runner) -> Self {
        let now = Instant::now();
        Self {
            runner,
            in_successes: false,
            run: 0,
            failed: 0,
            of: None,
            terminal: std::io::stdout().is_terminal(),
            started: now,
            written: now,
            is_open: false,
        }
    }

    /// Whether a line is worth showing; counts tests on the way.
    fn is_news(&mut self, line: &str) -> bool {
        match self.runner {
            Runner::Nextest => {
                if let Some((run, of, passed)) = ended(line) {
                    // A failure is listed a second time at the end, with the same number.
                    if run > self.run {
                        self.failed += u64::from(!passed);
                    }
                    self.run = self.run.max(run);
                    self.of = Some(of);
                    return !passed;
                }
                true
            }
            Runner::Libtest => {
                match line {
                    "successes:" => self.in_successes = true,
                    "failures:" => self.in_successes = false,
                    _ if line.starts_with("test result: ") => self.in_successes = false,
                    _ => {}
                }
                if self.in_successes || line.is_empty() || line.starts_with("running ") {
                    return false;
                }
                match line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
                    Some((_, "FAILED")) => (self.run, self.failed) = (self.run + 1, self.failed + 1),
                    Some((_, end)) => {
                        self.run += u64::from(end == "ok");
                        return false;
                    }
                    None => {}
                }
                true
            }
            Runner::Cases => true,
        }
    }

    fn count(&self) -> Option<String> {
        let of = self.of.map(|of| format!(" of {of}")).unwrap_or_default();
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let seconds = self.started.elapsed().as_secs();
        (self.run > 0).then(|| format!("  {}{of} tests run{failed}, {seconds} s", self.run))
    }

    /// Takes the count off the terminal, so that a line can be written there.
    fn close(&mut self) {
        if self.is_open {
            let mut out = std::io::stdout();
            let _closed = write!(out, "\r\u{1b}[2K").and_then(|()| out.flush());
            self.is_open = false;
        }
    }
}

impl Watch for View {
    fn line(&mut self, line: &str) -> bool {
        let show = self.is_news(line);
        if show {
            self.close();
        }
        show
    }

    fn tick(&mut self) {
        let every = if self.terminal { ON_A_TERMINAL } else { IN_A_FILE };
        if self.written.elapsed() < every {
            return;
        }
        self.written = Instant::now();
        let Some(count) = self.count() else { return };
        self.close();
        let mut out = std::io::stdout();
        let end = if self.terminal { "" } else { "\n" };
        let _closed = write!(out, "{count}{end}").and_then(|()| out.flush());
        self.is_open = self.terminal;
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads `        PASS [   0.008s] (  2/303) package test`: the number of the test, of how many, and whether it passed.
fn ended(line: &str) -> Option<(u64, u64, bool)> {
    let (word, rest) = line.trim_start().split_once(" [")?;
    let (_, rest) = rest.split_once("] (")?;
    let (numbers, _) = rest.split_once(") ")?;
    let (run, of) = numbers.split_once('/')?;
    let is_status =
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b == b' ');
    // A test that is slow is not at its end.
    (is_status && !word.starts_with("SLOW"))
        .then_some(())
        .and(run.trim().parse().ok().zip(of.trim().parse().ok()))
        .map(|(run, of)| (run, of, word == "PASS" || word == "LEAK"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(runner: Runner, lines: &[&'a str]) -> (Vec<&'a str>, Option<String>) {
        let mut view = View::new(runner);
        let shown = lines.iter().copied().filter(|line| view.is_news(line)).collect();
        (shown, view.count())
    }

    #[test]
    fn a_passed_test_is_counted_and_a_failed_one_shown() {
        let lines = [
            "    Starting 3 tests across 1 binary (1 test skipped)",
            "        FAIL [   0.361s] (1/3) demo bad",
            "        PASS [   0.008s] (2/3) demo good",
            "        SLOW [> 60.000s] (─────) demo long",
            "        PASS [   0.419s] (3/3) demo long",
            "     Summary [   0.420s] 3 tests run: 2 passed, 1 failed, 1 skipped",
            "        FAIL [   0.361s] (1/3) demo bad",
        ];
        let (shown, count) = shown(Runner::Nextest, &lines);
        assert_eq!(shown.len(), 5, "{shown:?}");
        assert!(!shown.iter().any(|line| line.contains("PASS")), "{shown:?}");
        assert_eq!(count.as_deref(), Some("  3 of 3 tests run, 1 failed, 0 s"));
    }

    #[test]
    fn what_passed_tests_print_is_not_shown() {
        let lines = [
            "running 2 tests",
            "test a ... ok",
            "test b ... FAILED",
            "test c ... ignored",
            "",
            "successes:",
            "---- a stdout ----",
            "noise",
            "failures:",
            "---- b stdout ----",
            "why",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
        ];
        let (shown, count) = shown(Runner::Libtest, &lines);
        let expected = ["test b ... FAILED", "failures:", "---- b stdout ----", "why"];
        assert_eq!(shown.get(..4), Some(&expected[..]));
        assert_eq!(shown.len(), 5);
        assert_eq!(count.as_deref(), Some("  2 tests run, 1 failed, 0 s"));
    }

    #[test]
    fn without_a_test_there_is_no_count() {
        assert_eq!(
            shown(Runner::Nextest, &["   Compiling auth-core"]),
            (vec!["   Compiling auth-core"], None)
        );
    }
}
