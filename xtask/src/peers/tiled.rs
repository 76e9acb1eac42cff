//! Tiled servers as processes: each on a free loopback port, in a scratch folder of its own, gone when we are.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::install::{Installed, tail};
use crate::{run, sys};

/// How long a server whose process lives may take to answer: on a busy machine Python needs long to import all it needs.
const LIMIT: Duration = Duration::from_mins(2);
/// How often the servers that are still starting are named.
const REMIND: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
/// What uvicorn logs once it listens; the address follows.
const LISTENING: &str = "Uvicorn running on ";

/// The configurations there are.
pub(crate) fn names() -> Result<Vec<String>, String> {
    let folder = super::sources().join("tiled");
    let entries = fs::read_dir(&folder).map_err(|e| format!("cannot read {}: {e}", folder.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|e| e.path()));
    let configs = paths.filter(|path| path.extension().is_some_and(|e| e == "yml"));
    let mut names: Vec<String> =
        configs.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Running servers. They are killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Peers {
    servers: Vec<Server>,
    installed: Installed,
}

impl Peers {
    /// Each server's name and URL.
    pub(crate) fn urls(&self) -> impl Iterator<Item = (&str, String)> {
        self.servers.iter().filter_map(|s| Some((s.name.as_str(), url(s.port?))))
    }

    /// What tests find in `AUTH_PEERS`.
    pub(crate) fn json(&self) -> String {
        json(self.urls(), &self.installed.python)
    }

    /// What each server has written.
    pub(crate) fn logs(&self) -> impl Iterator<Item = String> {
        self.servers.iter().map(|s| fs::read_to_string(log(&s.scratch)).unwrap_or_default())
    }

    /// Fails when a server has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.servers.iter_mut().try_for_each(Server::check)
    }
}

fn url(port: u16) -> String {
    format!("http://{}", SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn json<'a>(urls: impl Iterator<Item = (&'a str, String)>, python: &Path) -> String {
    let tiled: serde_json::Map<String, serde_json::Value> =
        urls.map(|(name, url)| (name.to_owned(), url.into())).collect();
    serde_json::json!({ "tiled": tiled, "python": python.to_string_lossy() }).to_string()
}

/// Starts the named configurations side by side and waits until each answers.
pub(crate) fn start(installed: Installed, names: &[String]) -> Result<Peers, String> {
    let folder = super::sources().join("tiled");
    let configs: Vec<_> =
        names.iter().map(|name| (name.clone(), folder.join(format!("{name}.yml")))).collect();
    start_with(installed, &configs)
}

/// The same with configurations from anywhere, each with its server's name.
pub(crate) fn start_with(installed: Installed, configs: &[(String, PathBuf)]) -> Result<Peers, String> {
    let run = super::home().join("run");
    sweep(&run);
    if sys::find("setpriv").is_none() {
        eprintln!("peers: without setpriv (util-linux) servers outlive xtask when it is killed");
    }
    let mut peers = Peers { servers: Vec::new(), installed };
    // All from this thread: they are told to die with the thread that spawned them.
    for (name, config) in configs {
        let scratch = run.join(format!("{}-{name}", std::process::id()));
        peers.servers.push(Server::spawn(&peers.installed.python, name, config, scratch)?);
    }
    reach(&mut peers.servers, LIMIT)?;
    Ok(peers)
}

/// Waits until each server answers. Fails when one ends by itself, or does not answer within `limit`.
fn reach(servers: &mut [Server], limit: Duration) -> Result<(), String> {
    let started = Instant::now();
    let mut reminded = started;
    loop {
        for server in servers.iter_mut() {
            server.check()?;
            server.try_reach();
        }
        let starting: Vec<&mut Server> = servers.iter_mut().filter(|s| s.port.is_none()).collect();
        if starting.is_empty() {
            return Ok(());
        }
        let seconds = started.elapsed().as_secs();
        if reminded.elapsed() >= REMIND {
            reminded = Instant::now();
            let names: Vec<&str> = starting.iter().map(|s| s.name.as_str()).collect();
            println!("peers: still starting after {seconds} s: {}", names.join(", "));
        }
        if started.elapsed() >= limit
            && let Some(server) = starting.into_iter().next()
        {
            return Err(server.failed(&format!("did not answer within {seconds} s")));
        }
        std::thread::sleep(POLL);
    }
}

