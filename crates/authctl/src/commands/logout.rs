//! Ending sessions.

use std::path::PathBuf;

use auth_native::blocking::Status;
use auth_native::error::{AuthError, Policy};
use auth_native::ports::{Key, SiteEntry};
use auth_native::shotgun::ShotgunSite;
use auth_native::{Error, Foreign, LoggedOut, Revocation, TiledDirectory};

use super::shotgun;
use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::kind::Kind;
use crate::output;
use crate::plan::Which;
use crate::report::{Doing, Failure};

pub(crate) fn run(client: &Client, which: Which, forget: bool) -> Result<Exit, Failure> {
    match which {
        Which::One(site) => one(client, &client.site(site)?, None, forget),
        Which::All => all(client, forget),
    }
}

fn one(client: &Client, site: &str, entry: Option<&SiteEntry>, forget: bool) -> Result<Exit, Failure> {
    // One that has just been struck off the list is still what it was.
    let listed = entry.map(|entry| Kind::of(site, std::slice::from_ref(entry), None));
    let shotgun = match listed {
        Some(kind) => kind.shotgun(),
        None => client.shotgun(site)?,
    };
    if let Some(site) = shotgun {
        return of_shotgun(client, &site, entry, forget);
    }
    let failed = |error: Error| client.failure(&error, site, Doing::Using);
    // When what cannot be revoked will end, and nobody will know it afterwards.
    let before = client.auth.status(site).map_err(failed)?;
    let behind = behind_links(&before.uri.key());
    let result = client.auth.logout(site);
    if result.is_ok() {
        tell_of_files(&behind);
    }
    if forget && !matches!(&result, Err(error) if !is_signed_out(error)) {
        client.auth.forget(site).map_err(failed)?;
    }
    let LoggedOut { revocation } = result.map_err(failed)?;
    if let Some(failure) = not_revoked(&before, &revocation) {
        return Err(failure);
    }
    output::text(&format!("Signed out of {}.\n", before.uri))?;
    Ok(Exit::OK)
}

fn of_shotgun(
    client: &Client,
    site: &ShotgunSite,
    entry: Option<&SiteEntry>,
    forget: bool,
) -> Result<Exit, Failure> {
    let known = client.known()?;
    let name = site.to_string();
    // Whoever signed in last is who is signed out.
    let entry = entry.or_else(|| known.iter().find(|entry| entry.key.site == name));
    let behind = entry.map(|entry| behind_links(&entry.key)).unwrap_or_default();
    let result = shotgun::sign_out(client, entry, site);
    if result.is_ok() {
        tell_of_files(&behind);
    }
    if forget && !matches!(&result, Err(failure) if failure.kind != NOT_SIGNED_IN) {
        let failed = |error| client.failure(&error, &name, Doing::Using);
        let login = entry.map(|entry| Foreign::from(entry.key.slot.as_str()));
        let studio = client.studio(true, false)?;
        match login {
            Some(login) => studio.forget_login(site, &login),
            None => studio.forget(site),
        }
        .map_err(failed)?;
    }
    result.map(|()| Exit::OK)
}

/// Goes through the whole list whatever happens on the way, and ends with the first failure.
fn all(client: &Client, forget: bool) -> Result<Exit, Failure> {
    let mut exit = Exit::OK;
    let mut ended = 0;
    let known = client.known()?;
    let is_known = !known.is_empty();
    for entry in known {
        match one(client, &entry.key.site, Some(&entry), forget) {
            Ok(_) => ended += 1,
            Err(failure) if failure.kind == NOT_SIGNED_IN => {}
            Err(failure) => {
                output::failure(&failure);
                if failure.kind == CANCELLED {
                    return Ok(failure.exit);
                }
                exit = if exit == Exit::OK { failure.exit } else { exit };
            }
        }
    }
    if ended == 0 && exit == Exit::OK {
        output::text(if forget && is_known {
            "Nobody was signed in. The list of sites is empty now.\n"
        } else {
            "Nobody was signed in.\n"
        })?;
    }
    Ok(exit)
}

/// The files in other folders that a session's files are links to. Where they cannot be found, signing out says why.
fn behind_links(key: &Key) -> Vec<PathBuf> {
    TiledDirectory::from_env().and_then(|store| store.files_behind_links(key)).unwrap_or_default()
}

/// Names the files that signing out has left: it removes a link, and not what is behind it.
fn tell_of_files(behind: &[PathBuf]) {
    for path in behind.iter().filter(|path| path.exists()) {
        let path = Foreign::new(path.to_string_lossy());
        output::warning(&format!("{path} still holds a token: only the link to it was removed"));
    }
}

const NOT_SIGNED_IN: &str = "not_signed_in";
const CANCELLED: &str = "cancelled";

fn is_signed_out(error: &Error) -> bool {
    error.as_auth().is_some_and(AuthError::is_signed_out)
}

/// The failure that a session lives on where nobody can reach it from here.
fn not_revoked(before: &Status, revocation: &Revocation) -> Option<Failure> {
    let (why, end) = match revocation {
        Revocation::Revoked => return None,
        // Its refresh token had ended before: a server may stumble over it, and nobody can use it.
        Revocation::Failed(_) if before.refresh_expires.is_some() && !before.renewable => return None,
        Revocation::Failed(AuthError::Policy(Policy::PlainHttp(_))) => {
            ("it is not encrypted, so nothing was sent".to_owned(), before.refresh_expires)
        }
        Revocation::Failed(error) => (error.to_string(), before.refresh_expires),
        Revocation::Impossible => ("there is no refresh token to revoke it with".to_owned(), before.expires),
    };
    let until = end.map_or_else(|| "until it ends by itself".to_owned(), |end| format!("until {end}"));
    let site = shown(&before.uri.key().site);
    Some(Failure {
        exit: Exit::NOT_REVOKED,
        kind: "not_revoked",
        message: format!("signed out of {site} here, but the session was not ended there: {why}"),
        remedy: format!(
            "It may live on {until}. If somebody else may have its tokens, ask the server's administrator to end it."
        ),
    })
}

#[cfg(test)]
#[path = "../tests/logout.rs"]
mod tests;
