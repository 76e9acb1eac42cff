//! What every kind of site has in common.

use core::time::Duration;

use auth_core::Seed;
use auth_core::time::Timestamp;
use zeroize::Zeroizing;

use crate::faults::{Fault, malformed};
use crate::message::{Reply, SiteRequest, SiteResponse};
use crate::record::Record;

/// A site that a [`Server`](crate::Server) or an [`InProcess`](crate::InProcess) can carry.
pub trait Site: Send + 'static {
    /// Answers a request as far as the site's faults let it.
    fn serve(&mut self, now: Timestamp, request: &SiteRequest) -> Reply;

    /// The path in front of the site: empty, or with or without slashes around.
    fn root_path(&self) -> &str;
}

/// The parts of a site that its faults act on.
pub(crate) trait Machine {
    type Counters;

    /// The fault that this request meets.
    fn fault(&mut self, request: &SiteRequest) -> Option<Fault>;
    /// Answers, and nothing goes wrong.
    fn answer(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse;
    /// Writes an answer down and adds what every answer has.
    fn finish(&mut self, now: Timestamp, request: &SiteRequest, response: SiteResponse) -> SiteResponse;
    fn record(&mut self) -> &mut Record<Self::Counters>;
}

pub(crate) fn serve<M: Machine>(site: &mut M, now: Timestamp, request: &SiteRequest) -> Reply {
    let in_time = |response| Reply { response: Some(response), delay: Duration::ZERO };
    let lost = Reply { response: None, delay: Duration::ZERO };
    let fault = site.fault(request);
    if let Some(response) = fault.as_ref().and_then(Fault::answer) {
        return in_time(site.finish(now, request, response));
    }
    match fault {
        Some(Fault::Drop) => {
            site.record().note(request.method(), request.path(), None);
            lost
        }
        Some(Fault::LostReply) => {
            site.answer(now, request);
            if let Some(entry) = site.record().entries.back_mut() {
                entry.status = None;
            }
            lost
        }
        Some(Fault::Delay(delay)) => Reply { delay, ..in_time(site.answer(now, request)) },
        Some(Fault::Malformed) => in_time(malformed(site.answer(now, request))),
        _ => in_time(site.answer(now, request)),
    }
}

/// Words to type, of 60 random bits: the password of a demonstration.
pub(crate) fn words(seed: &Seed, usage: &str) -> String {
    // No letter that looks like a digit, and one of 32 for every five bits.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random = Zeroizing::new(seed.derive(usage, 0));
    let mut words = String::with_capacity(14);
    for (at, byte) in random.iter().take(12).enumerate() {
        if at == 4 || at == 8 {
            words.push('-');
        }
        words.push(LETTERS.get(usize::from(byte & 31)).map_or('a', |&letter| char::from(letter)));
    }
    words
}
