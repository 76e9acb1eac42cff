//! The app session launcher: a session that a person approves in their browser (spec: Shotgun, section 6).

use super::{ShotgunSite, failure, json, strict_json};
use crate::error::{Error, NotApproved, PageFault, Peer, Policy, Trouble};
use crate::foreign::Foreign;
use crate::oauth::is_token;
use crate::secret::Secret;
use crate::site::Url;
use crate::wire::{Body, Method, READ_BUDGET, Request, Response, form};

const PATH: &str = "/internal_api/app_session_request";

/// Asks for a page on which a person can approve the program `product` on the computer `machine`.
pub fn create(site: &ShotgunSite, product: &str, machine: &str) -> Request {
    let body = form::encode(&[("appName", product), ("machineId", machine)]);
    Request::token(site.at(PATH), Body::Form(body))
}

/// What became of [`create`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Created {
    /// A page to open.
    Begun {
        /// Names the request to [`poll`]: whoever has it gets the session.
        id: Secret,
        /// The page: encrypted or on this machine. It need not be on the site's own origin.
        url: Url,
    },
    /// It will not be.
    Failed(Error),
    /// Nothing came of it for now; the same may work in a moment. It holds what to say if it never does.
    Again(Error),
}

/// Reads the answer to [`create`] (section 6.1).
pub fn read_created(response: &Response) -> Created {
    match response.status() {
        200 => match begun(response) {
            Ok((id, url)) => Created::Begun { id, url },
            Err(error) => Created::Failed(error),
        },
        403 if json(response).is_some() => Created::Failed(Policy::NoAppSession.into()),
        500..=599 => Created::Again(failure(response)),
        _ => Created::Failed(failure(response)),
    }
}

fn begun(response: &Response) -> Result<(Secret, Url), Error> {
    let json = strict_json(response).ok_or(Trouble::Unreadable)?;
    // An id that could not be a segment of a path would be asked for at another place.
    let usable = |id: &Secret| !matches!(id.expose(), "." | "..");
    let id = json.secret("sessionRequestId").filter(usable).ok_or(Trouble::Unreadable)?;
    let url = json.text("url").filter(|url| !url.is_empty()).ok_or(Trouble::Unreadable)?;
    let bad = |why: PageFault| Error::from(Peer::BadPage { why });
    let url: Url = url.parse().map_err(|why| bad(PageFault::Address(why)))?;
    if url.origin().is_exposed() { Err(bad(PageFault::Exposed)) } else { Ok((id, url)) }
}

/// Asks whether a person has approved. May be asked again and again.
pub fn poll(site: &ShotgunSite, id: &Secret) -> Request {
    let all = site.at(PATH);
    // No id of `Created` is one that cannot be below.
    let url = all.below(id).unwrap_or(all);
    Request { method: Method::Put, url, authorization: None, body: None, budget: READ_BUDGET }
}

/// What became of the request.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Polled {
    /// Nobody has decided yet.
    Pending,
    /// Somebody said yes, and this is their session ([`session`](super::session_token::session)). Whether they are who
    /// was meant is for the caller to see ([`Policy::AnotherAccount`]).
    Approved {
        /// Who.
        login: Foreign,
        /// Their session's token.
        token: Secret,
    },
    /// It came to nothing.
    Over(Error),
    /// No answer to the question for now. It holds what to say if none ever comes.
    Again(Error),
}

/// Reads the answer to [`poll`] (section 6.1). Only a plain `true` is a yes.
pub fn read_poll(response: &Response) -> Polled {
    match response.status() {
        200 => decision(response).unwrap_or_else(|| Polled::Over(Trouble::Unreadable.into())),
        201..=299 => Polled::Over(NotApproved::Denied.into()),
        404 if json(response).is_some() => Polled::Over(NotApproved::Gone.into()),
        500..=599 => Polled::Again(failure(response)),
        _ => Polled::Over(failure(response)),
    }
}

fn decision(response: &Response) -> Option<Polled> {
    let json = strict_json(response)?;
    let approved = match json.value().as_object()?.get("approved") {
        None => false,
        Some(value) => value.as_bool()?,
    };
    if !approved {
        return Some(Polled::Pending);
    }
    let login = json.text("userLogin").map(Foreign::new).filter(|login| !login.is_blank())?;
    Some(Polled::Approved { login, token: json.secret("sessionToken").filter(is_token)? })
}

#[cfg(test)]
#[path = "../tests/shotgun_app_session.rs"]
mod tests;
