//! What a site remembers of the requests it got. Never a header, a query, a content or a token.

use std::collections::VecDeque;

/// How many requests are remembered one by one; the counters count all.
const REMEMBERED: usize = 4_096;

/// One request and what it was answered with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// The path without the query; a part that could be a token is left out.
    pub path: String,
    /// The status, or `None` if the connection ended without an answer.
    pub status: Option<u16>,
}

/// How often something happened at a Tiled-shaped site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Passwords and refresh tokens presented, accepted or not. What a fault kept from the site is not counted.
    pub token_requests: u64,
    /// Passwords accepted.
    pub logins: u64,
    /// Refresh tokens redeemed.
    pub refreshes: u64,
    /// Refresh tokens presented again after they had been redeemed, where they may be used once.
    pub replays: u64,
    /// Sessions ended by their owner, each time it was asked for.
    pub revocations: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Record<C> {
    pub(crate) entries: VecDeque<Entry>,
    pub(crate) counters: C,
}

impl<C> Record<C> {
    pub(crate) fn note(&mut self, method: &str, path: &str, status: Option<u16>) {
        if self.entries.len() == REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { method: shown_method(method), path: shown_path(path), status });
    }
}

/// A method, cut where no method is that long.
pub(crate) fn shown_method(method: &str) -> String {
    method.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}

/// A path with everything left out that is longer than a UUID and could be a token, or could move a cursor.
pub(crate) fn shown_path(path: &str) -> String {
    let segment = |segment: &str| {
        let plain = segment.len() <= 40 && segment.bytes().all(|b| b.is_ascii_graphic());
        if plain { segment.to_owned() } else { "…".to_owned() }
    };
    let segments: Vec<_> = path.split('/').take(16).map(segment).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_token_is_not_remembered_s2() {
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi.c2ln";
        let uuid = "47356fbe-b7f9-4bc0-8d37-018d902d4f87";
        let cases = [
            ("/api/v1/auth/whoami", "/api/v1/auth/whoami".to_owned()),
            (&format!("/session/revoke/{uuid}"), format!("/session/revoke/{uuid}")),
            (&format!("/session/revoke/{token}"), "/session/revoke/…".to_owned()),
            ("/\u{1b}[2J/x", "/…/x".to_owned()),
        ];
        for (path, shown) in cases {
            assert_eq!(shown_path(path), shown);
        }
    }

    #[test]
    fn the_record_does_not_grow_without_end() {
        let mut record = Record::<Counters>::default();
        for at in 0..REMEMBERED + 10 {
            record.note("GET", &format!("/{at}"), Some(200));
        }
        assert_eq!(record.entries.len(), REMEMBERED);
        assert_eq!(record.entries.front().unwrap().path, "/10");
    }
}
