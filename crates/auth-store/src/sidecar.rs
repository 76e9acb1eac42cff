//! What a token does not say of itself, and nothing secret: a file of our own for each site.
//!
//! ```text
//! {"site": .., "slot": .., "links": {"whoami": .., "refresh": ..}, "intent": DIGEST,
//!  "asked": {"declined": ..} or {"unanswered": TIMES, "at": ..},
//!  "former": [DIGEST, ..],
//!  "sessions": [{"access": DIGEST, "refresh": DIGEST, "id": DIGEST, "metadata": DIGEST, "received": ..,
//!                "expires": .., "refresh_expires": .., "identity": {"id": .., "provider": ..}, "principal": ..}, ..]}
//! ```
//!
//! Facts are bound to the digests of the tokens they speak of, so the order in which they and the tokens are written
//! cannot make them wrong. They are written first: then they are there whenever the tokens are, and everybody who
//! reads a token of ours knows it to be whole. The sessions before it stay listed, because until the last token is
//! written they are what is on disk.

use auth_core::ports::{Asked, Key};
use auth_core::session::{Facts, Identity, Links, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};
use serde_json::{Map, Value};

use crate::document::Document;

/// How many tokens are remembered that were replaced: another site's folder may still hold a copy of one.
const FORMER: usize = 64;
/// How many sessions are listed: the one saved last and, until its tokens are written, what they replace.
const LISTED: usize = 3;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sidecar {
    pub(crate) links: Links,
    pub(crate) intent: Option<Digest>,
    pub(crate) asked: Asked,
    sessions: Vec<Entry>,
    /// Tokens that were replaced, the last one first.
    former: Vec<Digest>,
    /// As it was read, with what we do not know.
    members: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    digests: Digests,
    facts: Facts,
    members: Map<String, Value>,
}

/// The digests of a session's tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Digests {
    pub(crate) access: Option<Digest>,
    pub(crate) refresh: Option<Digest>,
    pub(crate) id: Option<Digest>,
    pub(crate) metadata: Option<Digest>,
}

impl Digests {
    pub(crate) fn of(tokens: &Tokens) -> Self {
        let digest = |token: &Option<Secret>| token.as_ref().map(Digest::of);
        Self {
            access: digest(&tokens.access),
            refresh: digest(&tokens.refresh),
            id: digest(&tokens.id),
            metadata: digest(&tokens.metadata),
        }
    }
}

impl Sidecar {
    /// True if this is a token that one of us wrote, so that one with its digest cannot be cut.
    pub(crate) fn knows(&self, digest: Digest) -> bool {
        let known = |entry: &Entry| {
            let Digests { access, refresh, id, metadata } = entry.digests;
            [access, refresh, id, metadata]
        };
        self.sessions.iter().flat_map(known).any(|known| known == Some(digest))
    }

    /// The site whose tokens are listed; `None` if none were ever saved.
    pub(crate) fn site(&self) -> Option<&str> {
        self.members.get("site")?.as_str()
    }

    /// True if this is or was a token of this site's.
    pub(crate) fn knew(&self, digest: Digest) -> bool {
        self.knows(digest) || self.former.contains(&digest)
    }

    /// This one, unless it was written for another site or login: then nothing is known here. Its file may have been put
    /// in the place of ours.
    pub(crate) fn of(self, key: &Key) -> Self {
        let is = |name: &str, ours: &str| {
            self.members.get(name).and_then(Value::as_str).is_none_or(|theirs| theirs == ours)
        };
        if is("site", &key.site) && is("slot", &key.slot) { self } else { Self::default() }
    }

    /// True if one of us wrote this access token together with the refresh token of that digest.
    pub(crate) fn pairs(&self, refresh: Digest, access: Digest) -> bool {
        self.find(|known| known.refresh == Some(refresh) && known.access == Some(access)).is_some()
    }

    /// Without metadata that came with another access token.
    pub(crate) fn matched(&self, tokens: Tokens) -> Tokens {
        let Digests { access, metadata, .. } = Digests::of(&tokens);
        let is_theirs = self.find(|known| known.access == access && known.metadata == metadata).is_some();
        Tokens { metadata: tokens.metadata.filter(|_| is_theirs), ..tokens }
    }

