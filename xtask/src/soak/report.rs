//! The table of a soak, and what is wrong.

use std::collections::BTreeMap;

use serde_json::Value;

use super::round::Ended;
use super::timeline::CAUSES;
use super::watch::{MEASURES, course};

/// How many failures without a cause, and how many calls that are stuck, are shown in full.
const SHOWN: usize = 10;
const UNEXPLAINED: &str = "unexplained";
const FACES: [&str; 4] = ["tiled blocking", "tiled async", "shotgun blocking", "shotgun async"];
const ANSWERS: [&str; 4] = ["answered", "answered again", "declined", "withdrawn"];

pub(super) struct Report {
    /// The command that repeats the soak.
    pub(super) again: String,
    pub(super) rounds: Vec<Ended>,
}

/// `3 clients`
pub(super) fn clients(count: u32) -> String {
    if count == 1 { "1 client".to_owned() } else { format!("{count} clients") }
}

impl Report {
    /// Everything that must not be, a line each. A soak without any is a good one.
    pub(super) fn problems(&self) -> Vec<String> {
        self.rounds.iter().flat_map(Ended::problems).collect()
    }

    /// The table, and what is wrong below it.
    pub(super) fn text(&self) -> String {
        let columns = self.rounds.iter().map(|round| clients(round.clients));
        let mut rows = vec![[String::new()].into_iter().chain(columns).collect::<Vec<_>>()];
        let all: Vec<Vec<(String, String)>> = self.rounds.iter().map(Ended::rows).collect();
        let mut labels: Vec<&String> = Vec::new();
        for (label, _) in all.iter().flatten() {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        for label in labels {
            let cell = |round: &Vec<(String, String)>| {
                let found = round.iter().find(|(known, _)| known == label);
                found.map_or_else(|| "0".to_owned(), |(_, value)| value.clone())
            };
            rows.push([label.clone()].into_iter().chain(all.iter().map(cell)).collect());
        }
        let mut text = aligned(&rows);
        let problems = self.problems();
        for problem in &problems {
            text.extend(["wrong: ", problem, "\n"]);
        }
        if !problems.is_empty() {
            text.extend(["To repeat it: ", &self.again, "\n"]);
        }
        text
    }
}

impl Ended {
    fn problems(&self) -> Vec<String> {
        let who = clients(self.clients);
        let mut problems: Vec<String> =
            self.problems.iter().map(|problem| format!("{who}: {problem}")).collect();
        problems.extend(self.stuck.iter().take(SHOWN).map(|call| format!("{who}: a call is stuck: {call}")));
        if self.stuck.len() > SHOWN {
            problems.push(format!("{who}: {} more calls are stuck", self.stuck.len() - SHOWN));
        }
        let replays = self.counters["replays"].as_u64();
        if replays != Some(0) {
            problems.push(format!("{who}: refresh tokens shown twice: {replays:?}"));
        }
        for (name, wanted) in [("panicked", 0), ("unfinished", 0)] {
            let count = self.sum(name);
            if count != wanted {
                problems.push(format!("{who}: {name}: {count}"));
            }
        }
        if self.ends.iter().any(|end| end["finished"] == Value::Bool(false)) {
            problems.push(format!("{who}: a session was still being saved at the end"));
        }
        if self.count(|_, end| end == "done") == 0 {
            problems.push(format!("{who}: no call succeeded"));
        }
        let unexplained: Vec<_> =
            self.failed.iter().filter(|failed| self.timeline.cause(failed).is_none()).collect();
        for failed in unexplained.iter().take(SHOWN) {
            let (span, took) = (failed.span, failed.span.ended.saturating_sub(failed.span.began));
            let near = self.near(span.began);
            problems.push(format!(
                "{who}: {UNEXPLAINED}: {}, {}, after {took} ms: {}: {} ({near})",
                failed.face, failed.what, failed.kind, failed.text
            ));
        }
        if unexplained.len() > SHOWN {
            problems.push(format!("{who}: {UNEXPLAINED}: {} more", unexplained.len() - SHOWN));
        }
        problems
    }