#[derive(Debug)]
struct Server {
    name: String,
    scratch: PathBuf,
    child: Child,
    leads_group: bool,
    /// Known once it answered.
    port: Option<u16>,
    /// A failed server's scratch folder stays, to be looked at; the next start sweeps it.
    keep: bool,
}

impl Server {
    fn spawn(python: &Path, name: &str, config: &Path, scratch: PathBuf) -> Result<Self, String> {
        // Port 0: the system picks a free one, and nobody can take it in between. The log says which.
        let mut args: Vec<OsString> =
            ["-m", "tiled", "serve", "config", "--host", "127.0.0.1", "--port", "0"]
                .map(OsString::from)
                .into();
        args.push(config.as_os_str().to_owned());
        Self::spawn_program(python, &args, name, scratch)
    }

    /// Starts a program that logs where it listens as uvicorn does.
    fn spawn_program(
        program: &Path,
        args: &[OsString],
        name: &str,
        scratch: PathBuf,
    ) -> Result<Self, String> {
        let cannot =
            |what: &str, e: std::io::Error| format!("cannot {what} for the Tiled server {name}: {e}");
        fs::create_dir_all(&scratch).map_err(|e| cannot("create a scratch folder", e))?;
        let log = fs::File::create(log(&scratch)).map_err(|e| cannot("create a log", e))?;
        let also_log = log.try_clone().map_err(|e| cannot("create a log", e))?;
        let (mut command, leads_group) = match sys::dies_with_us(program) {
            Some(command) => (command, true),
            // Left in our own group: an interrupt at the terminal then reaches it too.
            None => (Command::new(program), false),
        };
        if leads_group {
            sys::own_group(&mut command);
        }
        // The server's settings may come from the environment too, and would win over the file's.
        for (key, _) in std::env::vars_os() {
            let key_text = key.to_string_lossy();
            if ["TILED_", "PYTHON", "XDG_"].iter().any(|prefix| key_text.starts_with(prefix)) {
                command.env_remove(&key);
            }
        }
        command
            .args(args)
            .current_dir(&scratch)
            .env("HOME", &scratch)
            .env("TILED_CACHE_DIR", scratch.join("cache"))
            .env("AUTH_PEER_SCRATCH", &scratch)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also_log);
        let child = command.spawn().map_err(|e| cannot("start its program", e))?;
        Ok(Self { name: name.to_owned(), scratch, child, leads_group, port: None, keep: false })
    }

    fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failed(&format!("ended by itself ({status})"))),
            Err(e) => Err(format!("cannot wait for the Tiled server {}: {e}", self.name)),
        }
    }

    fn try_reach(&mut self) {
        if self.port.is_none() {
            let log = fs::read_to_string(log(&self.scratch)).unwrap_or_default();
            self.port = listening_port(&log).filter(|port| is_healthy(*port));
        }
    }

    fn failed(&mut self, what: &str) -> String {
        self.keep = true;
        let path = log(&self.scratch);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let text = text.lines().map(run::plain).collect::<Vec<_>>().join("\n");
        format!("the Tiled server {} {what}; the end of {}:\n{}", self.name, path.display(), tail(&text, 30))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        sys::kill(&mut self.child, self.leads_group);
        if !self.keep {
            let _left_for_the_next_sweep = fs::remove_dir_all(&self.scratch);
        }
    }
}

fn log(scratch: &Path) -> PathBuf {
    scratch.join("server.log")
}

fn listening_port(log: &str) -> Option<u16> {
    let line = run::plain(log.lines().find(|line| line.contains(LISTENING))?);
    let (_, address) = line.split_once("http://127.0.0.1:")?;
    // A number cut short by the end of what was written so far is no number yet.
    let (digits, _) = address.split_at_checked(address.find(|c: char| !c.is_ascii_digit())?)?;
    digits.parse().ok()
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let wait = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), wait)?;
        stream.set_read_timeout(Some(wait))?;
        stream.set_write_timeout(Some(wait))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// Removes the scratch folders of runs that are over: a killed run cannot clean up after itself.
