//! One round of a soak: a process with the sites, and so many clients.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::schedule::{Event, schedule};
use super::timeline::{Asked, Failed, Span, Timeline};
use super::watch::Sample;
use crate::bench::herd::Talker;
use crate::bench::programs::Scratch;
use crate::sys;

/// For how long a user who declined is not prompted, in seconds.
const COOL_DOWN: u64 = 2;
/// How long after its time a client may end. It ends callers that are stuck itself.
const END_WITHIN: Duration = Duration::from_secs(40);
/// How long a client may take to exit once it has closed its output.
const EXIT_WITHIN: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_millis(500);

/// How a round runs.
pub(super) struct Round {
    pub(super) clients: u32,
    pub(super) length: Duration,
    pub(super) rate: u32,
    pub(super) seed: u64,
    pub(super) bound: u64,
}

/// What became of a round.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) clients: u32,
    pub(super) timeline: Timeline,
    pub(super) failed: Vec<Failed>,
    /// Calls that took too long.
    pub(super) stuck: Vec<String>,
    /// What each client counted.
    pub(super) ends: Vec<Value>,
    /// What the sites counted.
    pub(super) counters: Value,
    pub(super) samples: Vec<Sample>,
    pub(super) took: Duration,
    /// What went wrong otherwise.
    pub(super) problems: Vec<String>,
}

/// A client that runs.
struct Client(Child);

impl Client {
    /// Waits until the client has exited; `None` if it still runs at `last`.
    fn exit(&mut self, last: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            let exited = self.0.try_wait()?;
            if exited.is_some() || Instant::now() >= last {
                return Ok(exited);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        sys::kill(&mut self.0, false);
    }
}

impl Round {
    pub(super) fn run(&self, [site, client]: &[PathBuf; 2]) -> Result<Ended, String> {
        let scratch = Scratch::new("soak")?;
        let mut site = Talker::start(Command::new(site))?;
        let sites = site.hear()?;
        let sites: Value = serde_json::from_str(&sites).map_err(|_| format!("the site said {sites:?}"))?;
        let (tell, told) = channel();
        let mut clients = Vec::new();
        for number in 0..self.clients {
            clients.push(self.client(scratch.command(client), &sites, number, &tell)?);
        }
        drop(tell);
        let mut ended = Ended { clients: self.clients, ..Ended::default() };
        ended.timeline.cool_down = COOL_DOWN * 1_000;
        self.watch(&mut site, &scratch, &sites, &clients, &told, &mut ended)?;
        let last = Instant::now() + EXIT_WITHIN;
        for (number, client) in clients.iter_mut().enumerate() {
            match client.exit(last) {
                Ok(Some(status)) if status.success() => {}
                Ok(None) => ended.problems.push(format!("client {number} did not end")),
                other => ended.problems.push(format!("client {number} ended with {other:?}")),
            }
        }
        let missing = usize::try_from(self.clients).unwrap_or(0).saturating_sub(ended.ends.len());
        if missing > 0 {
            ended.problems.push(format!("{missing} clients did not say what they counted"));
        }
        ended.counters = told_by(&mut site, "counters")?;
        Ok(ended)
    }

    fn client(
        &self,
        mut command: Command,
        sites: &Value,
        number: u32,
        tell: &Sender<String>,
    ) -> Result<Client, String> {
        let config = json!({
            "tiled": sites["tiled"],
            "shotgun": sites["shotgun"],
            "seed": self.seed.wrapping_mul(100).wrapping_add(number.into()),
            "seconds": self.length.as_secs(),
            "rate": f64::from(self.rate) / f64::from(self.clients),
            "bound": self.bound,
            "cool_down": COOL_DOWN,
        });
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut client = Client(started.map_err(|error| format!("cannot start a client: {error}"))?);
        let mut stdin = client.0.stdin.take().ok_or("a client has no input")?;
        writeln!(stdin, "{config}").map_err(|error| format!("cannot tell a client: {error}"))?;
        let out = BufReader::new(client.0.stdout.take().ok_or("a client has no output")?);
        let tell = tell.clone();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(client)
    }

