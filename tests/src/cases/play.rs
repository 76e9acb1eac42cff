//! One case in one cell, from beginning to end.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::flow::{
    Call, Discover, Flow, Governor, Login, LoginOptions, Logout, Outcome, Renewal, Whoami,
};
use auth_core::ports::{Change, Clock, Loaded, Replaces, Store, Transport, Unreachable};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::tiled::TiledUri;
use auth_core::time::{Now, Tick, Timestamp};
use auth_core::wire::{Request, Response};
use auth_core::{Digest, Error, Foreign, Secret, Seed};
use auth_http::blocking::{Driver, UreqTransport};
use auth_http::nonblocking::{self, Exchange, ReqwestTransport, Threaded};
use auth_http::{Cancel, SystemClock};
use auth_sandbox::{InProcess, Server, SiteClock, TiledSite};
use auth_store::{MemoryStore, TiledDirectory};
use tokio::runtime::{Builder, Runtime};

use super::bare::{self, World};
use super::case::{self, Case, Kept, Step};
use super::cell::{self, Cell};
use super::names::{Names, ORIGIN};
use super::person::{self, Person};
use super::scripted::{InMemory, Listener, Script};
use super::store::Faulty;
use super::text::{self, Shown};
use super::{cell::Peer, site};

/// What every transport calls itself.
const CALLED: &str = "conformance/0";
/// Where a server is that has no socket.
const NOWHERE: &str = "http://127.0.0.1:8000";

/// How a case went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Which step, counted from 1, and what it does; none if it went wrong before.
    pub step: Option<(usize, &'static str)>,
    /// What differs.
    pub what: String,
    /// What the case says.
    pub expected: String,
    /// What came of it.
    pub seen: String,
}

impl Failure {
    fn before(why: impl Into<String>) -> Self {
        Self { step: None, what: why.into(), expected: String::new(), seen: String::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((number, action)) = self.step {
            write!(f, "step {number} ({action}): ")?;
        }
        write!(f, "{}", self.what)?;
        if self.expected == self.seen {
            return Ok(());
        }
        let (expected, seen): (Vec<_>, Vec<_>) =
            (self.expected.lines().collect(), self.seen.lines().collect());
        let same = expected.iter().zip(&seen).take_while(|(a, b)| a == b).count();
        writeln!(f, ", from line {}", same + 1)?;
        for (name, lines) in [("expected", &expected), ("seen", &seen)] {
            writeln!(f, "  {name}:")?;
            for (at, line) in lines.iter().enumerate() {
                writeln!(f, "    {} {line}", if at == same { '>' } else { ' ' })?;
            }
        }
        Ok(())
    }
}

/// A request, and the status that it was answered with.
struct Passed {
    request: String,
    status: Option<u16>,
}

/// What passes in one step, written down.
#[derive(Clone)]
struct Notes {
    names: Arc<Names>,
    passed: Arc<Mutex<Vec<Passed>>>,
    /// Who says stop while which request is on its way.
    cancel: Option<(usize, Cancel)>,
}

impl Notes {
    fn passed(&self) -> MutexGuard<'_, Vec<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the request, counted from 1.
    fn goes(&self, request: &Request) -> usize {
        let mut passed = self.passed();
        passed.push(Passed { request: text::request(request, &self.names), status: None });
        passed.len()
    }

    fn came(&self, count: usize, result: &Result<Response, Unreachable>) {
        if let Ok(response) = result {
            self.names.learn(response);
            if let Some(last) = self.passed().get_mut(count - 1) {
                last.status = Some(response.status());
            }
        }
        if let Some((_, cancel)) = self.cancel.as_ref().filter(|(nth, _)| *nth == count) {
            cancel.cancel();
        }
    }
}

/// A transport, and what passes through it.
struct Noted<T: ?Sized> {
    below: Arc<T>,
    notes: Notes,
}

impl Transport for Noted<dyn Transport> {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let count = self.notes.goes(request);
        let result = self.below.send(request);
        self.notes.came(count, &result);
        result
    }
}

impl nonblocking::Transport for Noted<dyn nonblocking::Transport> {
    fn send<'a>(&'a self, request: &'a Request) -> Exchange<'a> {
        Box::pin(async move {
            let count = self.notes.goes(request);
            let result = self.below.send(request).await;
            self.notes.came(count, &result);
            result
        })
    }
}

/// By what a flow is driven, and how its requests get there.
#[derive(Clone)]
enum Way {
    Bare(Arc<dyn Transport>),
    Blocking(Arc<dyn Transport>),
    Async(Arc<dyn nonblocking::Transport>, Arc<Runtime>),
}