    /// What happened last before a moment.
    fn near(&self, at: u64) -> String {
        let events = [
            ("outage", self.timeline.outages.iter().map(|span| span.began).collect()),
            ("keys", self.timeline.keys.clone()),
            ("sessions", self.timeline.sessions.clone()),
        ];
        let last = |(name, moments): &(&str, Vec<u64>)| {
            let before = moments.iter().filter(|moment| **moment <= at).max();
            before.map(|moment| format!("{name} {} ms before", at - moment))
        };
        events.iter().filter_map(last).collect::<Vec<_>>().join(", ")
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut row = |label: &str, value: String| rows.push((label.to_owned(), value));
        let calls = self.count(|_, _| true);
        row("seconds", self.took.as_secs().to_string());
        row("calls", grouped(calls));
        row("calls a second", (calls / self.took.as_secs().max(1)).to_string());
        for (label, name) in [
            ("renewals", "renewals"),
            ("replays", "replays"),
            ("sign-ins", "logins"),
            ("connections", "connections"),
        ] {
            row(label, grouped(self.counters[name].as_u64().unwrap_or(0)));
        }
        row("outages", self.timeline.outages.len().to_string());
        row("stretches of slow answers", self.timeline.slow.len().to_string());
        row("changes of keys", self.timeline.keys.len().to_string());
        row("ends of all sessions", self.timeline.sessions.len().to_string());
        for answer in ANSWERS {
            let count = self.timeline.asked.iter().filter(|asked| asked.answer == answer).count();
            row(&format!("questions {answer}"), count.to_string());
        }
        for site in ["tiled", "shotgun"] {
            row(&format!("questions at one time, {site}"), self.timeline.most_at_once(site).to_string());
        }
        for end in ["done", "dropped", "cancelled", "failed"] {
            row(&format!("calls {end}"), grouped(self.count(|_, known| known == end)));
        }
        let known = CAUSES.into_iter().chain([UNEXPLAINED]);
        let mut causes: BTreeMap<&str, usize> = known.map(|cause| (cause, 0)).collect();
        for failed in &self.failed {
            *causes.entry(self.timeline.cause(failed).unwrap_or(UNEXPLAINED)).or_default() += 1;
        }
        for (cause, count) in causes {
            row(&format!("failed: {cause}"), count.to_string());
        }
        row("stuck", self.stuck.len().to_string());
        for face in FACES {
            row(&format!("{face}, ms: p50 / p99 / longest"), self.latencies(face));
        }
        for (name, measure) in MEASURES {
            let [start, middle, end, most] = course(&self.samples, measure).map(grouped);
            row(
                &format!("{name}: start / middle / end, most"),
                format!("{start} / {middle} / {end}, {most}"),
            );
        }
        rows
    }

    fn sum(&self, name: &str) -> u64 {
        self.ends.iter().filter_map(|end| end[name].as_u64()).sum()
    }

    /// How many calls of these faces ended so.
    fn count(&self, is: impl Fn(&str, &str) -> bool) -> u64 {
        let counts = self.ends.iter().filter_map(|end| end["counts"].as_array()).flatten();
        let of = |count: &Value| {
            let meant = is(count[0].as_str()?, count[1].as_str()?);
            meant.then(|| count[2].as_u64())?
        };
        counts.filter_map(of).sum()
    }

