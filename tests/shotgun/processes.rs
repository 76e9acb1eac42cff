//! Threads of several processes that all find the same session ended at the same moment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth_core::Seed;
use auth_sandbox::{Person, Server, ShotgunConfig, ShotgunSite, SiteClock};
use canary::plant;

const PROCESSES: usize = 8;
const THREADS: &str = "32";

fn start(home: &Path, url: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shotgun_client"));
    command.args([url, THREADS]).env_clear().env("HOME", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{}", plant("ada's password")).unwrap();
    child
}

#[test]
fn of_all_that_find_the_session_ended_one_asks_and_nobody_fails_h15() {
    let people = vec![Person::new("ada", plant("ada's password"))];
    let site = ShotgunSite::new(ShotgunConfig { people, ..ShotgunConfig::default() }, Seed::new([7; 32]));
    let server = Server::start(site, SiteClock::running()).unwrap();
    let url = server.url().origin().to_string();
    let home = tempfile::tempdir().unwrap();
    let mut children = Vec::new();
    // All at once: whoever comes first signs in.
    for _ in 0..PROCESSES {
        children.push(start(home.path(), &url));
    }
    let mut said: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
    let mut line = String::new();
    for out in &mut said {
        out.read_line(&mut line).unwrap();
    }
    assert_eq!(line, "ready\n".repeat(PROCESSES));
    let logins = || server.site().lock().unwrap().counters().logins;
    assert_eq!(logins(), 1);
    server.clock().advance(Duration::from_hours(24 * 365));
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut asked = 0;
    for (child, mut out) in children.iter_mut().zip(said) {
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success() && rest.contains(" 0 failed"), "{rest}");
        asked += rest.split(' ').next().unwrap().parse::<u32>().unwrap();
    }
    // The first sign-in, and the one after the end.
    assert_eq!((asked, logins()), (2, 2));
}
