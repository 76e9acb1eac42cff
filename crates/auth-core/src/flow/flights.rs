use std::collections::BTreeMap;

use crate::ports::Key;

/// Pieces of work, each shared by the callers that want its result. The first caller starts the work, and every caller may
/// leave at any time. The owner of this value runs the work and notifies the callers.
///
/// If the work is abandoned because its thread or task has ended, the first waiting caller starts it again. Work is
/// *deserted* once its last caller has left. It stays open until it is closed, and a caller that joins before then keeps
/// it open.
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
    /// The waiting callers, in the order in which they joined.
    aboard: Vec<u64>,
    /// The work, once it was started.
    work: Option<u64>,
    /// How many times its last caller has left.
    desertions: u64,
}

/// A caller's place in a flight, or the work of a flight.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Seat {
    key: Key,
    number: u64,
}

impl Seat {
    /// Returns a number that no other seat of the same [`Flights`] has.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Flights {
    /// Adds a caller. The first caller starts the work.
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

    /// Returns true if this caller is to start the work.
    pub fn leads(&self, seat: &Seat) -> bool {
        let flight = self.flying.get(&seat.key).filter(|flight| flight.work.is_none());
        flight.and_then(|flight| flight.aboard.first()) == Some(&seat.number)
    }

    /// Returns true if this caller still waits.
    pub fn is_aboard(&self, seat: &Seat) -> bool {
        self.flying.get(&seat.key).is_some_and(|flight| flight.aboard.contains(&seat.number))
    }

    /// Starts the work; `None` if another caller is to start it or has started it.
    pub fn start(&mut self, seat: &Seat) -> Option<Seat> {
        if !self.leads(seat) {
            return None;
        }
        let work = self.seat(&seat.key);
        self.flying.entry(work.key.clone()).or_default().work = Some(work.number);
        Some(work)
    }

    /// Ends the work with a result. Returns the callers that waited for it.
    pub fn land(&mut self, work: &Seat) -> Vec<u64> {
        if !self.is_under_way(work) {
            return Vec::new();
        }
        self.flying.remove(&work.key).unwrap_or_default().aboard
    }

    /// Ends the work without a result. Returns the caller that is to start it again, if any caller waits.
    pub fn abandon(&mut self, work: &Seat) -> Option<u64> {
        let flight = self.under_way(work)?;
        flight.work = None;
        let leader = flight.aboard.first().copied();
        if leader.is_none() {
            self.flying.remove(&work.key);
        }
        leader
    }

    /// Removes a caller. Returns the number to notify: that of the work if it has lost its last caller, or that of the
    /// caller that is to start the work now.
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

    /// Returns how many times the last caller has left this work, for [`close`](Self::close); `None` while a caller waits.
    pub fn desertion(&self, work: &Seat) -> Option<u64> {
        let flight = self.flying.get(&work.key).filter(|flight| flight.work == Some(work.number))?;
        Some(flight.desertions).filter(|_| flight.aboard.is_empty())
    }

    /// Closes the work and returns true, unless a caller has joined since this desertion. A later caller starts new work.
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
