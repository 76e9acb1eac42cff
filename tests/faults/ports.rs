//! A store, a transport, a clock and a prompt that do what the plan says.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::error::{Sent, StoreFault, TransportFault};
use auth_core::ports::{
    Applied, Asked, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store,
    Transport, Unreachable,
};
use auth_core::time::{Now, Tick, Timestamp};
use auth_core::wire::{Request, Response};
use auth_core::{Answer, Digest, Foreign, Holder, Notice, PromptFault, Question, Secret};
use auth_sandbox::SiteClock;

use crate::plan::{Content, Fault, Plan, Port, refused};

/// Not a panic as by a mistake: nothing is written about it.
fn panic() -> ! {
    resume_unwind(Box::new("on purpose"))
}

pub(crate) struct FaultyStore {
    pub(crate) below: Arc<dyn Store>,
    pub(crate) plan: Plan,
    pub(crate) clock: SiteClock,
    /// How somebody else's session is saved.
    pub(crate) stranger: Change,
}

impl FaultyStore {
    fn call<T>(
        &self,
        special: impl FnOnce(&Fault) -> Option<T>,
        work: impl FnOnce() -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let Some(fault) = self.plan.next(Port::Store) else { return work() };
        if let Some(special) = special(&fault) {
            return Ok(special);
        }
        match fault {
            Fault::Refuse(kind) => Err(refused(&kind)),
            Fault::DoneButRefused(kind) => {
                drop(work());
                Err(refused(&kind))
            }
            Fault::Panic => panic(),
            Fault::PanicAfter => {
                drop(work());
                panic()
            }
            Fault::Cancel => {
                self.plan.cancel();
                work()
            }
            Fault::Kept(kind) => {
                self.plan.keep(kind);
                work()
            }
            Fault::Leave => {
                self.plan.leave();
                work()
            }
            Fault::LeaveAfter => {
                let result = work();
                self.plan.leave();
                result
            }
            Fault::Stranger => {
                self.below.apply(&self.stranger)?;
                work()
            }
            Fault::Stall => {
                // Longer than any store, any save and any lock is waited for.
                self.clock.advance(Duration::from_secs(80));
                self.plan.stall();
                work()
            }
            _ => work(),
        }
    }
}

impl Store for FaultyStore {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.call(|fault| (*fault == Fault::Torn).then_some(Loaded::Torn), || self.below.load(key))
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        self.call(|_| None, || self.below.apply(change))
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        let busy = |fault: &Fault| (*fault == Fault::Busy).then(|| Locking::Busy(Holder::default()));
        self.call(busy, || {
            if self.plan.is_kept(kind) {
                return Ok(Locking::Busy(Holder::default()));
            }
            self.below.lock(kind, key, wait)
        })
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.below.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.call(|_| None, || self.below.asked(key))
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.call(|_| None, || self.below.note_asked(key, asked))
    }
}

/// One request, as it was seen on its way.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Exchange {
    pub(crate) path: String,
    /// What was called, where one place answers many calls.
    pub(crate) method: Option<String>,
    /// The refresh token that was presented.
    pub(crate) presented: Option<Digest>,
    /// What the site made of it, if it came there.
    pub(crate) status: Option<u16>,
    /// True if a session of a Shotgun site was in its answer.
    pub(crate) gives_a_session: bool,
    /// True if that came back.
    pub(crate) delivered: bool,
    /// False if the client was told that nothing of it had arrived.
    pub(crate) may_have_arrived: bool,
}

pub(crate) struct FaultyTransport {
    pub(crate) below: Arc<dyn Transport>,
    pub(crate) plan: Plan,
    pub(crate) clock: SiteClock,
    pub(crate) seen: Arc<Mutex<Vec<Exchange>>>,
}

impl FaultyTransport {
    /// Hands a request on to the site, and notes it.
    fn act(&self, request: &Request, delivered: bool) -> Result<Response, Unreachable> {
        let answer = self.below.send(request);
        self.note(request, answer.as_ref().ok(), delivered, true);
        answer
    }

    fn note(&self, request: &Request, answer: Option<&Response>, delivered: bool, may_have_arrived: bool) {
        let is_session = |body: &str| body.contains("\"session_id\"") || body.contains("\"sessionToken\"");
        let content: Option<serde_json::Value> =
            request.content().and_then(|content| serde_json::from_str(content.expose()).ok());
        let method = content.as_ref().and_then(|content| content.get("method_name")?.as_str());
        let token = content.as_ref().and_then(|content| content.get("refresh_token")?.as_str());
        self.seen.lock().unwrap().push(Exchange {
            path: request.url.path().to_owned(),
            method: method.map(ToOwned::to_owned),
            presented: token.map(|token| Digest::of(&Secret::from(token))),
            status: answer.map(Response::status),
            gives_a_session: answer.is_some_and(|answer| is_session(answer.body().expose())),
            delivered,
            may_have_arrived,
        });
    }
}