    /// True if one of us wrote just these together.
    pub(crate) fn lists(&self, digests: Digests) -> bool {
        let same = |entry: &Entry| (entry.digests.access, entry.digests.refresh);
        self.sessions.iter().any(|entry| same(entry) == (digests.access, digests.refresh))
    }

    /// What is known of these tokens; of an access token that none of us saved, what it says of itself.
    pub(crate) fn facts(&self, tokens: &Tokens) -> Facts {
        let digests = Digests::of(tokens);
        let of_refresh = digests.refresh.and_then(|digest| self.find(|known| known.refresh == Some(digest)));
        let Some(access) = &tokens.access else {
            // Taken away by a peer that is about to renew: whose session it is has not changed.
            return of_refresh.map_or_else(Facts::default, |entry| Facts {
                received: None,
                expires: None,
                ..entry.facts.clone()
            });
        };
        match self.find(|known| known.access == digests.access) {
            Some(entry) => Facts {
                refresh_expires: of_refresh.and_then(|entry| entry.facts.refresh_expires),
                ..entry.facts.clone()
            },
            None => auth_core::tiled::hints(access),
        }
    }

    /// Lists a session that is about to be written in the place of what is there.
    pub(crate) fn list(&mut self, key: &Key, session: &Session, there: Digests) {
        let entry = Entry {
            digests: Digests::of(&session.tokens),
            facts: session.facts.clone(),
            members: Map::new(),
        };
        let (access, refresh) = (there.access, there.refresh);
        let is_there = |known: &Digests| {
            (access.is_some() && known.access == access) || (refresh.is_some() && known.refresh == refresh)
        };
        let stays = |known: &Entry| known.digests != entry.digests && is_there(&known.digests);
        let gone = self.sessions.iter().filter(|known| !stays(known));
        let gone = gone.flat_map(|known| [known.digests.refresh, known.digests.access]).flatten();
        let former: Vec<Digest> = gone.chain(self.former.iter().copied()).collect();
        self.former = Vec::new();
        for digest in former {
            let is_new = [entry.digests.access, entry.digests.refresh].contains(&Some(digest));
            if !is_new && !self.former.contains(&digest) && self.former.len() < FORMER {
                self.former.push(digest);
            }
        }
        self.sessions.retain(stays);
        self.sessions.insert(0, entry);
        self.sessions.truncate(LISTED);
        self.links = session.links.clone();
        self.members.insert("site".to_owned(), Value::from(key.site.as_str()));
        self.members.insert("slot".to_owned(), Value::from(key.slot.as_str()));
    }

    /// Forgets what belongs to tokens; links hold for the site. False if there was nothing.
    pub(crate) fn clear(&mut self) -> bool {
        let held = !self.sessions.is_empty() || self.intent.is_some();
        let gone =
            self.sessions.drain(..).flat_map(|known| [known.digests.refresh, known.digests.access]).flatten();
        self.former = gone.chain(self.former.iter().copied()).take(FORMER).collect();
        self.intent = None;
        held
    }

    fn find(&self, matches: impl Fn(&Digests) -> bool) -> Option<&Entry> {
        self.sessions.iter().find(|entry| matches(&entry.digests))
    }
}

impl Document for Sidecar {
    fn read(bytes: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(bytes).ok()? else { return None };
        let links = match members.get("links") {
            None => Links::default(),
            Some(links) => Links { whoami: text(links, "whoami")?, refresh: text(links, "refresh")? },
        };
        let sessions = match members.get("sessions") {
            None => Vec::new(),
            Some(sessions) => sessions.as_array()?.iter().map(Entry::read).collect::<Option<_>>()?,
        };
        let former = match members.get("former") {
            None => Vec::new(),
            Some(former) => former
                .as_array()?
                .iter()
                .map(|former| Digest::from_hex(former.as_str()?))
                .collect::<Option<_>>()?,
        };
        let intent = digest(members.get("intent"))?;
        let asked = members.get("asked").map_or(Some(Asked::Answered), read_asked)?;
        Some(Self { links, intent, asked, sessions, former, members })
    }

