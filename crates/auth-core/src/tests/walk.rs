//! Every reachable state of every flow, met with every event.
//!
//! The alphabet below is finite, and so is each flow: counters are capped and time stands still except where a
//! deadline passes. What is asserted of all states is written at [`check`] and [`Ledger`].

#![expect(clippy::disallowed_types, reason = "the walk's bookkeeping; no flow sees its order")]

use core::fmt::Debug;
use core::hash::Hash;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::LazyLock;

use super::*;
use crate::error::{CannotPrompt, StoreFaultKind};
use crate::foreign::Foreign;
use crate::ports::Replaces;
use crate::question::PromptFault;
use crate::secret::Secret;
use crate::seed::Seed;
use crate::session::{Facts, Links, Session, Tokens};
use crate::tiled::TiledUri;
use crate::time::Timestamp;

const WALL: i64 = 10_000;

fn start() -> Now {
    Now { tick: Tick(1_000), wall: Timestamp(WALL) }
}

fn uri() -> TiledUri {
    "http://127.0.0.1:8000".parse().unwrap()
}

fn seed() -> Seed {
    Seed::new([7; 32])
}

/// What every secret of the walk begins with.
fn canary() -> &'static str {
    static CANARY: LazyLock<String> = LazyLock::new(|| canary::plant("the walk"));
    &CANARY
}

fn secret(name: &str) -> Secret {
    Secret::from(format!("{}-{name}", canary()))
}

fn session(name: &str, left: i64, principal: &str) -> Session {
    let expires = Timestamp(WALL + left);
    Session {
        tokens: Tokens {
            access: Some(secret(name)),
            refresh: Some(secret(&format!("r-{name}"))),
            id: None,
            ..Tokens::default()
        },
        facts: Facts {
            received: Some(Timestamp(expires.0 - 900)),
            expires: Some(expires),
            principal: Some(Foreign::from(principal)),
            ..Facts::default()
        },
        links: Links { whoami: None, refresh: Some("/api/v1/auth/session/refresh".to_owned()) },
    }
}

fn found() -> Vec<Stored> {
    let over = session("old", -5, "p");
    let without_refresh = Session { tokens: Tokens { refresh: None, ..over.tokens.clone() }, ..over.clone() };
    let unknown_links = Session { links: Links::default(), ..over.clone() };
    let of_unknown_life = Session { facts: Facts::default(), ..over.clone() };
    let interrupted =
        Stored { session: over.clone(), intent: over.tokens.refresh.as_ref().map(crate::Digest::of) };
    let alone = |session| Stored { session, intent: None };
    vec![
        alone(session("good", 600, "p")),
        alone(session("old", 30, "p")),
        alone(session("other", 600, "q")),
        alone(session("next", -1, "p")),
        alone(without_refresh),
        alone(unknown_links),
        alone(of_unknown_life),
        interrupted,
        alone(over),
    ]
}

const ABOUT: [&str; 5] = [
    r#"{"authentication":{"required":true,"links":{"refresh_session":"/api/v1/auth/session/refresh"},"providers":[
        {"provider":"toy","mode":"internal","links":{"auth_endpoint":"/api/v1/auth/provider/toy/token"},
         "confirmation_message":"hi {id}"}]}}"#,
    r#"{"authentication":{"required":false,"providers":[
        {"provider":"one","mode":"password","links":{"auth_endpoint":"/token"}},
        {"provider":"two","mode":"external","links":{}}, {"provider":"three","mode":"telepathy"}]}}"#,
    r#"{"authentication":{"required":true}}"#,
    r#"{"authentication":{"required":false}}"#,
    "<html>",
];

#[path = "walk_shotgun.rs"]
mod shotgun;

