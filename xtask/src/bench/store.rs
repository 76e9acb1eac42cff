//! `store`: what is left of saves that many processes make at once, some of them killed, and how long each took.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::herd::Talker;
use super::page::Section;
use super::programs::{BUILT, Programs, Scratch};
use super::sample::Sample;
use crate::peers::install;
use crate::workspace;

const PROCESSES: u32 = 80;
const USERS: u32 = 40;
const SAVES: u32 = 50;
/// How often each process is killed.
const KILLS: u32 = 2;
/// How often a file is made durable to find out how long that takes.
const SYNCS: usize = 100;

pub(super) fn measure() -> Result<Section, String> {
    measure_on("store", "The disk is as it is.")
}

/// Measures in a section of this name. `about_disk` is a sentence.
pub(super) fn measure_on(name: &'static str, about_disk: &str) -> Result<Section, String> {
    let programs = Programs::build()?;
    let program = programs.path("bench_store")?.to_owned();
    let way =
        |kind: &str, users| Way { program: program.clone(), lead: vec![kind.to_owned()], file: "", users };
    let script = workspace::root().join("xtask/src/bench/store.py").to_string_lossy().into_owned();
    let peer = Way { program: install::tiled()?.python, lead: vec![script], file: "sites.yml", users: USERS };
    let disk = || Scratch::new("store");
    let mut rows = Vec::new();
    // In one run, because the disk of a machine is not the same at all times.
    let syncs = sync_time(&disk()?)?;
    let before = way("one-file", USERS).run(&disk()?)?;
    let ways = [
        ("ours: a file for each site, under a lock of its own", way("ours", USERS)),
        ("ours, where all change one site", way("ours", 1)),
    ];
    for (who, way) in ways {
        rows.push(way.run(&disk()?)?.row(who, way.users, &before));
    }
    rows.push(before.row("as before: one list for all under one blocking lock, two syncs", USERS, &before));
    rows.push(peer.run(&disk()?)?.row(
        "a file in YAML that is read, changed and truncated in place, as tk-core does",
        USERS,
        &before,
    ));
    let floor = "floor: the same files and locks, nothing checked";
    rows.push(way("bare", USERS).run(&disk()?)?.row(floor, USERS, &before));
    rows.push(way("bare", 1).run(&disk()?)?.row(&format!("{floor}, all change one site"), 1, &before));
    let mut memory = None;
    if let Some(scratch) = Scratch::in_memory("store")? {
        memory = Some(sync_time(&scratch)?);
        rows.push(way("ours", USERS).run(&scratch)?.row("ours, in memory (tmpfs)", USERS, &before));
    }
    if let Some(scratch) = Scratch::in_memory("store")? {
        rows.push(way("bare", USERS).run(&scratch)?.row("floor, in memory (tmpfs)", USERS, &before));
    }
    let section = section(rows, &syncs, memory.as_ref());
    Ok(Section { name, about: format!("{} {about_disk}", section.about), ..section })
}

