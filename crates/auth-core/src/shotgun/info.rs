//! What a site says of itself to everybody (spec: Shotgun, sections 2.11 and 3).

use core::time::Duration;

use super::rpc::{self, Envelope, INFO, RpcReply};
use super::{ShotgunSite, redirected};
use crate::digest::Digest;
use crate::error::{Error, Peer, Policy, Trouble};
use crate::foreign::Foreign;
use crate::site::UrlError;
use crate::time::{Now, Tick};
use crate::wire::json::Json;
use crate::wire::{Request, Response};

/// What a site says of itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SiteInfo {
    /// The server's version.
    pub version: [u32; 3],
    /// Who signs people in.
    pub authentication: AuthenticationKind,
    /// True if people may sign in on the site's own pages (unified login flow).
    pub unified_login: bool,
    /// True if a program may ask for a session in the person's browser (app session launcher).
    pub app_session: bool,
    /// How many entities one page of an answer may have.
    pub page: u32,
}

/// Who signs people in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AuthenticationKind {
    /// The site.
    Default,
    /// A directory, to which the site passes the password.
    Ldap,
    /// The company's single sign-on.
    Saml2,
    /// Autodesk Identity.
    Oxygen,
    /// Somebody who is not known here.
    Unknown(Foreign),
    /// The site does not say.
    NotSaid,
}

impl SiteInfo {
    /// True if people sign in by single sign-on, in a browser.
    pub fn is_sso(&self) -> bool {
        self.authentication == AuthenticationKind::Saml2
    }

    /// True if people sign in with Autodesk Identity.
    pub fn is_identity(&self) -> bool {
        self.authentication == AuthenticationKind::Oxygen
    }

    /// True if the server can be asked to refuse a session that has expired (section 2.3).
    pub fn rejects_expired(&self) -> bool {
        self.version > [5, 4, 3]
    }

    /// True if the server knows session tokens (section 2.3).
    pub fn takes_sessions(&self) -> bool {
        self.version >= SESSIONS.0
    }

    /// True if a script may act as a person (section 2.3).
    pub fn takes_sudo(&self) -> bool {
        self.version >= SUDO.0
    }
}

/// The first version that knows session tokens.
pub(super) const SESSIONS: ([u32; 3], &str) = ([5, 3, 0], "5.3.0");
/// The first version in which a script may act as a person.
pub(super) const SUDO: ([u32; 3], &str) = ([5, 3, 12], "5.3.12");
/// The first version that can be talked to.
const OLDEST: ([u32; 3], &str) = ([2, 4, 0], "2.4.0");
/// How many entities a page has where the site does not say.
const PAGE: u32 = 500;

/// Asks a site what it is, without a credential.
pub fn request(site: &ShotgunSite) -> Request {
    rpc::request(site, INFO, &Envelope::default(), None)
}

