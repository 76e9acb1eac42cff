//! `store`: what is left of saves that many processes make at once, some of them killed.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::herd::Talker;
use super::page::Section;
use super::programs::{BUILT, Programs, Scratch};
use crate::peers::install;
use crate::workspace;

const PROCESSES: u32 = 80;
const USERS: u32 = 40;
const SAVES: u32 = 50;
/// How often each process is killed.
const KILLS: u32 = 2;

pub(super) fn measure() -> Result<Section, String> {
    let programs = Programs::build()?;
    let script = workspace::root().join("xtask/src/bench/store.py");
    let ours = Way { program: programs.path("bench_store")?.to_owned(), script: None, file: "" };
    let python = install::tiled()?.python;
    let peer = Way { program: python, script: Some(script), file: "sites.yml" };
    let runs = [ours.run()?, peer.run()?];
    Ok(section(&runs))
}

fn section([ours, peer]: &[Run; 2]) -> Section {
    let row = |who: &str, run: &Run| {
        let speed = run.speed();
        vec![
            who.to_owned(),
            run.kills.to_string(),
            run.lost.to_string(),
            format!("{} of {USERS}", run.users),
            if run.bystander { "there" } else { "gone" }.to_owned(),
            format!("{} of {}", run.torn, run.reads),
            run.refused.to_string(),
            format!("{speed:.0}"),
            format!("{:.2}", speed / peer.speed()),
        ]
    };
    Section {
        name: "store",
        about: format!(
            "{PROCESSES} processes make {SAVES} saves each for {USERS} users in one file, two for each user, and each process \
             is killed {KILLS} times on its way and started again. Somebody who does nothing is in the file too, and another \
             process reads it all the time. A save is lost if it is gone before the next one of the same user. The goals are \
             none lost, everybody there, nothing torn."
        ),
        columns: [
            "who",
            "killed",
            "saves lost",
            "users at the end",
            "bystander",
            "torn reads",
            "refused",
            "saves a second",
            "× peer",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: vec![
            row("ours: the list of sites (JSON), replaced whole under a lock", ours),
            row("a file in YAML that is read, changed and truncated in place, as tk-core does", peer),
        ],
        notes: vec![
            format!(
                "{} saves in all. A refused one waited 3 s for the others and was made again.",
                PROCESSES * SAVES
            ),
            "Ours makes each save durable before it says that it is done; the other does not.".to_owned(),
            BUILT.to_owned(),
        ],
    }
}

/// A program that saves, reads and shows.
struct Way {
    program: PathBuf,
    script: Option<PathBuf>,
    /// What it is given, below the folder.
    file: &'static str,
}

#[derive(Debug, Default)]
struct Run {
    kills: u32,
    lost: u32,
    refused: u32,
    users: u32,
    bystander: bool,
    reads: u64,
    torn: u64,
    took: Duration,
}

impl Run {
    fn speed(&self) -> f64 {
        f64::from(PROCESSES * SAVES) / self.took.as_secs_f64()
    }
}

impl Way {
    fn command(&self, scratch: &Scratch, way: &str, rest: &[&str]) -> Command {
        let mut command = scratch.command(&self.program);
        command.args(&self.script).arg(way).arg(scratch.path().join(self.file)).args(rest);
        command
    }

    fn run(&self) -> Result<Run, String> {
        let scratch = Scratch::new("store")?;
        let (_, mut bystander) = self.write(&scratch, "idle", "idle", 1, 1, None)?;
        if bystander.pop().as_deref() != Some("1") {
            return Err("the bystander could not be saved".to_owned());
        }
        let mut reader = Talker::start(self.command(&scratch, "read", &[]))?;
        reader.expect("ready")?;
        let started = Instant::now();
        let ends = thread::scope(|scope| {
            let writers: Vec<_> = (0..PROCESSES)
                .map(|number| {
                    scope.spawn({
                        let scratch = &scratch;
                        move || self.keep_writing(scratch, number)
                    })
                })
                .collect();
            let join = |writer: thread::ScopedJoinHandle<'_, Result<Run, String>>| {
                writer.join().map_err(|_| "a thread fell over".to_owned())?
            };
            writers.into_iter().map(join).collect::<Result<Vec<_>, String>>()
        })?;
        let took = started.elapsed();
        reader.tell("enough")?;
        let (_, said) = reader.end()?;
        let (reads, torn) = said.trim().split_once(' ').ok_or_else(|| format!("the reader said {said:?}"))?;
        let number = |text: &str| text.parse().map_err(|_| format!("the reader said {said:?}"));
        let show = self.command(&scratch, "show", &[]).output().map_err(|error| error.to_string())?;
        let kept: serde_json::Value =
            serde_json::from_slice(&show.stdout).map_err(|_| "what was kept cannot be shown".to_owned())?;
        let mut run = Run { reads: number(reads)?, torn: number(torn)?, took, ..Run::default() };
        for end in ends {
            run.kills += end.kills;
            run.lost += end.lost;
            run.refused += end.refused;
        }
        let last = format!("-{SAVES}");
        run.users = (0..USERS)
            .map(|user| kept[site(user)].as_str().is_some_and(|value| value.ends_with(&last)))
            .map(u32::from)
            .sum();
        run.bystander = kept["idle"].as_str() == Some("idle-1");
        Ok(run)
    }

    /// One process after the other, until all is saved.
    fn keep_writing(&self, scratch: &Scratch, number: u32) -> Result<Run, String> {
        let me = format!("p{number}");
        let mut run = Run::default();
        let mut next = 1;
        while next <= SAVES {
            let kill_after = (run.kills < KILLS).then(|| moment(number, run.kills));
            let (killed, said) = self.write(scratch, &site(number % USERS), &me, next, SAVES, kill_after)?;
            let before = next;
            for line in said {
                match line.as_str() {
                    "lost" => run.lost += 1,
                    "refused" => run.refused += 1,
                    saved => next = saved.parse::<u32>().map_err(|_| format!("a writer said {saved:?}"))? + 1,
                }
            }
            run.kills += u32::from(killed);
            if !killed && next == before {
                return Err(format!("{me} saves nothing"));
            }
        }
        Ok(run)
    }

    /// Whether it was killed, after so many lines and so long, and all lines it has said.
    fn write(
        &self,
        scratch: &Scratch,
        site: &str,
        me: &str,
        from: u32,
        to: u32,
        kill_after: Option<(usize, Duration)>,
    ) -> Result<(bool, Vec<String>), String> {
        let numbers = [from, to].map(|number| number.to_string());
        let mut writer =
            Talker::start(self.command(scratch, "write", &[site, me, &numbers[0], &numbers[1]]))?;
        writer.expect("ready")?;
        writer.tell("go")?;
        let mut said = Vec::new();
        let mut killed = false;
        loop {
            let line = writer.hear()?;
            if line.is_empty() {
                break;
            }
            said.push(line);
            if let Some((_, pause)) = kill_after.filter(|(lines, _)| said.len() == *lines) {
                thread::sleep(pause);
                killed = writer.child.kill().is_ok();
            }
        }
        drop(writer);
        Ok((killed, said))
    }
}

fn site(user: u32) -> String {
    format!("https://user-{user}.example/")
}

/// When a process is killed: after so many lines, and so long into what it does then. The same in every run.
fn moment(number: u32, kill: u32) -> (usize, Duration) {
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ u64::from(kill).wrapping_mul(0xd1b5_4a32_d192_ed03);
    let lines = 1 + usize::try_from(mixed >> 59).unwrap_or_default() % 20;
    (lines, Duration::from_micros((mixed >> 20) % 15_000))
}
