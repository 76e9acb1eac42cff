//! Saying what is stored, without asking the server.

use auth_native::blocking::{State, Status};
use auth_native::error::AuthError;
use auth_native::ports::SiteEntry;
use auth_native::shotgun::{ShotgunSite, User};
use auth_native::{Foreign, LockMethod, TiledDirectory};
use serde::Serialize;

use super::{shotgun, sites};
use crate::client::Client;
use crate::exit::Exit;
use crate::plan::Which;
use crate::report::{Doing, Failure};
use crate::{output, text};

pub(crate) fn run(client: &Client, which: Which, check: bool, json: bool) -> Result<Exit, Failure> {
    tell_of_locks();
    match which {
        Which::One(site) => {
            let (entry, failure) = entry(client, &client.site(site)?, check)?;
            output::answer(json, &entry, || entry.lines.clone())?;
            match failure {
                Some(failure) => {
                    output::failure(&failure);
                    Ok(failure.exit)
                }
                None => Ok(if entry.signed_in { Exit::OK } else { Exit::NOT_SIGNED_IN }),
            }
        }
        Which::All => {
            let mut sites = Vec::new();
            for known in client.known()? {
                // Several people of one site are one line: the last is meant.
                if !sites.iter().any(|entry: &Entry| entry.site == known.key.site) {
                    sites.push(entry(client, &known.key.site, false)?.0);
                }
            }
            let entries = Entries { sites };
            output::answer(json, &entries, || match &entries.sites[..] {
                [] => sites::NONE.to_owned(),
                all => all.iter().map(|entry| entry.lines.as_str()).collect::<Vec<_>>().join("\n"),
            })?;
            Ok(Exit::OK)
        }
    }
}

/// What is known of a site, and the failure if it was asked and says no.
fn entry(client: &Client, site: &str, check: bool) -> Result<(Entry, Option<Failure>), Failure> {
    if let Some(site) = client.shotgun(site)? {
        return shotgun::status(client, &site, check);
    }
    let failed = |error| client.failure(&error, site, Doing::Using);
    let status = client.auth.status(site).map_err(failed)?;
    let entry = Entry::new(&status);
    if !check {
        return Ok((entry, None));
    }
    Ok(match client.auth.whoami(site) {
        Ok(_) => (entry.checked("valid"), None),
        Err(error) => {
            let is_over = |error: &AuthError| {
                error.ends_session() || error.is_signed_out() || matches!(error, AuthError::Rejected(_))
            };
            let found = if error.as_auth().is_some_and(is_over) { "expired" } else { "unknown" };
            (entry.checked(found), Some(failed(error)))
        }
    })
}

/// Tells how locks are kept, where that is another way than on a disk.
fn tell_of_locks() {
    // If something is wrong with the folders, whatever uses them says so.
    match TiledDirectory::from_env().and_then(|store| store.lock_method()) {
        Ok(Some(LockMethod::Links)) => output::warning(
            &"locks are kept as links: their folder is used over a network, or the system cannot lock there",
        ),
        Ok(Some(LockMethod::ThisMachine)) => output::warning(
            &"locks are not seen by other machines: their folder is used over a network, and there are no links",
        ),
        _ => {}
    }
}

fn lines(status: &Status) -> String {
    let name = |name: &Option<Foreign>| name.as_ref().map(Foreign::to_string);
    let user = text::user(name(&status.user).as_deref(), name(&status.provider).as_deref());
    let state = match status.state {
        State::Good => "signed in",
        State::Expired if status.renewable => {
            "signed in; the token has expired and is renewed when it is needed"
        }
        State::Expired => "the session has ended",
        State::None => "not signed in",
        State::Torn => "being written by another program; look again in a moment",
    };
    let mut rows = vec![("state", state.to_owned())];
    if status.user.is_some() {
        rows.push((if status.is_signed_in() { "user" } else { "was" }, user));
    }
    if status.state == State::Good {
        rows.push((
            "token",
            match (status.expires, status.expires_in) {
                (Some(end), Some(left)) => format!("good until {end}, for {}", text::span(left)),
                _ => "good until the server refuses it".to_owned(),
            },
        ));
    }
    if status.is_signed_in() {
        rows.push((
            "renewal",
            match (status.renewable, status.refresh_expires) {
                (true, Some(end)) => format!("possible until {end}"),
                (true, None) => "possible".to_owned(),
                (false, _) => "not possible".to_owned(),
            },
        ));
    }
    if status.allow_http {
        rows.push(("warning", "passwords and tokens may go there unencrypted".to_owned()));
    }
    under(&status.uri.to_string(), &rows)
}

