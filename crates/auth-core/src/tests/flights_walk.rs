//! Every state that callers of two sessions can bring about, three at a time, and every move in each.

#![expect(clippy::disallowed_types, reason = "the walk's bookkeeping; no flight sees its order")]

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::*;

/// At a time.
const CALLERS: usize = 3;
/// In all, with those who come again, and the works that are started for them.
const SEATS: usize = 4;
/// How often work is started.
const WORKS: usize = 2;

fn keys() -> [Key; 2] {
    ["a", "b"].map(|site| Key { site: site.to_owned(), slot: String::new() })
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct World {
    flights: Flights,
    /// Whoever joined, whether still aboard or not.
    seats: Vec<Seat>,
    /// All that was started, whether still under way or not.
    works: Vec<Seat>,
}

impl World {
    /// Those aboard, by their numbers.
    fn aboard(&self, key: &Key) -> BTreeSet<u64> {
        let seats = self.seats.iter().filter(|seat| seat.key == *key && self.flights.is_aboard(seat));
        seats.map(Seat::number).collect()
    }

    fn one<'a>(&self, seats: impl Iterator<Item = &'a Seat>) -> Option<u64> {
        let numbers: Vec<_> = seats.map(Seat::number).collect();
        assert!(numbers.len() < 2, "two of one: {self:?}");
        numbers.first().copied()
    }

    fn leader(&self, key: &Key) -> Option<u64> {
        self.one(self.seats.iter().filter(|seat| seat.key == *key && self.flights.leads(seat)))
    }

    fn work(&self, key: &Key) -> Option<u64> {
        self.one(self.works.iter().filter(|work| work.key == *key && self.flights.is_under_way(work)))
    }

    fn check(&self) {
        for key in keys() {
            let (aboard, leader, work) = (self.aboard(&key), self.leader(&key), self.work(&key));
            let expected = if work.is_some() { None } else { aboard.first().copied() };
            assert_eq!(leader, expected, "the first leads where no work is under way: {self:?}");
            // Nothing is kept of a session that nobody is at.
            let is_kept = !aboard.is_empty() || work.is_some();
            assert_eq!(self.flights.flying.contains_key(&key), is_kept, "{self:?}");
        }
        for work in &self.works {
            let is_deserted = self.flights.is_under_way(work) && self.aboard(&work.key).is_empty();
            assert_eq!(self.flights.desertion(work).is_some(), is_deserted, "{self:?}");
        }
        let numbers: BTreeSet<_> = self.seats.iter().chain(&self.works).map(Seat::number).collect();
        assert_eq!(numbers.len(), self.seats.len() + self.works.len(), "a number was used again: {self:?}");
    }

    fn join(&self, key: &Key) -> Self {
        let mut after = self.clone();
        let is_first = self.aboard(key).is_empty() && self.work(key).is_none();
        let seat = after.flights.join(key);
        assert_eq!(after.flights.leads(&seat), is_first, "{self:?}");
        after.seats.push(seat);
        after
    }

    fn start(&self, seat: &Seat) -> Self {
        let mut after = self.clone();
        let work = after.flights.start(seat);
        assert_eq!(work.is_some(), self.flights.leads(seat), "{seat:?} of {self:?}");
        assert_eq!(self.aboard(&seat.key), after.aboard(&seat.key), "who starts it waits for it");
        after.works.extend(work);
        after
    }

    fn leave(&self, seat: &Seat) -> Self {
        let mut after = self.clone();
        let told = after.flights.leave(seat);
        if self.flights.is_aboard(seat) {
            let mut left = self.aboard(&seat.key);
            left.remove(&seat.number);
            assert_eq!(after.aboard(&seat.key), left, "{seat:?} of {self:?}");
            assert_eq!(after.work(&seat.key), self.work(&seat.key), "work goes on: {self:?}");
            let deserted = self.work(&seat.key).filter(|_| left.is_empty());
            let leader = after.leader(&seat.key).filter(|_| self.flights.leads(seat));
            assert_eq!(told, deserted.or(leader), "{seat:?} of {self:?}");
        } else {
            assert_eq!((told, &after), (None, self), "a stranger leaves and something changes");
        }
        after
    }

    fn land(&self, work: &Seat) -> Self {
        let mut after = self.clone();
        let told = after.flights.land(work);
        if self.flights.is_under_way(work) {
            assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), self.aboard(&work.key), "{self:?}");
            assert_eq!(told.len(), self.aboard(&work.key).len(), "told twice: {told:?}");
            assert_eq!((after.aboard(&work.key), after.work(&work.key)), (BTreeSet::new(), None));
        } else {
            assert_eq!((told, &after), (Vec::new(), self), "what is over lands nobody");
        }
        after
    }

    fn abandon(&self, work: &Seat) -> Self {
        let mut after = self.clone();
        let leader = after.flights.abandon(work);
        if self.flights.is_under_way(work) {
            assert_eq!(after.aboard(&work.key), self.aboard(&work.key), "{self:?}");
            assert_eq!((leader, after.work(&work.key)), (after.leader(&work.key), None), "{self:?}");
        } else {
            assert_eq!((leader, &after), (None, self), "what is over is abandoned");
        }
        after
    }

    fn close(&self, work: &Seat) -> Self {
        let mut after = self.clone();
        let closed = self.flights.desertion(work).is_some_and(|now| after.flights.close(work, now));
        let is_deserted = self.flights.is_under_way(work) && self.aboard(&work.key).is_empty();
        assert_eq!(closed, is_deserted, "{self:?}");
        assert_eq!(after != *self, is_deserted, "{self:?}");
        after
    }

    /// Every move, with the session that it is about.
    fn moves(&self) -> Vec<(Key, Self)> {
        let aboard: usize = keys().iter().map(|key| self.aboard(key).len()).sum();
        let mut moves = Vec::new();
        if self.seats.len() < SEATS && aboard < CALLERS {
            moves.extend(keys().map(|key| (key.clone(), self.join(&key))));
        }
        for seat in &self.seats {
            moves.push((seat.key.clone(), self.leave(seat)));
            if self.works.len() < WORKS {
                moves.push((seat.key.clone(), self.start(seat)));
            }
        }
        for work in &self.works {
            moves.extend(
                [self.land(work), self.abandon(work), self.close(work)].map(|next| (work.key.clone(), next)),
            );
        }
        moves
    }
}