fn sweep(run: &Path) {
    let Ok(entries) = fs::read_dir(run) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.split('-').next().and_then(|pid| pid.parse::<u32>().ok());
        let over = pid.is_some_and(|pid| {
            Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists()
        });
        if over {
            let _somebody_else_may = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_log() {
        let log = "[-] INFO:     Application startup complete.\n\
                   [-] \u{1b}[32mINFO\u{1b}[0m:     Uvicorn running on \u{1b}[1mhttp://127.0.0.1:40167\u{1b}[0m (Press CTRL+C to quit)\n";
        assert_eq!(listening_port(log), Some(40167));
        assert_eq!(listening_port("Uvicorn running on http://127.0.0.1:4016"), None);
        assert_eq!(listening_port("Waiting for application startup."), None);
        assert_eq!(listening_port(""), None);
    }

    #[test]
    fn tests_find_the_servers_and_the_python() {
        let urls = [("internal", url(1)), ("short", url(2))];
        let value: serde_json::Value =
            serde_json::from_str(&json(urls.into_iter(), Path::new("/p/ven\"v/bin/python"))).unwrap();
        assert_eq!(value["tiled"]["internal"], "http://127.0.0.1:1");
        assert_eq!(value["tiled"]["short"], "http://127.0.0.1:2");
        assert_eq!(value["python"], "/p/ven\"v/bin/python");
    }

    #[test]
    fn every_configuration_keeps_to_its_scratch_folder() {
        let names = names().unwrap();
        for name in ["internal", "short", "optional", "single", "public"] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
        for name in names {
            let text = fs::read_to_string(super::super::sources().join("tiled").join(format!("{name}.yml")))
                .unwrap();
            assert!(!text.contains("sqlite:") || text.contains("sqlite:///${AUTH_PEER_SCRATCH}/"), "{name}");
        }
    }

    /// Starts a shell script in place of a server. `PORT` in it is a port at which something healthy answers.
    #[cfg(unix)]
    fn fake(name: &str, script: &str) -> Server {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        // Ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _read = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        });
        let scratch = std::env::temp_dir().join(format!("auth-fake-server-{}-{name}", std::process::id()));
        let script = script.replace("PORT", &port.to_string());
        Server::spawn_program(Path::new("sh"), &["-c".into(), script.into()], name, scratch).unwrap()
    }

    #[cfg(unix)]
    const LISTEN: &str = "echo 'INFO: Uvicorn running on http://127.0.0.1:PORT (Press CTRL+C to quit)'";

    #[cfg(unix)]
    #[test]
    fn a_slow_server_is_waited_for_while_it_lives() {
        // It goes on when the gate opens: the wait is not a matter of time.
        let gate = std::env::temp_dir().join(format!("auth-fake-gate-{}", std::process::id()));
        let slow = format!("until [ -e {} ]; do sleep 0.02; done; {LISTEN}; sleep 60", gate.display());
        let mut servers = [fake("quick", &format!("{LISTEN}; sleep 60")), fake("slow", &slow)];
        let early = reach(&mut servers, Duration::from_millis(300)).unwrap_err();
        assert!(early.starts_with("the Tiled server slow did not answer within "), "{early}");
        assert!(servers[0].port.is_some() && servers[1].port.is_none());
        fs::write(&gate, "").unwrap();
        let reached = reach(&mut servers, LIMIT);
        fs::remove_file(&gate).unwrap();
        reached.unwrap();
        assert!(servers[1].port.is_some());
        servers[1].keep = false;
    }

    #[cfg(unix)]
    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let started = Instant::now();
        let mut servers = [fake("broken", "echo 'ModuleNotFoundError: async_timeout'; exit 3")];
        let why = reach(&mut servers, LIMIT).unwrap_err();
        assert!(why.contains("broken ended by itself (exit status: 3)"), "{why}");
        assert!(why.contains("ModuleNotFoundError: async_timeout"), "{why}");
        assert!(started.elapsed() < LIMIT / 2);
        servers[0].keep = false;
    }

    #[test]
    fn nothing_healthy_listens_on_port_one() {
        assert!(!is_healthy(1));
    }
}
