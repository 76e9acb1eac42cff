//! What it takes to authorize a request on a live session, beside a bare header and a token behind a mutex.
//!
//! `bench_hot ROUNDS CALLS`. A line of what it prints is one subject with one number of threads, as an object of JSON;
//! every round measures all of them in turn, so that what changes on the machine meets them all.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use allocation_counter::measure;
use auth_http::wait_for;
use auth_native::{Authorization, LoginOptions, MemoryStore, Secret, TiledUri, blocking, nonblocking};
use auth_sandbox::{InProcess, SiteClock, TiledSite};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// How many threads authorize at once.
const THREADS: [u32; 2] = [1, 16];
/// Of how many calls allocations are counted.
const COUNTED: u32 = 100;
/// Nothing listens there: the site is in this process.
const URL: &str = "http://127.0.0.1:9";

/// One request authorized.
type Call<'a> = Box<dyn Fn() + Sync + 'a>;

struct Subject<'a> {
    who: &'static str,
    threads: u32,
    call: Call<'a>,
    /// What a call took in each round, in nanoseconds.
    nanos: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: bench_hot ROUNDS CALLS");
    let (rounds, calls) = (next()?.parse::<u32>()?, next()?.parse::<u32>()?);
    let threads = blocking_connection()?;
    let tasks = nonblocking_connection()?;
    let shown = threads.authorization()?.ok_or("nobody is signed in")?;
    let ready = value(&shown).ok_or("the token fits no header")?;
    let token = Mutex::new(threads.token(None)?.expose().to_owned());
    let on_threads = || threads.authorization().ok().flatten();
    let on_tasks = || wait_for(tasks.authorization()).ok().flatten();
    let on_threads_into = |headers: &mut HeaderMap| threads.authorize(headers).is_ok();
    let on_tasks_into = |headers: &mut HeaderMap| wait_for(tasks.authorize(headers)).is_ok();
    let mut subjects = Vec::new();
    for threads in THREADS {
        let mut add = |who, call| subjects.push(Subject { who, threads, call, nanos: Vec::new() });
        add("blocking authorize", Box::new(|| filled(|headers| on_threads_into(headers))) as Call<'_>);
        add("nonblocking authorize", Box::new(|| filled(|headers| on_tasks_into(headers))));
        add("blocking header", Box::new(|| insert(on_threads().as_ref().and_then(value))));
        add("nonblocking header", Box::new(|| insert(on_tasks().as_ref().and_then(value))));
        add("blocking credential", Box::new(|| drop(black_box(on_threads()))));
        add("nonblocking credential", Box::new(|| drop(black_box(on_tasks()))));
        add("bare", Box::new(|| insert(Some(ready.clone()))));
        let copy = || token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        add("mutex", Box::new(move || insert(HeaderValue::from_str(&format!("Bearer {}", copy())).ok())));
    }
    for round in 0..=rounds {
        for subject in &mut subjects {
            let nanos = timed(&subject.call, subject.threads, calls);
            // The first round warms up.
            if round > 0 {
                subject.nanos.push(nanos);
            }
        }
    }
    for Subject { who, threads, call, nanos } in &subjects {
        let counted = measure(|| (0..COUNTED).for_each(|_| call()));
        let allocations = f64::from(u32::try_from(counted.count_total)?) / f64::from(COUNTED);
        println!(
            "{}",
            serde_json::json!({ "who": who, "threads": threads, "nanos": nanos, "allocations": allocations })
        );
    }
    Ok(())
}

/// How long one call takes while so many threads make that many calls each, in nanoseconds.
fn timed(call: &Call<'_>, threads: u32, calls: u32) -> f64 {
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..calls / threads).for_each(|_| call()));
        }
    });
    began.elapsed().as_secs_f64() * 1e9 / f64::from(calls / threads * threads)
}

/// The headers of one request.
fn filled(fill: impl FnOnce(&mut HeaderMap) -> bool) {
    let mut headers = HeaderMap::new();
    black_box(fill(&mut headers));
    black_box(headers);
}

fn insert(value: Option<HeaderValue>) {
    filled(|headers| value.is_some_and(|value| headers.insert(AUTHORIZATION, value).is_none()));
}

/// A header made of what is shown.
fn value(shown: &Authorization) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(shown.header().expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn blocking_connection() -> Result<blocking::Connection, Box<dyn Error>> {
    let (transport, options) = site()?;
    let auth = blocking::Authenticator::builder()
        .transport(Arc::new(transport))
        .store(Arc::new(MemoryStore::new()))
        .ignore_environment_key()
        .never_ask()
        .build()?;
    Ok(auth.connect_with(URL, options)?)
}

fn nonblocking_connection() -> Result<nonblocking::Connection, Box<dyn Error>> {
    let (transport, options) = site()?;
    let auth = nonblocking::Authenticator::builder()
        .transport(Arc::new(nonblocking::Threaded::new(Arc::new(transport))))
        .store(Arc::new(MemoryStore::new()))
        .ignore_environment_key()
        .never_ask()
        .build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(auth.connect_with(URL, options))?)
}

/// A site with its one user.
fn site() -> Result<(InProcess, LoginOptions), Box<dyn Error>> {
    let site = TiledSite::demo([7; 32]);
    let user = site.config.users.first().ok_or("the site has no user")?;
    let options = LoginOptions {
        username: Some(user.name.as_str().into()),
        password: Some(Secret::from(user.password.expose())),
        ..LoginOptions::default()
    };
    let origin = URL.parse::<TiledUri>()?.origin().clone();
    Ok((InProcess::new(Arc::new(Mutex::new(site)), SiteClock::running(), origin), options))
}
