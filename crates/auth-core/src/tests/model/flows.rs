//! The flows of the model by number: a state of the system is small, and no flow takes the same event twice.

use std::collections::HashMap;

use super::super::script::{WALL, secret, seed, session, tokens, uri};
use super::super::{Event, Flow as _, Renewal, Renewed, Step, Warning};
use crate::digest::Digest;
use crate::error::Error;
use crate::ports::{Change, Replaces, Stored};
use crate::secret::Secret;
use crate::session::Session;
use crate::time::{Now, Tick, Timestamp};

/// A state of a flow.
pub(super) type At = u16;
/// A session: what its tokens are called, and all that is known of them.
pub(super) type Kept = u16;
/// A pair of tokens: 0 is the first, and every later one was given later.
pub(super) type Pair = u8;

const PAIRS: Pair = 16;
const EPOCH: i64 = 2_000;

/// What a flow wants done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Want {
    Load,
    Lock {
        wait: bool,
    },
    Tell,
    Pause,
    Intent(Pair),
    Withdraw(Pair),
    /// A session, in the place of the one whose refresh token was redeemed.
    Save {
        kept: Kept,
        over: Pair,
    },
    ClearIf(Pair),
    Send(Pair),
    Close,
    Ok {
        kept: Kept,
        saved: bool,
        clean: bool,
    },
    Err(Why),
}

/// Why a flow ended badly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Why {
    Lost,
    /// Expired or revoked.
    Over,
    Other,
}

type Node = (Renewal, Step<Renewed>);

pub(super) struct Flows {
    nodes: Vec<Node>,
    numbers: HashMap<Node, At>,
    next: HashMap<(At, u8, Event), At>,
    wants: Vec<Want>,
    sessions: Vec<Session>,
    refresh: Vec<Secret>,
    digests: Vec<Digest>,
}

pub(super) fn name(pair: Pair) -> String {
    format!("n{pair}")
}

fn now(epoch: u8) -> Now {
    Now { tick: Tick(1_000), wall: Timestamp(WALL + EPOCH * i64::from(epoch)) }
}

impl Flows {
    pub(super) fn new() -> Self {
        let refresh: Vec<_> = (0..PAIRS).map(|pair| secret(&format!("r-{}", name(pair)))).collect();
        Self {
            nodes: Vec::new(),
            numbers: HashMap::new(),
            next: HashMap::new(),
            wants: Vec::new(),
            sessions: Vec::new(),
            digests: refresh.iter().map(Digest::of).collect(),
            refresh,
        }
    }

    pub(super) fn start(&mut self, refused: Option<Kept>, epoch: u8) -> At {
        let mut flow = Renewal::new(uri(), seed());
        if let Some(kept) = refused {
            flow = flow.refused(&self.sessions[usize::from(kept)]);
        }
        let step = flow.resume(now(epoch), Event::Start).unwrap();
        self.add((flow, step))
    }

    /// The state after an event; it is the same whenever it is asked for.
    pub(super) fn resume(&mut self, at: At, epoch: u8, event: &Event) -> At {
        if let Some(&next) = self.next.get(&(at, epoch, event.clone())) {
            return next;
        }
        let (mut flow, _) = self.nodes[usize::from(at)].clone();
        let mut now = now(epoch);
        if *event == Event::TimedOut {
            now.tick = flow.deadline().unwrap();
        }
        let step = flow.resume(now, event.clone()).unwrap();
        let next = self.add((flow, step));
        self.next.insert((at, epoch, event.clone()), next);
        next
    }

    pub(super) fn want(&self, at: At) -> Want {
        self.wants[usize::from(at)]
    }

    pub(super) fn interruptible(&self, at: At) -> bool {
        self.nodes[usize::from(at)].0.interruptible()
    }

    pub(super) fn keep(&mut self, session: &Session) -> Kept {
        let at = self.sessions.iter().position(|known| known == session).unwrap_or_else(|| {
            self.sessions.push(session.clone());
            self.sessions.len() - 1
        });
        Kept::try_from(at).unwrap()
    }