    /// Lets everything happen until all clients have ended, or should have.
    fn watch(
        &self,
        site: &mut Talker,
        scratch: &Scratch,
        sites: &Value,
        clients: &[Client],
        told: &Receiver<String>,
        ended: &mut Ended,
    ) -> Result<(), String> {
        let ports: Vec<u16> =
            ["tiled", "shotgun"].iter().filter_map(|kind| port(&sites[kind]["url"])).collect();
        let processes: Vec<u32> = clients.iter().map(|client| client.0.id()).collect();
        let began = Instant::now();
        let last = self.length + Duration::from_secs(self.bound) + END_WITHIN;
        let mut events = schedule(self.seed, self.length).into_iter().peekable();
        let mut sampled = Duration::ZERO;
        let mut is_over = false;
        while !is_over && began.elapsed() < last {
            while let Some((_, event)) = events.next_if(|(at, _)| *at <= began.elapsed()) {
                happen(event, site, &mut ended.timeline)?;
            }
            if began.elapsed() >= sampled && began.elapsed() < self.length {
                ended.samples.push(Sample::take(&processes, scratch.path(), &ports));
                sampled = began.elapsed() + EVERY;
            }
            loop {
                match told.recv_timeout(Duration::from_millis(20)) {
                    Ok(line) => ended.note(&line),
                    Err(error) => {
                        is_over = error == std::sync::mpsc::RecvTimeoutError::Disconnected;
                        break;
                    }
                }
                if began.elapsed() >= sampled {
                    break;
                }
            }
        }
        ended.took = began.elapsed().min(self.length);
        Ok(())
    }
}

impl Ended {
    /// Takes in a line of a client.
    fn note(&mut self, line: &str) {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        let asked = |question: &Value| {
            let text = |name: &str| question[name].as_str().map(str::to_owned);
            Some(Asked { site: text("site")?, span: Span::read(question)?, answer: text("answer")? })
        };
        if let Some(failed) = value.get("failed").and_then(Failed::read) {
            self.failed.push(failed);
        } else if let Some(asked) = value.get("question").and_then(asked) {
            self.timeline.asked.push(asked);
        } else if let Some(end) = value.get("end") {
            self.ends.push(end.clone());
        } else if let Some(stuck) = value.get("stuck") {
            self.stuck.push(stuck.to_string());
        } else {
            self.problems.push(format!("a client said {line:?}"));
        }
    }
}

fn happen(event: Event, site: &mut Talker, timeline: &mut Timeline) -> Result<(), String> {
    let began = now();
    match event {
        Event::Outage(length, kind) => {
            told_by(site, &format!("outage {length} {kind}"))?;
            let spans = if kind == "slow" { &mut timeline.slow } else { &mut timeline.outages };
            spans.push(Span { began, ended: now() + length });
        }
        Event::Keys => {
            told_by(site, "keys")?;
            timeline.keys.push(began);
        }
        Event::Sessions => {
            told_by(site, "sessions")?;
            timeline.sessions.push(began);
        }
    }
    Ok(())
}

/// Has the sites do something, and returns what they have counted.
fn told_by(site: &mut Talker, line: &str) -> Result<Value, String> {
    site.tell(line)?;
    let said = site.hear()?;
    serde_json::from_str(&said).map_err(|_| format!("the site said {said:?}"))
}

fn port(url: &Value) -> Option<u16> {
    url.as_str()?.rsplit_once(':')?.1.parse().ok()
}

/// Milliseconds since 1970, which all processes of this machine have in common.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_is_noted() {
        let mut ended = Ended::default();
        for line in [
            r#"{"failed":{"site":"tiled","face":"tiled async","what":"call","began":1,"ended":2,"kind":"other","text":"x"}}"#,
            r#"{"question":{"site":"tiled","began":1,"ended":2,"answer":"declined"}}"#,
            r#"{"stuck":{"face":"tiled async","what":"call","seconds":31.0}}"#,
            r#"{"end":{"counts":[]}}"#,
            "no JSON",
        ] {
            ended.note(line);
        }
        assert_eq!((ended.failed.len(), ended.timeline.asked.len()), (1, 1));
        assert_eq!((ended.stuck.len(), ended.ends.len(), ended.problems.len()), (1, 1, 1));
        assert_eq!(port(&json!("http://127.0.0.1:4711")), Some(4711));
        assert_eq!(port(&Value::Null), None);
    }
}
