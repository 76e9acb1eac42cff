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

/// The events of each half minute, in an order that the seed decides.
const KINDS: [Kind; 5] =
    [Kind::Outage("unavailable"), Kind::Keys, Kind::Outage("drop"), Kind::Sessions, Kind::Outage("slow")];
/// One event of each kind happens in each stretch of this length.
const STRETCH: u64 = 30_000;
/// The time in which one of the five events of a stretch begins.
const SLOT: u64 = (STRETCH - FIRST - LAST) / 5;
/// Events are at least this far apart, so that each has its effect by itself.
const APART: u64 = 3_000;

#[derive(Clone, Copy)]
enum Kind {
    Outage(&'static str),
    Keys,
    Sessions,
}

/// All events of a soak of this length, each with its moment from the beginning.
///
/// Each half minute is cut into as many slots as there are kinds, and each slot has one event.
pub(super) fn schedule(seed: u64, length: Duration) -> Vec<(Duration, Event)> {
    let mut lots = Lots(seed);
    let end = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let mut events = Vec::new();
    let mut began = 0;
    while began < end {
        // The last stretch may be shorter: events that do not fit into it are left out.
        let last = (began + STRETCH).min(end).saturating_sub(LAST);
        let (mut at, mut left) = (began + FIRST, KINDS.to_vec());
        while !left.is_empty() {
            let kind = left.swap_remove(lots.below(left.len()));
            let moment = at + lots.between(0, SLOT - APART);
            let event = match kind {
                Kind::Outage(kind) => Event::Outage(lots.between(200, 1_500), kind),
                Kind::Keys => Event::Keys,
                Kind::Sessions => Event::Sessions,
            };
            if moment < last {
                events.push((Duration::from_millis(moment), event));
            }
            at += SLOT;
        }
        began += STRETCH;
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
    }

    #[test]
    fn each_half_minute_has_each_kind_of_event_for_any_seed() {
        const STRETCHES: u32 = 4;
        let kind = |event: &Event| match event {
            Event::Outage(_, kind) => *kind,
            Event::Keys => "keys",
            Event::Sessions => "sessions",
        };
        let half_minute = Duration::from_secs(30);
        for seed in 0..10_000 {
            let events = schedule(seed, STRETCHES * half_minute);
            for stretch in 0..STRETCHES {
                let is_in = |at: Duration| stretch * half_minute <= at && at < (stretch + 1) * half_minute;
                let mut kinds: Vec<_> =
                    events.iter().filter(|(at, _)| is_in(*at)).map(|(_, event)| kind(event)).collect();
                kinds.sort_unstable();
                assert_eq!(kinds, ["drop", "keys", "sessions", "slow", "unavailable"], "{seed}: {events:?}");
            }
        }
    }

    #[test]
    fn outages_do_not_overlap_and_end_before_the_soak_does() {
        for (seed, seconds) in (0..100).flat_map(|seed| [20, 45, 300].map(|seconds| (seed, seconds))) {
            let length = Duration::from_secs(seconds);
            let mut over = Duration::ZERO;
            for (at, event) in schedule(seed, length) {
                assert!(at > over, "{at:?} {event:?}");
                if let Event::Outage(millis, _) = event {
                    over = at + Duration::from_millis(millis);
                }
                assert!(over + Duration::from_secs(2) < length, "{at:?} {event:?}");
            }
        }
        assert!(schedule(3, Duration::from_secs(1)).is_empty());
    }
}
