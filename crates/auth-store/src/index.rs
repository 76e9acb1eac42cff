//! The list of sites somebody signed in to: a small file for each, `{"site": .., "slot": .., "user": .., "allow_http": ..,
//! "method": .., "pages": .., "preferred": MICROSECONDS}`; and the one file for all of earlier versions,
//! `{"sites": [{"site": .., ..}, ..]}`, the one last preferred first.

use std::time::{SystemTime, UNIX_EPOCH};

use auth_core::ports::{Key, SiteEntry};
use auth_core::site::Url;
use auth_core::{Digest, Foreign};
use serde_json::{Map, Value};

use crate::document::Document;

/// What is listed of one site.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Site {
    /// `None` of a file that is not there.
    pub(crate) entry: Option<SiteEntry>,
    /// When it was last preferred, in microseconds since 1970; never before what was preferred earlier.
    pub(crate) preferred: u64,
    /// The members as they were read.
    members: Map<String, Value>,
}

impl Site {
    /// What a site's file is called without its ending, and its lock: the same for every cache folder.
    pub(crate) fn name(key: &Key) -> String {
        Digest::of_parts(&[Some("listed"), Some(&key.site), Some(&key.slot)]).to_string()
    }

    /// Makes this the site that was preferred last; the one before was at `newest`.
    pub(crate) fn prefer(&mut self, entry: &SiteEntry, newest: u64, now: SystemTime) {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        self.preferred = u64::try_from(now).unwrap_or(u64::MAX).max(newest.saturating_add(1));
        self.entry = Some(entry.clone());
    }

    fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let preferred = match members.get("preferred") {
            None => 0,
            Some(moment) => moment.as_u64()?,
        };
        Some(Self { entry: Some(read_entry(members)?), preferred, members: members.clone() })
    }
}

impl Document for Site {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::read(&serde_json::from_slice(bytes).ok()?)
    }

    fn write(&self) -> Vec<u8> {
        let mut members = self.members.clone();
        if let Some(entry) = &self.entry {
            write_entry(entry, &mut members);
        }
        members.insert("preferred".to_owned(), Value::from(self.preferred));
        format!("{:#}\n", Value::Object(members)).into_bytes()
    }
}

/// The one preferred last first. Where two were at the same moment, the order of their names decides.
pub(crate) fn in_order(mut sites: Vec<Site>) -> Vec<SiteEntry> {
    sites.sort_by(|one, other| {
        let key = |site: &Site| site.entry.as_ref().map(|entry| entry.key.clone());
        other.preferred.cmp(&one.preferred).then_with(|| key(one).cmp(&key(other)))
    });
    sites.into_iter().filter_map(|site| site.entry).collect()
}

/// The one file for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    sites: Vec<Site>,
    members: Map<String, Value>,
}

impl Index {
    /// What it lists. Each was preferred before anything that has a file of its own.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// What is left of it when every site has a file of its own; `None` if that is nothing.
    pub(crate) fn rest(self) -> Option<Self> {
        let has_more = self.members.keys().any(|name| name != "sites");
        has_more.then(|| Self { sites: Vec::new(), members: self.members })
    }
}

impl Document for Index {
    fn read(bytes: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(bytes).ok()? else { return None };
        let mut sites = match members.get("sites") {
            None => Vec::new(),
            Some(sites) => sites.as_array()?.iter().map(Site::read).collect::<Option<Vec<_>>>()?,
        };
        for (moment, site) in (1..).zip(sites.iter_mut().rev()) {
            site.preferred = moment;
        }
        Some(Self { sites, members })
    }

    fn write(&self) -> Vec<u8> {
        let sites = self.sites.iter().map(|site| {
            let mut members = site.members.clone();
            if let Some(entry) = &site.entry {
                write_entry(entry, &mut members);
            }
            Value::Object(members)
        });
        let mut members = self.members.clone();
        members.insert("sites".to_owned(), Value::Array(sites.collect()));
        format!("{:#}\n", Value::Object(members)).into_bytes()
    }
}

fn read_entry(members: &Map<String, Value>) -> Option<SiteEntry> {
    let text = |name: &str| Some(members.get(name)?.as_str()?.to_owned());
    Some(SiteEntry {
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
    })
}

fn write_entry(entry: &SiteEntry, members: &mut Map<String, Value>) {
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
}

#[cfg(test)]
#[path = "tests/index.rs"]
mod tests;
