//! The list of sites somebody signed in to, the one last preferred first: `{"sites": [{"site": .., "slot": ..,
//! "user": .., "allow_http": .., "method": .., "pages": ..}, ..]}`.

use auth_core::Foreign;
use auth_core::ports::{Key, SiteEntry};
use auth_core::site::Url;
use serde_json::{Map, Value};

use crate::document::Document;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// Each with its members as they were read.
    sites: Vec<(SiteEntry, Map<String, Value>)>,
    members: Map<String, Value>,
}

impl Index {
    pub(crate) fn sites(self) -> Vec<SiteEntry> {
        self.sites.into_iter().map(|(entry, _)| entry).collect()
    }

    /// Puts a site first.
    pub(crate) fn prefer(&mut self, entry: &SiteEntry) {
        let known = self.sites.iter().position(|(known, _)| known.key == entry.key);
        let members = known.map(|at| self.sites.remove(at).1).unwrap_or_default();
        self.sites.insert(0, (entry.clone(), members));
    }

    /// Strikes a site off; false if it was not there.
    pub(crate) fn forget(&mut self, key: &Key) -> bool {
        let before = self.sites.len();
        self.sites.retain(|(known, _)| known.key != *key);
        self.sites.len() < before
    }
}

impl Document for Index {
    fn read(bytes: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(bytes).ok()? else { return None };
        let sites = match members.get("sites") {
            None => Vec::new(),
            Some(sites) => sites.as_array()?.iter().map(read_site).collect::<Option<_>>()?,
        };
        Some(Self { sites, members })
    }

    fn write(&self) -> Vec<u8> {
        let sites = self.sites.iter().map(|(entry, members)| write_site(entry, members.clone()));
        let mut members = self.members.clone();
        members.insert("sites".to_owned(), Value::Array(sites.collect()));
        format!("{:#}\n", Value::Object(members)).into_bytes()
    }
}

fn read_site(value: &Value) -> Option<(SiteEntry, Map<String, Value>)> {
    let members = value.as_object()?;
    let text = |name: &str| Some(members.get(name)?.as_str()?.to_owned());
    let entry = SiteEntry {
        key: Key { site: text("site")?, slot: text("slot")? },
        user: match members.get("user") {
            None => None,
            Some(user) => Some(Foreign::new(user.as_str()?)),
        },
        allow_http: members.get("allow_http")?.as_bool()?,
        // One that is not known here is kept.
        method: members.get("method").and_then(|name| name.as_str()?.parse().ok()),
        pages: members
            .get("pages")
            .and_then(|origin| Some(origin.as_str()?.parse::<Url>().ok()?.origin().clone())),
    };
    Some((entry, members.clone()))
}

fn write_site(entry: &SiteEntry, mut members: Map<String, Value>) -> Value {
    let SiteEntry { key, user, allow_http, method, pages } = entry;
    members.insert("site".to_owned(), Value::from(key.site.as_str()));
    members.insert("slot".to_owned(), Value::from(key.slot.as_str()));
    match user {
        Some(user) => drop(members.insert("user".to_owned(), Value::from(user.raw()))),
        None => drop(members.remove("user")),
    }
    members.insert("allow_http".to_owned(), Value::from(*allow_http));
    if let Some(method) = method {
        members.insert("method".to_owned(), Value::from(method.as_str()));
    }
    match pages {
        Some(pages) => drop(members.insert("pages".to_owned(), Value::from(pages.to_string()))),
        None => drop(members.remove("pages")),
    }
    Value::Object(members)
}

#[cfg(test)]
#[path = "tests/index.rs"]
mod tests;
