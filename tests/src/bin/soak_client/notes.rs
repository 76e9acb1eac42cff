//! What happens to calls: counted, and told as lines of JSON as it happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::calls::End;

/// Buckets of the latencies for each doubling.
const STEPS: f64 = 8.0;

/// Milliseconds since 1970, which all processes of this machine have in common.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) struct Notes {
    bound: Duration,
    inner: Mutex<Inner>,
    asked: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// Calls by face and end.
    counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Calls by face and the logarithm of how many microseconds they took.
    latencies: BTreeMap<(&'static str, u32), u64>,
    longest: BTreeMap<&'static str, Duration>,
    under_way: BTreeMap<u64, Under>,
    next: u64,
}

/// A call under way.
struct Under {
    face: &'static str,
    what: &'static str,
    began: Instant,
    is_stuck: bool,
}

impl Notes {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound, inner: Mutex::default(), asked: AtomicU64::new(0) }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a call begins, and returns what ends it.
    pub(crate) fn begin(self: &Arc<Self>, face: &'static str, what: &'static str) -> Call {
        let mut inner = self.inner();
        inner.next += 1;
        let id = inner.next;
        inner.under_way.insert(id, Under { face, what, began: Instant::now(), is_stuck: false });
        Call { notes: Arc::clone(self), id, at: now() }
    }

    /// Tells which calls take longer than they may.
    pub(crate) fn watch(&self) {
        for call in self.inner().under_way.values_mut() {
            if call.began.elapsed() > self.bound && !call.is_stuck {
                call.is_stuck = true;
                let seconds = call.began.elapsed().as_secs_f64();
                println!(
                    "{}",
                    json!({ "stuck": { "face": call.face, "what": call.what, "seconds": seconds } })
                );
            }
        }
    }

    /// Tells how a question ended.
    pub(crate) fn question(&self, site: &str, began: u64, answer: &str) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        println!(
            "{}",
            json!({ "question": { "site": site, "began": began, "ended": now(), "answer": answer } })
        );
    }

    /// Everything that was counted.
    pub(crate) fn end(&self, panicked: usize, finished: bool) -> Value {
        let inner = self.inner();
        let counts: Vec<_> =
            inner.counts.iter().map(|((face, end), count)| json!([face, end, count])).collect();
        let latencies: Vec<_> =
            inner.latencies.iter().map(|((face, step), count)| json!([face, micros(*step), count])).collect();
        let longest: Vec<_> =
            inner.longest.iter().map(|(face, length)| json!([face, length.as_micros()])).collect();
        json!({ "end": {
            "counts": counts,
            "latencies": latencies,
            "longest": longest,
            "asked": self.asked.load(Ordering::Relaxed),
            "panicked": panicked,
            "unfinished": inner.under_way.len(),
            "finished": finished,
        } })
    }
}

/// A call under way.
pub(crate) struct Call {
    notes: Arc<Notes>,
    id: u64,
    at: u64,
}

impl Call {
    pub(crate) fn end(self, end: &End) {
        let mut inner = self.notes.inner();
        let Some(call) = inner.under_way.remove(&self.id) else { return };
        let took = call.began.elapsed();
        *inner.counts.entry((call.face, end.name())).or_default() += 1;
        *inner.latencies.entry((call.face, step(took))).or_default() += 1;
        let longest = inner.longest.entry(call.face).or_default();
        *longest = took.max(*longest);
        drop(inner);
        if let End::Failed { kind, text } = end {
            let failed = json!({
                "site": call.face.split(' ').next(), "face": call.face, "what": call.what,
                "began": self.at, "ended": now(), "kind": kind, "text": text,
            });
            println!("{}", json!({ "failed": failed }));
        }
    }
}

impl Drop for Call {
    /// A call that panicked is over: the panic is what is counted.
    fn drop(&mut self) {
        self.notes.inner().under_way.remove(&self.id);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
fn step(took: Duration) -> u32 {
    ((took.as_secs_f64() * 1e6).max(1.0).log2() * STEPS) as u32
}

/// The upper bound of a step, in microseconds.
fn micros(step: u32) -> f64 {
    ((f64::from(step) + 1.0) / STEPS).exp2()
}
