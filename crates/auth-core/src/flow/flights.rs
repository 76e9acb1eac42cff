use std::collections::BTreeMap;

use crate::ports::Key;

/// Work that several callers want at once: one of them starts it, it belongs to all, and each may leave. Whoever holds
/// this runs the work and tells the callers.
///
/// Work that is abandoned, because what ran it has ended, is started anew by the first of those who wait. Work that its
/// last caller has left is *deserted*: it stays open until it is closed, and a caller that joins before keeps it open.
///
/// ```
/// use auth_core::flow::Flights;
/// use auth_core::ports::Key;
///
/// let key = Key { site: "https://tiled.example/api/v1/".to_owned(), slot: String::new() };
/// let mut flights = Flights::default();
/// let (first, second) = (flights.join(&key), flights.join(&key));
/// let work = flights.start(&first).unwrap();
/// assert!(flights.start(&second).is_none());
/// // The first gives up: the work goes on for the second.
/// flights.leave(&first);
/// assert_eq!(flights.desertion(&work), None);
/// assert_eq!(flights.land(&work), [second.number()]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flights {
    flying: BTreeMap<Key, Flight>,
    next: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Flight {
    /// Those who wait, in the order in which they came.
    aboard: Vec<u64>,
    /// The work that was started for them.
    work: Option<u64>,
    /// How often its last caller has left it.
    desertions: u64,
}

/// A place in a flight, or the work that is done for it.
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
    /// Takes a place. The work is started by the first.
    pub fn join(&mut self, key: &Key) -> Seat {
        let seat = self.seat(key);
        self.flying.entry(key.clone()).or_default().aboard.push(seat.number);
        seat
    }

    fn seat(&mut self, key: &Key) -> Seat {
        let number = self.next;
        self.next += 1;
        Seat { key: key.clone(), number }
    }

    /// True if this one is to start the work.
    pub fn leads(&self, seat: &Seat) -> bool {
        let flight = self.flying.get(&seat.key).filter(|flight| flight.work.is_none());
        flight.and_then(|flight| flight.aboard.first()) == Some(&seat.number)
    }

    /// True if this one still waits.
    pub fn is_aboard(&self, seat: &Seat) -> bool {
        self.flying.get(&seat.key).is_some_and(|flight| flight.aboard.contains(&seat.number))
    }

    /// Starts the work; `None` if this one is not to.
    pub fn start(&mut self, seat: &Seat) -> Option<Seat> {
        if !self.leads(seat) {
            return None;
        }
        let work = self.seat(&seat.key);
        self.flying.entry(work.key.clone()).or_default().work = Some(work.number);
        Some(work)
    }

    /// The work is done: these waited for it, and wait no more.
    pub fn land(&mut self, work: &Seat) -> Vec<u64> {
        if !self.is_under_way(work) {
            return Vec::new();
        }
        self.flying.remove(&work.key).unwrap_or_default().aboard
    }

    /// The work has ended without being done. This one leads now, if anybody waits.
    pub fn abandon(&mut self, work: &Seat) -> Option<u64> {
        let flight = self.under_way(work)?;
        flight.work = None;
        let leader = flight.aboard.first().copied();
        if leader.is_none() {
            self.flying.remove(&work.key);
        }
        leader
    }

    /// A caller gives up its place. The number that comes back is to be told of it: of the work that nobody waits for
    /// any more, or of the caller who leads now.
    pub fn leave(&mut self, seat: &Seat) -> Option<u64> {
        let led = self.leads(seat);
        let flight = self.flying.get_mut(&seat.key)?;
        let before = flight.aboard.len();
        flight.aboard.retain(|number| *number != seat.number);
        match (flight.aboard.first().copied(), flight.work) {
            (None, Some(work)) if before > 0 => {
                flight.desertions += 1;
                Some(work)
            }
            (None, None) => {
                self.flying.remove(&seat.key);
                None
            }
            (first, _) => first.filter(|_| led),
        }
    }

    /// How often the last caller has left this work, if nobody has joined since: what [`close`](Self::close) takes.
    pub fn desertion(&self, work: &Seat) -> Option<u64> {
        let flight = self.flying.get(&work.key).filter(|flight| flight.work == Some(work.number))?;
        Some(flight.desertions).filter(|_| flight.aboard.is_empty())
    }

    /// Gives the work up, if nobody has joined since this desertion. Who comes from then on starts anew.
    pub fn close(&mut self, work: &Seat, desertion: u64) -> bool {
        let is_still = self.desertion(work) == Some(desertion);
        if is_still {
            self.flying.remove(&work.key);
        }
        is_still
    }

    fn is_under_way(&self, work: &Seat) -> bool {
        self.flying.get(&work.key).is_some_and(|flight| flight.work == Some(work.number))
    }

    fn under_way(&mut self, work: &Seat) -> Option<&mut Flight> {
        self.flying.get_mut(&work.key).filter(|flight| flight.work == Some(work.number))
    }
}

#[cfg(test)]
#[path = "../tests/flights.rs"]
mod tests;
#[cfg(test)]
#[path = "../tests/flights_walk.rs"]
mod walk;
