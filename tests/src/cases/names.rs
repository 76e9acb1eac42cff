//! Names for what no two runs have in common: the server's address, and the tokens that a server makes up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_core::Secret;
use auth_core::wire::Response;

/// What stands for the server's address in cases.
pub(super) const ORIGIN: &str = "{origin}";

/// The names of one run.
pub(super) struct Names {
    origin: String,
    /// False: tokens are pinned as they are.
    learns: bool,
    tokens: Mutex<Vec<(Secret, String)>>,
}

impl Names {
    /// For a server at this origin. If it `learns`, each new token that it answers with is given a name, as in
    /// `{access-2}`.
    pub(super) fn new(origin: &str, learns: bool) -> Self {
        Self { origin: origin.to_owned(), learns, tokens: Mutex::default() }
    }

    /// The server's address.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<(Secret, String)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for tokens in an answer.
    pub(super) fn learn(&self, response: &Response) {
        if !self.learns {
            return;
        }
        let Ok(body) = serde_json::from_str::<serde_json::Value>(response.body().expose()) else { return };
        for (member, name) in [("access_token", "access"), ("refresh_token", "refresh"), ("id_token", "id")] {
            let Some(token) = body.get(member).and_then(serde_json::Value::as_str) else { continue };
            let mut tokens = self.tokens();
            if tokens.iter().all(|(known, _)| known.expose() != token) {
                let number =
                    1 + tokens.iter().filter(|(_, known)| known.starts_with(&format!("{{{name}-"))).count();
                canary::also(&format!("{name} {number} of {}", self.origin), token);
                tokens.push((Secret::from(token), format!("{{{name}-{number}}}")));
            }
        }
    }

    /// A text with names in the place of what they stand for.
    pub(super) fn hide(&self, text: &str) -> String {
        let hidden = self
            .tokens()
            .iter()
            .fold(text.to_owned(), |text, (token, name)| text.replace(token.expose(), name));
        hidden.replace(&self.origin, ORIGIN)
    }

    /// A text with the server's address in the place of its name.
    pub(super) fn show(&self, text: &str) -> String {
        text.replace(ORIGIN, &self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_the_name_it_got_first() {
        let names = Names::new("http://127.0.0.1:9", true);
        let answer = |access: &str, refresh: &str| {
            Response::new(200, [], format!(r#"{{"access_token": "{access}", "refresh_token": "{refresh}"}}"#))
        };
        for (access, refresh) in [("A0", "R0"), ("A1", "R0"), ("A0", "R1")] {
            names.learn(&answer(access, refresh));
        }
        assert_eq!(
            names.hide("A0 A1 R0 R1 http://127.0.0.1:9/x"),
            "{access-1} {access-2} {refresh-1} {refresh-2} {origin}/x"
        );
        assert_eq!(names.show("{origin}/x"), "http://127.0.0.1:9/x");
    }
}
