//! Sessions, sites and keys to try a store with. Everything in a session follows from whose it is and its number, so
//! that parts of two of them are told apart.

use auth_core::ports::{Change, Key, Replaces, SiteEntry};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};

/// What every token begins with, so that it can be struck out of any text.
pub(super) const MARK: &str = "SECRET.";
/// Who is signed in unless a clause needs two.
pub(super) const ALICE: &str = "alice";
pub(super) const BOB: &str = "bob";
const FIRST_SECOND: i64 = 1_800_000_000;

/// A key by its number.
pub(super) fn key(number: u64) -> Key {
    key_of(&format!("https://site-{number}.example/api/v1/"), "")
}

pub(super) fn key_of(site: &str, slot: &str) -> Key {
    Key { site: site.to_owned(), slot: slot.to_owned() }
}

pub(super) fn token(kind: &str, person: &str, number: u64) -> Secret {
    Secret::from(format!("{MARK}{kind}.{person}.{number}"))
}

/// A person's session of this number, with an access and a refresh token and all that can be known of them.
pub(super) fn session_of(person: &str, number: u64) -> Session {
    let second = |later: i64| Timestamp(FIRST_SECOND + i64::try_from(number).unwrap_or(0) + later);
    Session {
        tokens: Tokens {
            access: Some(token("access", person, number)),
            refresh: Some(token("refresh", person, number)),
            ..Tokens::default()
        },
        facts: Facts {
            received: Some(second(0)),
            expires: Some(second(900)),
            refresh_expires: Some(second(86_400)),
            identity: Some(Identity { id: Foreign::from(person), provider: Foreign::from("contract") }),
            principal: Some(Foreign::new(format!("principal of {person}"))),
        },
        links: Links {
            whoami: Some("/api/v1/auth/whoami".to_owned()),
            refresh: Some("/api/v1/auth/session/refresh".to_owned()),
        },
    }
}

pub(super) fn session(number: u64) -> Session {
    session_of(ALICE, number)
}

/// The digest of a session's refresh token, as an intent names it.
pub(super) fn redeeming(number: u64) -> Digest {
    Digest::of(&token("refresh", ALICE, number))
}

/// Whose token it is, and of which session.
pub(super) fn origin(token: Option<&Secret>) -> Option<(&str, u64)> {
    let mut parts = token?.expose().strip_prefix(MARK)?.split('.').skip(1);
    let (person, number) = (parts.next()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((person, number))
}

pub(super) fn save(key: &Key, session: &Session) -> Change {
    Change::Save { key: key.clone(), session: Box::new(session.clone()), replaces: Replaces::Anything }
}

pub(super) fn clear(key: &Key, session: &Session) -> Change {
    Change::ClearIf { key: key.clone(), generation: session.tokens.generation() }
}

pub(super) fn intent(key: &Key, redeeming: Digest) -> Change {
    Change::Intent { key: key.clone(), redeeming }
}

pub(super) fn entry(key: Key, user: &str, allow_http: bool) -> SiteEntry {
    SiteEntry { key, user: Some(Foreign::from(user)), allow_http, method: None, pages: None }
}

/// Names all of a session, so that two processes can compare what they have without telling it.
pub(super) fn fingerprint(session: &Session) -> Digest {
    let Session { tokens, facts, links } = session;
    let text = format!("{facts:?}");
    let shown = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned());
    let principal = shown(&facts.principal);
    let generation = tokens.generation().0.to_string();
    Digest::of_parts(&[
        Some(&generation),
        Some(&text),
        principal.as_deref(),
        links.whoami.as_deref(),
        links.refresh.as_deref(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is_and_of_which_session() {
        let session = session_of(BOB, 17);
        assert_eq!(origin(session.tokens.access.as_ref()), Some((BOB, 17)));
        assert_eq!(origin(session.tokens.refresh.as_ref()), Some((BOB, 17)));
        for other in ["", "x", "SECRET.access.bob", "SECRET.access.bob.x", "SECRET.access.bob.1.2"] {
            assert_eq!(origin(Some(&Secret::from(other))), None, "{other}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_everything() {
        let all = session(1);
        let mut others =
            vec![session(2), session_of(BOB, 1), Session { links: Links::default(), ..all.clone() }];
        let mut facts = all.clone();
        facts.facts.expires = None;
        others.push(facts);
        for other in &others {
            assert_ne!(fingerprint(other), fingerprint(&all));
        }
        assert_eq!(fingerprint(&all), fingerprint(&all.clone()));
    }
}