fn under(place: &str, rows: &[(&str, String)]) -> String {
    let rows: String = rows.iter().map(|(name, text)| row(name, text)).collect();
    format!("{place}\n{rows}")
}

fn row(name: &str, text: &str) -> String {
    format!("  {name:<7}  {text}\n")
}

#[derive(Serialize)]
struct Entries {
    sites: Vec<Entry>,
}

/// The answer, in words and as JSON.
#[derive(Serialize)]
pub(super) struct Entry {
    site: String,
    state: &'static str,
    signed_in: bool,
    user: Option<String>,
    provider: Option<String>,
    expires_at: Option<String>,
    expires_in: Option<u64>,
    renewable: bool,
    renewable_until: Option<String>,
    allow_http: bool,
    /// What the server says, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<&'static str>,
    #[serde(skip)]
    lines: String,
}

impl Entry {
    fn new(status: &Status) -> Self {
        Self {
            site: status.uri.key().site,
            state: match status.state {
                State::Good => "good",
                State::Expired => "expired",
                State::None => "none",
                State::Torn => "torn",
            },
            signed_in: status.is_signed_in(),
            user: status.user.as_ref().map(|user| user.raw().to_owned()),
            provider: status.provider.as_ref().map(|provider| provider.raw().to_owned()),
            expires_at: status.expires.map(|end| end.to_string()),
            expires_in: status.expires_in.map(|left| left.as_secs()),
            renewable: status.renewable,
            renewable_until: status.refresh_expires.map(|end| end.to_string()),
            allow_http: status.allow_http,
            checked: None,
            lines: lines(status),
        }
    }

    /// A Shotgun site: what its session is worth only the site knows.
    pub(super) fn of_shotgun(site: &ShotgunSite, user: Option<&User>, listed: Option<&SiteEntry>) -> Self {
        let signed_in = user.is_some();
        let last = listed.and_then(|entry| entry.user.clone());
        let name = user.map(User::display_name).cloned().or(last);
        let mut rows = vec![("state", if signed_in { "signed in" } else { "not signed in" }.to_owned())];
        if let Some(name) = &name {
            rows.push((if signed_in { "user" } else { "was" }, name.to_string()));
        }
        if signed_in {
            rows.push(("token", "good until the site refuses it".to_owned()));
        }
        let allow_http = listed.is_some_and(|entry| entry.allow_http);
        if allow_http {
            rows.push(("warning", "passwords and tokens may go there unencrypted".to_owned()));
        }
        Self {
            site: site.to_string(),
            state: if signed_in { "good" } else { "none" },
            signed_in,
            user: name.map(|name| name.raw().to_owned()),
            provider: None,
            expires_at: None,
            expires_in: None,
            renewable: false,
            renewable_until: None,
            allow_http,
            checked: None,
            lines: under(&site.to_string(), &rows),
        }
    }

    /// What the server said.
    pub(super) fn checked(mut self, found: &'static str) -> Self {
        let said = match found {
            "valid" => "the server accepts it",
            "expired" => "the server does not accept it",
            _ => "the server could not be asked",
        };
        self.lines += &row("checked", said);
        self.checked = Some(found);
        self
    }
}

#[cfg(test)]
#[path = "../tests/status.rs"]
mod tests;
