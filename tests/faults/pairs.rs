//! Two faults at once, by lot. The lots are the same in every run.

use auth_core::Seed;

use crate::check::check;
use crate::command::Command;
use crate::plan::{Fault, Plan, Port, Strike};
use crate::single::{check_all, undisturbed};
use crate::world::Kind;

/// How many pairs each command meets.
const PAIRS: u32 = 220;
/// A fault makes a command call more often; the second one may come there.
const MORE: usize = 4;

/// Numbers that follow from the seed.
pub(crate) struct Lots {
    seed: Seed,
    drawn: u32,
}

impl Lots {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    /// One below `bound`.
    fn draw(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        let bytes = self.seed.derive("lot", self.drawn);
        let lot = u64::from_be_bytes(*bytes.first_chunk().unwrap());
        usize::try_from(lot % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Pairs of faults of a command that went like this.
    pub(crate) fn pairs(&mut self, plan: &Plan) -> Vec<Vec<Strike>> {
        // The clock is read at every step, and what it does is the least: it comes no more often than the others.
        let ports: Vec<_> = Port::ALL.into_iter().filter(|port| plan.calls(*port) > 0).collect();
        let mut strike = || {
            let port = ports[self.draw(ports.len())];
            // A call that stalls takes a quarter of a second, and one is no different from two.
            let faults: Vec<_> = port.faults().into_iter().filter(|fault| *fault != Fault::Stall).collect();
            let at = self.draw(plan.calls(port) + MORE);
            (port, at, faults[self.draw(faults.len())].clone())
        };
        (0..PAIRS).map(|_| vec![strike(), strike()]).collect()
    }
}

#[test]
fn two_faults_at_once_cost_no_session_h17() {
    let mut lots = Lots::new(Seed::new([11; 32]));
    let kinds = [Kind::Memory, Kind::Reusable, Kind::Files, Kind::Async];
    let mut cases = Vec::new();
    for (kind, command) in kinds.iter().flat_map(|kind| Command::ALL.map(|command| (*kind, command))) {
        let pairs = lots.pairs(&undisturbed(kind, command));
        cases.extend(pairs.into_iter().map(|strikes| (kind, command, strikes)));
    }
    check_all(&cases, check);
}