/// Reads the answer to [`request`]. What signing in does not need may be missing or strange.
pub fn read(site: &ShotgunSite, response: &Response) -> Result<SiteInfo, Error> {
    let not_shotgun = |why: &str| {
        let (url, why) = (Foreign::new(site.rpc().to_string()), Foreign::from(why));
        Error::from(Peer::NotShotgun { url, status: response.status(), why })
    };
    let results = match rpc::read(response) {
        RpcReply::Results(results) => results,
        RpcReply::Fault(fault) => return Err(Peer::Fault { message: fault.message }.into()),
        RpcReply::Failed(Error::Transient(Trouble::Unreadable)) => {
            return Err(not_shotgun("what came is not JSON"));
        }
        RpcReply::Failed(Error::Transient(Trouble::Status { status: 400..=499, .. }))
            if !matches!(response.status(), 408 | 429) =>
        {
            return Err(not_shotgun(""));
        }
        RpcReply::Failed(Error::Transient(Trouble::Redirected { to })) => {
            return Err(elsewhere(site, response, to).unwrap_or_else(|_| not_shotgun("it redirects")));
        }
        RpcReply::Failed(error) => return Err(error),
        RpcReply::ClaimsExpired => {
            return Err(Trouble::Redirected { to: redirected(response).unwrap_or_default() }.into());
        }
    };
    let json = Json::read(&results).map_err(|_| not_shotgun("what came is not JSON"))?;
    let version = version(&json).ok_or_else(|| not_shotgun("what came has no `version`"))?;
    if version < OLDEST.0 {
        return Err(Policy::TooOld { needs: OLDEST.1 }.into());
    }
    let flag = |name: &str| json.value().get(name).and_then(serde_json::Value::as_bool).unwrap_or(false);
    let page = json.value().get("api_max_entities_per_page").and_then(serde_json::Value::as_u64);
    Ok(SiteInfo {
        version,
        authentication: match json.text("user_authentication_method") {
            None => AuthenticationKind::NotSaid,
            Some("default") => AuthenticationKind::Default,
            Some("ldap") => AuthenticationKind::Ldap,
            Some("saml2") => AuthenticationKind::Saml2,
            Some("oxygen") => AuthenticationKind::Oxygen,
            Some(other) => AuthenticationKind::Unknown(Foreign::new(other)),
        },
        unified_login: flag("unified_login_flow_enabled"),
        app_session: flag("authentication_app_session_launcher_enabled"),
        page: page.and_then(|page| u32::try_from(page).ok()).filter(|&page| page > 0).unwrap_or(PAGE),
    })
}

/// The first three numbers; missing ones are zero, and what follows them is for people.
fn version(json: &Json) -> Option<[u32; 3]> {
    let numbers = json.value().get("version")?.as_array().filter(|numbers| !numbers.is_empty())?;
    let mut version = [0; 3];
    for (slot, number) in version.iter_mut().zip(numbers) {
        *slot = u32::try_from(number.as_u64()?).ok()?;
    }
    Some(version)
}

/// A redirect to another origin, as the error that names it; nothing secret was asked with.
fn elsewhere(site: &ShotgunSite, response: &Response, to: Foreign) -> Result<Error, UrlError> {
    let target = site.rpc().join(response.header("location").unwrap_or_default())?;
    if target.origin() == site.origin() {
        return Err(UrlError::Host);
    }
    Ok(Peer::Elsewhere { from: site.origin().clone(), to }.into())
}

/// How long what a site says of itself is believed.
const BELIEVED: Duration = Duration::from_secs(30);
/// How many sites are remembered.
const MOST: usize = 64;

/// What sites said of themselves in the last 30 seconds, so that one sign-in asks once. An answer belongs to one site
/// and one way to it: never to another's.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Infos(Vec<Remembered>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Remembered {
    site: ShotgunSite,
    /// Of the proxy, whose text may have a password in it.
    via: Digest,
    at: Tick,
    info: SiteInfo,
}

impl Remembered {
    fn is_of(&self, site: &ShotgunSite, via: Digest) -> bool {
        self.site == *site && self.via == via
    }

    /// A clock that went back says nothing of how old this is.
    fn is_fresh(&self, now: Now) -> bool {
        now.tick >= self.at && self.at.until(now.tick) < BELIEVED
    }
}

impl Infos {
    /// What a site said, reached through the proxy `via` (empty for none).
    pub fn get(&self, now: Now, site: &ShotgunSite, via: &str) -> Option<&SiteInfo> {
        let via = Digest::of_parts(&[Some(via)]);
        self.0.iter().find(|entry| entry.is_of(site, via) && entry.is_fresh(now)).map(|entry| &entry.info)
    }

    /// Remembers what a site has just said.
    pub fn put(&mut self, now: Now, site: &ShotgunSite, via: &str, info: SiteInfo) {
        let via = Digest::of_parts(&[Some(via)]);
        self.0.retain(|entry| entry.is_fresh(now) && !entry.is_of(site, via));
        if self.0.len() >= MOST {
            // The oldest: they stand in the order in which they came.
            self.0.remove(0);
        }
        self.0.push(Remembered { site: site.clone(), via, at: now.tick, info });
    }
}

#[cfg(test)]
#[path = "../tests/shotgun_info.rs"]
mod tests;
