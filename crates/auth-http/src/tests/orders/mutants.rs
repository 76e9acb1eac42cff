//! Each fault is found, and nothing is where there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::bent::{Bent, Fault};
use super::cases::{Case, FEW, MANY};
use super::{Choice, MOST, explore};

/// What is seen of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// Somebody waits for ever.
    Stuck,
    /// Something happens that must not.
    Wrong,
}

/// Faults, what is seen of them, and the cases that show it.
const MUTANTS: [(Fault, Seen, &[Case]); 9] = [
    (Fault::WakesTooSoon, Seen::Stuck, &[Case::OneWorks, Case::Lands]),
    (Fault::LooksThenListens, Seen::Stuck, &[Case::Lands, Case::Leaves]),
    (Fault::LeavesInSilence, Seen::Stuck, &[Case::Replaced, Case::Leaves, Case::NeverWaits]),
    (Fault::WakesOne, Seen::Stuck, &[Case::OneWorks, Case::Tasks]),
    (Fault::LeaderStays, Seen::Stuck, &[Case::Replaced, Case::Leaves, Case::NeverWaits]),
    (Fault::LooksThenLeads, Seen::Wrong, &[Case::Joins]),
    (Fault::OneForAll, Seen::Wrong, &[Case::Apart]),
    (Fault::CancelsInSilence, Seen::Stuck, &[Case::Cancelled, Case::Cancels]),
    (Fault::Remembers, Seen::Wrong, &[Case::Late]),
];

fn choice(case: Case) -> Choice {
    let is_small = FEW.iter().any(|few| *few as u8 == case as u8);
    if is_small { Choice::All(MOST) } else { Choice::Lots(300) }
}

/// What is seen first, if anything is.
fn seen(fault: Fault, case: Case) -> Option<Seen> {
    let play = move || case.play(&Bent::new(fault));
    let failed = catch_unwind(AssertUnwindSafe(|| explore(choice(case), play))).err()?;
    let said = failed.downcast_ref::<String>().cloned().unwrap_or_default();
    Some(if said.contains("deadlock") { Seen::Stuck } else { Seen::Wrong })
}

#[test]
fn each_fault_is_found() {
    for (fault, expected, cases) in MUTANTS {
        for case in cases {
            assert_eq!(seen(fault, *case), Some(expected), "{fault:?} by {case:?}");
        }
    }
}

#[test]
fn where_there_is_no_fault_none_is_found() {
    for case in MANY.into_iter().chain(FEW) {
        assert_eq!(seen(Fault::None, case), None, "{case:?}");
    }
}
