use core::time::Duration;

use crate::error::{Error, Trouble};
use crate::seed::Seed;
use crate::time::{Now, Tick};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// No pause of our own is longer, but for its jitter.
const LONGEST: Duration = Duration::from_mins(1);
/// Nor any that a server asks for.
const LONGEST_TOLD: Duration = Duration::from_mins(10);

/// When a renewal that has failed for now is worth another try: after as long as the server said (`Retry-After`, RFC
/// 9110 section 10.2.3), else after a second, and after each failure that follows twice as long, up to a minute. What
/// several processes would do in step is spread by up to half of it.
///
/// Until then a session that still lasts is used as it is; one that is over is tried at once, unless the server itself
/// said when to come back.
///
/// ```
/// use auth_core::error::{Error, TransportFault, Trouble};
/// use auth_core::{Seed, flow::Backoff, time::{Now, Tick}};
///
/// let (seed, failure) = (Seed::new([7; 32]), Error::from(Trouble::Unreachable(TransportFault::Timeout)));
/// let mut backoff = Backoff::default();
/// backoff.failed(Now::default(), failure.clone(), &seed);
/// assert_eq!(backoff.rests(Now::default(), true), Some(&failure));
/// assert_eq!(backoff.rests(Now::default(), false), None);
/// assert_eq!(backoff.rests(Now { tick: Tick(1_500), ..Now::default() }, true), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Backoff {
    failures: u32,
    until: Tick,
    was_told: bool,
    why: Option<Error>,
}

impl Backoff {
    /// Notes a failure. Only those that say nothing about a session count.
    pub fn failed(&mut self, now: Now, why: Error, seed: &Seed) {
        let Error::Transient(trouble) = &why else { return };
        let told = match trouble {
            // At once is what a server says that is busy with saying so.
            Trouble::Status { retry_after, .. } => retry_after.filter(|told| !told.is_zero()),
            _ => None,
        };
        let ours = (FIRST * (1 << self.failures.min(6))).min(LONGEST);
        let jitter = seed.jitter("backoff", self.failures, ours / 2);
        self.failures = self.failures.saturating_add(1);
        self.was_told = told.is_some();
        self.until = now.tick.after(told.map_or(ours, |told| told.min(LONGEST_TOLD)) + jitter);
        self.why = Some(why);
    }

    /// Why a renewal is not worth a try now, of a session that still lasts or not.
    pub fn rests(&self, now: Now, lasts: bool) -> Option<&Error> {
        self.why.as_ref().filter(|_| now.tick < self.until && (lasts || self.was_told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TransportFault;
    use crate::foreign::Foreign;

    fn seed() -> Seed {
        Seed::new([3; 32])
    }

    fn at(millis: u64) -> Now {
        Now { tick: Tick(millis), ..Now::default() }
    }

    fn busy(retry_after: Option<Duration>) -> Error {
        Trouble::Status { status: 503, detail: Foreign::default(), retry_after }.into()
    }

    /// How long it rests after so many failures.
    fn pause(backoff: &Backoff) -> Duration {
        at(0).tick.until(backoff.until)
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_are_spread() {
        let mut backoff = Backoff::default();
        for least in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            backoff.failed(at(0), busy(None), &seed());
            let pause = pause(&backoff);
            let least = Duration::from_secs(least);
            assert!(pause >= least && pause < least * 3 / 2, "{pause:?}");
        }
        let mut other = Backoff::default();
        other.failed(at(0), busy(None), &Seed::new([4; 32]));
        let mut first = Backoff::default();
        first.failed(at(0), busy(None), &seed());
        assert_ne!(other.until, first.until);
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_says_within_bounds() {
        for (told, least) in [(0, 1), (7, 7), (600, 600), (86_400, 600)] {
            let mut backoff = Backoff::default();
            backoff.failed(at(0), busy(Some(Duration::from_secs(told))), &seed());
            let pause = pause(&backoff);
            assert!(
                pause >= Duration::from_secs(least) && pause < Duration::from_secs(least + 1),
                "{pause:?}"
            );
            // Then a session that is over waits as well.
            assert_eq!(backoff.rests(at(0), false).is_some(), told > 0);
        }
    }

    #[test]
    fn only_what_may_pass_counts() {
        let mut backoff = Backoff::default();
        for error in [Error::NotSignedIn, Error::Lost, Error::Cancelled] {
            backoff.failed(at(0), error, &seed());
        }
        assert_eq!(backoff, Backoff::default());
        backoff.failed(at(0), Trouble::Unreachable(TransportFault::Timeout).into(), &seed());
        assert!(backoff.rests(at(999), true).is_some() && backoff.rests(at(999), false).is_none());
        assert_eq!(backoff.rests(at(1_500), true), None);
    }
}
