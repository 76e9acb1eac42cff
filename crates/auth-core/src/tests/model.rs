//! What several refreshers of one session can do to each other: every order of all their steps, with misfortunes.
//!
//! The flows are the real [`Renewal`]; each is a process of its own, with a store, the renewal lock and a server that
//! they share ([`world`]). In every reachable state, within the bounds given, it holds that
//!
//! - **P1** no refresh token is presented again while a newer access token that anyone alive or the store has is usable,
//! - **P2** no refresh token is presented again while anyone alive, the wire or the store has its successor,
//! - **P3** without misfortune there is one token request for each expiry, and everybody ends with the newest session,
//! - **P4** no session is saved over a newer one, and none is cleared but the one that the server refused,
//! - **P5** every path ends, everybody with it, and the lock is given back,
//! - **P6** nobody is signed out, unless a successor was given and lost,
//! - **P7** whoever redeemed and lives ends well, with what was given,
//! - **P8** a session that ended because its successor was lost ends as `Lost`,
//! - **P9** nothing is saved but in the place of the session that was redeemed.
//!
//! What they do not say, and why:
//!
//! - P1 is of *newer* access tokens. Inside its margin an old one can be used still when the answer to its renewal is
//!   lost, and the next refresher asks again: most servers keep the old refresh token, and a 502 looks the same.
//! - P1, P2, P6 and P8 are not of what happens after a new session could not be saved, twice, after an old one was put
//!   back, or after a program redeemed that knows none of our locks: then nobody can know better.
//! - P3 is not of somebody who waited for the lock until the deadline: they end without redeeming.
//! - P7 is not of what happens once a program that knows none of our locks has redeemed: what it stored decides then.
//! - A request that timed out was acted on by then or never is. A change of the store that timed out may be made at any
//!   later time; until then the lock that it was made under is held.

#![expect(clippy::disallowed_types, reason = "the model's bookkeeping; no flow sees its order")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;

#[path = "model/flows.rs"]
mod flows;
#[path = "model/state.rs"]
mod state;
#[path = "model/world.rs"]
mod world;

use state::{Bounds, Mutant, Server};
use world::{Label, World};

const SERVERS: [Server; 3] = [Server::Keeps, Server::Rotates, Server::Detects];

/// The first access token: seconds to go, and whether the server has refused it.
const STARTS: [(i64, bool); 3] = [(-5, false), (30, false), (600, true)];

/// All that can be reached.
struct Explored {
    world: World,
    states: usize,
    transitions: usize,
}

fn explore(mut world: World, refreshers: usize, bounds: Bounds) -> Explored {
    let start = world.start(refreshers, bounds);
    let mut numbers = HashMap::from([(start.clone(), 0_u32)]);
    let mut states = vec![start];
    let mut from: Vec<(u32, Label)> = vec![(0, "start")];
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut at = 0;
    while at < states.len() {
        let known = world.violated.len();
        let next = world.successors(&states[at].clone());
        let here = u32::try_from(at).unwrap();
        if world.violated.len() > known {
            tell(&mut world, &from, here);
        }
        for (label, state) in next {
            let to = match numbers.entry(state) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    let to = u32::try_from(states.len()).unwrap();
                    states.push(entry.key().clone());
                    from.push((here, label));
                    *entry.insert(to)
                }
            };
            edges.push((here, to));
        }
        at += 1;
    }
    if goes_in_circles(states.len(), &edges) {
        world.violated.entry("P5").or_insert_with(|| "a path goes in circles".to_owned());
    }
    Explored { world, states: states.len(), transitions: edges.len() }
}

/// Adds to what was violated last how it came about.
fn tell(world: &mut World, from: &[(u32, Label)], at: u32) {
    let mut path = Vec::new();
    let mut here = at;
    while here != 0 {
        let (before, label) = from[here as usize];
        path.push(label);
        here = before;
    }
    path.reverse();
    let path = format!(" after [{}]", path.join(", "));
    for told in world.violated.values_mut().filter(|told| !told.contains(" after [")) {
        told.push_str(&path);
    }
}

fn goes_in_circles(states: usize, edges: &[(u32, u32)]) -> bool {
    let mut next = vec![Vec::new(); states];
    let mut before = vec![0_u32; states];
    for &(here, to) in edges {
        next[here as usize].push(to);
        before[to as usize] += 1;
    }
    let mut ready: Vec<_> = (0..states).filter(|&at| before[at] == 0).collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for &to in &next[at] {
            before[to as usize] -= 1;
            if before[to as usize] == 0 {
                ready.push(to as usize);
            }
        }
    }
    done != states
}

/// Explores it with every server and every start, and prints what was seen.
fn holds(name: &str, refreshers: usize, bounds: Bounds) {
    let (mut states, mut transitions) = (0, 0);
    for server in SERVERS {
        for (left, refused) in STARTS {
            let explored = explore(World::new(server, Mutant::Honest, left, refused), refreshers, bounds);
            let violated = &explored.world.violated;
            assert!(violated.is_empty(), "{name}, {server:?}, {left} s, refused {refused}: {violated:#?}");
            states += explored.states;
            transitions += explored.transitions;
        }
    }
    println!("model: {refreshers} refreshers, {name:<40} {states:>8} states {transitions:>8} transitions");
}