#[test]
fn flights_every_state_h15() {
    let first = World::default();
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    let (mut moves, mut alone) = (0, 0);
    while let Some(world) = queue.pop_front() {
        world.check();
        alone += usize::from(world.flights.flying.is_empty());
        for (key, next) in world.moves() {
            moves += 1;
            for other in keys().iter().filter(|other| **other != key) {
                assert_eq!(world.flights.flying.get(other), next.flights.flying.get(other), "{world:?}");
            }
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    println!("walk: {:<28} {:>7} states {moves:>8} transitions {alone:>6} ends", "flights", seen.len());
    assert!(seen.len() > 100 && alone > 20, "{} {alone}", seen.len());
}

#[test]
fn seats_of_other_flights_are_strangers_h15() {
    let [a, b] = keys();
    let mut flights = Flights::default();
    flights.join(&a);
    let before = flights.clone();
    // Of another `Flights`, and of another session under the same number.
    let mut others = Flights::default();
    others.join(&b);
    let later = others.join(&a);
    for stranger in [later, Seat { key: b, number: 0 }] {
        assert!(!flights.leads(&stranger) && !flights.is_aboard(&stranger));
        assert_eq!((flights.leave(&stranger), flights.start(&stranger)), (None, None));
        assert_eq!((flights.abandon(&stranger), flights.land(&stranger)), (None, Vec::new()));
        assert_eq!(flights.desertion(&stranger), None);
        assert_eq!(flights, before);
    }
}
