//! How many tests passed and failed, as the runners' closing lines say.

use std::ops::AddAssign;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Marked `#[ignore]`, or left out by a filter.
    pub(super) left_out: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.left_out += other.left_out;
    }
}

/// Who ran the tests. Only that runner's own lines are read: a failed test's output may hold another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    Nextest,
    Libtest,
    Cases,
}

/// Sums a runner's closing lines. One that failed and counted no failure (it could not build, it was killed) is one.
pub(super) fn read(runner: Runner, lines: &[String], ok: bool) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        let found = match runner {
            Runner::Nextest => nextest(line),
            Runner::Libtest => libtest(line),
            Runner::Cases => cases(line),
        };
        if let Some(found) = found {
            counts += found;
        }
    }
    if !ok && counts.failed == 0 {
        counts.failed = 1;
    }
    counts
}

/// `     Summary [   2.019s] 5 tests run: 1 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 1 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once("] ")?;
    let (run, rest) = rest.split_once(" run: ")?;
    if !run.ends_with("test") && !run.ends_with("tests") {
        return None;
    }
    let mut counts = Counts::default();
    for part in without_parentheses(rest).split(',') {
        let mut words = part.split_whitespace();
        let number: u64 = words.next()?.parse().ok()?;
        match words.next()? {
            "passed" => counts.passed += number,
            "skipped" => counts.left_out += number,
            // failed, timed out, exec failed: anything else did not pass.
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

/// `662 passed, 0 failed, 1174 skipped`; what was skipped has its reason in the matrix.
fn cases(line: &str) -> Option<Counts> {
    let mut numbers = [" passed", " failed", " skipped"]
        .into_iter()
        .zip(line.split(", "))
        .map(|(word, part)| part.strip_suffix(word)?.parse::<u64>().ok());
    let (passed, failed) = (numbers.next()??, numbers.next()??);
    numbers.next()??;
    Some(Counts { passed, failed, left_out: 0 })
}

/// `test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 4 filtered out; finished in 0.00s`
fn libtest(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    let mut counts = Counts::default();
    for part in rest.split(';') {
        let mut words = part.split_whitespace();
        let (number, what) = (words.next().and_then(|n| n.parse::<u64>().ok()), words.next());
        match (number, what) {
            (Some(number), Some("passed")) => counts.passed += number,
            (Some(number), Some("failed")) => counts.failed += number,
            (Some(number), Some("ignored" | "filtered")) => counts.left_out += number,
            _ => {}
        }
    }
    Some(counts)
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, left_out: u64) -> Counts {
        Counts { passed, failed, left_out }
    }

    #[test]
    fn nextest_sums_up() {
        for (line, expected) in [
            (
                "     Summary [   0.005s] 4 tests run: 1 passed, 2 failed, 1 timed out, 1 skipped",
                counts(1, 3, 1),
            ),
            ("     Summary [   1.000s] 1 test run: 1 passed, 0 skipped", counts(1, 0, 0)),
            ("Summary [  65.1s] 3 tests run: 3 passed (1 slow, 2 leaky), 0 skipped", counts(3, 0, 0)),
            ("     Summary [   0.000s] 0 tests run: 0 passed, 5 skipped", counts(0, 0, 5)),
            ("     Summary [   0.1s] 2/9 tests run: 1 passed, 1 exec failed, 0 skipped", counts(1, 1, 0)),
            (
                "     Summary [   0.1s] 2 tests run: 1 passed, 1 failed (1 due to being terminated), 7 skipped",
                counts(1, 1, 7),
            ),
        ] {
            assert_eq!(nextest(line), Some(expected), "{line}");
        }
        for line in
            ["Summary", "Summary [", "Summary [1s] nothing run: x", "test result: ok. 1 passed; 0 failed"]
        {
            assert_eq!(nextest(line), None, "{line}");
        }
    }

    #[test]
    fn libtest_sums_up() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 4 filtered out; finished in 0.00s";
        assert_eq!(libtest(line), Some(counts(3, 1, 6)));
        assert_eq!(
            libtest("test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"),
            Some(counts(7, 0, 0))
        );
        assert_eq!(libtest("test a::b ... ok"), None);
    }

    #[test]
    fn several_closing_lines_add_up() {
        let lines = [
            "test result: ok. 2 passed; 0 failed; 0 ignored",
            "noise",
            "test result: ok. 3 passed; 0 failed; 1 ignored",
        ];
        assert_eq!(read(Runner::Libtest, &lines.map(str::to_owned), true), counts(5, 0, 1));
    }

    #[test]
    fn a_failed_tests_own_output_is_not_counted() {
        let lines = [
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.10s",
            "     Summary [   2.0s] 2 tests run: 1 passed, 1 failed, 0 skipped",
        ];
        assert_eq!(read(Runner::Nextest, &lines.map(str::to_owned), false), counts(1, 1, 0));
    }

    #[test]
    fn a_runner_that_fails_without_counting_a_failure_is_one() {
        let none = ["error: could not compile `x`".to_owned()];
        assert_eq!(read(Runner::Nextest, &none, false), counts(0, 1, 0));
        let some = ["test result: ok. 2 passed; 0 failed; 0 ignored".to_owned()];
        assert_eq!(read(Runner::Libtest, &some, false), counts(2, 1, 0));
        assert_eq!(read(Runner::Nextest, &none, true), counts(0, 0, 0));
    }
}