#[test]
fn without_misfortune_there_is_one_request_and_one_session_h15() {
    for refreshers in 1..=4 {
        holds("nothing else", refreshers, Bounds::default());
    }
    holds("torn", 3, Bounds { torn: 2, ..Bounds::default() });
    holds("expiry, restarts", 3, Bounds { expire: 1, restart: 2, ..Bounds::default() });
}

#[test]
fn whoever_is_killed_leaves_nobody_behind_f6() {
    let crash = Bounds { crash: 1, restart: 1, ..Bounds::default() };
    holds("crash", 3, crash);
    holds("crashes", 2, Bounds { crash: 2, restart: 2, expire: 1, ..crash });
    holds("crash, lost answer", 2, Bounds { cut: 1, drop: 1, ..crash });
}

#[test]
fn no_lost_request_signs_anybody_out_h17() {
    holds("lost request", 3, Bounds { drop: 2, restart: 1, ..Bounds::default() });
    holds("lost answer", 3, Bounds { cut: 1, drop: 1, restart: 1, ..Bounds::default() });
    holds("lost answers", 2, Bounds { cut: 2, restart: 2, expire: 1, ..Bounds::default() });
}

#[test]
fn a_store_that_fails_and_a_lock_that_is_held_for_long_cost_no_token_f5() {
    holds("store fails once", 3, Bounds { fail: 1, restart: 1, ..Bounds::default() });
    holds("store fails", 2, Bounds { fail: 3, restart: 1, ..Bounds::default() });
    holds("long wait, cancel", 3, Bounds { late: 2, cancel: 1, ..Bounds::default() });
    holds(
        "long wait, crash, store fails",
        2,
        Bounds { late: 1, crash: 1, fail: 1, restart: 1, ..Bounds::default() },
    );
}

#[test]
fn neither_a_stranger_nor_an_old_session_makes_one_lose_a_newer_one_h17() {
    holds("stranger", 3, Bounds { foreign: 1, ..Bounds::default() });
    holds("strangers, crash", 2, Bounds { foreign: 2, crash: 1, restart: 1, ..Bounds::default() });
    holds("rollback", 3, Bounds { rollback: 1, expire: 1, restart: 1, ..Bounds::default() });
}

#[test]
fn all_misfortunes_together_are_no_worse_than_one_by_one() {
    let all = Bounds { crash: 1, restart: 1, cut: 1, drop: 1, fail: 1, late: 1, ..Bounds::default() };
    holds("crash, lost, store fails, long wait", 2, all);
}

#[test]
fn each_wrong_driver_and_store_is_found() {
    let none = Bounds::default();
    let cases = [
        (Mutant::LockIgnored, Server::Detects, none, vec!["P2", "P3"]),
        (Mutant::LockIgnored, Server::Keeps, none, vec!["P1", "P2", "P3"]),
        (Mutant::LockWonByDeadline, Server::Detects, Bounds { late: 1, ..none }, vec!["P2"]),
        (Mutant::LockKept, Server::Rotates, none, vec!["P5"]),
        (Mutant::LockOutlivesHolder, Server::Rotates, Bounds { crash: 1, ..none }, vec!["P5"]),
        (Mutant::RereadIsStale, Server::Detects, none, vec!["P1", "P2", "P3"]),
        (Mutant::ClearsAlways, Server::Detects, Bounds { foreign: 1, ..none }, vec!["P4"]),
        (Mutant::SaveDropped, Server::Rotates, none, vec!["P1", "P2", "P3"]),
        (Mutant::IntentDropped, Server::Rotates, Bounds { cut: 1, restart: 1, ..none }, vec!["P8"]),
        (Mutant::FailureIsNo, Server::Rotates, Bounds { drop: 1, ..none }, vec!["P6", "P8"]),
        (Mutant::AnswerUnread, Server::Rotates, none, vec!["P7"]),
        (Mutant::SaveUnchecked, Server::Keeps, Bounds { foreign: 1, ..none }, vec!["P9"]),
        (Mutant::LateChangeUnguarded, Server::Detects, Bounds { fail: 1, restart: 1, ..none }, vec!["P2"]),
    ];
    for (mutant, server, bounds, expected) in cases {
        let world = |mutant| World::new(server, mutant, -5, false);
        let violated = explore(world(mutant), 2, bounds).world.violated;
        let found: Vec<_> = violated.keys().collect();
        println!("model: {mutant:?} violates {found:?}");
        for property in expected {
            assert!(violated.contains_key(property), "{mutant:?} is not found by {property}: {violated:#?}");
        }
        let honest = explore(world(Mutant::Honest), 2, bounds).world.violated;
        assert!(honest.is_empty(), "{honest:#?}");
    }
}
