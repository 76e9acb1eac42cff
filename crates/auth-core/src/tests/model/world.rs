//! The processes, the store, the lock and the server together, and whatever may happen to them next.

use std::collections::BTreeMap;

use super::super::script::{HELD, full, reply, unreachable};
use super::super::{Event, Holder, Loaded, Sent, TransportFault};
use super::flows::{Flows, Kept, Pair, Want, Why};
use super::state::{Bounds, Foreign, Mutant, Process, Reply, Server, State};

const REVOKED: &str = r#"{"detail":"Could not validate credentials"}"#;

pub(super) struct World {
    pub(super) flows: Flows,
    pub(super) server: Server,
    pub(super) mutant: Mutant,
    first: Kept,
    refused: bool,
    pub(super) faultless: bool,
    pub(super) violated: BTreeMap<&'static str, String>,
}

pub(super) type Label = &'static str;

impl World {
    /// With so many seconds to go of the first access token, which the server has refused or not.
    pub(super) fn new(server: Server, mutant: Mutant, left: i64, refused: bool) -> Self {
        let mut flows = Flows::new();
        let first = flows.first(left);
        Self { flows, server, mutant, first, refused, faultless: false, violated: BTreeMap::new() }
    }

    fn process(&mut self, epoch: u8) -> Process {
        let at = self.flows.start(self.refused.then_some(self.first), epoch);
        let (holds, reply) = (false, None);
        Process {
            at: Some(at),
            holds,
            reply,
            has: None,
            read: None,
            redeemed: None,
            refused: None,
            late: None,
            owes: false,
        }
    }

    pub(super) fn start(&mut self, refreshers: usize, bounds: Bounds) -> State {
        self.faultless = bounds
            == Bounds {
                restart: bounds.restart,
                expire: bounds.expire,
                torn: bounds.torn,
                ..Bounds::default()
            };
        State {
            processes: vec![self.process(0); refreshers],
            store: Some(self.first),
            intent: None,
            newest: 0,
            dead: false,
            presented: 0,
            requests: 0,
            bounds,
            epoch: 0,
            foreign: Foreign::Out,
            lost: false,
            beyond: false,
        }
    }

    fn violate(&mut self, property: &'static str, what: &str, state: &State) {
        self.violated.entry(property).or_insert_with(|| format!("{what}: {state:?}"));
    }

    /// Whatever may happen next.
    pub(super) fn successors(&mut self, state: &State) -> Vec<(Label, State)> {
        let mut next = Vec::new();
        for who in 0..state.processes.len() {
            // Of several that are the same, one is enough.
            if who == 0 || state.processes[who] != state.processes[who - 1] {
                self.of_process(state, who, &mut next);
            }
        }
        if state.bounds.rollback > 0 && state.store != Some(self.first) {
            let mut after = state.clone();
            after.bounds.rollback -= 1;
            (after.store, after.intent, after.beyond) = (Some(self.first), None, true);
            next.push(("rollback", after));
        }
        if state.bounds.expire > 0 && state.newest > 0 {
            let mut after = state.clone();
            after.bounds.expire -= 1;
            after.epoch += 1;
            next.push(("expire", after));
        }
        self.of_foreigner(state, &mut next);
        for (_, after) in &mut next {
            after.processes.sort();
        }
        if next.is_empty() {
            self.at_the_end(state);
        }
        next
    }

    fn of_foreigner(&mut self, state: &State, next: &mut Vec<(Label, State)>) {
        let mut after = state.clone();
        match state.foreign {
            Foreign::Out => {
                let (Some(kept), true) = (state.store, state.bounds.foreign > 0) else { return };
                after.bounds.foreign -= 1;
                after.foreign = Foreign::Read(self.flows.pair(kept));
                next.push(("a stranger reads", after));
            }
            Foreign::Read(pair) => {
                after.beyond = true;
                after.foreign = match self.act(&mut after, pair) {
                    Reply::Tokens(pair) => Foreign::Redeemed(pair),
                    Reply::No => Foreign::Out,
                };
                next.push(("a stranger redeems", after));
            }
            Foreign::Redeemed(pair) => {
                after.store = Some(self.flows.foreign(pair, state.epoch));
                after.foreign = Foreign::Out;
                next.push(("a stranger saves", after));
            }
        }
    }

    /// The server is shown a refresh token.
    fn act(&mut self, state: &mut State, pair: Pair) -> Reply {
        state.presented |= 1 << pair;
        state.requests += 1;
        if state.dead || (pair != state.newest && self.server != Server::Keeps) {
            state.dead |= self.server == Server::Detects;
            return Reply::No;
        }
        state.newest += 1;
        Reply::Tokens(state.newest)
    }