fn responses(request: &Request) -> Vec<Event> {
    let tokens = format!(
        r#"{{"access_token":"{0}-new","refresh_token":"{0}-r-new","expires_in":900,"token_type":"bearer",
            "identity":{{"id":"alice","provider":"toy"}},"principal":"p"}}"#,
        canary()
    );
    if let Some(events) = shotgun::responses(request) {
        return events;
    }
    let bodies: Vec<(u16, String)> = if request.body.is_some() {
        vec![
            (200, tokens),
            (200, format!(r#"{{"access_token":"{}-brief","expires_in":1}}"#, canary())),
            (200, "{}".to_owned()),
            (204, String::new()),
            (400, r#"{"error":"invalid_grant"}"#.to_owned()),
            (401, r#"{"detail":"Session has expired. Please re-authenticate."}"#.to_owned()),
            (401, r#"{"detail":"Could not validate credentials"}"#.to_owned()),
            (422, String::new()),
        ]
    } else if request.authorization.is_some() {
        vec![
            (200, r#"{"uuid":"9f","type":"user"}"#.to_owned()),
            (200, "null".to_owned()),
            (401, r#"{"detail":"Access token has expired. Refresh token."}"#.to_owned()),
            (401, r#"{"detail":"Not enough permissions. Requires scopes ['x']."}"#.to_owned()),
            (403, String::new()),
        ]
    } else {
        ABOUT.iter().map(|body| (200, (*body).to_owned())).collect()
    };
    let redirect = |to: &str| Event::Response(Response::new(307, [("location", to)], ""));
    let unreachable = |fault, sent| Event::Unreachable { fault, sent };
    let mut events: Vec<_> =
        bodies.into_iter().map(|(status, body)| Event::Response(Response::new(status, [], body))).collect();
    events.extend([404, 429, 500, 502].map(|status| Event::Response(Response::new(status, [], ""))));
    events.extend([
        redirect("/elsewhere"),
        redirect("https://evil.example/"),
        redirect("https://example.org/tiled"),
    ]);
    events.push(unreachable(TransportFault::Connect, Sent::No));
    events.push(unreachable(TransportFault::Closed, Sent::Maybe));
    events.push(unreachable(TransportFault::Timeout, Sent::Maybe));
    events
}

fn store_failed() -> Event {
    Event::StoreFailed(StoreFault { kind: StoreFaultKind::Full, path: Foreign::default() })
}

/// For flows that nest two others, whose own walks are whole: one event of each kind that leads elsewhere.
fn essential(event: &Event) -> bool {
    match event {
        Event::Response(response) => matches!(response.status(), 200 | 401 | 502),
        Event::Unreachable { fault, .. } => *fault == TransportFault::Connect,
        Event::Loaded(Loaded::Found(stored)) | Event::Conflict(Some(stored)) => {
            [Some(Timestamp(WALL + 600)), Some(Timestamp(WALL - 5))].contains(&stored.session.facts.expires)
                && stored.intent.is_none()
                && stored.session.facts.principal == Some("p".into())
                && stored.session.tokens.refresh.is_some()
                && stored.session.links.refresh.is_some()
        }
        Event::Busy(_) => false,
        _ => true,
    }
}

/// Whatever may legally come of a step, but for time and cancels.
fn answers<T>(step: &Step<T>, next: Held) -> Vec<Event> {
    let password =
        |username: &str, password: Secret| Answer::Password { username: Foreign::from(username), password };
    match step {
        Step::Send(request) => responses(request),
        Step::Ask(Question::Password(_)) => vec![
            Event::Answer(password("alice", secret("password"))),
            Event::Answer(password("alice", Secret::default())),
            Event::Answer(password("", secret("password"))),
            Event::PromptFailed(PromptFault::Cancelled),
            Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal)),
        ],
        Step::Ask(Question::Provider(question)) => (0..question.providers.len())
            .map(|index| Event::Answer(Answer::Provider(index)))
            .chain([
                Event::PromptFailed(PromptFault::Cancelled),
                Event::PromptFailed(PromptFault::Cannot(CannotPrompt::HungUp)),
            ])
            .collect(),
        Step::Ask(Question::Site(_)) => {
            let typed = |site: &str| Event::Answer(Answer::Site(Foreign::from(site)));
            let no = Event::PromptFailed(PromptFault::Cancelled);
            vec![typed("studio.example"), typed("ftp://studio.example"), typed(""), no]
        }
        Step::Ask(Question::Method(question)) => (0..question.methods.len())
            .map(|index| Event::Answer(Answer::Method(index)))
            .chain([Event::PromptFailed(PromptFault::Cancelled)])
            .collect(),
        Step::Ask(Question::Code(_)) => vec![
            Event::Answer(Answer::Code(secret("code"))),
            Event::Answer(Answer::Code(Secret::default())),
            Event::PromptFailed(PromptFault::Cancelled),
        ],
        Step::Ask(Question::Key(_)) => {
            vec![Event::Answer(Answer::Key(secret("key"))), Event::PromptFailed(PromptFault::Cancelled)]
        }
        Step::Ask(Question::Browser(_) | Question::Page(_)) => vec![
            Event::Answer(Answer::Proceed),
            Event::PromptFailed(PromptFault::Cancelled),
            Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal)),
        ],
        Step::Tell(_) => vec![Event::Told],
        Step::Load(_) => found()
            .into_iter()
            .map(|stored| Event::Loaded(Loaded::Found(Box::new(stored))))
            .chain([Event::Loaded(Loaded::None), Event::Loaded(Loaded::Torn), store_failed()])
            .collect(),
        Step::Apply(Change::ClearIf { .. } | Change::Save { .. } | Change::Intent { .. }) => {
            let mut events: Vec<_> =
                found().into_iter().map(|stored| Event::Conflict(Some(Box::new(stored)))).collect();
            events.extend([Event::Conflict(None), Event::Applied, store_failed()]);
            events
        }
        Step::Apply(_) | Step::Note { .. } => vec![Event::Applied, store_failed()],
        Step::Recall(_) => {
            let at = |ago: i64| Timestamp(WALL - ago);
            let asked = [
                Asked::Answered,
                Asked::Declined { at: at(0) },
                Asked::Unanswered { times: 2, at: at(0) },
                Asked::Unanswered { times: u8::MAX, at: at(0) },
            ];
            asked.into_iter().map(Event::Recalled).chain([store_failed()]).collect()
        }
        Step::Open { .. } => {
            let busy = |stopped| Event::Busy(Holder { stopped, ..Holder::default() });
            vec![Event::Opened(next), busy(false), busy(true), store_failed()]
        }
        Step::Close(_) => vec![Event::Closed],
        Step::Wait { .. } | Step::Done(_) => vec![],
    }
}

/// One of each kind of event, to be refused wherever it does not belong.
fn strangers() -> Vec<Event> {
    vec![
        Event::Start,
        Event::Response(Response::new(200, [], "")),
        Event::Unreachable { fault: TransportFault::Connect, sent: Sent::No },
        Event::Answer(Answer::Provider(99)),
        Event::Answer(Answer::Password { username: "u".into(), password: secret("p") }),
        Event::Answer(Answer::Site("s".into())),
        Event::Answer(Answer::Method(99)),
        Event::Answer(Answer::Code(secret("c"))),
        Event::Answer(Answer::Key(secret("k"))),
        Event::Answer(Answer::Proceed),
        Event::PromptFailed(PromptFault::Cancelled),
        Event::Told,
        Event::Loaded(Loaded::None),
        Event::Recalled(Asked::Answered),
        Event::Applied,
        Event::Conflict(None),
        Event::Conflict(Some(Box::new(found().remove(0)))),
        store_failed(),
        Event::Opened(Held(99)),
        Event::Busy(Holder::default()),
        Event::Closed,
    ]
}

fn belongs<T>(step: &Step<T>, event: &Event) -> bool {
    match (step, event) {
        (Step::Send(_), Event::Response(_) | Event::Unreachable { .. })
        | (Step::Tell(_), Event::Told)
        | (Step::Load(_), Event::Loaded(_) | Event::StoreFailed(_))
        | (Step::Apply(_), Event::Applied | Event::Conflict(_) | Event::StoreFailed(_))
        | (Step::Recall(_), Event::Recalled(_) | Event::StoreFailed(_))
        | (Step::Note { .. }, Event::Applied | Event::StoreFailed(_))
        | (Step::Open { .. }, Event::Opened(_) | Event::Busy(_) | Event::StoreFailed(_))
        | (Step::Close(_), Event::Closed)
        | (Step::Ask(_), Event::PromptFailed(_))
        | (Step::Ask(Question::Password(_)), Event::Answer(Answer::Password { .. }))
        | (Step::Ask(Question::Site(_)), Event::Answer(Answer::Site(_)))
        | (Step::Ask(Question::Code(_)), Event::Answer(Answer::Code(_)))
        | (Step::Ask(Question::Key(_)), Event::Answer(Answer::Key(_)))
        | (Step::Ask(Question::Browser(_) | Question::Page(_)), Event::Answer(Answer::Proceed)) => true,
        (Step::Ask(Question::Provider(question)), Event::Answer(Answer::Provider(index))) => {
            *index < question.providers.len()
        }
        (Step::Ask(Question::Method(question)), Event::Answer(Answer::Method(index))) => {
            *index < question.methods.len()
        }
        _ => false,
    }
}

/// Tokens that were given and are not saved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Hand {
    #[default]
    Empty,
    Full,
    /// They could not be saved.
    Unsaved,
    /// They are given up, and the server is to be told.
    Abandoned,
}

/// What must balance at the end of every path.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Ledger {
    opened: BTreeSet<Held>,
    next: u64,
    hand: Hand,
    cancelled: bool,
    /// The flow's output are tokens for its parent to save.
    hands_over: bool,
}

impl Ledger {
    fn note<T>(&mut self, step: &Step<T>, event: &Event) {
        match (step, event) {
            (_, Event::Opened(held)) => {
                self.opened.insert(*held);
                self.next += 1;
            }
            (Step::Close(held), Event::Closed) => {
                assert!(self.opened.remove(held), "what is not open is closed");
            }
            (Step::Send(request), Event::Response(response))
                if (["token", "refresh"].iter().any(|end| request.url.path().ends_with(end))
                    && response.body().expose().contains("access_token"))
                    || shotgun::is_granted(response) =>
            {
                self.hand = Hand::Full;
            }
            (Step::Send(request), _)
                if self.hand == Hand::Abandoned && request.url.path().ends_with("/revoke") =>
            {
                self.hand = Hand::Empty;
            }
            (
                Step::Apply(Change::Save { session: ours, replaces: Replaces::Redeemed(_), .. }),
                Event::Conflict(there),
            ) => {
                let principal = |session: &Session| session.facts.principal.clone();
                let theirs = there.as_ref().map(|stored| &stored.session);
                self.hand = match (principal(ours), theirs.map(principal)) {
                    (_, None) => Hand::Abandoned,
                    _ if theirs.is_some_and(|theirs| theirs.tokens.refresh == ours.tokens.refresh) => {
                        Hand::Empty
                    }
                    (Some(ours), Some(Some(theirs))) if ours == theirs => Hand::Empty,
                    (Some(_), Some(Some(_))) => Hand::Abandoned,
                    _ => Hand::Unsaved,
                };
            }
            (Step::Apply(Change::Save { .. }), Event::Applied) => self.hand = Hand::Empty,
            (Step::Apply(Change::Save { .. }), _) => self.hand = Hand::Unsaved,
            (_, Event::Cancel) => self.cancelled = true,
            _ => {}
        }
    }

    fn balance<T>(&self, result: &Result<Outcome<T>, Error>) {
        assert!(self.opened.is_empty(), "left open at the end: {:?}", self.opened);
        assert_ne!(self.hand, Hand::Abandoned, "tokens were given up, and the server not told");
        if self.hand != Hand::Empty && !self.hands_over {
            let Ok(outcome) = result else {
                panic!("tokens were given and thrown away: {:?}", result.as_ref().err())
            };
            let said = outcome.warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_)));
            assert!(said, "tokens were given, not saved, and nothing said");
        }
    }
}