    /// The session that is renewed first, with so many seconds to go.
    pub(super) fn first(&mut self, left: i64) -> Kept {
        self.keep(&session(&name(0), left))
    }

    /// What a program without our locks keeps of the same answer.
    pub(super) fn foreign(&mut self, pair: Pair, epoch: u8) -> Kept {
        self.keep(&session(&name(pair), 900 + EPOCH * i64::from(epoch)))
    }

    pub(super) fn pair(&self, kept: Kept) -> Pair {
        self.pair_of(&self.sessions[usize::from(kept)])
    }

    fn pair_of(&self, session: &Session) -> Pair {
        let token = session.tokens.refresh.as_ref();
        self.number(|pair| token == Some(&self.refresh[pair]))
    }

    fn number(&self, is: impl Fn(usize) -> bool) -> Pair {
        Pair::try_from((0..self.refresh.len()).find(|&pair| is(pair)).expect("a pair of the model")).unwrap()
    }

    pub(super) fn lasts(&self, kept: Kept, epoch: u8) -> bool {
        self.sessions[usize::from(kept)].lasts(now(epoch), core::time::Duration::ZERO)
    }

    pub(super) fn stored(&self, kept: Kept, intent: Option<Pair>) -> Box<Stored> {
        // An intent is of one token, and over when that is replaced.
        let intent =
            intent.filter(|pair| *pair == self.pair(kept)).map(|pair| self.digests[usize::from(pair)]);
        Box::new(Stored { session: self.sessions[usize::from(kept)].clone(), intent })
    }

    pub(super) fn tokens(pair: Pair) -> Event {
        tokens(&name(pair), 900)
    }

    fn add(&mut self, node: Node) -> At {
        if let Some(&at) = self.numbers.get(&node) {
            return at;
        }
        let want = self.read(&node.1);
        let at = At::try_from(self.nodes.len()).unwrap();
        self.nodes.push(node.clone());
        self.numbers.insert(node, at);
        self.wants.push(want);
        at
    }

    fn read(&mut self, step: &Step<Renewed>) -> Want {
        match step {
            Step::Load(_) => Want::Load,
            Step::Open { wait, .. } => Want::Lock { wait: *wait },
            Step::Tell(_) => Want::Tell,
            Step::Wait { .. } => Want::Pause,
            Step::Close(_) => Want::Close,
            Step::Apply(Change::Intent { redeeming, .. }) => {
                Want::Intent(self.number(|pair| self.digests[pair] == *redeeming))
            }
            Step::Apply(Change::Withdraw { redeeming, .. }) => {
                Want::Withdraw(self.number(|pair| self.digests[pair] == *redeeming))
            }
            Step::Apply(Change::Save { session, replaces: Replaces::Redeemed(redeemed), .. }) => Want::Save {
                kept: self.keep(session),
                over: self.number(|pair| self.digests[pair] == *redeemed),
            },
            Step::Apply(Change::ClearIf { generation, .. }) => Want::ClearIf(
                self.sessions
                    .iter()
                    .find(|session| session.tokens.generation() == *generation)
                    .map(|session| self.pair_of(session))
                    .expect("a session of the model"),
            ),
            Step::Send(request) => {
                let content = request.content().expect("a token request").expose();
                Want::Send(
                    self.number(|pair| content.contains(&format!("\"{}\"", self.refresh[pair].expose()))),
                )
            }
            Step::Done(Ok(outcome)) => Want::Ok {
                kept: self.keep(&outcome.value.session),
                saved: !outcome.warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_))),
                clean: outcome.warnings.is_empty(),
            },
            Step::Done(Err(error)) => Want::Err(match error {
                Error::Lost => Why::Lost,
                Error::Expired(_) | Error::Revoked(_) => Why::Over,
                _ => Why::Other,
            }),
            step => panic!("not of a renewal here: {step:?}"),
        }
    }
}
