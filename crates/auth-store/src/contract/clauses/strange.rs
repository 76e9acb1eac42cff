//! What servers, people and other programs may put into a session.

use auth_core::session::{Identity, Session};
use auth_core::{Foreign, Secret};

use super::clause;
use crate::contract::Clause;
use crate::contract::sample::{self, MARK, key, session};
use crate::contract::trial::{Outcome, Trial, failed, finds};

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        "strange-text-is-kept-or-refused",
        "Any text among facts and links is found as it was saved, or its save is refused with a fault.",
        texts,
    ),
    clause(
        "strange-tokens-are-kept-or-refused",
        "Any token is found as it was saved, or its save is refused with a fault.",
        tokens,
    ),
    clause(
        "refusal-changes-nothing",
        "After a save that was refused the session before it is there, untouched.",
        refusal_changes_nothing,
    ),
    clause(
        "refusal-shows-no-token",
        "A fault says nothing of a token that was refused.",
        refusal_shows_no_token,
    ),
];

/// Endings that a careless store trims, escapes, cuts at, or takes for its own.
const STRANGE: [&str; 33] = [
    "\n",
    "\r\n",
    " ",
    "\t",
    "\0",
    "\u{1b}[2J\u{7}",
    "\u{9b}",
    "\u{202e}abc\u{2066}",
    "\u{feff}",
    "\u{200b}",
    "\u{e9}",
    "e\u{301}",
    "\u{65e5}\u{672c}",
    "\u{1f511}",
    "\u{fffd}",
    "\u{10ffff}",
    "\"",
    "\\",
    "\\n",
    "\\u0041",
    "'",
    "%",
    "%00",
    "%41",
    "{}",
    "]]",
    "# x",
    ": y",
    "null",
    "=",
    "&amp;",
    "../..",
    "\u{2028}",
];
/// No text is that long, but a header or a file may be too short for it.
const LONG_TEXT: usize = 400_000;
const LONG_TOKEN: usize = 70_000;

fn with_texts(number: u64) -> Vec<(String, Session)> {
    let strange = STRANGE.into_iter().flat_map(|text| [format!("x{text}x"), text.to_owned()]);
    let texts = strange.chain(["x".repeat(LONG_TEXT), String::new()]);
    let with = |text: String| {
        let mut session = session(number);
        let (id, provider) = (Foreign::new(text.as_str()), Foreign::new(text.as_str()));
        session.facts.identity = Some(Identity { id, provider });
        session.facts.principal = Some(Foreign::new(text.as_str()));
        session.links.whoami = Some(text.clone());
        session.links.refresh = Some(text.clone());
        (text, session)
    };
    texts.map(with).collect()
}

fn with_tokens(number: u64) -> Vec<(String, Session)> {
    let strange = STRANGE.into_iter().flat_map(|text| [format!("{text}.end"), text.to_owned()]);
    let texts = strange.chain([10_000, LONG_TOKEN].map(|length| "x".repeat(length)));
    let with = |text: String| {
        let mut session = session(number);
        session.tokens.access = Some(Secret::from(format!("{MARK}a{text}")));
        session.tokens.refresh = Some(Secret::from(format!("{MARK}r{text}")));
        session.tokens.id = Some(Secret::from(format!("{MARK}i{text}")));
        (text, session)
    };
    texts.map(with).collect()
}

/// A text as it can be shown.
fn named(text: &str) -> String {
    let start: String = text.chars().take(30).collect();
    format!("{} ({} bytes)", Foreign::new(start), text.len())
}

fn kept_or_refused(trial: &Trial<'_>, sessions: Vec<(String, Session)>) -> Outcome {
    let store = trial.open()?;
    for (text, session) in sessions {
        if store.apply(&sample::save(&key(1), &session)).is_ok() {
            finds(&*store, &key(1), &session, &format!("what was saved, with {}", named(&text)))?;
        }
    }
    Ok(())
}

fn texts(trial: &Trial<'_>) -> Outcome {
    kept_or_refused(trial, with_texts(1))
}

fn tokens(trial: &Trial<'_>) -> Outcome {
    kept_or_refused(trial, with_tokens(1))
}

fn refusal_changes_nothing(trial: &Trial<'_>) -> Outcome {
    let store = trial.open_with(&key(1), &session(1))?;
    // Of the texts, the longest and the shortest.
    let texts = with_texts(2).into_iter().rev().take(2);
    for (text, strange) in with_tokens(2).into_iter().chain(texts) {
        if store.apply(&sample::save(&key(1), &strange)).is_err() {
            let expected = format!("the session from before the refusal of {}", named(&text));
            finds(&*store, &key(1), &session(1), &expected)?;
        } else {
            store.apply(&sample::save(&key(1), &session(1))).or_else(|fault| {
                failed("an ordinary session is saved after a strange one", format!("a fault: {fault}"))
            })?;
        }
    }
    Ok(())
}

fn refusal_shows_no_token(trial: &Trial<'_>) -> Outcome {
    let store = trial.open()?;
    for (text, session) in with_tokens(1) {
        if let Err(fault) = store.apply(&sample::save(&key(1), &session)) {
            let shown = format!("{fault} {fault:?}");
            if shown.contains(MARK) {
                return failed(format!("a fault without the token {}", named(&text)), shown);
            }
        }
    }
    Ok(())
}