struct Node<F: Flow> {
    flow: F,
    step: Step<F::Output>,
    ledger: Ledger,
    next: Vec<usize>,
}

/// Walks a flow and prints what was seen.
fn walk<F>(name: &str, flow: F)
where
    F: Flow<Output: Clone + Eq + Hash + Debug> + Clone + Eq + Hash + Debug,
{
    walk_with(name, flow, |_| true);
}

fn walk_with<F>(name: &str, flow: F, alphabet: fn(&Event) -> bool)
where
    F: Flow<Output: Clone + Eq + Hash + Debug> + Clone + Eq + Hash + Debug,
{
    let mut first = flow;
    let early = first.clone();
    for event in strangers().into_iter().filter(|event| *event != Event::Start).chain([Event::TimedOut]) {
        assert!(first.resume(start(), event).is_err());
        assert_eq!(first, early, "{name}: misuse before the start changed something");
    }
    let mut cancelled = first.clone();
    let end = cancelled.resume(start(), Event::Cancel);
    assert!(matches!(end, Ok(Step::Done(Err(Error::Cancelled)))), "{name}: {end:?}");
    let step = first.resume(start(), Event::Start).unwrap();

    let mut seen = HashMap::new();
    let mut nodes: Vec<Node<F>> = Vec::new();
    let mut queue = VecDeque::new();
    let mut transitions = 0_usize;
    let mut add = |nodes: &mut Vec<Node<F>>,
                   queue: &mut VecDeque<usize>,
                   flow: F,
                   step: Step<F::Output>,
                   ledger: Ledger| {
        *seen.entry((flow.clone(), step.clone(), ledger.clone())).or_insert_with(|| {
            check(name, &flow, &step, &ledger);
            nodes.push(Node { flow, step, ledger, next: Vec::new() });
            queue.push_back(nodes.len() - 1);
            nodes.len() - 1
        })
    };
    let hands_over =
        ["password", "shotgun password", "shotgun app session"].iter().any(|flow| name.starts_with(flow));
    add(&mut nodes, &mut queue, first, step, Ledger { hands_over, ..Ledger::default() });
    while let Some(at) = queue.pop_front() {
        let (flow, step, ledger) = (nodes[at].flow.clone(), nodes[at].step.clone(), nodes[at].ledger.clone());
        let mut events: Vec<_> = answers(&step, Held(ledger.next))
            .into_iter()
            .filter(alphabet)
            .map(|event| (start(), event))
            .collect();
        if let Some(deadline) = flow.deadline() {
            events.push((Now { tick: deadline, ..start() }, Event::TimedOut));
        }
        if flow.interruptible() {
            events.push((start(), Event::Cancel));
        }
        if flow.suspendable() {
            events.push((start(), Event::PromptFailed(PromptFault::Suspended)));
        }
        for (now, event) in events {
            transitions += 1;
            let mut next = flow.clone();
            let mut after = ledger.clone();
            after.note(&step, &event);
            let step = next
                .resume(now, event.clone())
                .unwrap_or_else(|misuse| panic!("{name}: {event:?}: {misuse}"));
            let to = add(&mut nodes, &mut queue, next, step, after);
            nodes[at].next.push(to);
        }
    }
    let ends = nodes.iter().filter(|node| matches!(node.step, Step::Done(_))).count();
    assert_every_path_ends(name, &nodes);
    println!("walk: {name:<28} {:>7} states {transitions:>8} transitions {ends:>6} ends", nodes.len());
}

