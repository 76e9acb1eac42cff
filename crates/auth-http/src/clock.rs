//! The machine's clocks.

use std::time::SystemTime;

use auth_core::ports::Clock;
use auth_core::time::{Now, Tick, Timestamp};

/// The machine's own clocks.
///
/// Ticks are milliseconds that only go forward. On Linux and Android they count since the machine started and go on
/// while it sleeps (`CLOCK_BOOTTIME`); elsewhere they count since the process first asked, and whether they go on
/// during sleep is up to the system. Civil time is whole seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { tick: tick(), wall: self.wall() }
    }

    fn wall(&self) -> Timestamp {
        wall(SystemTime::now())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn tick() -> Tick {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let millis = since.tv_sec.saturating_mul(1_000).saturating_add(since.tv_nsec / 1_000_000);
    Tick(u64::try_from(millis).unwrap_or(0))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn tick() -> Tick {
    use std::sync::OnceLock;
    use std::time::Instant;

    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Tick(0).after(ORIGIN.get_or_init(Instant::now).elapsed())
}

fn wall(time: SystemTime) -> Timestamp {
    let seconds = |length: std::time::Duration| i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => seconds(since),
        Err(before) => -seconds(before.duration()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn ticks_are_milliseconds_that_go_forward_n9() {
        let (began, first) = (Instant::now(), SystemClock.now().tick);
        let limit = Duration::from_secs(10);
        let mut last = first;
        while last < first.after(Duration::from_millis(20)) {
            let next = SystemClock.now().tick;
            assert!(next >= last && began.elapsed() < limit);
            last = next;
        }
        // A tick may have begun up to a millisecond before it was read.
        assert!(began.elapsed() > Duration::from_millis(18), "{:?}", began.elapsed());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ticks_count_since_the_machine_started_sleep_included_n9() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        let ours = Duration::from_millis(SystemClock.now().tick.0).as_secs_f64();
        assert!((ours - seconds).abs() < 5.0, "{ours} {seconds}");
    }

    #[test]
    fn civil_time_is_seconds_on_both_sides_of_1970() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(wall(at(1_763_856_000) + Duration::from_millis(999)), Timestamp(1_763_856_000));
        assert_eq!(wall(SystemTime::UNIX_EPOCH - Duration::from_secs(5)), Timestamp(-5));
        assert!(SystemClock.now().wall > Timestamp(1_700_000_000));
    }
}
