//! What is said at the end of a run: what failed, with its output, and what was not tried.

use std::fmt::Write as _;

use super::counts::Runner;

/// The most lines of output that are repeated for one failure.
const MOST: usize = 1000;
/// What a test prints at the beginning of a line when it cannot run here. In CI it fails instead.
const MARKS: [&str; 2] = ["skipped: ", "left out: "];

/// Something that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The names of the tests, or what else failed.
    pub(super) names: Vec<String>,
    /// What was printed.
    pub(super) output: Vec<String>,
}

impl Failure {
    /// Reads from all that a runner printed what failed.
    pub(super) fn read(runner: Runner, phase: &str, lines: &[String]) -> Self {
        let mut output: Vec<String> = match runner {
            Runner::Nextest => lines.iter().skip_while(|line| !is_summary(line)).cloned().collect(),
            Runner::Libtest => libtest(lines),
            Runner::Cases => cases(lines),
        };
        if output.is_empty() {
            // It could not be built, or was killed.
            output = lines.iter().skip_while(|line| !line.starts_with("error")).cloned().collect();
        }
        if output.is_empty() {
            output = lines.get(lines.len().saturating_sub(50)..).unwrap_or_default().to_vec();
        }
        let mut names: Vec<String> = output.iter().filter_map(|line| name(runner, line)).collect();
        names.dedup();
        if names.is_empty() {
            names.push(phase.to_owned());
        }
        Self { names, output }
    }

    /// The output as it is repeated at the end.
    pub(super) fn repeated(&self) -> String {
        let mut text = String::new();
        for line in self.output.iter().take(MOST) {
            text.extend([line, "\n"]);
        }
        if let Some(more) = self.output.len().checked_sub(MOST).filter(|more| *more > 0) {
            let _ = writeln!(text, "({more} more lines: see above)");
        }
        text
    }
}

fn is_summary(line: &str) -> bool {
    line.trim_start().starts_with("Summary [")
}

/// From each binary's `failures:` to its closing line.
fn libtest(lines: &[String]) -> Vec<String> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    for line in lines {
        if line.starts_with("test result: ") {
            if line.starts_with("test result: FAILED") {
                all.append(&mut block);
            }
            block.clear();
        } else if line == "failures:" || !block.is_empty() {
            block.push(line.clone());
        }
    }
    all
}

/// What stands between the matrix and the list of requirements without a case.
fn cases(lines: &[String]) -> Vec<String> {
    let below = lines.iter().skip_while(|line| !line.is_empty());
    below.take_while(|line| !line.ends_with(" requirements have no case:")).cloned().collect()
}

/// The name of a test that failed, where a line is its headline.
fn name(runner: Runner, line: &str) -> Option<String> {
    match runner {
        // `        FAIL [   0.361s] (1/3) demo bad_two`
        Runner::Nextest => {
            let rest = line.strip_prefix("    ")?.trim_start();
            let (word, rest) = rest.split_once(" [")?;
            let is_status = word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') && word != "SLOW";
            let (_, rest) = rest.split_once("] (").filter(|_| is_status)?;
            Some(rest.split_once(") ")?.1.to_owned())
        }
        // `---- module::test stdout ----`
        Runner::Libtest => Some(line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?.to_owned()),
        // `group/case in tiled/ureq/memory: why`
        Runner::Cases => {
            let (name, rest) = line.split_once(" in ")?;
            let is_case = name.contains('/') && !name.contains(' ') && rest.contains(": ");
            is_case.then(|| name.to_owned())
        }
    }
}

/// What tests say they did not try, each reason once.
pub(super) fn untried<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines {
        // In a report the first line of what a test printed stands behind a tag.
        let line = line.rsplit('>').next().unwrap_or(line).trim_start();
        if let Some(why) = MARKS.iter().find_map(|mark| line.strip_prefix(mark)) {
            let why = why.trim_end().to_owned();
            if !found.contains(&why) {
                found.push(why);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(runner: Runner, text: &str) -> Failure {
        Failure::read(runner, "phase", &text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn failed_tests_are_named_with_their_output() {
        let nextest = failure(
            Runner::Nextest,
            "   Compiling demo\n        FAIL [   0.4s] (1/2) demo a::bad\n        PASS [   0.4s] (2/2) demo good\n\
             \x20    Summary [   0.4s] 2 tests run: 1 passed, 1 failed, 0 skipped\n\
             \x20       FAIL [   0.4s] (1/2) demo a::bad\n  stderr ───\n    why",
        );
        assert_eq!(nextest.names, ["demo a::bad"]);
        assert!(nextest.repeated().ends_with("    why\n") && !nextest.repeated().contains("Compiling"));

        let libtest = failure(
            Runner::Libtest,
            "test a ... ok\n\nsuccesses:\n\n---- a stdout ----\nfine\n\ntest result: ok. 1 passed; 0 failed\n\
             test b ... FAILED\n\nfailures:\n\n---- b stdout ----\nwhy\n\nfailures:\n    b\n\n\
             test result: FAILED. 0 passed; 1 failed",
        );
        assert_eq!(libtest.names, ["b"]);
        assert!(libtest.repeated().contains("why") && !libtest.repeated().contains("fine"));

        let cases = failure(
            Runner::Cases,
            "                tiled\nlogin/wrong     FAILED\n\nlogin/wrong in tiled/ureq/file: another outcome\n  more\n\
             \n3 of 60 requirements have no case:\n  H5   no test names it",
        );
        assert_eq!(cases.names, ["login/wrong"]);
        assert!(cases.repeated().contains("more") && !cases.repeated().contains("H5"));
    }

    #[test]
    fn what_could_not_be_built_is_named_by_its_phase() {
        let failure =
            failure(Runner::Nextest, "   Compiling demo\nerror[E0425]: cannot find value `x`\n --> a.rs");
        assert_eq!(failure.names, ["phase"]);
        assert_eq!(failure.repeated(), "error[E0425]: cannot find value `x`\n --> a.rs\n");
    }

    #[test]
    fn long_output_is_cut() {
        let output = vec!["x".to_owned(); MOST + 2];
        let text = Failure { names: Vec::new(), output }.repeated();
        assert!(text.ends_with("x\n(2 more lines: see above)\n"), "{text}");
    }

    #[test]
    fn what_tests_left_out_is_found_once() {
        let lines = [
            "            <system-out>left out: there is no fish on this machine",
            "left out: there is no fish on this machine",
            "skipped: only root can mount",
            "1 test skipped",
        ];
        let expected = ["there is no fish on this machine", "only root can mount"];
        assert_eq!(untried(lines.into_iter()), expected);
    }
}