/// What holds in every single state.
fn check<F>(name: &str, flow: &F, step: &Step<F::Output>, ledger: &Ledger)
where
    F: Flow<Output: Debug> + Clone + Eq + Debug,
{
    let shown = format!("{flow:?} {step:?} {flow:#?}");
    assert!(!shown.contains(canary()), "{name}: a secret is printed: {}", canary::named(&shown));
    let mut met = flow.clone();
    for event in strangers().into_iter().filter(|event| !belongs(step, event)) {
        assert!(met.resume(start(), event.clone()).is_err(), "{name}: {event:?} was taken at {step:?}");
        assert_eq!(met, *flow, "{name}: misuse changed something");
    }
    if let Some(deadline) = flow.deadline() {
        let before = Now { tick: Tick(deadline.0 - 1), ..start() };
        assert_eq!(met.resume(before, Event::TimedOut).err(), Some(Misuse::TooEarly));
    }
    if !flow.suspendable() {
        assert!(met.resume(start(), Event::PromptFailed(PromptFault::Suspended)).is_err());
    }
    let refused = match step {
        Step::Done(result) => {
            ledger.balance(result);
            Some(Misuse::Ended)
        }
        _ if !flow.interruptible() => Some(Misuse::NotNow),
        _ => None,
    };
    if let Some(refused) = refused {
        assert_eq!(met.resume(start(), Event::Cancel).err(), Some(refused));
    }
    assert_eq!(met, *flow, "{name}: misuse changed something");
    if let Step::Done(result) = step {
        assert!(!ledger.cancelled || !matches!(result, Err(error) if error.ends_session()));
    } else if !matches!(step, Step::Tell(Notice::Suspend) | Step::Close(_)) {
        assert!(flow.deadline().is_some(), "{name}: {step:?} has no deadline");
    }
    if ledger.hand == Hand::Full {
        assert!(
            !flow.interruptible() || matches!(step, Step::Done(_)),
            "{name}: a token in hand can be cancelled"
        );
    }
}

