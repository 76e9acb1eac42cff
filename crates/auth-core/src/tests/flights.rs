use std::collections::BTreeSet;

use super::*;

fn key(site: &str) -> Key {
    Key { site: site.to_owned(), slot: String::new() }
}

/// What can happen next, by the places of those it happens to.
#[derive(Clone, Copy, Debug)]
enum Move {
    Join(usize),
    Leave(usize),
    Start(usize),
    Land(usize),
    Abandon(usize),
    Close(usize),
}

#[derive(Clone, Default)]
struct Told {
    seats: Vec<Seat>,
    works: Vec<Seat>,
    numbers: BTreeSet<u64>,
}

/// Every order of joining, starting, landing, abandoning and leaving, so many moves long.
fn walk(flights: &Flights, told: &Told, left: u32, seen: &mut usize) {
    *seen += 1;
    let keys = [key("a"), key("b")];
    for key in &keys {
        let aboard: Vec<_> =
            told.seats.iter().filter(|seat| seat.key == *key && flights.is_aboard(seat)).collect();
        let leaders = aboard.iter().filter(|seat| flights.leads(seat)).count();
        let works = told.works.iter().filter(|work| work.key == *key && flights.is_under_way(work)).count();
        assert!(works <= 1, "two works at once: {flights:?}");
        // Who waits waits for work that is under way, or for a leader.
        assert_eq!(leaders + works, usize::from(!aboard.is_empty() || works == 1), "{flights:?}");
        assert!(aboard.iter().all(|seat| !told.numbers.contains(&seat.number)), "told, and still aboard");
    }
    if left == 0 {
        return;
    }
    let (seats, works) = (told.seats.len(), told.works.len());
    let moves = (0..keys.len()).map(Move::Join);
    let moves = moves.chain((0..seats).flat_map(|at| [Move::Leave(at), Move::Start(at)]));
    let moves = moves.chain((0..works).flat_map(|at| [Move::Land(at), Move::Abandon(at), Move::Close(at)]));
    for next in moves {
        let (mut after, mut told) = (flights.clone(), told.clone());
        match next {
            Move::Join(at) => told.seats.push(after.join(&keys[at])),
            Move::Leave(at) => {
                after.leave(&told.seats[at]);
                assert!(!after.is_aboard(&told.seats[at]));
            }
            Move::Start(at) => {
                let work = after.start(&told.seats[at]);
                assert_eq!(work.is_some(), flights.leads(&told.seats[at]));
                told.works.extend(work);
            }
            Move::Land(at) => {
                let work = &told.works[at];
                let waited: BTreeSet<_> = told
                    .seats
                    .iter()
                    .filter(|seat| seat.key == work.key && flights.is_aboard(seat))
                    .map(Seat::number)
                    .collect();
                let expected = if flights.is_under_way(work) { waited } else { BTreeSet::new() };
                let landed: BTreeSet<_> = after.land(work).into_iter().collect();
                assert_eq!(landed, expected, "{next:?} of {flights:?}");
                told.numbers.extend(landed);
            }
            Move::Abandon(at) => {
                let leader = after.abandon(&told.works[at]);
                let leads = told.seats.iter().find(|seat| leader == Some(seat.number));
                assert!(leads.is_none_or(|seat| after.leads(seat)), "{next:?} of {flights:?}");
            }
            Move::Close(at) => {
                let work = &told.works[at];
                let desertion = flights.desertion(work);
                assert!(!after.close(work, desertion.unwrap_or(0) + 1), "another desertion than this");
                assert_eq!(after, *flights);
                assert_eq!(desertion.is_some_and(|now| after.close(work, now)), desertion.is_some());
            }
        }
        walk(&after, &told, left - 1, seen);
    }
}

#[test]
fn in_every_order_each_caller_waits_for_work_or_a_leader_h15() {
    let mut seen = 0;
    walk(&Flights::default(), &Told::default(), 6, &mut seen);
    assert!(seen > 5_000, "{seen}");
}

#[test]
fn a_caller_that_joins_in_time_keeps_deserted_work_open() {
    let mut flights = Flights::default();
    let first = flights.join(&key("a"));
    let work = flights.start(&first).unwrap();
    assert_eq!(flights.desertion(&work), None);
    assert_eq!(flights.leave(&first), Some(work.number()), "the work is told that nobody waits");
    let desertion = flights.desertion(&work).unwrap();
    let second = flights.join(&key("a"));
    assert!(!flights.close(&work, desertion) && !flights.leads(&second));
    assert_eq!(flights.leave(&second), Some(work.number()));
    // A new grace begins.
    let again = flights.desertion(&work).unwrap();
    assert!(!flights.close(&work, desertion) && flights.close(&work, again));
    assert!(flights.land(&work).is_empty());
    let third = flights.join(&key("a"));
    assert!(flights.leads(&third), "it finds nothing to wait for");
}