    fn write(&self) -> Vec<u8> {
        let mut members = self.members.clone();
        let mut links = match members.remove("links") {
            Some(Value::Object(links)) => links,
            _ => Map::new(),
        };
        set(&mut links, "whoami", self.links.whoami.as_deref());
        set(&mut links, "refresh", self.links.refresh.as_deref());
        if !links.is_empty() {
            members.insert("links".to_owned(), Value::Object(links));
        }
        set(&mut members, "intent", self.intent.map(|digest| digest.to_string()));
        set(&mut members, "asked", write_asked(self.asked));
        let former = self.former.iter().map(|digest| Value::from(digest.to_string())).collect();
        set(&mut members, "former", (!self.former.is_empty()).then_some(Value::Array(former)));
        let sessions = self.sessions.iter().map(Entry::write).collect();
        members.insert("sessions".to_owned(), Value::Array(sessions));
        format!("{:#}\n", Value::Object(members)).into_bytes()
    }
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let identity = match members.get("identity") {
            None => None,
            Some(identity) => Some(Identity {
                id: Foreign::new(identity.get("id")?.as_str()?),
                provider: Foreign::new(identity.get("provider")?.as_str()?),
            }),
        };
        let facts = Facts {
            received: moment(members.get("received"))?,
            expires: moment(members.get("expires"))?,
            refresh_expires: moment(members.get("refresh_expires"))?,
            identity,
            principal: text(value, "principal")?.map(Foreign::new),
        };
        let digests = Digests {
            access: digest(members.get("access"))?,
            refresh: digest(members.get("refresh"))?,
            id: digest(members.get("id"))?,
            metadata: digest(members.get("metadata"))?,
        };
        Some(Self { digests, facts, members: members.clone() })
    }

    fn write(&self) -> Value {
        let mut members = self.members.clone();
        let Digests { access, refresh, id, metadata } = self.digests;
        for (name, digest) in [("access", access), ("refresh", refresh), ("id", id), ("metadata", metadata)] {
            set(&mut members, name, digest.map(|digest| digest.to_string()));
        }
        let Facts { received, expires, refresh_expires, identity, principal } = &self.facts;
        let moments = [("received", received), ("expires", expires), ("refresh_expires", refresh_expires)];
        for (name, moment) in moments {
            set(&mut members, name, moment.map(|Timestamp(second)| second));
        }
        let identity = identity.as_ref().map(|Identity { id, provider }| {
            Value::from_iter([("id", Value::from(id.raw())), ("provider", Value::from(provider.raw()))])
        });
        set(&mut members, "identity", identity);
        set(&mut members, "principal", principal.as_ref().map(Foreign::raw));
        Value::Object(members)
    }
}

fn read_asked(value: &Value) -> Option<Asked> {
    let members = value.as_object()?;
    let at = |name: &str| Some(Timestamp(members.get(name)?.as_i64()?));
    match members.get("unanswered") {
        Some(times) => Some(Asked::Unanswered { times: u8::try_from(times.as_u64()?).ok()?, at: at("at")? }),
        None => Some(Asked::Declined { at: at("declined")? }),
    }
}

fn write_asked(asked: Asked) -> Option<Value> {
    Some(match asked {
        Asked::Answered => return None,
        Asked::Declined { at: Timestamp(at) } => Value::from_iter([("declined", Value::from(at))]),
        Asked::Unanswered { times, at: Timestamp(at) } => {
            Value::from_iter([("unanswered", Value::from(times)), ("at", Value::from(at))])
        }
    })
}

fn set(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value.into())),
        None => drop(members.remove(name)),
    }
}

/// A member that may be missing but not of another kind: then the outer `None`.
#[expect(clippy::option_option, reason = "missing is one thing and wrong another")]
fn text(value: &Value, name: &str) -> Option<Option<String>> {
    match value.as_object()?.get(name) {
        None => Some(None),
        Some(text) => Some(Some(text.as_str()?.to_owned())),
    }
}

#[expect(clippy::option_option, reason = "missing is one thing and wrong another")]
fn moment(value: Option<&Value>) -> Option<Option<Timestamp>> {
    match value {
        None => Some(None),
        Some(value) => Some(Some(Timestamp(value.as_i64()?))),
    }
}

#[expect(clippy::option_option, reason = "missing is one thing and wrong another")]
fn digest(value: Option<&Value>) -> Option<Option<Digest>> {
    match value {
        None => Some(None),
        Some(value) => Some(Some(Digest::from_hex(value.as_str()?)?)),
    }
}

#[cfg(test)]
#[path = "tests/sidecar.rs"]
mod tests;