/// No state is its own successor, however far: so every path ends.
fn assert_every_path_ends<F: Flow>(name: &str, nodes: &[Node<F>]) {
    let mut before = vec![0_usize; nodes.len()];
    for node in nodes {
        for &to in &node.next {
            before[to] += 1;
        }
    }
    let mut ready: Vec<_> = (0..nodes.len()).filter(|&at| before[at] == 0).collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for &to in &nodes[at].next {
            before[to] -= 1;
            if before[to] == 0 {
                ready.push(to);
            }
        }
        let ended = matches!(nodes[at].step, Step::Done(_));
        assert_eq!(ended, nodes[at].next.is_empty(), "{name}: a state without a way on that is no end");
    }
    assert_eq!(done, nodes.len(), "{name}: a path goes in circles");
}

#[test]
fn discover_every_state() {
    walk("discover", Discover::new(uri(), seed()));
    let remote: TiledUri = "http://example.org/tiled".parse().unwrap();
    walk("discover http", Discover::new(remote.clone(), seed()));
    walk("discover http allowed", Discover::new(remote, seed()).allow_http(true));
}

#[test]
fn password_every_state() {
    let endpoint = uri().below("auth/provider/toy/token");
    walk("password", Password::new(endpoint.clone(), "toy".into(), None));
    let given = Password::new(endpoint, "toy".into(), Some("alice".into())).given(Some(secret("given")));
    walk("password given", given);
}

