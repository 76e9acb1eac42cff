//! Every state that callers of two sessions can bring about, four at a time, and every move in each.

#![expect(clippy::disallowed_types, reason = "the walk's bookkeeping; no flight sees its order")]

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::*;

/// At a time.
const CALLERS: usize = 4;
/// In all, with those who come again.
const SEATS: usize = 6;

fn keys() -> [Key; 2] {
    ["a", "b"].map(|site| Key { site: site.to_owned(), slot: String::new() })
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct World {
    flights: Flights,
    /// Whoever joined, whether still aboard or not.
    seats: Vec<Seat>,
}

impl World {
    /// Those aboard, by their numbers.
    fn aboard(&self, key: &Key) -> BTreeSet<u64> {
        let seats = self.seats.iter().filter(|seat| seat.key == *key && self.flights.is_aboard(seat));
        seats.map(Seat::number).collect()
    }

    fn leader(&self, key: &Key) -> Option<u64> {
        let mut leaders = self.seats.iter().filter(|seat| seat.key == *key && self.flights.leads(seat));
        let leader = leaders.next().map(Seat::number);
        assert!(leaders.next().is_none(), "two lead: {self:?}");
        leader
    }

    fn check(&self) {
        for key in keys() {
            let aboard = self.aboard(&key);
            let leader = self.leader(&key);
            assert_eq!(leader.is_some(), !aboard.is_empty(), "nobody waits without a leader: {self:?}");
            assert!(leader.is_none_or(|leader| aboard.contains(&leader)), "{self:?}");
            // Nothing is kept of a session that nobody is at.
            assert_eq!(self.flights.flying.contains_key(&key), !aboard.is_empty(), "{self:?}");
        }
        let numbers: BTreeSet<_> = self.seats.iter().map(Seat::number).collect();
        assert_eq!(numbers.len(), self.seats.len(), "a number was used again: {self:?}");
    }

    fn join(&self, key: &Key) -> Self {
        let mut after = self.clone();
        let was_led = self.leader(key).is_some();
        let seat = after.flights.join(key);
        assert!(self.seats.iter().all(|other| other.number < seat.number), "{seat:?} of {self:?}");
        assert_eq!(after.flights.leads(&seat), !was_led, "{self:?}");
        after.seats.push(seat);
        after
    }

    fn land(&self, seat: &Seat) -> Self {
        let mut after = self.clone();
        let told = after.flights.land(seat);
        if self.flights.leads(seat) {
            let mut waited = self.aboard(&seat.key);
            waited.remove(&seat.number);
            assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), waited, "{seat:?} of {self:?}");
            assert_eq!(told.len(), waited.len(), "told twice: {told:?}");
            assert_eq!(after.aboard(&seat.key), BTreeSet::new(), "{seat:?} of {self:?}");
        } else {
            assert_eq!((told, &after), (Vec::new(), self), "who does not lead lands nobody");
        }
        after
    }

    fn leave(&self, seat: &Seat) -> Self {
        let mut after = self.clone();
        let next = after.flights.leave(seat);
        if self.flights.is_aboard(seat) {
            let mut left = self.aboard(&seat.key);
            left.remove(&seat.number);
            assert_eq!(after.aboard(&seat.key), left, "{seat:?} of {self:?}");
            let new = after.leader(&seat.key).filter(|_| self.flights.leads(seat));
            assert_eq!(next, new, "{seat:?} of {self:?}");
        } else {
            assert_eq!((next, &after), (None, self), "a stranger leaves and something changes");
        }
        after
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
        let aboard: usize = keys().iter().map(|key| world.aboard(key).len()).sum();
        let joined: Vec<_> = if world.seats.len() < SEATS && aboard < CALLERS {
            keys().iter().map(|key| (key.clone(), world.join(key))).collect()
        } else {
            Vec::new()
        };
        let seats = world.seats.iter();
        let others =
            seats.flat_map(|seat| [world.land(seat), world.leave(seat)].map(|next| (seat.key.clone(), next)));
        for (key, next) in joined.into_iter().chain(others) {
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
        assert_eq!((flights.leave(&stranger), flights.land(&stranger)), (None, Vec::new()));
        assert_eq!(flights, before);
    }
}
