//! What happens to the sites, and when. It follows from the seed.

use std::time::Duration;

/// Nothing happens before this, so that clients can sign in.
const FIRST: u64 = 3_000;
/// Nothing happens so shortly before the end, so that every client ends in peace.
const LAST: u64 = 4_000;

/// Something that happens to the sites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// Every request goes wrong in this way, for so many milliseconds.
    Outage(u64, &'static str),
    /// The Tiled site changes its keys.
    Keys,
    /// The Shotgun site ends all sessions.
    Sessions,
}

/// What happens, in an order that the seed decides, again and again. So every kind is in every stretch of half a minute.
const KINDS: [Kind; 5] =
    [Kind::Outage("unavailable"), Kind::Keys, Kind::Outage("drop"), Kind::Sessions, Kind::Outage("slow")];

#[derive(Clone, Copy)]
enum Kind {
    Outage(&'static str),
    Keys,
    Sessions,
}

/// All events of a soak of this length, each with its moment from the beginning.
pub(super) fn schedule(seed: u64, length: Duration) -> Vec<(Duration, Event)> {
    let mut lots = Lots(seed);
    let end = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).saturating_sub(LAST);
    let (mut at, mut events, mut left) = (FIRST, Vec::new(), Vec::new());
    while at < end {
        if left.is_empty() {
            left = KINDS.to_vec();
        }
        let event = match left.swap_remove(lots.below(left.len())) {
            Kind::Outage(kind) => Event::Outage(lots.between(200, 1_500), kind),
            Kind::Keys => Event::Keys,
            Kind::Sessions => Event::Sessions,
        };
        events.push((Duration::from_millis(at), event));
        at += lots.between(3_000, 6_000);
    }
    events
}

/// Numbers that follow from a seed (splitmix64).
struct Lots(u64);

impl Lots {
    fn below(&mut self, count: usize) -> usize {
        let most = u64::try_from(count.saturating_sub(1)).unwrap_or(0);
        usize::try_from(self.between(0, most)).unwrap_or(0)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (mixed ^ (mixed >> 31)) % (most - least + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_schedule() {
        let length = Duration::from_mins(10);
        let events = schedule(7, length);
        assert_eq!(events, schedule(7, length));
        assert_ne!(events, schedule(8, length));
        let is = |event: fn(&Event) -> bool| events.iter().filter(|(_, e)| event(e)).count();
        for seed in 0..100 {
            let short = schedule(seed, Duration::from_secs(30));
            let is_outage = |event: &Event| matches!(event, Event::Outage(_, "unavailable" | "drop"));
            assert!(short.iter().any(|(_, event)| *event == Event::Keys), "{seed}: {short:?}");
            assert!(short.iter().any(|(_, event)| is_outage(event)), "{seed}: {short:?}");
        }
        let counts = [
            is(|event| matches!(event, Event::Outage(..))),
            is(|event| *event == Event::Keys),
            is(|event| *event == Event::Sessions),
        ];
        assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    }

    #[test]
    fn outages_do_not_overlap_and_end_before_the_soak_does() {
        let length = Duration::from_mins(5);
        let events = schedule(3, length);
        let mut over = Duration::ZERO;
        for (at, event) in events {
            assert!(at > over, "{at:?} {event:?}");
            if let Event::Outage(millis, _) = event {
                over = at + Duration::from_millis(millis);
            }
            assert!(over + Duration::from_secs(2) < length);
        }
        assert!(schedule(3, Duration::from_secs(1)).is_empty());
    }
}
