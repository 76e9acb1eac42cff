//! `stampede`: many threads and processes that find one session expired at the same moment.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::herd::{Herd, Talker};
use super::page::Section;
use super::programs::{BUILT, Programs, Scratch};
use crate::peers::{install, tiled};
use crate::workspace;

/// Of the real server's access tokens: longer than all processes need to start.
const LIFE: Duration = Duration::from_secs(40);
const DAY: Duration = Duration::from_hours(24);

pub(super) fn measure() -> Result<Section, String> {
    let bench = Bench {
        programs: Programs::build()?,
        python: install::tiled()?.python,
        script: workspace::root().join("xtask/src/bench/stampede.py"),
    };
    let mut rows = Vec::new();
    for who in [Who::Ours, Who::Python] {
        rows.push(bench.real(who, 16, 32)?);
    }
    for (who, processes, threads) in
        [(Who::Ours, 80, 1), (Who::Ours, 1, 32), (Who::Python, 80, 1), (Who::Python, 1, 32)]
    {
        rows.push(bench.single_use(who, processes, threads)?);
    }
    for who in [Who::Ours, Who::Python] {
        rows.push(bench.over(who, 16)?);
    }
    Ok(Section {
        name: "stampede",
        about: "One session, many processes and threads in each, and a moment at which all of them read and find that it has \
                expired. The goals are one renewal, nobody who fails, nobody who is asked; and one question where only a person \
                can help."
            .to_owned(),
        columns: [
            "who", "site", "processes × threads", "renewals", "replays", "reads failed", "questions", "session afterwards",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
        notes: vec![
            "The real server is Tiled from PyPI, and its log is what counts renewals. `single use` is a sandbox whose refresh \
             tokens are good once: a replay is one that was shown again, and ends the session for everybody (RFC 9700 section \
             4.14.2). `over` is the same sandbox after the refresh token, too, has expired; a person needs a second to answer."
                .to_owned(),
            "Afterwards is whether one more renewal works with what is stored.".to_owned(),
            BUILT.to_owned(),
        ],
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Ours,
    Python,
}

/// What became of all.
#[derive(Default)]
struct Ends {
    failed: u64,
    asked: u64,
}

struct Bench {
    programs: Programs,
    python: PathBuf,
    script: PathBuf,
}

impl Bench {
    fn real(&self, who: Who, processes: u32, threads: u32) -> Result<Vec<String>, String> {
        let config = workspace::root().join("xtask/src/bench/stampede.yml");
        let peers = tiled::start_with(install::tiled()?, &[("stampede".to_owned(), config)])?;
        let (_, url) = peers.urls().next().ok_or("the server has no address")?;
        let scratch = Scratch::new("stampede")?;
        let signed_in = Instant::now();
        self.sign_in(&scratch, &url, "alice", "secret1")?;
        let herd = Herd::ready(self.readers(who, &scratch, &url, processes, threads)?)?;
        thread::sleep((LIFE + Duration::from_secs(2)).saturating_sub(signed_in.elapsed()));
        let before = renewals(&peers);
        let ends = heard(who, &herd.go()?)?;
        let renewed = renewals(&peers) - before;
        thread::sleep(LIFE + Duration::from_secs(2));
        let alive = self.is_alive(&scratch, &url)?;
        Ok(row(who, "real", processes, threads, [renewed.to_string(), String::new()], &ends, alive))
    }

    fn single_use(&self, who: Who, processes: u32, threads: u32) -> Result<Vec<String>, String> {
        let scratch = Scratch::new("stampede")?;
        let mut site = Site::start(&self.programs)?;
        self.sign_in(&scratch, &site.url, &site.user, &site.password)?;
        let herd = Herd::ready(self.readers(who, &scratch, &site.url, processes, threads)?)?;
        site.ask("clear")?;
        site.advance(Duration::from_hours(1))?;
        let ends = heard(who, &herd.go()?)?;
        let counted = site.ask("counters")?;
        site.advance(Duration::from_hours(1))?;
        let alive = self.is_alive(&scratch, &site.url)?;
        Ok(row(who, "single use", processes, threads, [counted.refreshes, counted.replays], &ends, alive))
    }

    fn over(&self, who: Who, processes: u32) -> Result<Vec<String>, String> {
        let scratch = Scratch::new("stampede")?;
        let mut site = Site::start(&self.programs)?;
        self.sign_in(&scratch, &site.url, &site.user, &site.password)?;
        site.advance(DAY * 400)?;
        site.ask("clear")?;
        let mut askers = Vec::new();
        match who {
            Who::Ours => {
                for _ in 0..processes {
                    let mut person = self.person(&scratch, &site, "start")?;
                    person.tell(&site.password)?;
                    askers.push(person);
                }
            }
            Who::Python => {
                let mut command = self.script(&scratch, "start", &site.url, processes, 1);
                command.arg(&site.user);
                let mut python = Talker::start(command)?;
                python.tell(&site.password)?;
                askers.push(python);
            }
        }
        let ends = heard(who, &Herd::of(askers)?.go()?)?;
        let counted = site.ask("counters")?;
        site.advance(Duration::from_hours(1))?;
        let alive = self.is_alive(&scratch, &site.url)?;
        Ok(row(who, "over", processes, 1, [counted.refreshes, counted.replays], &ends, alive))
    }

    fn person(&self, scratch: &Scratch, site: &Site, way: &str) -> Result<Talker, String> {
        let mut command = scratch.command(self.programs.path("bench_person")?);
        command.args([&site.url, &site.user, way]);
        Talker::start(command)
    }

    fn sign_in(&self, scratch: &Scratch, url: &str, user: &str, password: &str) -> Result<(), String> {
        let mut command = scratch.command(self.programs.path("bench_person")?);
        command.args([url, user, "sign-in"]);
        let mut person = Talker::start(command)?;
        person.tell(password)?;
        let (well, said) = person.end()?;
        if well { Ok(()) } else { Err(format!("nobody could sign in: {said}")) }
    }

    /// Programs that have connected with the session and read at a word.
    fn readers(
        &self,
        who: Who,
        scratch: &Scratch,
        url: &str,
        processes: u32,
        threads: u32,
    ) -> Result<Vec<Command>, String> {
        if who == Who::Python {
            return Ok(vec![self.script(scratch, "use", url, processes, threads)]);
        }
        let client = self.programs.path("stampede_client")?;
        let reader = |number: u32| {
            let mut command = scratch.command(client);
            let driver = if number.is_multiple_of(2) { "blocking" } else { "async" };
            command.args([url, &threads.to_string(), driver]);
            command
        };
        Ok((0..processes).map(reader).collect())
    }

    fn script(&self, scratch: &Scratch, way: &str, url: &str, processes: u32, threads: u32) -> Command {
        let mut command = scratch.command(&self.python);
        command
            .arg(&self.script)
            .args([way, url])
            .args([processes, threads].map(|number| number.to_string()));
        command
    }

    /// True if a program that asks nobody can renew the session and read once more.
    fn is_alive(&self, scratch: &Scratch, url: &str) -> Result<bool, String> {
        let mut command = scratch.command(self.programs.path("stampede_client")?);
        command.args([url, "1", "blocking"]);
        let mut reader = Talker::start(command)?;
        if reader.hear()? != "ready" {
            return Ok(false);
        }
        reader.tell("go")?;
        Ok(reader.end()?.0)
    }
}

fn row(
    who: Who,
    site: &str,
    processes: u32,
    threads: u32,
    [renewals, replays]: [String; 2],
    ends: &Ends,
    alive: bool,
) -> Vec<String> {
    vec![
        if who == Who::Ours { "ours" } else { "Tiled's Python client" }.to_owned(),
        site.to_owned(),
        format!("{processes} × {threads}"),
        renewals,
        replays,
        format!("{} of {}", ends.failed, processes * threads),
        ends.asked.to_string(),
        if alive { "good" } else { "gone" }.to_owned(),
    ]
}

/// How many renewals the servers have logged.
fn renewals(peers: &tiled::Peers) -> usize {
    peers
        .logs()
        .flat_map(|log| log.matches("/auth/session/refresh HTTP").map(|_| ()).collect::<Vec<_>>())
        .count()
}

/// Adds up what the programs say: `N callers, M failed [..]`, `N asked WHY`, or the script's JSON.
fn heard(who: Who, said: &[(bool, String)]) -> Result<Ends, String> {
    let mut ends = Ends::default();
    for (_, said) in said {
        let unknown = || format!("a program said {said:?}");
        let said = said.trim();
        if who == Who::Python {
            let value: serde_json::Value = serde_json::from_str(said).map_err(|_| unknown())?;
            ends.failed += value["failed"].as_u64().ok_or_else(unknown)?;
            ends.asked += value["asked"].as_u64().ok_or_else(unknown)?;
        } else if let Some((_, failed)) = said.split_once(" callers, ") {
            let failed = failed.split(' ').next().unwrap_or_default();
            ends.failed += failed.parse::<u64>().map_err(|_| unknown())?;
        } else {
            let (asked, why) = said.split_once(" asked").ok_or_else(unknown)?;
            ends.asked += asked.parse::<u64>().map_err(|_| unknown())?;
            ends.failed += u64::from(!why.trim().is_empty());
        }
    }
    Ok(ends)
}

/// The sandbox, as a process of its own.
struct Site {
    talker: Talker,
    url: String,
    user: String,
    password: String,
}

/// What it has counted.
struct Counted {
    refreshes: String,
    replays: String,
}

impl Site {
    fn start(programs: &Programs) -> Result<Self, String> {
        let mut talker = Talker::start(Command::new(programs.path("bench_site")?))?;
        let line = talker.hear()?;
        let value: serde_json::Value =
            serde_json::from_str(&line).map_err(|_| format!("the site said {line:?}"))?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Ok(Self { url: text("url"), user: text("user"), password: text("password"), talker })
    }

    fn ask(&mut self, line: &str) -> Result<Counted, String> {
        self.talker.tell(line)?;
        let said = self.talker.hear()?;
        let value: serde_json::Value =
            serde_json::from_str(&said).map_err(|_| format!("the site said {said:?}"))?;
        let number = |name: &str| value[name].to_string();
        Ok(Counted { refreshes: number("refreshes"), replays: number("replays") })
    }

    fn advance(&mut self, length: Duration) -> Result<(), String> {
        self.ask(&format!("advance {}", length.as_secs())).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_is_added_up() {
        let said = |text: &str| (true, text.to_owned());
        let ours = [said("32 callers, 1 failed [\"401\"]\n"), said("32 callers, 0 failed []\n")];
        let ends = heard(Who::Ours, &ours).unwrap();
        assert_eq!((ends.failed, ends.asked), (1, 0));
        let people = [said("1 asked \n"), said("0 asked cancelled\n")];
        let ends = heard(Who::Ours, &people).unwrap();
        assert_eq!((ends.failed, ends.asked), (1, 1));
        let ends = heard(Who::Python, &[said("{\"failed\": 3, \"asked\": 2, \"why\": {}}")]).unwrap();
        assert_eq!((ends.failed, ends.asked), (3, 2));
        assert!(heard(Who::Ours, &[said("")]).is_err());
    }
}
