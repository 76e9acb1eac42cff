//! What happened, as the text that cases pin.

use std::fmt::Write as _;

use auth_core::error::{Peer, Trouble};
use auth_core::flow::{Called, Discovered, LoggedOut, Outcome, Renewed, Revocation, SignedIn, WhoamiAnswer};
use auth_core::ports::{Loaded, Stored};
use auth_core::session::Session;
use auth_core::tiled::Mode;
use auth_core::wire::Request;
use auth_core::{Digest, Error, Notice, Question, Secret};

use super::names::Names;

/// A request: method and target, the headers that are the core's own, an empty line, the content. The target is a
/// path where it is on the server the client was given.
pub(super) fn request(request: &Request, names: &Names) -> String {
    let url = request.url.to_request();
    let target = url.strip_prefix(names.origin()).filter(|rest| rest.starts_with('/')).unwrap_or(&url);
    let mut text = format!("{} {target}\n", request.method.as_str());
    for (name, value) in request.headers() {
        let _ = writeln!(text, "{name}: {}", value.expose());
    }
    if let Some(content) = request.content() {
        text.push('\n');
        text.push_str(content.expose());
    }
    names.hide(&text)
}

/// A question, whoever asks it in whatever words.
pub(super) fn question(question: &Question) -> String {
    match question {
        Question::Password(asked) => {
            let who = asked.username.as_ref().map_or("anyone".to_owned(), ToString::to_string);
            let refused = if asked.refused { ", the last was refused" } else { "" };
            format!(
                "password of {who} for {} at {}, {} left{refused}",
                asked.provider, asked.origin, asked.left
            )
        }
        Question::Provider(asked) => {
            let names: Vec<_> = asked.providers.iter().map(ToString::to_string).collect();
            format!("provider at {}: {}", asked.origin, names.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// A notice, in whatever words.
pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::PlainHttp(origin) => format!("not encrypted: {origin}"),
        Notice::Waiting(_) => "waiting for another process".to_owned(),
        Notice::Confirmation(text) => format!("server: {text}"),
        other => format!("{other:?}"),
    }
}

/// A session, of whom and for how long.
fn session(session: &Session) -> String {
    let whose = match &session.facts.identity {
        Some(identity) => format!("{} ({})", identity.id, identity.provider),
        None => "somebody".to_owned(),
    };
    let life = match (session.facts.received, session.facts.expires) {
        (Some(received), Some(expires)) => format!("{} s", received.until(expires).as_secs()),
        _ => "a life that is not known".to_owned(),
    };
    format!("{whose}, a token of {life}")
}

/// What a session holds.
pub(super) fn loaded(loaded: &Loaded) -> String {
    let Loaded::Found(stored) = loaded else { return format!("{loaded:?}").to_lowercase() };
    let Stored { session, intent } = &**stored;
    let tokens = &session.tokens;
    let named = [("access", &tokens.access), ("refresh", &tokens.refresh), ("id", &tokens.id)];
    let held = named
        .into_iter()
        .filter_map(|(name, token)| Some(format!("{name} {}", token.as_ref().map(Secret::expose)?)));
    let open = match intent {
        None => None,
        Some(digest) if tokens.refresh.as_ref().map(Digest::of) == Some(*digest) => {
            Some("redeeming".to_owned())
        }
        Some(_) => Some("redeeming another".to_owned()),
    };
    held.chain(open).collect::<Vec<_>>().join(", ")
}

/// How an error ends a step: its kind and its words.
pub(super) fn error(error: &Error) -> String {
    format!("error {}: {error}", kind(error))
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::NotSignedIn => "NotSignedIn",
        Error::Removed => "Removed",
        Error::Rejected(_) => "Rejected",
        Error::Expired(_) => "Expired",
        Error::Revoked(_) => "Revoked",
        Error::Lost => "Lost",
        Error::Transient(Trouble::Unreachable(_)) => "Transient/Unreachable",
        Error::Transient(Trouble::Status { .. }) => "Transient/Status",
        Error::Transient(Trouble::Redirected { .. }) => "Transient/Redirected",
        Error::Transient(_) => "Transient/Unreadable",
        Error::Policy(_) => "Policy",
        Error::Peer(Peer::NotTiled { .. }) => "Peer/NotTiled",
        Error::Peer(Peer::Elsewhere { .. }) => "Peer/Elsewhere",
        Error::Peer(Peer::Circles) => "Peer/Circles",
        Error::Peer(Peer::UnknownMode { .. }) => "Peer/UnknownMode",
        Error::Cancelled => "Cancelled",
        Error::CannotPrompt(_) => "CannotPrompt",
        Error::Store(_) => "Store",
        Error::Misuse(_) => "Misuse",
        _ => "of an unknown kind",
    }
}

/// What flows come to.
pub(super) trait Shown {
    /// In words.
    fn shown(&self) -> String;
}

impl Shown for SignedIn {
    fn shown(&self) -> String {
        if self.session.tokens.is_empty() {
            return "nobody is signed in".to_owned();
        }
        let how = if self.reused { "signed in already" } else { "signed in" };
        format!("{how}: {}", session(&self.session))
    }
}

impl Shown for Renewed {
    fn shown(&self) -> String {
        let how = if self.fresh { "renewed" } else { "good" };
        format!("{how}: {}", session(&self.session))
    }
}

impl Shown for WhoamiAnswer {
    fn shown(&self) -> String {
        match &self.principal {
            Err(why) => error(why),
            Ok(principal) => {
                let who: Vec<_> =
                    principal.identities.iter().map(|one| format!("{} ({})", one.id, one.provider)).collect();
                format!("{}: {}", principal.kind, who.join(", "))
            }
        }
    }
}

impl Shown for LoggedOut {
    fn shown(&self) -> String {
        match &self.revocation {
            Revocation::Revoked => "signed out; the server ended the session".to_owned(),
            Revocation::Failed(why) => format!("signed out; the session lives on: {why}"),
            Revocation::Impossible => "signed out; there was nothing to end the session with".to_owned(),
        }
    }
}

impl Shown for Called {
    fn shown(&self) -> String {
        match &self.response {
            Ok(response) => format!("answered {}", response.status()),
            Err(why) => error(why),
        }
    }
}

impl Shown for Discovered {
    fn shown(&self) -> String {
        let needed = if self.about.required { "signing in required" } else { "signing in optional" };
        let mut lines = vec![format!("{}: {needed}", self.uri.api())];
        for provider in &self.about.providers {
            lines.push(match &provider.mode {
                Mode::Password(url) => format!("{}: password to {url}", provider.name),
                Mode::External => format!("{}: elsewhere", provider.name),
                Mode::Unknown(mode) => format!("{}: {mode}, not known here", provider.name),
                other => format!("{}: {other:?}", provider.name),
            });
        }
        lines.join("\n")
    }
}

/// The whole outcome: its value, then its warnings, a line each.
pub(super) fn outcome<T: Shown>(result: &Result<Outcome<T>, Error>) -> String {
    match result {
        Err(why) => error(why),
        Ok(Outcome { value, warnings }) => {
            let warnings = warnings.iter().map(|warning| format!("\nwarning: {warning}"));
            value.shown() + &warnings.collect::<String>()
        }
    }
}