impl Way {
    fn noted(&self, notes: Notes) -> Self {
        match self.clone() {
            Self::Bare(below) => Self::Bare(Arc::new(Noted { below, notes })),
            Self::Blocking(below) => Self::Blocking(Arc::new(Noted { below, notes })),
            Self::Async(below, runtime) => Self::Async(Arc::new(Noted { below, notes }), runtime),
        }
    }

    fn run<F>(&self, flow: F, world: &World) -> Result<Outcome<F::Output>, Error>
    where
        F: Flow + Send + 'static,
        F::Output: Send + 'static,
    {
        let World { store, prompt, clock, cancel } = world.clone();
        match self.clone() {
            Self::Bare(transport) => bare::run(flow, &*transport, world),
            Self::Blocking(transport) => Driver::new(transport, store, prompt, clock).run(flow, &cancel),
            Self::Async(transport, runtime) => {
                let prompt = Arc::new(Threaded::new(prompt));
                let driver = nonblocking::Driver::new(transport, store, prompt, clock);
                runtime.block_on(driver.run(flow, &cancel))
            }
        }
    }
}

/// Whoever answers; whatever has to be kept alive for it is in here.
enum Answering {
    Script(Script),
    Listener(Script, Listener),
    Sandbox(
        Arc<Mutex<TiledSite>>,
        #[expect(dead_code, reason = "it serves until it is dropped")] Option<Server>,
    ),
    Real,
}

/// The client's clock: the site's, or without one the machine's, and wrong by so many seconds.
#[derive(Clone, Default)]
struct TwoClocks {
    site: Option<SiteClock>,
    wrong: Arc<AtomicI64>,
}

impl Clock for TwoClocks {
    fn now(&self) -> Now {
        let now = self.site.as_ref().map_or_else(|| SystemClock.now(), Clock::now);
        Now { wall: Timestamp(now.wall.0 + self.wrong.load(Ordering::SeqCst)), ..now }
    }

    fn turn(&self, until: Tick) -> bool {
        self.site.as_ref().is_some_and(|site| site.turn(until))
    }
}

struct Stage {
    answering: Answering,
    way: Way,
    clock: TwoClocks,
    names: Arc<Names>,
}

fn lock(site: &Arc<Mutex<TiledSite>>) -> MutexGuard<'_, TiledSite> {
    site.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds the peer that a cell is played with.
fn stage(case: &Case, cell: Cell, tiled: impl Fn(&str) -> Option<String>) -> Result<Stage, String> {
    let over_socket = || {
        if cell.transport == cell::Transport::Reqwest {
            let transport = ReqwestTransport::new(CALLED).map_err(|error| error.to_string())?;
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            return Ok::<_, String>(Way::Async(Arc::new(transport), Arc::new(runtime)));
        }
        let transport = UreqTransport::new(CALLED).map_err(|error| error.to_string())?;
        Ok(Way::Blocking(Arc::new(transport)))
    };
    let standing = SiteClock::standing(Timestamp(case.clock));
    let names = |origin: &str, learns| Arc::new(Names::new(origin, learns));
    let bare = cell.transport == cell::Transport::Bare;
    let stage = |answering, way, names| Stage {
        answering,
        way,
        clock: TwoClocks { site: Some(standing.clone()), wrong: Arc::default() },
        names,
    };
    Ok(match cell.peer {
        Peer::Script if bare => {
            let origin = if case.site.starts_with(ORIGIN) {
                NOWHERE.to_owned()
            } else {
                given(&case.site)?.origin().to_string()
            };
            let (script, names) = (Script::default(), names(&origin, false));
            let transport = InMemory { script: script.clone(), names: Arc::clone(&names) };
            stage(Answering::Script(script), Way::Bare(Arc::new(transport)), names)
        }
        Peer::Script => {
            let script = Script::default();
            let listener = Listener::start(script.clone()).map_err(|error| error.to_string())?;
            let names = names(&listener.origin(), false);
            stage(Answering::Listener(script, listener), over_socket()?, names)
        }
        Peer::Sandbox if bare => {
            let site = Arc::new(Mutex::new(site::sandbox(&case.peer)?));
            let origin = given(NOWHERE)?.origin().clone();
            let transport = InProcess::new(Arc::clone(&site), standing.clone(), origin);
            stage(Answering::Sandbox(site, None), Way::Bare(Arc::new(transport)), names(NOWHERE, true))
        }
        Peer::Sandbox => {
            let server = Server::start(site::sandbox(&case.peer)?, standing.clone())
                .map_err(|error| error.to_string())?;
            let (site, origin) = (server.site(), server.url().origin().to_string());
            stage(Answering::Sandbox(site, Some(server)), over_socket()?, names(&origin, true))
        }
        Peer::Tiled => {
            let name = case.peer.server.as_deref().unwrap_or_default();
            let url = tiled(name).ok_or_else(|| format!("no Tiled server {name:?} is running"))?;
            let names = names(&url, true);
            Stage { clock: TwoClocks::default(), ..stage(Answering::Real, over_socket()?, names) }
        }
    })
}