#[test]
fn renewal_every_state() {
    walk("renewal", Renewal::new(uri(), seed()));
    walk("renewal lasting", Renewal::new(uri(), seed()).lasting(Some(Duration::from_hours(1))));
    walk("renewal refused", Renewal::new(uri(), seed()).refused(&session("good", 600, "p")));
}

#[test]
fn login_every_state() {
    walk("login", Login::new(uri(), LoginOptions::default(), seed()));
    let reuse = LoginOptions { reuse: true, ..LoginOptions::default() };
    walk("login reuse", Login::new(uri(), reuse.clone(), seed()));
    walk("login reuse, never ask", Login::new(uri(), LoginOptions { never_ask: true, ..reuse }, seed()));
    let given = LoginOptions {
        never_ask: true,
        username: Some("alice".into()),
        password: Some(secret("given")),
        provider: Some("one".into()),
        ..LoginOptions::default()
    };
    walk("login given", Login::new(uri(), given, seed()));
    let anonymous = LoginOptions { reuse: true, anonymous: true, ..LoginOptions::default() };
    let governed = Governor::new(Login::new(uri(), LoginOptions::default(), seed()));
    walk("login governed", governed.bounded());
    let governed = LoginOptions { reuse: true, ..LoginOptions::default() };
    let governed = Governor::new(Login::new(uri(), governed, seed())).bounded();
    walk_with("login reuse, governed", governed, essential);
    walk("login anonymous", Login::new(uri(), anonymous, seed()));
}

#[test]
fn call_every_state() {
    let request = Request::get(uri().below("auth/whoami"));
    let call = Call::new(uri(), request.clone(), session("good", 600, "p"), seed());
    walk("call bounded", call.clone().bounded());
    walk_with("call", call, essential);
    walk("call with a key", Call::with_key(uri(), request, secret("key"), seed()));
}

#[test]
fn whoami_every_state() {
    walk_with("whoami", Whoami::new(uri(), seed()).bounded(), essential);
    walk("whoami with a key", Whoami::with_key(uri(), secret("key"), seed()));
}

#[test]
fn logout_every_state() {
    walk("logout", Logout::new(uri()));
}

#[test]
fn tell_every_state() {
    walk("tell", Tell::new(Notice::Confirmation("hi".into())));
    walk("tell of a stop", Tell::new(Notice::Suspend));
}
