//! How long the last of many waits for the renewal lock.

use std::process::Command;
use std::time::Duration;

use super::herd::{Herd, Talker};
use super::page::Section;
use super::programs::{BUILT, Programs, Scratch};
use super::sample::Sample;

const CROWDS: [u32; 4] = [8, 16, 30, 80];
const RUNS: usize = 3;
/// How long each has the lock, in milliseconds.
const HOLD: u32 = 50;
/// How long ours waits for it at most, in milliseconds; polling is unfair and needs more to show how much. Where it says
/// so, somebody reads the session all the time.
const WAITS: [(&str, &str, u32, bool); 4] = [
    ("ours: the renewal lock", "ours", 75_000, false),
    ("ours, beside a busy reader", "ours", 75_000, true),
    ("a blocking kernel lock (`flock`)", "kernel", 0, false),
    ("trying every 250 ms", "polling", 300_000, false),
];

/// Somebody has it for so long, and another waits for so long, in milliseconds.
const DEADLINE: (u32, u32) = (2_000, 200);

pub(crate) fn measure() -> Result<Section, String> {
    let programs = Programs::build()?;
    let mut rows = Vec::new();
    let mut busy = 0;
    for (who, way, wait, reader) in WAITS {
        let mut row = vec![who.to_owned()];
        for crowd in CROWDS {
            let mut ratios = Vec::new();
            for _ in 0..RUNS {
                let (worst, gave_up) = run(&programs, way, crowd, wait, reader)?;
                busy += gave_up;
                ratios.push(worst.as_secs_f64() * 1_000.0 / f64::from((crowd - 1) * HOLD));
            }
            row.push(shown(&Sample::new(ratios).ok_or("there were no runs")?));
        }
        rows.push(row);
    }
    let (ended, ratio) = deadline(&programs)?;
    Ok(Section {
        name: "lock",
        about: format!(
            "Processes that all want one lock at the same moment and have it for {HOLD} ms each. What is shown is how \
             long the last one waited, divided by what it must wait, (n - 1) × {HOLD} ms: the median of {RUNS} runs, \
             and the least and the most in brackets. 1.00 is best; the goal is at most 1.10."
        ),
        columns: std::iter::once("who".to_owned())
            .chain(CROWDS.iter().map(|crowd| format!("{crowd} processes")))
            .collect(),
        rows,
        notes: vec![
            format!("Ours waits 75 s at most; {busy} of all gave up."),
            "The busy reader is one process that loads the session without a pause.".to_owned(),
            format!(
                "One that waits {} ms while another has our lock for {} ms ended as `{ended}` after {ratio:.2} × \
                 what it was to wait.",
                DEADLINE.1, DEADLINE.0
            ),
            BUILT.to_owned(),
        ],
    })
}

fn shown(ratios: &Sample) -> String {
    format!("{:.2} ({:.2}-{:.2})", ratios.median(), ratios.least(), ratios.most())
}

/// The longest wait of those that got it, and how many did not.
fn run(
    programs: &Programs,
    way: &str,
    crowd: u32,
    wait: u32,
    reader: bool,
) -> Result<(Duration, usize), String> {
    let scratch = Scratch::new("lock")?;
    let mut reading = None;
    if reader {
        let mut command = scratch.command(programs.path("bench_lock")?);
        command.arg("reader").arg(scratch.path());
        let mut talker = Talker::start(command)?;
        talker.expect("ready")?;
        reading = Some(talker);
    }
    let herd = Herd::ready(
        (0..crowd)
            .map(|_| command(programs, &scratch, way, HOLD, wait))
            .collect::<Result<Vec<_>, String>>()?,
    )?;
    let ends = herd.go()?.into_iter().map(|(_, said)| read(&said)).collect::<Result<Vec<_>, _>>()?;
    if let Some(mut reading) = reading {
        reading.tell("enough")?;
        let (_, said) = reading.end()?;
        if !said.trim().parse::<u64>().is_ok_and(|reads| reads > 0) {
            return Err(format!("the reader said {said:?}"));
        }
    }
    let waits: Vec<_> = ends.iter().filter(|(held, _)| *held).map(|(_, wait)| *wait).collect();
    let worst = waits.iter().max().copied().unwrap_or_default();
    Ok((worst, ends.len() - waits.len()))
}

fn command(
    programs: &Programs,
    scratch: &Scratch,
    way: &str,
    hold: u32,
    wait: u32,
) -> Result<Command, String> {
    let mut command = scratch.command(programs.path("bench_lock")?);
    command.arg(way).arg(scratch.path()).args([hold, wait].map(|millis| millis.to_string()));
    Ok(command)
}

/// How the one ended that waits, and its wait as a multiple of what it was to be.
fn deadline(programs: &Programs) -> Result<(&'static str, f64), String> {
    let scratch = Scratch::new("lock")?;
    let mut holder = Talker::start(command(programs, &scratch, "ours", DEADLINE.0, DEADLINE.0)?)?;
    holder.expect("ready")?;
    holder.tell("go")?;
    // It has it once it says so.
    holder.hear()?;
    let waiter = Herd::ready([command(programs, &scratch, "ours", 0, DEADLINE.1)?])?;
    let said = waiter.go()?;
    let (held, wait) = read(said.first().map(|(_, said)| said.as_str()).unwrap_or_default())?;
    Ok((if held { "held" } else { "busy" }, wait.as_secs_f64() * 1_000.0 / f64::from(DEADLINE.1)))
}

/// Whether it got the lock, and after how long.
fn read(said: &str) -> Result<(bool, Duration), String> {
    let unknown = || format!("bench_lock said {said:?}");
    let (word, micros) = said.trim().split_once(' ').ok_or_else(unknown)?;
    let wait = Duration::from_micros(micros.parse().map_err(|_| unknown())?);
    match word {
        "held" => Ok((true, wait)),
        "busy" => Ok((false, wait)),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_wait_is_read() {
        assert_eq!(read("held 1500\n"), Ok((true, Duration::from_micros(1_500))));
        assert_eq!(read("busy 200000\n"), Ok((false, Duration::from_millis(200))));
        for strange in ["", "held", "held x", "lost 1"] {
            assert!(read(strange).is_err(), "{strange}");
        }
    }
}