fn given(address: &str) -> Result<TiledUri, String> {
    address.parse().map_err(|error| format!("site: {error}"))
}

/// Plays a case. `tiled` gives the address of a real server by its name.
pub fn play(case: &Case, cell: Cell, tiled: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    let stage = stage(case, cell, tiled).map_err(Failure::before)?;
    let folder = tempfile::tempdir().map_err(|error| Failure::before(error.to_string()))?;
    let below: Arc<dyn Store> = match cell.store {
        cell::Store::Memory => Arc::new(MemoryStore::new()),
        cell::Store::Directory => {
            Arc::new(TiledDirectory::new(folder.path().join("cache"), folder.path().join("state")))
        }
    };
    let mut run = Run {
        uri: given(&stage.names.show(&case.site)).map_err(Failure::before)?,
        person: Arc::new(Person::new(Arc::clone(&stage.names))),
        store: Arc::new(Faulty::new(below)),
        beginning: stage.clock.now().wall,
        stage,
    };
    if let Some(kept) = &case.stored {
        run.keep(kept).map_err(Failure::before)?;
    }
    for (at, step) in case.steps.iter().enumerate() {
        let action = step.action().unwrap_or("what happens");
        run.step(step).map_err(|failure| Failure { step: Some((at + 1, action)), ..failure })?;
    }
    Ok(())
}

struct Run {
    stage: Stage,
    uri: TiledUri,
    person: Arc<Person>,
    store: Arc<Faulty>,
    beginning: Timestamp,
}

