use std::collections::BTreeMap;

use crate::ports::Key;

/// Who does what several callers want at once, and who waits for it: one leader for each session, and nobody waits
/// without one. Whoever holds this tells the others.
///
/// ```
/// use auth_core::flow::Flights;
/// use auth_core::ports::Key;
///
/// let key = Key { site: "https://tiled.example/api/v1/".to_owned(), slot: String::new() };
/// let mut flights = Flights::default();
/// let (first, second) = (flights.join(&key), flights.join(&key));
/// assert!(flights.leads(&first) && !flights.leads(&second));
/// // The first gives up: the second does it.
/// assert_eq!(flights.leave(&first), Some(second.number()));
/// assert!(flights.leads(&second));
/// assert!(flights.land(&second).is_empty());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flights {
    /// The first of each is its leader; the others wait, in the order in which they came.
    flying: BTreeMap<Key, Vec<u64>>,
    next: u64,
}

/// A place in a flight.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Seat {
    key: Key,
    number: u64,
}

impl Seat {
    /// Names it among all seats.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Flights {
    /// Takes a place: the leader's, if nobody is at it.
    pub fn join(&mut self, key: &Key) -> Seat {
        let number = self.next;
        self.next += 1;
        self.flying.entry(key.clone()).or_default().push(number);
        Seat { key: key.clone(), number }
    }

    /// True if this one is to do it.
    pub fn leads(&self, seat: &Seat) -> bool {
        self.flying.get(&seat.key).and_then(|flight| flight.first()) == Some(&seat.number)
    }

    /// True if this one still waits or leads.
    pub fn is_aboard(&self, seat: &Seat) -> bool {
        self.flying.get(&seat.key).is_some_and(|flight| flight.contains(&seat.number))
    }

    /// The leader has done it: these waited for it, and wait no more. Nobody did if this is not the leader.
    pub fn land(&mut self, seat: &Seat) -> Vec<u64> {
        if !self.leads(seat) {
            return Vec::new();
        }
        let mut flight = self.flying.remove(&seat.key).unwrap_or_default();
        flight.retain(|number| *number != seat.number);
        flight
    }

    /// Somebody gives up their place. If that was the leader's, this one leads now, if anybody waits.
    pub fn leave(&mut self, seat: &Seat) -> Option<u64> {
        let led = self.leads(seat);
        let flight = self.flying.get_mut(&seat.key)?;
        flight.retain(|number| *number != seat.number);
        if flight.is_empty() {
            self.flying.remove(&seat.key);
            return None;
        }
        flight.first().copied().filter(|_| led)
    }
}

#[cfg(test)]
#[path = "../tests/flights.rs"]
mod tests;
#[cfg(test)]
#[path = "../tests/flights_walk.rs"]
mod walk;
