//! What serves at an address: a Tiled server or a Shotgun site.

use auth_native::address;
use auth_native::error::{AuthError, Peer, Trouble};
use auth_native::ports::SiteEntry;
use auth_native::shotgun::ShotgunSite;

use crate::args::Method;

/// What serves at an address, as far as it is known without asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Tiled,
    Shotgun(ShotgunSite),
    /// Either; a Shotgun site would be this one.
    Unknown(Option<ShotgunSite>),
}

/// Where Autodesk serves sites.
const HOSTED: [&str; 2] = [".shotgunstudio.com", ".shotgrid.autodesk.com"];

impl Kind {
    /// What is known of an address, or of a site's name in the list of sites: by that list, by the host, by the method
    /// that was asked for.
    pub(crate) fn of(site: &str, known: &[SiteEntry], method: Option<Method>) -> Self {
        let Ok(shotgun) = site.parse::<ShotgunSite>() else { return Self::Tiled };
        let tiled = address(site).ok().map(|uri| uri.key());
        let is_listed = |key: &str| known.iter().any(|entry| entry.key.site == key);
        let host = shotgun.origin().host();
        // A Shotgun site is a whole origin.
        let is_whole = is_whole(site, &shotgun);
        let is_shotgun = match method {
            Some(method) if method.is_of_shotgun() => true,
            _ if tiled.is_some_and(|key| is_listed(&key.site)) => return Self::Tiled,
            _ => {
                is_whole && is_listed(&shotgun.site_key().site)
                    || HOSTED.iter().any(|hosted| host.ends_with(hosted))
            }
        };
        if is_shotgun {
            return Self::Shotgun(shotgun);
        }
        Self::Unknown(Some(shotgun).filter(|_| is_whole))
    }

    /// The site, where it is known to be a Shotgun site.
    pub(crate) fn shotgun(self) -> Option<ShotgunSite> {
        match self {
            Self::Shotgun(site) => Some(site),
            Self::Tiled | Self::Unknown(_) => None,
        }
    }
}

fn is_whole(address: &str, site: &ShotgunSite) -> bool {
    let rest = address.trim().split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or_default();
    path.trim_end_matches('/').is_empty() && !site.origin().host().is_empty()
}

/// True if whoever answers is no Tiled server, and may be something else.
pub(crate) fn may_be_another(error: &AuthError) -> bool {
    matches!(
        error,
        AuthError::Peer(Peer::NotTiled { .. } | Peer::Elsewhere { .. })
            | AuthError::Transient(Trouble::Redirected { .. })
    )
}

/// An address without a scheme, as people type a host's name: it is `https`.
pub(crate) fn bare(typed: &str) -> Option<String> {
    let site = typed.parse::<ShotgunSite>().ok().filter(|_| !typed.contains("://"))?;
    let top = site.origin().host().rsplit_once('.').map(|(_, top)| top)?;
    // Neither a word nor a number is taken for a host.
    top.bytes().any(|byte| byte.is_ascii_alphabetic()).then(|| format!("https://{}", typed.trim()))
}

#[cfg(test)]
mod tests {
    use auth_native::ports::Key;

    use super::*;

    fn listed(site: &str, slot: &str) -> SiteEntry {
        let key = Key { site: site.to_owned(), slot: slot.to_owned() };
        SiteEntry { key, user: None, allow_http: false, method: None, pages: None }
    }

    #[test]
    fn the_list_goes_before_the_host_and_the_method_before_both() {
        let known = [
            listed("https://tiled.example/api/v1/", ""),
            listed("https://studio.example", "ada"),
            listed("https://odd.shotgunstudio.com/api/v1/", ""),
        ];
        let shotgun = |site: &str| Kind::Shotgun(site.parse().unwrap());
        let unknown = |site: Option<&str>| Kind::Unknown(site.map(|site| site.parse().unwrap()));
        let cases = [
            ("https://tiled.example", None, Kind::Tiled),
            ("https://tiled.example/api/v1/", None, Kind::Tiled),
            ("https://odd.shotgunstudio.com", None, Kind::Tiled),
            ("https://studio.example", None, shotgun("studio.example")),
            ("https://Studio.example/", None, shotgun("studio.example")),
            ("https://studio.example/tiled", None, unknown(None)),
            ("https://a.shotgunstudio.com/page/1", None, shotgun("a.shotgunstudio.com")),
            ("https://a.shotgunstudio.com", None, shotgun("a.shotgunstudio.com")),
            ("https://a.shotgrid.autodesk.com:8443", None, shotgun("a.shotgrid.autodesk.com:8443")),
            (
                "https://a.shotgunstudio.com.evil.example",
                None,
                unknown(Some("a.shotgunstudio.com.evil.example")),
            ),
            ("http://127.0.0.1:8000", None, unknown(Some("http://127.0.0.1:8000"))),
            ("http://127.0.0.1:8000", Some(Method::Password), unknown(Some("http://127.0.0.1:8000"))),
            ("http://127.0.0.1:8000/sub", None, unknown(None)),
            ("http://127.0.0.1:8000", Some(Method::AppSession), shotgun("http://127.0.0.1:8000")),
            ("https://tiled.example", Some(Method::AppSession), shotgun("tiled.example")),
        ];
        for (site, method, kind) in cases {
            assert_eq!(Kind::of(site, &known, method), kind, "{site} {method:?}");
        }
    }

    #[test]
    fn a_hosts_name_alone_is_https() {
        let cases = [
            ("studio.example", Some("https://studio.example")),
            (" studio.example:8443/x", Some("https://studio.example:8443/x")),
            ("https.example", Some("https://https.example")),
            ("nowhere", None),
            ("127.0.0.1:8000", None),
            ("http://studio.example", None),
            ("joe:pw@studio.example", None),
            ("", None),
        ];
        for (typed, address) in cases {
            assert_eq!(bare(typed).as_deref(), address, "{typed}");
        }
    }
}
