use std::collections::BTreeSet;

use super::*;

fn key(site: &str) -> Key {
    Key { site: site.to_owned(), slot: String::new() }
}

/// What can happen next.
#[derive(Clone, Copy, Debug)]
enum Move {
    Join(usize),
    Land(usize),
    Leave(usize),
}

/// Every order of joining, landing and leaving, so many moves long.
fn walk(flights: &Flights, seats: &[Seat], told: &BTreeSet<u64>, left: u32, seen: &mut usize) {
    *seen += 1;
    let keys = [key("a"), key("b")];
    for key in &keys {
        let aboard: Vec<_> =
            seats.iter().filter(|seat| seat.key == *key && flights.is_aboard(seat)).collect();
        let leaders = aboard.iter().filter(|seat| flights.leads(seat)).count();
        assert_eq!(leaders, usize::from(!aboard.is_empty()), "{flights:?}");
        // Whoever was told has no place any more.
        assert!(aboard.iter().all(|seat| !told.contains(&seat.number)));
    }
    if left == 0 {
        return;
    }
    let moves = (0..keys.len()).map(Move::Join);
    let moves = moves.chain((0..seats.len()).flat_map(|at| [Move::Land(at), Move::Leave(at)]));
    for next in moves {
        let (mut after, mut seats, mut told) = (flights.clone(), seats.to_vec(), told.clone());
        match next {
            Move::Join(at) => seats.push(after.join(&keys[at])),
            Move::Land(at) => {
                let waited: BTreeSet<_> = seats
                    .iter()
                    .filter(|seat| {
                        seat.key == seats[at].key && flights.is_aboard(seat) && **seat != seats[at]
                    })
                    .map(Seat::number)
                    .collect();
                let landed: BTreeSet<_> = after.land(&seats[at]).into_iter().collect();
                let expected = if flights.leads(&seats[at]) { waited } else { BTreeSet::new() };
                assert_eq!(landed, expected, "{next:?} of {flights:?}");
                assert!(!flights.leads(&seats[at]) || !after.is_aboard(&seats[at]));
                told.extend(landed);
            }
            Move::Leave(at) => {
                let leader = after.leave(&seats[at]);
                assert!(!after.is_aboard(&seats[at]));
                let new = seats.iter().find(|seat| seat.key == seats[at].key && after.leads(seat));
                let expected = new.filter(|_| flights.leads(&seats[at])).map(Seat::number);
                assert_eq!(leader, expected, "{next:?} of {flights:?}");
            }
        }
        walk(&after, &seats, &told, left - 1, seen);
    }
}

#[test]
fn in_every_order_there_is_one_leader_and_everybody_is_told_once_h15() {
    let mut seen = 0;
    walk(&Flights::default(), &[], &BTreeSet::new(), 6, &mut seen);
    assert!(seen > 5_000, "{seen}");
}