fn section(rows: Vec<Vec<String>>, disk: &Sample, memory: Option<&Sample>) -> Section {
    let sync = |sample: &Sample| {
        let [middle, late] = [50, 99].map(|percent| sample.percentile(percent));
        format!("{middle:.2} ms (p99 {late:.2}, longest {:.2})", sample.most())
    };
    let memory = memory.map_or_else(|| "there is none here".to_owned(), sync);
    Section {
        about: format!(
            "{PROCESSES} processes make {SAVES} saves each for {USERS} users of as many sites, two for each user, and each \
             process is killed {KILLS} times on its way and started again. A site that no process changes is listed too, and \
             another process reads the list all the time. A save is lost if it is gone before the next one of the same user. \
             The goals are none lost and none refused, everybody there, nothing torn, twice the speed of before; of all saves \
             a hundredth may take more than 1.5 times as long as {PROCESSES} saves alone, one after the other, and none more \
             than 2 times."
        ),
        columns: [
            "who",
            "killed",
            "saves lost",
            "refused",
            "users at the end",
            "bystander",
            "torn reads",
            "saves a second",
            "× before",
            "one alone, ms",
            "p50, ms",
            "p99, ms",
            "longest, ms",
            "p99 × all alone",
            "longest × all alone",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
        notes: vec![
            format!("{} saves in all. A refused one was made again.", PROCESSES * SAVES),
            format!(
                "Making 512 more bytes of one file durable, {SYNCS} times and nothing beside it: {} on the disk; in memory \
                 {memory}.",
                sync(disk)
            ),
            "Ours, and the list as before, make each save durable before they say that it is done; the YAML file is not. \
             Before, a save was refused after 3 s; here the lock is waited for as long as it takes."
                .to_owned(),
            "The floor is a program that keeps the same promises to other processes and to the disk, a file for each site \
             under a blocking lock and one sync, and checks no owner, mode, link or clock. Its latency is what this disk and \
             this scheduler make of so many processes."
                .to_owned(),
            BUILT.to_owned(),
        ],
        ..Section::default()
    }
}

/// How long it takes to make a little more of one file durable, in milliseconds.
fn sync_time(scratch: &Scratch) -> Result<Sample, String> {
    let said = |error: std::io::Error| format!("cannot make a file durable: {error}");
    let mut file = File::create(scratch.path().join("sync")).map_err(said)?;
    let mut once = || {
        let started = Instant::now();
        file.write_all(&[b'x'; 512]).and_then(|()| file.sync_all()).map(|()| started.elapsed())
    };
    let times = (0..SYNCS).map(|_| once()).collect::<Result<Vec<_>, _>>().map_err(said)?;
    Sample::millis(times).ok_or_else(|| "nothing was made durable".to_owned())
}

/// A program that saves, reads and shows.
struct Way {
    program: PathBuf,
    /// What it is given first.
    lead: Vec<String>,
    /// What it is given, below the folder.
    file: &'static str,
    /// How many users all of them save for.
    users: u32,
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
    /// How long each save took, where that is said: all of them, and of a process that is alone.
    saves: Vec<Duration>,
    alone: Vec<Duration>,
}

impl Run {
    fn speed(&self) -> f64 {
        f64::from(PROCESSES * SAVES) / self.took.as_secs_f64()
    }

    fn row(&self, who: &str, users: u32, before: &Self) -> Vec<String> {
        let mut row = vec![
            who.to_owned(),
            self.kills.to_string(),
            self.lost.to_string(),
            self.refused.to_string(),
            format!("{} of {users}", self.users),
            if self.bystander { "there" } else { "gone" }.to_owned(),
            format!("{} of {}", self.torn, self.reads),
            format!("{:.0}", self.speed()),
            format!("{:.2}", self.speed() / before.speed()),
        ];
        let samples = [&self.alone, &self.saves].map(|times| Sample::millis(times.iter().copied()));
        let times = match samples {
            [Some(alone), Some(saves)] => {
                let all = f64::from(PROCESSES) * alone.median();
                let [half, late] = [50, 99].map(|percent| saves.percentile(percent));
                let most = saves.most();
                let millis = [alone.median(), half, late, most].map(|millis| format!("{millis:.1}"));
                let ratios = [late / all, most / all].map(|ratio| format!("{ratio:.2}"));
                millis.into_iter().chain(ratios).collect()
            }
            _ => vec![String::new(); 6],
        };
        row.extend(times);
        row
    }
}

impl Way {
    fn command(&self, scratch: &Scratch, way: &str, rest: &[&str]) -> Command {
        let mut command = scratch.command(&self.program);
        command.args(&self.lead).arg(way).arg(scratch.path().join(self.file)).args(rest);
        command
    }

    fn run(&self, scratch: &Scratch) -> Result<Run, String> {
        let (_, bystander) = self.write(scratch, "idle", "idle", 1, 1, None)?;
        if !matches!(bystander.as_slice(), [Said::Saved(1, _)]) {
            return Err("the bystander could not be saved".to_owned());
        }
        let mut reader = Talker::start(self.command(scratch, "read", &[]))?;
        reader.expect("ready")?;
        // Beside the reader, like those after it; it also makes the files that they change.
        let (_, alone) = self.write(scratch, &site(0), "alone", 1, SAVES, None)?;
        let started = Instant::now();
        let ends = thread::scope(|scope| {
            let writers: Vec<_> = (0..PROCESSES)
                .map(|number| scope.spawn(move || self.keep_writing(scratch, number)))
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
        let show = self.command(scratch, "show", &[]).output().map_err(|error| error.to_string())?;
        let kept: serde_json::Value =
            serde_json::from_slice(&show.stdout).map_err(|_| "what was kept cannot be shown".to_owned())?;
        let alone = alone.iter().filter_map(Said::took).collect();
        let mut run = Run { reads: number(reads)?, torn: number(torn)?, took, alone, ..Run::default() };
        for end in ends {
            run.kills += end.kills;
            run.lost += end.lost;
            run.refused += end.refused;
            run.saves.extend(end.saves);
        }
        let last = format!("-{SAVES}");
        run.users = (0..self.users)
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
            let (killed, said) =
                self.write(scratch, &site(number % self.users), &me, next, SAVES, kill_after)?;
            let before = next;
            for line in said {
                run.saves.extend(line.took());
                match line {
                    Said::Lost => run.lost += 1,
                    Said::Refused => run.refused += 1,
                    Said::Saved(number, _) => next = number + 1,
                }
            }
            run.kills += u32::from(killed);
            // The save that was cut short may be done. Made again, it would look like the loss of what came after it.
            next += u32::from(killed && next < SAVES);
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
    ) -> Result<(bool, Vec<Said>), String> {
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
            said.push(Said::read(&line).ok_or_else(|| format!("a writer said {line:?}"))?);
            if let Some((_, pause)) = kill_after.filter(|(lines, _)| said.len() == *lines) {
                thread::sleep(pause);
                killed = writer.child.kill().is_ok();
            }
        }
        drop(writer);
        Ok((killed, said))
    }
}

/// What a writer says.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Said {
    Lost,
    Refused,
    /// Which one, and how long it took, where that is said.
    Saved(u32, Option<Duration>),
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        Some(match line {
            "lost" => Self::Lost,
            "refused" => Self::Refused,
            line => match line.split_once(' ') {
                Some((number, micros)) => {
                    Self::Saved(number.parse().ok()?, Some(Duration::from_micros(micros.parse().ok()?)))
                }
                None => Self::Saved(line.parse().ok()?, None),
            },
        })
    }

    fn took(&self) -> Option<Duration> {
        match self {
            Self::Saved(_, took) => *took,
            _ => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_writer_says_is_read() {
        assert_eq!(Said::read("7 1500"), Some(Said::Saved(7, Some(Duration::from_micros(1_500)))));
        assert_eq!(Said::read("7"), Some(Said::Saved(7, None)));
        assert_eq!([Said::read("lost"), Said::read("refused")], [Some(Said::Lost), Some(Said::Refused)]);
        assert_eq!([Said::read(""), Said::read("7 x"), Said::read("x 7")], [None, None, None]);
    }
}