    fn of_process(&mut self, state: &State, who: usize, next: &mut Vec<(Label, State)>) {
        let process = &state.processes[who];
        if let Some(late) = process.late {
            const FAILS: Label = "a late change fails";
            let mut after = state.clone();
            let _ = self.change(&mut after, who, late);
            for (label, mut after) in [("a late change is made", after), (FAILS, state.clone())] {
                let process = &mut after.processes[who];
                process.late = None;
                process.holds &= !process.owes;
                process.owes = false;
                after.beyond |= label == FAILS && matches!(late, Want::Save { .. });
                next.push((label, after));
            }
        }
        let Some(at) = process.at else {
            self.restart(state, who, next);
            return;
        };
        let want = self.flows.want(at);
        if matches!(want, Want::Ok { .. } | Want::Err(_)) {
            self.restart(state, who, next);
            return;
        }
        if state.bounds.crash > 0 {
            let mut after = state.clone();
            after.bounds.crash -= 1;
            after.lost |= self.carries(state, process);
            let gone = &mut after.processes[who];
            let holds = gone.holds && self.mutant == Mutant::LockOutlivesHolder;
            *gone = Process {
                at: None,
                holds,
                reply: None,
                has: None,
                read: None,
                redeemed: None,
                refused: None,
                late: None,
                owes: false,
            };
            next.push(("crash", after));
        }
        if state.bounds.cancel > 0 && self.flows.interruptible(at) {
            let mut after = state.clone();
            after.bounds.cancel -= 1;
            self.take(after, who, "cancel", &Event::Cancel, next);
        }
        match want {
            Want::Load => self.load(state, who, next),
            Want::Lock { wait } => self.lock(state, who, wait, next),
            Want::Tell => self.take(state.clone(), who, "told", &Event::Told, next),
            Want::Pause => self.take(state.clone(), who, "paused", &Event::TimedOut, next),
            Want::Intent(_) | Want::Withdraw(_) | Want::Save { .. } | Want::ClearIf(_) => {
                self.apply(state, who, want, next);
            }
            Want::Send(pair) => self.send(state, who, pair, next),
            Want::Close => {
                let mut after = state.clone();
                let process = &mut after.processes[who];
                process.owes = process.late.is_some() && self.mutant != Mutant::LateChangeUnguarded;
                process.holds = process.owes || self.mutant == Mutant::LockKept;
                self.take(after, who, "unlock", &Event::Closed, next);
            }
            Want::Ok { .. } | Want::Err(_) => {}
        }
    }

    /// True if a successor dies with this process.
    fn carries(&self, state: &State, process: &Process) -> bool {
        let given = match (process.reply, process.late) {
            (Some(Reply::Tokens(pair)), _) => Some(pair),
            (_, Some(Want::Save { kept, .. })) => Some(self.flows.pair(kept)),
            _ => process.redeemed,
        };
        let stored = state.store.map(|kept| self.flows.pair(kept));
        self.server != Server::Keeps && given.is_some_and(|given| stored.is_none_or(|stored| stored < given))
    }

    fn restart(&mut self, state: &State, who: usize, next: &mut Vec<(Label, State)>) {
        if state.bounds.restart > 0 {
            let mut after = state.clone();
            after.bounds.restart -= 1;
            // What its caller was given and could not be saved goes with it.
            let Process { holds, late, owes, .. } = state.processes[who];
            after.processes[who] = Process { holds, late, owes, ..self.process(state.epoch) };
            next.push(("restart", after));
        }
    }

    fn load(&mut self, state: &State, who: usize, next: &mut Vec<(Label, State)>) {
        let process = &state.processes[who];
        let mut kept = state.store;
        if self.mutant == Mutant::RereadIsStale && process.holds {
            kept = process.read;
        }
        let loaded = kept.map_or(Loaded::None, |kept| Loaded::Found(self.flows.stored(kept, state.intent)));
        let mut after = state.clone();
        after.processes[who].has = kept;
        after.processes[who].read = process.read.or(kept);
        self.take(after, who, "load", &Event::Loaded(loaded), next);
        if state.bounds.torn > 0 {
            let mut after = state.clone();
            after.bounds.torn -= 1;
            self.take(after, who, "load torn", &Event::Loaded(Loaded::Torn), next);
        }
        self.fail(state, who, "load fails", next);
    }

    fn fail(&mut self, state: &State, who: usize, label: Label, next: &mut Vec<(Label, State)>) {
        if state.bounds.fail > 0 {
            let mut after = state.clone();
            after.bounds.fail -= 1;
            self.take(after, who, label, &Event::StoreFailed(full()), next);
        }
    }

