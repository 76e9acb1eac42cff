//! What happened during a soak, and which failed call it explains.

use serde_json::Value;

/// How long after its planned end an outage still explains a failed call: a site that is busy ends it late.
const ENDS_LATE: u64 = 1_000;
/// How long it may take until a decline is noted in the store, where other processes find it.
const NOTED_WITHIN: u64 = 2_000;
/// How long after a change of keys, or after the end of all sessions, a call may begin that fails because of it.
const MOMENT: u64 = 300;

const OUTAGE: &str = "outage";
const DECLINED: &str = "the user declined";
const KEYS: &str = "the site changed its keys during the call";
const SESSIONS: &str = "the site ended all sessions during the call";
/// Everything that may explain a failed call.
pub(super) const CAUSES: [&str; 4] = [OUTAGE, DECLINED, KEYS, SESSIONS];

/// From one moment to another, in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) began: u64,
    pub(super) ended: u64,
}

impl Span {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self { began: value["began"].as_u64()?, ended: value["ended"].as_u64()? })
    }

    fn meets(self, other: Self) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }
}

/// A question that a user was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    pub(super) site: String,
    pub(super) span: Span,
    pub(super) answer: String,
}

/// A call that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failed {
    pub(super) site: String,
    pub(super) face: String,
    pub(super) what: String,
    pub(super) span: Span,
    pub(super) kind: String,
    pub(super) text: String,
}

impl Failed {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self {
            site: text("site")?,
            face: text("face")?,
            what: text("what")?,
            span: Span::read(value)?,
            kind: text("kind")?,
            text: text("text")?,
        })
    }
}

/// What happened.
#[derive(Default)]
pub(super) struct Timeline {
    /// When requests failed.
    pub(super) outages: Vec<Span>,
    /// When answers came late, which fails no call.
    pub(super) slow: Vec<Span>,
    /// When the Tiled site changed its keys.
    pub(super) keys: Vec<u64>,
    /// When the Shotgun site ended all sessions.
    pub(super) sessions: Vec<u64>,
    pub(super) asked: Vec<Asked>,
    /// For how long a user who declined is not prompted, in milliseconds.
    pub(super) cool_down: u64,
}

impl Timeline {
    /// Why a call failed. `None` if nothing that happened explains it.
    pub(super) fn cause(&self, failed: &Failed) -> Option<&'static str> {
        match failed.kind.as_str() {
            "transient" | "status" => {
                let meets = |outage: &Span| {
                    failed.span.meets(Span { began: outage.began, ended: outage.ended + ENDS_LATE })
                };
                self.outages.iter().any(meets).then_some(OUTAGE)
            }
            "declined" => {
                let meets = |asked: &Asked| {
                    let ended = asked.span.ended + self.cool_down + NOTED_WITHIN;
                    asked.site == failed.site
                        && asked.answer == "declined"
                        && failed.span.meets(Span { began: asked.span.began, ended })
                };
                self.asked.iter().any(meets).then_some(DECLINED)
            }
            "refused" => {
                let (changes, cause) =
                    if failed.site == "tiled" { (&self.keys, KEYS) } else { (&self.sessions, SESSIONS) };
                let meets = |at: &u64| failed.span.meets(Span { began: *at, ended: at + MOMENT });
                changes.iter().any(meets).then_some(cause)
            }
            _ => None,
        }
    }

    /// How many questions of one site were open at one time.
    pub(super) fn most_at_once(&self, site: &str) -> usize {
        let spans: Vec<Span> =
            self.asked.iter().filter(|asked| asked.site == site).map(|asked| asked.span).collect();
        let open = |at: u64| spans.iter().filter(|span| span.began <= at && at < span.ended).count();
        spans.iter().map(|span| open(span.began)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(began: u64, ended: u64) -> Span {
        Span { began, ended }
    }

    fn failed(site: &str, kind: &str, began: u64, ended: u64) -> Failed {
        let text = |text: &str| text.to_owned();
        Failed {
            site: text(site),
            face: format!("{site} blocking"),
            what: text("call"),
            span: span(began, ended),
            kind: text(kind),
            text: text(""),
        }
    }

    fn asked(site: &str, began: u64, ended: u64, answer: &str) -> Asked {
        Asked { site: site.to_owned(), span: span(began, ended), answer: answer.to_owned() }
    }

    #[test]
    fn a_failure_is_explained_only_by_what_happened_then() {
        let timeline = Timeline {
            outages: vec![span(10_000, 11_000)],
            slow: vec![span(60_000, 61_000)],
            keys: vec![20_000],
            sessions: vec![30_000],
            asked: vec![
                asked("tiled", 40_000, 40_500, "declined"),
                asked("tiled", 50_000, 50_500, "answered"),
            ],
            cool_down: 2_000,
        };
        let (outage, declined, keys, sessions) = (Some(OUTAGE), Some(DECLINED), Some(KEYS), Some(SESSIONS));
        for (failed, cause) in [
            (failed("tiled", "transient", 9_000, 9_999), None),
            (failed("tiled", "transient", 9_000, 10_001), outage),
            (failed("shotgun", "status", 11_200, 11_300), outage),
            (failed("tiled", "transient", 12_100, 12_200), None),
            (failed("tiled", "transient", 60_100, 60_200), None),
            (failed("tiled", "refused", 10_500, 10_600), None),
            (failed("tiled", "refused", 19_990, 20_010), keys),
            (failed("shotgun", "refused", 19_990, 20_010), None),
            (failed("shotgun", "refused", 29_990, 30_010), sessions),
            (failed("tiled", "declined", 40_100, 40_600), declined),
            (failed("tiled", "declined", 42_000, 42_001), declined),
            (failed("tiled", "declined", 45_000, 45_001), None),
            (failed("shotgun", "declined", 40_100, 40_600), None),
            (failed("tiled", "declined", 50_100, 50_600), None),
            (failed("tiled", "other", 10_500, 10_600), None),
        ] {
            assert_eq!(timeline.cause(&failed), cause, "{failed:?}");
        }
    }

    #[test]
    fn questions_are_counted_that_were_open_at_one_time() {
        let asked = vec![
            asked("tiled", 10, 20, "answered"),
            asked("tiled", 20, 30, "answered"),
            asked("tiled", 25, 40, "declined"),
            asked("shotgun", 26, 27, "answered"),
        ];
        let timeline = Timeline { asked, ..Timeline::default() };
        assert_eq!([timeline.most_at_once("tiled"), timeline.most_at_once("shotgun")], [2, 1]);
        assert_eq!(timeline.most_at_once("other"), 0);
    }
}