impl Transport for FaultyTransport {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let lost = |fault| Err(Unreachable { fault, sent: Sent::Maybe });
        match self.plan.next(Port::Transport) {
            Some(Fault::Unreachable(fault, sent)) => {
                self.note(request, None, false, sent == Sent::Maybe);
                Err(Unreachable { fault, sent })
            }
            Some(Fault::LostReply(fault)) => {
                drop(self.act(request, false));
                lost(fault)
            }
            Some(Fault::Answer(status, content)) => {
                self.note(request, None, false, true);
                Ok(answer(status, content))
            }
            Some(Fault::Cut) => {
                let answer = self.act(request, false)?;
                let body = answer.body().expose();
                let half = body.floor_char_boundary(body.len() / 2);
                Ok(Response::new(answer.status(), answer.headers(), &body.as_bytes()[..half]))
            }
            Some(Fault::Panic) => {
                self.note(request, None, false, true);
                panic()
            }
            Some(Fault::PanicAfter) => {
                drop(self.act(request, false));
                panic()
            }
            Some(Fault::Cancel) => {
                self.plan.cancel();
                self.act(request, true)
            }
            Some(Fault::Leave) => {
                self.plan.leave();
                self.act(request, true)
            }
            Some(Fault::LeaveAfter) => {
                let answer = self.act(request, true);
                self.plan.leave();
                answer
            }
            Some(Fault::Stall) => {
                self.clock.advance(request.budget + Duration::from_secs(1));
                self.plan.stall();
                drop(self.act(request, false));
                lost(TransportFault::Timeout)
            }
            _ => self.act(request, true),
        }
    }
}

fn answer(status: u16, content: Content) -> Response {
    let page = ("content-type", "text/html");
    let json = ("content-type", "application/json");
    match content {
        Content::Nothing => Response::new(status, [], ""),
        Content::Page => {
            Response::new(status, [page], "<!DOCTYPE html><p>Accept the terms to go online.</html>")
        }
        Content::Huge => Response::new(status, [json], format!("\"{}\"", "x".repeat(1 << 20))),
        Content::Elsewhere => Response::new(status, [("location", "https://portal.example/login")], ""),
        Content::RetryAfter => Response::new(status, [("retry-after", "86400")], ""),
    }
}

pub(crate) struct FaultyClock {
    pub(crate) below: SiteClock,
    pub(crate) plan: Plan,
    state: Mutex<ClockState>,
}

#[derive(Default)]
struct ClockState {
    wall: i64,
    leap: u64,
    still: u32,
    last: Now,
}

impl FaultyClock {
    pub(crate) fn new(below: SiteClock, plan: Plan) -> Self {
        let last = below.now();
        Self { below, plan, state: Mutex::new(ClockState { last, ..ClockState::default() }) }
    }
}

impl Clock for FaultyClock {
    fn now(&self) -> Now {
        let mut state = self.state.lock().unwrap();
        match self.plan.next(Port::Clock) {
            Some(Fault::Wall(seconds)) => state.wall += seconds,
            Some(Fault::Leap(millis)) => state.leap += millis,
            Some(Fault::Still(readings)) => state.still = readings,
            _ => {}
        }
        if state.still > 0 {
            state.still -= 1;
            return state.last;
        }
        let Now { tick, wall } = self.below.now();
        state.last = Now { tick: Tick(tick.0 + state.leap), wall: Timestamp(wall.0 + state.wall) };
        state.last
    }

    fn turn(&self, until: Tick) -> bool {
        let leap = self.state.lock().unwrap().leap;
        self.below.turn(Tick(until.0.saturating_sub(leap)))
    }
}

pub(crate) struct FaultyPerson {
    pub(crate) below: Arc<dyn Prompt>,
    pub(crate) plan: Plan,
}

impl Prompt for FaultyPerson {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        let answer = || self.below.ask(question, dismissed);
        match self.plan.next(Port::Prompt) {
            Some(Fault::Dismissed) => Err(PromptFault::Cancelled),
            Some(Fault::Cannot(reason)) => Err(PromptFault::Cannot(reason)),
            Some(Fault::Nonsense) => Ok(match question {
                Question::Provider(_) => {
                    Answer::Password { username: Foreign::default(), password: Secret::default() }
                }
                _ => Answer::Provider(99),
            }),
            Some(Fault::Panic | Fault::PanicAfter) => panic(),
            Some(Fault::Cancel | Fault::Stall) => {
                // A prompt waits for its person, and for being dismissed.
                let (tell, hear) = std::sync::mpsc::channel();
                dismissed.on_dismiss(move || tell.send(()).unwrap_or_default());
                self.plan.cancel();
                hear.recv_timeout(Duration::from_secs(30)).unwrap();
                Err(PromptFault::Cancelled)
            }
            Some(Fault::Leave | Fault::LeaveAfter) => {
                self.plan.leave();
                answer()
            }
            _ => answer(),
        }
    }

    fn tell(&self, notice: &Notice) {
        match self.plan.next(Port::Prompt) {
            Some(Fault::Panic | Fault::PanicAfter) => panic(),
            Some(Fault::Leave | Fault::LeaveAfter) => self.plan.leave(),
            _ => {}
        }
        self.below.tell(notice);
    }
}