    fn lock(&mut self, state: &State, who: usize, wait: bool, next: &mut Vec<(Label, State)>) {
        let taken = state.processes.iter().any(|process| process.holds);
        let mut after = state.clone();
        if !taken || self.mutant == Mutant::LockIgnored {
            after.processes[who].holds = true;
            self.take(after, who, "lock", &Event::Opened(HELD), next);
        } else if !wait {
            self.take(after, who, "busy", &Event::Busy(Holder::default()), next);
        }
        if wait && taken && state.bounds.late > 0 {
            let mut after = state.clone();
            after.bounds.late -= 1;
            if self.mutant == Mutant::LockWonByDeadline {
                after.processes[who].holds = true;
                self.take(after, who, "lock by deadline", &Event::Opened(HELD), next);
            } else {
                self.take(after, who, "lock too late", &Event::TimedOut, next);
            }
        }
        self.fail(state, who, "lock fails", next);
    }

    fn apply(&mut self, state: &State, who: usize, want: Want, next: &mut Vec<(Label, State)>) {
        let mut after = state.clone();
        let event = self.change(&mut after, who, want);
        self.take(after.clone(), who, "apply", &event, next);
        self.fail(state, who, "apply fails", next);
        if state.bounds.fail > 0 {
            let mut undone = state.clone();
            for done in [&mut after, &mut undone] {
                done.bounds.fail -= 1;
            }
            self.take(after, who, "apply, in silence", &Event::TimedOut, next);
            self.take(undone.clone(), who, "apply never", &Event::TimedOut, next);
            if undone.processes[who].late.is_none() {
                undone.processes[who].late = Some(want);
                self.take(undone, who, "apply, later", &Event::TimedOut, next);
            }
        }
    }

    fn change(&mut self, state: &mut State, who: usize, want: Want) -> Event {
        let stored = state.store.map(|kept| self.flows.pair(kept));
        match want {
            Want::Intent(pair) if self.mutant != Mutant::IntentDropped => {
                if stored != Some(pair) && self.mutant != Mutant::RereadIsStale {
                    return self.conflict(state);
                }
                state.intent = Some(pair);
            }
            Want::Withdraw(pair) => state.intent = state.intent.filter(|noted| *noted != pair),
            Want::Save { kept, over } if self.mutant != Mutant::SaveDropped => {
                let may_be = [over, self.flows.pair(kept)];
                if !stored.is_some_and(|stored| may_be.contains(&stored)) {
                    if self.mutant != Mutant::SaveUnchecked {
                        return self.conflict(state);
                    }
                    self.violate("P9", "what another program did is undone", state);
                }
                if !state.beyond && stored > Some(self.flows.pair(kept)) {
                    self.violate("P4", "an older session is saved over a newer one", state);
                }
                (state.store, state.intent) = (Some(kept), None);
            }
            Want::ClearIf(pair) => {
                if state.store.is_none() {
                    return Event::Applied;
                }
                if stored != Some(pair) && self.mutant != Mutant::ClearsAlways {
                    return self.conflict(state);
                }
                // A late one is of a flow that has ended, and what it was refused is forgotten.
                if state.processes[who].late.is_none() && stored != state.processes[who].refused {
                    self.violate("P4", "a session that was not refused is cleared", state);
                }
                (state.store, state.intent) = (None, None);
                if !state.lost && !state.beyond {
                    self.violate("P6", "a session is cleared that was not lost", state);
                }
            }
            _ => {}
        }
        Event::Applied
    }

    fn conflict(&self, state: &State) -> Event {
        Event::Conflict(state.store.map(|kept| self.flows.stored(kept, state.intent)))
    }

    fn send(&mut self, state: &State, who: usize, pair: Pair, next: &mut Vec<(Label, State)>) {
        if let Some(answer) = state.processes[who].reply {
            let mut after = state.clone();
            let process = &mut after.processes[who];
            process.reply = None;
            let event = match answer {
                Reply::Tokens(pair) => {
                    process.redeemed = Some(pair);
                    if self.mutant == Mutant::AnswerUnread { reply(200, "{}") } else { Flows::tokens(pair) }
                }
                Reply::No => {
                    process.refused = Some(pair);
                    reply(401, REVOKED)
                }
            };
            self.take(after, who, "answer", &event, next);
            if state.bounds.cut > 0 {
                for (label, event) in
                    [("answer lost", unreachable(TransportFault::Closed)), ("no answer", Event::TimedOut)]
                {
                    let mut after = state.clone();
                    after.bounds.cut -= 1;
                    after.lost |= self.server != Server::Keeps && matches!(answer, Reply::Tokens(_));
                    after.processes[who].reply = None;
                    self.take(after, who, label, &event, next);
                }
            }
            return;
        }
        let mut after = state.clone();
        self.presents(state, pair);
        after.processes[who].reply = Some(self.act(&mut after, pair));
        next.push(("the server acts", after));
        if state.bounds.drop > 0 {
            let refused = Event::Unreachable { fault: TransportFault::Connect, sent: Sent::No };
            let failed = reply(if self.mutant == Mutant::FailureIsNo { 401 } else { 502 }, "");
            for (label, event) in [
                ("not sent", refused),
                ("request lost", unreachable(TransportFault::Closed)),
                ("502", failed),
            ] {
                let mut after = state.clone();
                after.bounds.drop -= 1;
                if self.mutant == Mutant::FailureIsNo {
                    after.processes[who].refused = Some(pair);
                }
                self.take(after, who, label, &event, next);
            }
        }
    }

