//! `cargo xtask soak`: programs that use one store for a long time, and everything that goes wrong meanwhile.

mod report;
mod round;
mod schedule;
mod timeline;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::programs::Programs;

use report::Report;
use round::Round;

const HELP: &str = "\
Calls a Tiled-shaped and a Shotgun-shaped site for a long time and prints a table of what became of it.

Usage: cargo xtask soak [--minutes N] [--rate N] [--seed N] [--bound SECONDS] [--debug]

  --minutes N      how long, in whole minutes; 10 by default. Half of it with one client process, half with three
  --rate N         calls a second of all clients together; 300 by default
  --seed N         what calls, answers and events are drawn from; by default another one each time. It is printed
  --bound SECONDS  a call that takes longer is stuck; 30 by default
  --debug          with programs as tests have them: no optimization, and little to build

The sites are a process of their own. Refresh tokens are good once, access tokens last 2 s. The clients share one store and
use the blocking and the async face. Meanwhile the sites have outages, change their keys and end sessions; callers give
calls up and cancel them; and a user is prompted, who takes up to 0.8 s and declines one prompt in eight.

It fails if a refresh token was shown twice, if nothing that happened explains a failed call, if a call is stuck, or if a
client does not end. `cargo xtask test` runs a minute of it.";

/// How a soak runs.
#[derive(Clone, Debug, PartialEq)]
struct Options {
    help: bool,
    length: Duration,
    rate: u32,
    seed: Option<u64>,
    bound: u64,
    debug: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { help: false, length: Duration::from_mins(10), rate: 300, seed: None, bound: 30, debug: false }
    }
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().and_then(|value| value.parse::<u32>().ok());
                value
                    .filter(|value| *value > 0)
                    .ok_or_else(|| format!("{arg} needs a number above 0\n\n{HELP}"))
            };
            match arg.as_str() {
                "-h" | "--help" => options.help = true,
                "--minutes" => options.length = Duration::from_mins(number()?.into()),
                "--rate" => options.rate = number()?,
                "--seed" => options.seed = Some(number()?.into()),
                "--bound" => options.bound = number()?.into(),
                "--debug" => options.debug = true,
                other => return Err(format!("unexpected argument `{other}`\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// The command that repeats this soak: its seed, and every option that is not the default.
    fn command(&self, seed: u64) -> String {
        let usual = Self::default();
        let mut command = format!("cargo xtask soak --seed {seed}");
        let minutes = (self.length.as_secs() / 60, usual.length.as_secs() / 60);
        let numbers = [
            ("--minutes", minutes),
            ("--rate", (self.rate.into(), usual.rate.into())),
            ("--bound", (self.bound, usual.bound)),
        ];
        for (name, (value, usual)) in numbers {
            if value != usual {
                command.extend([" ", name, " ", &value.to_string()]);
            }
        }
        if self.debug {
            command.push_str(" --debug");
        }
        command
    }
}

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let options = Options::parse(args)?;
    if options.help {
        println!("{HELP}");
        return Ok(true);
    }
    let report = run(&options)?;
    println!("\n{}", report.text());
    Ok(report.problems().is_empty())
}

/// The seed of the soak in `cargo xtask test`, so that a failure can be repeated. With it, the user of the Tiled site
/// declines the third prompt at the latest.
const BRIEF_SEED: u64 = 553;

/// A minute of it, with a fixed seed. `Err` holds the table and what is wrong, or why there is none.
pub(crate) fn brief() -> Result<String, String> {
    let seed = Some(BRIEF_SEED);
    let length = Duration::from_mins(1);
    let options = Options { length, rate: 150, seed, debug: true, ..Options::default() };
    let report = run(&options)?;
    let text = report.text();
    if report.problems().is_empty() { Ok(text) } else { Err(text) }
}

fn run(options: &Options) -> Result<Report, String> {
    let programs = if options.debug { Programs::unoptimized()? } else { Programs::build()? };
    let path = |name| programs.path(name).map(Path::to_owned);
    let paths: [PathBuf; 2] = [path("soak_site")?, path("soak_client")?];
    let seed = options.seed.unwrap_or_else(another_seed);
    println!("soak: seed {seed}");
    let mut rounds = Vec::new();
    for clients in [1, 3] {
        let length = options.length / 2;
        println!("soak: {} for {} s", report::clients(clients), length.as_secs());
        let round = Round { clients, length, rate: options.rate, seed, bound: options.bound };
        rounds.push(round.run(&paths)?);
    }
    Ok(Report { again: options.command(seed), rounds })
}

/// A number that is another each time and short enough to be typed.
fn another_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().map_or(1, |millis: u64| millis % 1_000_000 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_printed_command_repeats_a_soak() {
        let debug = Options { debug: true, ..Options::default() };
        let length = Duration::from_mins(1);
        for (options, command) in [
            (Options::default(), "--seed 7"),
            (debug.clone(), "--seed 7 --debug"),
            (Options { length, rate: 150, ..debug.clone() }, "--seed 7 --minutes 1 --rate 150 --debug"),
            (Options { bound: 5, ..Options::default() }, "--seed 7 --bound 5"),
        ] {
            let printed = options.command(7);
            assert_eq!(printed, format!("cargo xtask soak {command}"));
            let args: Vec<_> = printed.split(' ').skip(3).map(str::to_owned).collect();
            assert_eq!(Options::parse(&args), Ok(Options { seed: Some(7), ..options }));
        }
    }

    #[test]
    fn options_are_read() {
        assert_eq!(options(&[]), Ok(Options::default()));
        let all = ["--minutes", "30", "--rate", "50", "--seed", "7", "--bound", "5", "--debug"];
        let length = Duration::from_mins(30);
        let expected = Options { help: false, length, rate: 50, seed: Some(7), bound: 5, debug: true };
        assert_eq!(options(&all), Ok(expected));
        assert!(options(&["--help"]).unwrap().help);
        for arg in all.iter().filter(|arg| arg.starts_with("--")) {
            let usage = HELP.lines().find(|line| line.starts_with("Usage:"));
            assert!(usage.is_some_and(|usage| usage.contains(arg)), "{arg}");
        }
        for wrong in [&["--minutes"][..], &["--minutes", "0"], &["--rate", "x"], &["--forever"]] {
            assert!(options(wrong).is_err_and(|why| why.contains("Usage: ")), "{wrong:?}");
        }
    }
}
