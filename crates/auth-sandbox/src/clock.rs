//! A clock that can be turned.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use auth_core::ports::Clock;
use auth_core::time::{Now, Tick, Timestamp};

/// The time of a site, shared by whoever holds a copy: standing still until it is turned, or running with the
/// machine's own clock and an offset.
///
/// ```
/// use auth_core::time::Timestamp;
/// use auth_sandbox::SiteClock;
/// use core::time::Duration;
/// let clock = SiteClock::standing(Timestamp(1_800_000_000));
/// clock.advance(Duration::from_mins(15));
/// assert_eq!(clock.wall(), Timestamp(1_800_000_900));
/// ```
#[derive(Clone)]
pub struct SiteClock(Arc<Mutex<State>>);

struct State {
    base: Base,
    /// How far it was turned forward: both clocks.
    turned: Duration,
    /// How far the civil time was put wrong: seconds, only that clock.
    skew: i64,
}

enum Base {
    Standing(Timestamp),
    Running(Instant),
}

impl SiteClock {
    /// Stands at this moment until it is turned.
    pub fn standing(at: Timestamp) -> Self {
        Self::new(Base::Standing(at))
    }

    /// Follows the machine's clocks.
    pub fn running() -> Self {
        Self::new(Base::Running(Instant::now()))
    }

    fn new(base: Base) -> Self {
        Self(Arc::new(Mutex::new(State { base, turned: Duration::ZERO, skew: 0 })))
    }

    /// Lets time pass at once.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.turned = state.turned.saturating_add(by);
    }

    /// Puts the civil time `seconds` away from where it would be, in either direction, as a clock that is wrong. No
    /// time passes.
    pub fn skew(&self, seconds: i64) {
        self.state().skew = seconds;
    }

    /// The civil time.
    pub fn wall(&self) -> Timestamp {
        self.state().now().wall
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> Now {
        let (passed, wall) = match self.base {
            Base::Standing(at) => (self.turned, at.after(self.turned)),
            Base::Running(started) => {
                let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                (
                    started.elapsed().saturating_add(self.turned),
                    Timestamp(0).after(since_1970.saturating_add(self.turned)),
                )
            }
        };
        Now { tick: Tick(0).after(passed), wall: Timestamp(wall.0.saturating_add(self.skew)) }
    }
}

impl Clock for SiteClock {
    fn now(&self) -> Now {
        self.state().now()
    }

    fn turn(&self, until: Tick) -> bool {
        let mut state = self.state();
        if matches!(state.base, Base::Running(_)) {
            return false;
        }
        let missing = state.now().tick.until(until);
        state.turned = state.turned.saturating_add(missing);
        true
    }
}

impl fmt::Debug for SiteClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteClock({})", self.wall())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_turned() {
        let clock = SiteClock::standing(Timestamp(100));
        let copy = clock.clone();
        assert_eq!(clock.now(), Now { tick: Tick(0), wall: Timestamp(100) });
        copy.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Now { tick: Tick(1_500), wall: Timestamp(101) });
        assert!(clock.turn(Tick(10_000)));
        assert_eq!(copy.now(), Now { tick: Tick(10_000), wall: Timestamp(110) });
        assert!(clock.turn(Tick(5)), "the past is reached already");
        assert_eq!(copy.now().tick, Tick(10_000));
    }

    #[test]
    fn a_wrong_clock_is_wrong_about_the_date_only() {
        let clock = SiteClock::standing(Timestamp(1_000));
        clock.skew(-300);
        assert_eq!(clock.now(), Now { tick: Tick(0), wall: Timestamp(700) });
        clock.skew(0);
        assert_eq!(clock.wall(), Timestamp(1_000));
    }

    #[test]
    fn a_running_clock_keeps_its_offset_and_is_not_turned_by_a_driver() {
        let clock = SiteClock::running();
        let before = clock.now();
        clock.advance(Duration::from_hours(1));
        let after = clock.now();
        assert!(before.tick.until(after.tick) >= Duration::from_hours(1));
        assert!(before.wall.until(after.wall) >= Duration::from_hours(1));
        assert!(before.wall > Timestamp(1_700_000_000));
        assert!(!clock.turn(Tick(u64::MAX)));
    }

    #[test]
    fn the_end_of_time_is_reached_and_not_passed() {
        let clock = SiteClock::standing(Timestamp(i64::MAX));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        clock.skew(i64::MAX);
        assert_eq!(clock.wall(), Timestamp(i64::MAX));
    }
}