impl Run {
    fn keep(&self, kept: &Kept) -> Result<(), String> {
        let moment = |at: Option<i64>| at.map(|at| Timestamp(self.beginning.0 + at));
        let secret = |text: &Option<String>| text.as_deref().map(Secret::from);
        let identity = kept.user.as_deref().map(|user| Identity {
            id: Foreign::from(user),
            provider: Foreign::from(kept.provider.as_deref().unwrap_or_default()),
        });
        let session = Session {
            tokens: Tokens {
                access: secret(&kept.access),
                refresh: secret(&kept.refresh),
                id: secret(&kept.id),
                ..Tokens::default()
            },
            facts: Facts {
                received: moment(kept.received),
                expires: moment(kept.expires),
                identity,
                principal: kept.principal.as_deref().map(Foreign::from),
                ..Facts::default()
            },
            links: Links { refresh: kept.refresh_link.clone(), whoami: None },
        };
        let redeeming = session.tokens.refresh.as_ref().filter(|_| kept.redeeming).map(Digest::of);
        let key = self.uri.key();
        let mut changes =
            vec![Change::Save { key: key.clone(), session: Box::new(session), replaces: Replaces::Anything }];
        changes.extend(redeeming.map(|redeeming| Change::Intent { key, redeeming }));
        for change in changes {
            self.store.apply(&change).map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        self.happen(step).map_err(Failure::before)?;
        self.person.begin(&step.person);
        self.store.begin(&step.store);
        match &self.stage.answering {
            Answering::Script(script) | Answering::Listener(script, _) => script.begin(&step.exchanges),
            Answering::Sandbox(..) | Answering::Real => {}
        }
        let passed = Arc::new(Mutex::new(Vec::new()));
        let cancel = Cancel::new();
        let notes = Notes {
            names: Arc::clone(&self.stage.names),
            passed: Arc::clone(&passed),
            cancel: step.cancel.map(|nth| (nth, cancel.clone())),
        };
        let way = self.stage.way.noted(notes);
        let world = World {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            prompt: Arc::clone(&self.person) as _,
            clock: Arc::new(self.stage.clock.clone()),
            cancel,
        };
        let outcome = self.act(step, &way, &world).map(|text| self.stage.names.hide(&text));
        let passed = std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner));
        self.compare_exchanges(&step.exchanges, &passed)?;
        let (expected, heard) = (person::expected(&step.person), self.person.heard());
        compare("what the person is asked and told differs", &expected.join("\n"), &heard.join("\n"))?;
        let expected = step.outcome.as_deref().unwrap_or_default();
        compare("the outcome differs", expected, &outcome.unwrap_or_default())?;
        // What the store did wrong in this step is over.
        self.store.begin(&[]);
        if let Some(expected) = &step.stored {
            let loaded =
                self.store.load(&self.uri.key()).map_err(|fault| Failure::before(fault.to_string()))?;
            compare("what is stored differs", expected, &self.stage.names.hide(&text::loaded(&loaded)))?;
        }
        Ok(())
    }

    /// What happens without the client.
    fn happen(&self, step: &Step) -> Result<(), String> {
        if let Some(seconds) = step.advance {
            match &self.stage.clock.site {
                Some(clock) => clock.advance(Duration::from_secs(seconds)),
                // A second more: a server counts whole ones.
                None => std::thread::sleep(Duration::from_secs(seconds + 1)),
            }
        }
        if let Some(seconds) = step.skew {
            self.stage.clock.wrong.store(seconds, Ordering::SeqCst);
        }
        if let Some(kept) = &step.elsewhere {
            self.keep(kept)?;
        }
        match (&step.server, &self.stage.answering) {
            (Some(what), Answering::Sandbox(site, _)) => site::operate(&mut lock(site), what),
            (Some(_), _) => Err("only the sandbox has an operator".to_owned()),
            (None, _) => Ok(()),
        }
    }

    /// What the client does, and what comes of it.
    fn act(&mut self, step: &Step, way: &Way, world: &World) -> Option<String> {
        let (uri, seed, allow) = (self.uri.clone(), Seed::new([9; 32]), step.allow_http);
        let key = step.key.as_deref().map(Secret::from);
        if let Some(login) = &step.login {
            let foreign = |text: &Option<String>| text.as_deref().map(Foreign::from);
            let options = LoginOptions {
                reuse: login.reuse,
                never_ask: login.never_ask,
                anonymous: login.anonymous,
                provider: foreign(&login.provider),
                username: foreign(&login.user),
                password: login.password.as_deref().map(Secret::from),
                allow_http: allow,
            };
            let result = way.run(Governor::new(Login::new(uri, options, seed)), world);
            if let Ok(Outcome { value, .. }) = &result {
                self.uri = value.uri.clone();
            }
            Some(text::outcome(&result))
        } else if let Some(renew) = step.renew {
            let renewal = Renewal::new(uri, seed).lasting(renew.lasting.map(Duration::from_secs));
            Some(shown(renewal.allow_http(allow), way, world))
        } else if step.whoami.is_some() {
            let whoami = match key {
                Some(key) => Whoami::with_key(uri, key, seed),
                None => Whoami::new(uri, seed),
            };
            Some(shown(whoami.allow_http(allow), way, world))
        } else if step.logout.is_some() {
            Some(shown(Logout::new(uri), way, world))
        } else if step.discover.is_some() {
            Some(shown(Discover::new(uri, seed).allow_http(allow), way, world))
        } else {
            let path = step.get.as_deref()?;
            if let Some(key) = key {
                let call = Call::with_key(uri.clone(), Request::get(uri.below(path)), key, seed);
                return Some(shown(call.allow_http(allow), way, world));
            }
            Some(match self.store.load(&uri.key()) {
                Ok(Loaded::Found(stored)) => {
                    let (request, mut session) = (Request::get(uri.below(path)), stored.session);
                    if let Some(token) = &step.with {
                        session.tokens.access = Some(Secret::from(self.stage.names.show(token)));
                    }
                    shown(Call::new(uri, request, session, seed).allow_http(allow), way, world)
                }
                _ => text::error(&Error::NotSignedIn),
            })
        }
    }

    fn compare_exchanges(&self, expected: &[case::Exchange], passed: &[Passed]) -> Result<(), Failure> {
        for (at, exchange) in expected.iter().enumerate() {
            let (request, status) =
                passed.get(at).map_or(("", None), |one| (one.request.as_str(), one.status));
            compare(&format!("request {} differs", at + 1), &exchange.request, request)?;
            if let Some(wanted) = exchange.status {
                let got = status.map_or("none".to_owned(), |status| status.to_string());
                compare(&format!("the status of answer {} differs", at + 1), &wanted.to_string(), &got)?;
            }
        }
        if let Some(Passed { request: one_more, .. }) = passed.get(expected.len()) {
            compare(&format!("request {} is one too many", expected.len() + 1), "", one_more)?;
        }
        if let Answering::Listener(_, listener) = &self.stage.answering {
            let wanted: Vec<_> = passed.iter().map(|one| one.request.trim_end().to_owned()).collect();
            let arrived: Vec<_> = listener.take().iter().map(|text| text.trim_end().to_owned()).collect();
            compare("what arrived is not what was sent", &wanted.join("\n\n"), &arrived.join("\n\n"))?;
        }
        Ok(())
    }
}

fn shown<F>(flow: F, way: &Way, world: &World) -> String
where
    F: Flow + Send + 'static,
    F::Output: Shown + Send + 'static,
{
    text::outcome(&way.run(flow, world))
}

fn compare(what: &str, expected: &str, seen: &str) -> Result<(), Failure> {
    let (expected, seen) = (expected.trim_end(), seen.trim_end());
    if expected == seen {
        return Ok(());
    }
    Err(Failure { step: None, what: what.to_owned(), expected: expected.to_owned(), seen: seen.to_owned() })
}
