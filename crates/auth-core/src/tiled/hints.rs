use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::session::{Facts, Identity};
use crate::time::Timestamp;
use crate::wire::json::Json;

/// What an access token that looks like a JWT says of itself (RFC 7519 section 4): its end, and whose it is.
///
/// Nothing of it is verified, so nothing may be decided by it but when to renew and what to show. A token that does
/// not look like one says nothing.
pub fn hints(access: &Secret) -> Facts {
    let Some(claims) = claims(access) else { return Facts::default() };
    let moment = |name: &str| claims.seconds_since_epoch(name).map(Timestamp);
    let identity = claims.value().get("ids").and_then(|ids| ids.get(0)).and_then(|first| {
        let text = |name: &str| first.get(name)?.as_str().map(Foreign::new);
        Some(Identity { id: text("id")?, provider: text("idp").unwrap_or_default() })
    });
    Facts {
        received: moment("iat"),
        expires: moment("exp"),
        refresh_expires: None,
        identity,
        principal: claims.text("sub").map(Foreign::new),
    }
}

/// The name of the session that a refresh token says it is of. As little verified as [`hints`].
pub(super) fn session_name(refresh: &Secret) -> Option<Foreign> {
    claims(refresh)?.text("sid").map(Foreign::new)
}

fn claims(token: &Secret) -> Option<Json> {
    let mut parts = token.expose().split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok().and_then(Secret::from_utf8)?;
    Json::read(&claims).ok()
}

/// True if a token is seen to be whole by itself: a signed JWT whose signature has the length that its algorithm gives,
/// so that nothing is missing at its end (RFC 7515 section 7.1, RFC 7518 section 3.1). Of other tokens nobody can tell.
///
/// ```
/// use auth_core::{Secret, tiled::is_whole};
/// let signed = format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", "A".repeat(43));
/// assert!(is_whole(&Secret::from(signed.as_str())));
/// assert!(!is_whole(&Secret::from(&signed[..signed.len() - 1])) && !is_whole(&Secret::from("opaque")));
/// ```
pub fn is_whole(token: &Secret) -> bool {
    let mut parts = token.expose().split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let header = URL_SAFE_NO_PAD.decode(header).ok().and_then(Secret::from_utf8);
    let length =
        match header.and_then(|text| Json::read(&text).ok()).as_ref().and_then(|json| json.text("alg")) {
            Some("HS256") => 43,
            Some("HS384") => 64,
            Some("HS512" | "ES256" | "EdDSA") => 86,
            Some("ES384") => 128,
            Some("ES512") => 176,
            // Of the others the keys, and so the signatures, are as long as somebody chose.
            _ => return false,
        };
    let is_encoded =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    !claims.is_empty() && is_encoded(claims) && is_encoded(signature) && signature.len() == length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::from(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn claims_of_every_shape_are_hints_or_nothing_h19() {
        let tiled = hints(&token(
            r#"{"sub":"9f0a","sub_typ":"user","ids":[{"id":"alice","idp":"toy"}],"exp":1795404382,"type":"access"}"#,
        ));
        assert_eq!(tiled.expires, Some(Timestamp(1_795_404_382)));
        assert_eq!(tiled.principal, Some(Foreign::from("9f0a")));
        assert_eq!(tiled.identity, Some(Identity { id: "alice".into(), provider: "toy".into() }));
        let cases = [
            (r#"{"exp":12.9,"iat":3}"#, Some(3), Some(12)),
            (r#"{"exp":"12"}"#, None, None),
            (r#"{"exp":1e300}"#, None, None),
            (r#"{"exp":-5}"#, None, Some(-5)),
            (r#"{"ids":[],"sub":7}"#, None, None),
            (r#"{"ids":{"id":1}}"#, None, None),
            ("[]", None, None),
            ("7", None, None),
        ];
        for (claims, received, expires) in cases {
            let facts = hints(&token(claims));
            assert_eq!(
                (facts.received, facts.expires),
                (received.map(Timestamp), expires.map(Timestamp)),
                "{claims}"
            );
        }
        let padded = Secret::from(format!("e30.{}==.sig", URL_SAFE_NO_PAD.encode(r#"{"exp":1}"#)));
        assert_eq!(hints(&padded).expires, Some(Timestamp(1)));
    }

    #[test]
    fn a_token_cut_anywhere_is_not_seen_to_be_whole() {
        let lengths =
            [("HS256", 32), ("HS384", 48), ("HS512", 64), ("ES256", 64), ("ES384", 96), ("ES512", 132)];
        for (algorithm, bytes) in lengths {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
            let signature = URL_SAFE_NO_PAD.encode(vec![7; bytes]);
            let token = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"exp":1}"#));
            assert!(is_whole(&Secret::from(token.as_str())), "{algorithm}");
            for cut in 0..token.len() {
                assert!(!is_whole(&Secret::from(&token[..cut])), "{algorithm} {cut}");
            }
        }
        for other in
            ["eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "e30.e30.AAAA", "opaque", ""]
        {
            assert!(!is_whole(&Secret::from(other)), "{other}");
        }
    }

    #[test]
    fn an_opaque_token_says_nothing() {
        for opaque in ["", "abc", "a.b", "a.b.c.d", "a.!!.c", "..", "a.YQ.c"] {
            assert_eq!(hints(&Secret::from(opaque)), Facts::default(), "{opaque}");
        }
    }

    proptest! {
        #[test]
        fn no_token_stops_the_reader_p9(text in any::<String>(), claims in any::<String>()) {
            let _ = hints(&Secret::from(text));
            let _ = hints(&token(&claims));
        }
    }
}