    /// P1 and P2, which are of this moment.
    fn presents(&mut self, state: &State, pair: Pair) {
        if state.presented & (1 << pair) == 0 || state.beyond {
            return;
        }
        let held: Vec<_> =
            state.processes.iter().filter_map(|process| process.has).chain(state.store).collect();
        let under_way = state
            .processes
            .iter()
            .any(|process| matches!(process.reply, Some(Reply::Tokens(given)) if given > pair));
        let newer: Vec<_> = held.into_iter().filter(|kept| self.flows.pair(*kept) > pair).collect();
        if newer.iter().any(|kept| self.flows.lasts(*kept, state.epoch)) {
            self.violate("P1", "presented again while a newer access token is usable", state);
        }
        if under_way || !newer.is_empty() {
            self.violate("P2", "presented again while its successor is held", state);
        }
    }

    /// A flow takes an event; what it has then is noted, and so is how it ended.
    fn take(
        &mut self,
        mut state: State,
        who: usize,
        label: Label,
        event: &Event,
        next: &mut Vec<(Label, State)>,
    ) {
        let at = self.flows.resume(state.processes[who].at.unwrap(), state.epoch, event);
        if let Event::Conflict(Some(stored)) = event {
            state.processes[who].has = Some(self.flows.keep(&stored.session));
        }
        let process = &mut state.processes[who];
        process.at = Some(at);
        match self.flows.want(at) {
            Want::Save { kept, .. } => process.has = Some(kept),
            Want::Ok { kept, saved, .. } => {
                process.has = Some(kept);
                let redeemed = process.redeemed;
                state.beyond |= !saved && process.late.is_none();
                if redeemed.is_some_and(|redeemed| redeemed != self.flows.pair(kept)) && !state.beyond {
                    self.violate("P7", "another session than was redeemed", &state);
                }
            }
            Want::Err(why) => {
                process.has = None;
                let redeemed = process.redeemed;
                if redeemed.is_some() && !state.beyond {
                    self.violate("P7", "redeemed, and ended badly", &state);
                }
                if !state.beyond && (why == Why::Over || (why == Why::Lost && !state.lost)) {
                    self.violate("P8", "lost, and something else said", &state);
                }
            }
            _ => {}
        }
        if matches!(self.flows.want(at), Want::Ok { .. } | Want::Err(_)) {
            // Nothing of it matters any more.
            let process = &mut state.processes[who];
            (process.reply, process.read, process.redeemed, process.refused) = (None, None, None, None);
        }
        next.push((label, state));
    }

    fn at_the_end(&mut self, state: &State) {
        let ended = |process: &Process| {
            process.at.is_none_or(|at| matches!(self.flows.want(at), Want::Ok { .. } | Want::Err(_)))
        };
        if !state.processes.iter().all(ended) {
            self.violate("P5", "somebody waits for ever", state);
        }
        if state.processes.iter().any(|process| process.holds) {
            self.violate("P5", "a lock was not given back", state);
        }
        if state.store.is_none() && !state.lost && !state.beyond {
            self.violate("P6", "signed out", state);
        }
        if !self.faultless {
            return;
        }
        let newest = state.store.filter(|kept| self.flows.pair(*kept) == state.newest);
        let same = |process: &Process| {
            let Some(Want::Ok { kept, clean, .. }) = process.at.map(|at| self.flows.want(at)) else {
                return false;
            };
            // Whoever ended before the tokens did has what was newest then.
            clean && (Some(kept) == newest || !self.flows.lasts(kept, state.epoch))
        };
        if newest.is_none() || state.dead || !state.processes.iter().all(same) {
            self.violate("P3", "not all have the newest session", state);
        }
        let most = 1 + state.epoch;
        if state.requests > most || state.requests == 0 {
            self.violate("P3", "more token requests than expiries", state);
        }
    }
}
