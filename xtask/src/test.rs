//! `cargo xtask test`: every test, with the servers and the binaries that some of them need.

pub(crate) mod artifacts;
mod canaries;
mod counts;
mod other_uid;
mod phases;
mod report;
mod view;

use std::process::Command;
use std::time::Instant;

use crate::peers::python::Interpreter;
use crate::peers::tiled::Peers;
use crate::workspace::{self, Member};
use crate::{conformance, peers, run, soak, sys, tools};
use artifacts::Built;
use canaries::Canaries;
use counts::{Counts, Runner};
use other_uid::Prepared;
use phases::{Phase, Phases};
use report::Failure;
use view::View;

const HELP: &str = "\
Runs all tests and ends with one line, `N passed, N failed`.

Usage: cargo xtask test [--no-peers] [--filter TEXT]

  --no-peers      leave out the tests that need a peer server
  --filter TEXT   only tests whose name holds TEXT

Tests find in their environment:
  AUTH_PEERS     the servers that were started: {\"tiled\": {NAME: URL, ...}, \"python\": PATH}; unset without peers
  AUTHCTL        the built command
  AUTH_EXAMPLES  the folder of the facade's built examples; unset when it has none
As root, integration tests named perm_* run once more as another user; then also:
  AUTH_PERM_UID      the user's number
  AUTH_PERM_FOREIGN  a folder of root's: readable (0644), private (0600), writable (0666), closed/inside (0700 folder)

The conformance cases (cargo xtask conformance) are played too, unless tests are filtered; each cell is a test. So is a
minute of cargo xtask soak, as one test.

Tests plant secrets; afterwards everything that was printed or left in the temporary folder is searched for them:
  AUTH_CANARY       what the secrets of this run follow from
  AUTH_CANARY_LIST  the file in which each is noted

Without --no-peers it needs Python 3.10 to 3.13, python3 or the one that AUTH_PEERS_PYTHON names, and ends at once
where there is none. What else cannot be run here is skipped with its reason; in CI (the variable CI is set) that is a
failure.";

/// What tests that pass print is searched too, so Rust's own runner has to show it.
const SHOW_OUTPUT: &str = "--show-output";
/// The package whose feature below gates the tests that need a peer.
const CONFORMANCE: &str = "conformance";
const PEERS: &str = "peers";
const AGAINST_SERVERS: &str = "tests against real servers";

#[derive(Debug, Default, PartialEq)]
struct Options {
    help: bool,
    no_peers: bool,
    filter: Option<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-h" | "--help" => options.help = true,
                "--no-peers" => options.no_peers = true,
                "--filter" => match args.next() {
                    // It is handed on as a plain argument, where a dash would make it an option.
                    Some(text) if !text.starts_with('-') => options.filter = Some(text.clone()),
                    _ => return Err("--filter needs a text that does not start with a dash".to_owned()),
                },
                other => return Err(format!("unexpected argument `{other}`\n\n{HELP}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let options = Options::parse(args)?;
    if options.help {
        println!("{HELP}");
        return Ok(true);
    }
    let started = Instant::now();
    let mut session = Session::new(options);
    if let Err(why) = session.run() {
        session.fail(session.phases.current().unwrap_or("cargo xtask test"), &why);
    }
    session.end();
    println!("test: {:.0} s", started.elapsed().as_secs_f32());
    println!("{} passed, {} failed", session.total.passed, session.total.failed);
    Ok(session.total.failed == 0)
}

struct Session {
    options: Options,
    phases: Phases,
    total: Counts,
    failures: Vec<Failure>,
    /// What was left out and why.
    skipped: Vec<String>,
    /// The secrets that tests planted, and what they printed and left.
    canaries: Option<Canaries>,
    /// What the other users' tests left; it goes when it has been searched.
    others: Vec<Prepared>,
}

impl Session {
    fn new(options: Options) -> Self {
        Self {
            options,
            phases: Phases::new(Vec::new()),
            total: Counts::default(),
            failures: Vec::new(),
            skipped: Vec::new(),
            canaries: None,
            others: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        // First of all: who has another Python learns it before minutes of building.
        let python = if self.options.no_peers { None } else { Some(Interpreter::find()?) };
        let members = workspace::members()?;
        self.phases = Phases::new(planned(&self.options, other_uid::there_are_any(&members)));
        let built = self.phase(Phase::Build, |session| {
            artifacts::build().inspect_err(|why| session.fail(Phase::Build.name(), why)).ok()
        });
        let Some(built) = built else { return Ok(()) };
        if cfg!(target_os = "linux")
            && let Err(why) = tools::ensure_apt("strace")
        {
            // The tests that need it fail, and say so too.
            println!("test: {why}");
        }
        // Dropped at the end of this function: the servers live as long as the tests.
        let peers = python.and_then(|python| self.phase(Phase::Servers, |session| session.peers(python)));
        if self.options.no_peers {
            self.skipped.push(format!("{AGAINST_SERVERS} because of --no-peers"));
        }
        let mut environment = environment(peers.as_ref(), &built);
        let canaries = Canaries::begin()?;
        environment.extend(canaries.environment());
        self.canaries = Some(canaries);
        let conformance = members.iter().find(|m| m.name == CONFORMANCE);
        let selections = selections(peers.is_some(), conformance);
        self.phase(Phase::Tests, |session| {
            for selection in &selections {
                session.suite(selection, &environment);
            }
        });
        self.phase(Phase::DocTests, |session| session.doc_tests(peers.is_some(), &environment));
        if self.phases.has(Phase::Cases) {
            self.phase(Phase::Cases, |session| session.cases(&environment));
        }
        if self.phases.has(Phase::OtherUser) {
            self.phase(Phase::OtherUser, |session| {
                for selection in selections.iter().filter(|s| other_uid::selects_any(s, &members)) {
                    session.as_another_user(selection, &environment, &built);
                }
            });
        }
        if self.phases.has(Phase::Soak) {
            self.phase(Phase::Soak, Self::soak);
        }
        self.phase(Phase::Search, Self::search);
        self.untried();
        Ok(())
    }

    /// Does one phase between its announcement and its closing line.
    fn phase<T>(&mut self, phase: Phase, what: impl FnOnce(&mut Self) -> T) -> T {
        println!("\n{}", self.phases.begin(phase));
        let before = self.total;
        let done = what(self);
        let counted = Counts {
            passed: self.total.passed - before.passed,
            failed: self.total.failed - before.failed,
            left_out: 0,
        };
        if let Some(line) = self.phases.end(counted) {
            println!("{line}");
        }
        done
    }

    /// Says again what failed, with its output, and what was not tried.
    fn end(&self) {
        for failure in &self.failures {
            println!("\nfailed: {}\n{}", failure.names.join(", "), failure.repeated().trim_end());
        }
        println!();
        for name in self.failures.iter().flat_map(|failure| &failure.names) {
            println!("failed: {name}");
        }
        for line in &self.skipped {
            println!("not tried: {line}");
        }
        let times = self.phases.times();
        if !times.is_empty() {
            println!("times: {times}");
        }
    }

    /// Starts the servers. Outside CI, not being able to install them leaves their tests out; not being able to start
    /// what is installed is a failure everywhere.
    fn peers(&mut self, python: Interpreter) -> Option<Peers> {
        let installed = match peers::install::tiled_for(python) {
            Ok(installed) => installed,
            Err(why) => {
                self.skip(AGAINST_SERVERS, &why);
                return None;
            }
        };
        match peers::tiled::names().and_then(|names| peers::tiled::start(installed, &names)) {
            Ok(peers) => {
                peers.urls().for_each(|(name, url)| println!("peers: {name} at {url}"));
                Some(peers)
            }
            Err(why) => {
                self.fail(AGAINST_SERVERS, &why);
                None
            }
        }
    }

    fn suite(&mut self, selection: &[String], environment: &[(&str, String)]) {
        let mut command = workspace::cargo();
        let runner = if has_nextest() {
            // The lines of tests that passed are counted, not shown.
            command.args(["nextest", "run", "--no-tests=pass", "--status-level=pass"]);
            match self.canaries.as_ref().map(Canaries::configuration) {
                Some(Ok(file)) => drop(command.arg("--config-file").arg(file)),
                Some(Err(why)) => self.fail("canaries", &why),
                None => {}
            }
            Runner::Nextest
        } else {
            println!("test: cargo-nextest is not installed, cargo test runs the tests");
            command.args(["test", "--no-fail-fast", "--tests"]);
            Runner::Libtest
        };
        command.args(selection);
        let before = self.total.passed + self.total.failed;
        self.count(runner, command, environment);
        // Where no test was run there is no report.
        if matches!(runner, Runner::Nextest)
            && self.total.passed + self.total.failed > before
            && let Some(Err(why)) = self.canaries.as_mut().map(Canaries::keep_report)
        {
            self.fail("canaries", &why);
        }
    }

    /// The search for what tests planted counts as a test.
    fn search(&mut self) {
        const WHAT: &str = "canaries: a secret was printed or left behind";
        let some = self.options.filter.is_some();
        // A few tests may plant nothing.
        let homes: Vec<_> = self.others.iter().map(Prepared::home).collect();
        let canaries = self.canaries.as_ref().filter(|canaries| !(some && canaries.is_idle()));
        match canaries.map(|canaries| canaries.search(&homes)) {
            Some(Ok(shown)) if shown.ok => self.total.passed += 1,
            Some(Ok(shown)) => self.fail(WHAT, &shown.lines.join("\n")),
            Some(Err(why)) => self.fail("canaries", &why),
            None => {}
        }
    }

    fn doc_tests(&mut self, with_peers: bool, environment: &[(&str, String)]) {
        let mut command = workspace::cargo();
        command.args(["test", "--doc", "--no-fail-fast", "--workspace", "--all-features"]);
        if !with_peers {
            command.args(["--exclude", CONFORMANCE]);
        }
        self.count(Runner::Libtest, command, environment);
    }

    /// The conformance cases; a cell of the matrix counts as a test.
    fn cases(&mut self, environment: &[(&str, String)]) {
        let mut command = conformance::cases();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        match run::watched(&mut command, None, &mut View::new(Runner::Cases)) {
            Ok(shown) => self.add(Runner::Cases, &shown),
            Err(why) => self.fail("conformance cases", &why),
        }
    }

    /// A minute of `cargo xtask soak`, which counts as a test.
    fn soak(&mut self) {
        if !cfg!(target_os = "linux") {
            self.skipped.push("the soak because it reads /proc".to_owned());
            return;
        }
        match soak::brief() {
            Ok(table) => {
                println!("{table}");
                self.total.passed += 1;
            }
            Err(why) => self.fail(Phase::Soak.name(), &why),
        }
    }

    fn as_another_user(&mut self, selection: &[String], environment: &[(&str, String)], built: &Built) {
        const WHAT: &str = "permission tests as another user";
        match other_uid::prepare(selection, built) {
            Ok(prepared) => {
                for test in prepared.tests() {
                    println!("test: {} as user {}", test.name(), other_uid::UID);
                    let mut command = prepared.command(test, environment);
                    command.arg(SHOW_OUTPUT).args(&self.options.filter);
                    let mut view = View::new(Runner::Libtest);
                    match run::watched(&mut command, Some(other_uid::LIMIT), &mut view) {
                        Ok(shown) => self.add(Runner::Libtest, &shown),
                        Err(why) => self.fail(WHAT, &why),
                    }
                }
                self.others.push(prepared);
            }
            Err(other_uid::Problem::NotHere(why)) => self.skip(WHAT, &why),
            Err(other_uid::Problem::Failed(why)) => self.fail(WHAT, &why),
        }
    }

    fn count(&mut self, runner: Runner, mut command: Command, environment: &[(&str, String)]) {
        command.args(&self.options.filter);
        if matches!(runner, Runner::Libtest) {
            command.args(["--", SHOW_OUTPUT]);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        match run::watched(&mut command, None, &mut View::new(runner)) {
            Ok(shown) => self.add(runner, &shown),
            Err(why) => self.fail("tests", &why),
        }
    }

    fn add(&mut self, runner: Runner, shown: &run::Shown) {
        if let Some(Err(why)) = self.canaries.as_ref().map(|canaries| canaries.keep(&shown.lines)) {
            self.fail("canaries", &why);
        }
        let counts = counts::read(runner, &shown.lines, shown.ok);
        if counts.left_out > 0 && self.options.filter.is_none() {
            self.skipped.push(format!("{} test(s) because they are marked #[ignore]", counts.left_out));
        }
        if counts.failed > 0 {
            let phase = self.phases.current().unwrap_or("test");
            self.failures.push(Failure::read(runner, phase, &shown.lines));
        }
        if !matches!(runner, Runner::Nextest) {
            self.note_untried(&shown.lines.join("\n"));
        }
        self.total += counts;
    }

    /// Lists what tests did not try: what they print when they pass stands only in their runner's reports.
    fn untried(&mut self) {
        let reports: Vec<_> = self.canaries.iter().flat_map(Canaries::reports).collect();
        for report in reports {
            let text = std::fs::read(&report).unwrap_or_default();
            self.note_untried(&String::from_utf8_lossy(&text));
        }
    }

    fn note_untried(&mut self, printed: &str) {
        for why in report::untried(printed.lines()) {
            let line = format!("some tests, in part: {why}");
            if !self.skipped.contains(&line) {
                self.skipped.push(line);
            }
        }
    }

    fn skip(&mut self, what: &str, why: &str) {
        if sys::in_ci() {
            return self.fail(what, why);
        }
        // One line at the end; what more there is to say is said where it happened.
        let (line, more) = why.split_once('\n').unwrap_or((why, ""));
        if !more.is_empty() {
            println!("{what}: {why}");
        }
        self.skipped.push(format!("{what} because {line}"));
    }

    /// Counts something that is no test as a failure; before the first phase, where it is the only one, it is not said
    /// twice.
    fn fail(&mut self, what: &str, why: &str) {
        if self.phases.current().is_some() {
            println!("failed: {what}: {why}");
        }
        self.total.failed += 1;
        let output = why.lines().map(str::to_owned).collect();
        self.failures.push(Failure { names: vec![what.to_owned()], output });
    }
}

/// The phases of a run, in order.
fn planned(options: &Options, has_other_user: bool) -> Vec<Phase> {
    let mut phases = vec![Phase::Build, Phase::Servers, Phase::Tests, Phase::DocTests, Phase::Cases];
    phases.extend([Phase::OtherUser, Phase::Soak, Phase::Search]);
    phases.retain(|phase| match phase {
        Phase::Servers => !options.no_peers,
        Phase::Cases | Phase::Soak => options.filter.is_none(),
        Phase::OtherUser => has_other_user,
        _ => true,
    });
    phases
}

/// What the tests find in their environment.
fn environment(peers: Option<&Peers>, built: &Built) -> Vec<(&'static str, String)> {
    let mut environment = vec![("AUTHCTL", built.authctl.to_string_lossy().into_owned())];
    if let Some(folder) = &built.examples {
        environment.push(("AUTH_EXAMPLES", folder.to_string_lossy().into_owned()));
    }
    if let Some(peers) = peers {
        environment.push(("AUTH_PEERS", peers.json()));
    }
    environment
}

/// Which packages and features are tested, one list of cargo's arguments for each run. With peers that is everything;
/// without, the conformance package runs by itself without the feature that needs them.
fn selections(with_peers: bool, conformance: Option<&Member>) -> Vec<Vec<String>> {
    let owned = |args: &[&str]| args.iter().map(ToString::to_string).collect::<Vec<_>>();
    let Some(conformance) = conformance.filter(|_| !with_peers) else {
        return vec![owned(&["--workspace", "--all-features"])];
    };
    let others: Vec<&str> =
        conformance.features.iter().map(String::as_str).filter(|f| *f != PEERS && *f != "default").collect();
    vec![
        owned(&["--workspace", "--exclude", CONFORMANCE, "--all-features"]),
        owned(&["-p", CONFORMANCE, "--no-default-features", "--features", &others.join(",")]),
    ]
}

fn has_nextest() -> bool {
    run::quietly(workspace::cargo().args(["nextest", "--version"])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(options(&[]), Ok(Options::default()));
        let both = options(&["--no-peers", "--filter", "renewal"]).unwrap();
        assert!(both.no_peers && both.filter.as_deref() == Some("renewal"));
        assert!(options(&["--filter"]).is_err());
        assert!(options(&["--filter", "--no-peers"]).is_err());
        assert!(options(&["--quick"]).is_err_and(|why| why.contains("--quick")));
    }

    #[test]
    fn only_phases_that_are_run_are_counted() {
        let all = planned(&Options::default(), true);
        assert_eq!(all.len(), 8);
        let filtered = Options { no_peers: true, filter: Some("x".to_owned()), help: false };
        assert_eq!(planned(&filtered, false), [Phase::Build, Phase::Tests, Phase::DocTests, Phase::Search]);
    }

    #[test]
    fn without_peers_only_their_feature_is_off() {
        let features = ["default", PEERS, "slow", "wide"].map(str::to_owned).to_vec();
        let member = Member { name: CONFORMANCE.to_owned(), features, ..Member::default() };
        assert_eq!(selections(true, Some(&member)), [["--workspace", "--all-features"]]);
        let without = selections(false, Some(&member));
        assert_eq!(without.first().unwrap().join(" "), "--workspace --exclude conformance --all-features");
        assert_eq!(
            without.last().unwrap().join(" "),
            "-p conformance --no-default-features --features slow,wide"
        );
        assert_eq!(selections(false, None).len(), 1);
    }
}
