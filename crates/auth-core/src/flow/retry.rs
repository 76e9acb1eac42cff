//! When a read is asked again. Nothing but reads is.

use core::time::Duration;

use super::Event;
use crate::error::TransportFault;
use crate::seed::Seed;
use crate::tiled::retry_after;
use crate::time::{Now, Tick};

/// How often a read is tried in all.
const ATTEMPTS: u32 = 3;
/// A server that wants to be left alone for longer is not asked again by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Counts the attempts of one read.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    /// When to ask again after this event, if that can help: a gateway that had no answer, a connection that ended, or
    /// a server that has too much to do and says when to come back. A refused connection, a timeout and a server's own
    /// error are not asked again.
    pub(crate) fn again(&mut self, now: Now, event: &Event, seed: &Seed) -> Option<Tick> {
        let told = match event {
            Event::Response(response) if matches!(response.status(), 429 | 503) => {
                retry_after(response).filter(|pause| *pause <= LONGEST_PAUSE)
            }
            _ => None,
        };
        let passing = match event {
            Event::Response(response) => matches!(response.status(), 502 | 504) || told.is_some(),
            Event::Unreachable { fault, .. } => *fault == TransportFault::Closed,
            _ => false,
        };
        self.0 += 1;
        if !passing || self.0 >= ATTEMPTS {
            return None;
        }
        let base = Duration::from_millis(100 << self.0);
        Some(now.tick.after(told.unwrap_or(base) + seed.jitter("retry", self.0, base)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Sent;
    use crate::wire::Response;

    #[test]
    fn a_server_that_says_when_to_come_back_is_asked_then_and_not_before() {
        let seed = Seed::new([1; 32]);
        let cases = [
            (503, "2", Some(2)),
            (429, " 10 ", Some(10)),
            (503, "0", Some(0)),
            (503, "Sun, 06 Nov 1994 08:49:41 GMT", Some(4)),
            (503, "Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            (503, "11", None),
            (503, "soon", None),
            (503, "-1", None),
            (500, "2", None),
        ];
        for (status, after, seconds) in cases {
            let headers = [("retry-after", after), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
            let event = Event::Response(Response::new(status, headers, ""));
            let until = Attempts::default().again(Now::default(), &event, &seed);
            let pauses = until.map(|until| until.0 / 1_000);
            assert_eq!(pauses, seconds, "{status} {after}");
        }
    }

    #[test]
    fn only_what_passes_by_itself_is_asked_again_and_not_for_ever() {
        let seed = Seed::new([1; 32]);
        let gateway = |status| Event::Response(Response::new(status, [], ""));
        let broken = |fault| Event::Unreachable { fault, sent: Sent::Maybe };
        let cases = [
            (gateway(502), 2),
            (gateway(504), 2),
            (broken(TransportFault::Closed), 2),
            (gateway(500), 0),
            (gateway(503), 0),
            (gateway(429), 0),
            (gateway(200), 0),
            (broken(TransportFault::Connect), 0),
            (broken(TransportFault::Timeout), 0),
            (Event::TimedOut, 0),
        ];
        for (event, times) in cases {
            let mut attempts = Attempts::default();
            let mut asked = 0;
            while let Some(until) = attempts.again(Now::default(), &event, &seed) {
                assert!(until <= Tick(1_000));
                asked += 1;
            }
            assert_eq!(asked, times, "{event:?}");
        }
    }
}