    fn latencies(&self, face: &str) -> String {
        let mut steps: Vec<(f64, u64)> = Vec::new();
        let lines = |name: &'static str| {
            let lines = self.ends.iter().filter_map(move |end| end[name].as_array()).flatten();
            lines.filter(|line| line[0].as_str() == Some(face))
        };
        for line in lines("latencies") {
            steps.push((line[1].as_f64().unwrap_or(0.0), line[2].as_u64().unwrap_or(0)));
        }
        steps.sort_by(|one, other| one.0.total_cmp(&other.0));
        let total: u64 = steps.iter().map(|(_, count)| count).sum();
        let percentile = |percent: u64| {
            let mut left = (total * percent).div_ceil(100);
            let found = steps.iter().find(|(_, count)| {
                left = left.saturating_sub(*count);
                left == 0
            });
            found.map_or(0.0, |(micros, _)| micros / 1_000.0)
        };
        let longest = lines("longest").filter_map(|line| line[1].as_f64()).fold(0.0, f64::max) / 1_000.0;
        format!("{:.1} / {:.0} / {longest:.0}", percentile(50).min(longest), percentile(99).min(longest))
    }
}

/// `12,345`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
    let line = |row: &Vec<String>| {
        let cell = |(at, cell): (usize, &String)| {
            let width = width(at);
            if at == 0 { format!("{cell:width$}") } else { format!("  {cell:>width$}") }
        };
        row.iter().enumerate().map(cell).chain(["\n".to_owned()]).collect::<String>()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::timeline::{Failed, Span};
    use super::*;

    type Change = fn(&mut Ended);

    fn round() -> Ended {
        let end = json!({
            "counts": [["tiled async", "done", 1_500], ["tiled async", "failed", 1]],
            "latencies": [["tiled async", 1_000.0, 990], ["tiled async", 8_000.0, 10], ["tiled blocking", 5.0, 1]],
            "longest": [["tiled async", 7_500]],
            "panicked": 0, "unfinished": 0, "finished": true,
        });
        Ended {
            clients: 1,
            ends: vec![end.clone(), end],
            counters: json!({ "replays": 0, "renewals": 12_345, "logins": 1, "connections": 9 }),
            took: Duration::from_secs(10),
            ..Ended::default()
        }
    }

    fn report(round: Ended) -> Report {
        Report { again: "cargo xtask soak --seed 7".to_owned(), rounds: vec![round] }
    }

    #[test]
    fn a_soak_without_problems_is_good_and_has_its_table() {
        let report = report(round());
        assert_eq!(report.problems(), Vec::<String>::new());
        let text = report.text();
        for (label, value) in [
            ("calls ", "3,002"),
            ("calls a second", "300"),
            ("renewals", "12,345"),
            ("calls failed", "2"),
            ("failed: unexplained", "0"),
            ("tiled async, ms", "1.0 / 1 / 8"),
        ] {
            let found = text.lines().any(|line| line.starts_with(label) && line.ends_with(value));
            assert!(found, "{label} {value}\n{text}");
        }
    }

    #[test]
    fn everything_that_must_not_be_fails_a_soak() {
        let failed = Failed {
            site: "tiled".to_owned(),
            face: "tiled async".to_owned(),
            what: "call".to_owned(),
            span: Span { began: 1, ended: 2 },
            kind: "other".to_owned(),
            text: "disk full".to_owned(),
        };
        let cases: [(&str, Change); 6] = [
            ("shown twice", |round| round.counters = json!({ "replays": 1 })),
            ("shown twice", |round| round.counters = Value::Null),
            ("a call is stuck", |round| round.stuck.push("{\"seconds\":31}".to_owned())),
            ("panicked: 1", |round| round.ends.push(json!({ "panicked": 1 }))),
            ("being saved", |round| round.ends.push(json!({ "finished": false }))),
            ("no call succeeded", |round| round.ends.clear()),
        ];
        for (why, change) in cases {
            let mut round = round();
            change(&mut round);
            let problems = report(round).problems();
            assert!(problems.iter().any(|problem| problem.contains(why)), "{why}: {problems:?}");
        }
        let mut round = round();
        round.failed = vec![failed; SHOWN + 5];
        let report = report(round);
        assert_eq!(report.problems().len(), SHOWN + 1);
        let text = report.text();
        assert!(text.contains("unexplained: tiled async, call, after 1 ms: other: disk full"), "{text}");
        assert!(text.contains("5 more") && text.contains("--seed 7"), "{text}");
    }
}
