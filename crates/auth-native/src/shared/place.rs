use auth_core::Foreign;
use auth_core::error::Policy;
use auth_core::ports::SiteEntry;
use auth_core::tiled::TiledUri;

use crate::address::{encrypted, is_exposed};

/// A server that was named, and what is remembered of it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) uri: TiledUri,
    pub(crate) allow_http: bool,
    pub(crate) user: Option<Foreign>,
}

impl Place {
    /// The server at an address. One that was found to have an encrypted address is meant by both.
    pub(crate) fn find(uri: TiledUri, sites: &[SiteEntry], allow_http: bool) -> Self {
        let known = |uri: &TiledUri| sites.iter().find(|entry| entry.key == uri.key());
        let (uri, entry) = match known(&uri) {
            Some(entry) => (uri, Some(entry)),
            None => match encrypted(&uri).and_then(|url| url.parse::<TiledUri>().ok()) {
                Some(other) if known(&other).is_some() => (other.clone(), known(&other)),
                _ => (uri, None),
            },
        };
        Self {
            uri,
            allow_http: allow_http || entry.is_some_and(|entry| entry.allow_http),
            user: entry.and_then(|entry| entry.user.clone()),
        }
    }

    /// Says no if what is sent there can be read on the way and nobody allowed it.
    pub(crate) fn check(&self) -> Result<(), Policy> {
        if is_exposed(&self.uri) && !self.allow_http {
            return Err(Policy::PlainHttp(self.uri.origin().clone()));
        }
        Ok(())
    }
}
