//! OAuth 2: what every server that gives tokens has in common.

pub mod password;

use core::time::Duration;

use crate::secret::Secret;
use crate::session::{Facts, Tokens};
use crate::time::{Now, Timestamp};
use crate::wire::json::Json;

/// The answer of a token endpoint (RFC 6749 section 5.1).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TokenAnswer {
    /// What it gave. There is always an access token.
    pub tokens: Tokens,
    /// How long the access token lives, if it says so.
    pub expires_in: Option<Duration>,
    /// How long the refresh token lives, if it says so (Tiled does; it is not in the RFC).
    pub refresh_expires_in: Option<Duration>,
}

impl TokenAnswer {
    /// Reads an answer. `None` if there is no access token, one that no header can carry, or one that is not used
    /// as a bearer token (RFC 6749 section 7.1; the type's case does not matter). The message is to be one that was read with
    /// [`Json::read_strict`].
    pub fn read(json: &Json) -> Option<Self> {
        let bearer = json.text("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        let token = |name| json.secret(name).filter(is_token);
        let access = token("access_token").filter(|_| bearer)?;
        Some(Self {
            tokens: Tokens {
                access: Some(access),
                refresh: token("refresh_token"),
                id: token("id_token"),
                ..Tokens::default()
            },
            expires_in: json.seconds("expires_in"),
            refresh_expires_in: json.seconds("refresh_token_expires_in"),
        })
    }

    /// When the tokens end by this machine's clock: received now, and alive for as long as the server said.
    pub fn facts(&self, now: Now) -> Facts {
        let end = |life: Option<Duration>| life.map(|life| now.wall.after(life));
        let expires: Option<Timestamp> = end(self.expires_in);
        Facts {
            received: Some(now.wall),
            expires,
            refresh_expires: end(self.refresh_expires_in),
            ..Facts::default()
        }
    }
}

/// True if a text can stand in an `Authorization` header: visible ASCII (RFC 6750 section 2.1 allows less).
pub fn is_token(token: &Secret) -> bool {
    !token.is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<TokenAnswer> {
        TokenAnswer::read(&Json::read(&Secret::from(text)).ok()?)
    }

    #[test]
    fn answers_with_and_without_what_is_optional_are_read_h2_h4() {
        let full = read(
            r#"{"access_token":"a","refresh_token":"r","id_token":"i","token_type":"Bearer","expires_in":8.0,
                "refresh_token_expires_in":60,"scope":"x","strange":{}}"#,
        )
        .unwrap();
        assert_eq!(full.tokens.refresh, Some(Secret::from("r")));
        assert_eq!(full.expires_in, Some(Duration::from_secs(8)));
        let least = read(r#"{"access_token":"a"}"#).unwrap();
        assert_eq!((least.tokens.refresh, least.expires_in), (None, None));
        for kind in ["bearer", "BEARER"] {
            let answer = read(&format!(r#"{{"access_token":"a","token_type":"{kind}"}}"#));
            assert!(answer.is_some(), "{kind}");
        }
        for refused in [
            "{}",
            "[]",
            "null",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
        ] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_life_is_counted_from_when_it_was_received_n9() {
        let now = Now { wall: Timestamp(1_000), ..Now::default() };
        let facts = read(r#"{"access_token":"a","expires_in":"8"}"#).unwrap().facts(now);
        assert_eq!((facts.received, facts.expires), (Some(Timestamp(1_000)), Some(Timestamp(1_008))));
        assert_eq!(facts.refresh_expires, None);
    }
}
