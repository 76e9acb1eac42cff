//! Saying what is stored, without asking the server.

use std::iter;

use auth_native::blocking::{State, Status};
use auth_native::{Foreign, LockMethod, TiledDirectory};
use serde::Serialize;

use super::sites;
use crate::client::Client;
use crate::exit::Exit;
use crate::plan::Which;
use crate::report::{Doing, Failure};
use crate::{output, text};

pub(crate) fn run(client: &Client, which: Which, json: bool) -> Result<Exit, Failure> {
    let status =
        |site: &str| client.auth.status(site).map_err(|error| client.failure(&error, site, Doing::Using));
    tell_of_locks();
    match which {
        Which::One(site) => {
            let status = status(&client.site(site)?)?;
            output::answer(json, &Entry::new(&status), || lines(&status))?;
            Ok(if status.is_signed_in() { Exit::OK } else { Exit::NOT_SIGNED_IN })
        }
        Which::All => {
            let all =
                client.known()?.iter().map(|entry| status(&entry.key.site)).collect::<Result<Vec<_>, _>>()?;
            let entries = Entries { sites: all.iter().map(Entry::new).collect() };
            output::answer(json, &entries, || match &all[..] {
                [] => sites::NONE.to_owned(),
                all => all.iter().map(lines).collect::<Vec<_>>().join("\n"),
            })?;
            Ok(Exit::OK)
        }
    }
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
    let rows = rows.iter().map(|(name, text)| format!("  {name:<7}  {text}"));
    let lines: Vec<_> = iter::once(status.uri.to_string()).chain(rows).collect();
    lines.join("\n") + "\n"
}

#[derive(Serialize)]
struct Entries<'a> {
    sites: Vec<Entry<'a>>,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    site: String,
    state: &'static str,
    signed_in: bool,
    user: Option<&'a str>,
    provider: Option<&'a str>,
    expires_at: Option<String>,
    expires_in: Option<u64>,
    renewable: bool,
    renewable_until: Option<String>,
    allow_http: bool,
}

impl<'a> Entry<'a> {
    fn new(status: &'a Status) -> Self {
        Self {
            site: status.uri.key().site,
            state: match status.state {
                State::Good => "good",
                State::Expired => "expired",
                State::None => "none",
                State::Torn => "torn",
            },
            signed_in: status.is_signed_in(),
            user: status.user.as_ref().map(Foreign::raw),
            provider: status.provider.as_ref().map(Foreign::raw),
            expires_at: status.expires.map(|end| end.to_string()),
            expires_in: status.expires_in.map(|left| left.as_secs()),
            renewable: status.renewable,
            renewable_until: status.refresh_expires.map(|end| end.to_string()),
            allow_http: status.allow_http,
        }
    }
}

#[cfg(test)]
#[path = "../tests/status.rs"]
mod tests;
