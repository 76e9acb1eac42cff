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
    let mut parts = access.expose().split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Facts::default();
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok().and_then(Secret::from_utf8);
    let Some(claims) = claims.and_then(|text| Json::read(&text).ok()) else { return Facts::default() };
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
