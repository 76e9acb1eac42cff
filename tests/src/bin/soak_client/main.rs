//! A process that calls a Tiled-shaped and a Shotgun-shaped site for a while, for `cargo xtask soak`.
//!
//! `soak_client`, its configuration as a line of JSON on standard input. It uses both faces of both kinds of site, from
//! threads and from tasks, with a prompt that answers by itself. It prints a line of JSON for each failed call, each
//! question and each call that takes too long, and at its end one with everything it counted.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

mod calls;
mod notes;
mod person;
mod tasks;
mod threads;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use auth_http::wait_for;
use auth_native::Secret;
use serde::Deserialize;
use tokio::task::JoinHandle;

use self::calls::{Caller, Worker};
use self::notes::Notes;
use self::person::Person;

/// How many callers each face of each kind of site has.
const CALLERS: [(&str, u64); 2] = [("tiled", 12), ("shotgun", 4)];
/// A process that has not ended so long after its time has callers that are stuck.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What a process is told to do.
#[derive(Deserialize)]
struct Config {
    tiled: Account,
    shotgun: Account,
    seed: u64,
    seconds: u64,
    /// Calls a second, of all callers of this process.
    rate: f64,
    /// How long a call may take, in seconds.
    bound: u64,
    /// For how long a user who has declined is not prompted, in seconds.
    cool_down: u64,
}

/// A site and who signs in to it.
#[derive(Deserialize)]
struct Account {
    url: String,
    user: String,
    password: Password,
}

/// A password as JSON has it.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Password(Secret);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Secret::from(text))
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let config: Config = serde_json::from_str(&line)?;
    let notes = Arc::new(Notes::new(Duration::from_secs(config.bound)));
    let cool_down = Duration::from_secs(config.cool_down);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut faces: Vec<(Arc<dyn Caller>, bool, u64)> = Vec::new();
    for (kind, callers) in CALLERS {
        let account = if kind == "tiled" { &config.tiled } else { &config.shotgun };
        let person = |salt: u64| {
            let seed = config.seed.wrapping_add(salt);
            Arc::new(Person::new(kind, &account.user, account.password.0.clone(), seed, Arc::clone(&notes)))
        };
        if kind == "tiled" {
            faces.push((Arc::new(threads::Tiled::new(&account.url, person(1), cool_down)?), false, callers));
            faces.push((Arc::new(tasks::Tiled::new(&account.url, person(2), cool_down)?), true, callers));
        } else {
            faces.push((
                Arc::new(threads::Shotgun::new(&account.url, person(3), cool_down)?),
                false,
                callers,
            ));
            faces.push((Arc::new(tasks::Shotgun::new(&account.url, person(4), cool_down)?), true, callers));
        }
    }
    let total: u64 = faces.iter().map(|(_, _, callers)| callers).sum();
    // Each caller makes as many calls as every other.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen callers")]
    let pause = Duration::from_secs_f64(total as f64 / config.rate);
    let until = Instant::now() + Duration::from_secs(config.seconds);
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for (caller, on_runtime, callers) in &faces {
        for _ in 0..*callers {
            let number = u64::try_from(threads.len() + tasks.len())?;
            let worker = Worker {
                caller: Arc::clone(caller),
                notes: Arc::clone(&notes),
                seed: config.seed.wrapping_mul(1_000).wrapping_add(number),
                first: pause.mul_f64(f64::from(u32::try_from(number)?) / f64::from(u32::try_from(total)?)),
                pause,
                until,
            };
            if *on_runtime {
                tasks.push(runtime.spawn(worker.work()));
            } else {
                threads.push(thread::spawn(move || wait_for(worker.work())));
            }
        }
    }
    let last = until + Duration::from_secs(config.bound) + END_WITHIN;
    while Instant::now() < last
        && !(threads.iter().all(thread::JoinHandle::is_finished) && tasks.iter().all(JoinHandle::is_finished))
    {
        notes.watch();
        thread::sleep(Duration::from_millis(200));
    }
    let ended = threads.into_iter().filter(thread::JoinHandle::is_finished);
    let mut panicked = ended.filter_map(|thread| thread.join().err()).count();
    for task in tasks.into_iter().filter(JoinHandle::is_finished) {
        panicked += usize::from(runtime.block_on(task).is_err_and(|error| error.is_panic()));
    }
    let mut finished = true;
    for (caller, ..) in &faces {
        finished &= caller.finish();
    }
    println!("{}", notes.end(panicked, finished));
    // Tasks that are stuck would keep the runtime from ending.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}
