//! Signed tokens: JSON Web Tokens with HMAC-SHA256 (RFC 7519, RFC 7515, RFC 2104).

use auth_core::Secret;
use auth_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Why a token is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// Not a token, or not signed with this key.
    Bad,
    /// Ours, and over.
    Expired,
}

/// Signs claims.
pub(crate) fn sign(key: &[u8; 32], claims: &Value) -> Secret {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{header}.{claims}");
    Secret::from(format!("{signed}.{}", signature(key, &signed)))
}

/// Checks the signature and the claim `exp`, and gives the claims. A token is over in the very second it names.
pub(crate) fn read(key: &[u8; 32], token: &str, now: Timestamp) -> Result<Value, Refusal> {
    let (signed, given) = token.rsplit_once('.').ok_or(Refusal::Bad)?;
    if Secret::from(given) != Secret::from(signature(key, signed)) {
        return Err(Refusal::Bad);
    }
    let claims = signed.split_once('.').ok_or(Refusal::Bad)?.1;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Refusal::Bad)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| Refusal::Bad)?;
    let expires = claims.get("exp").and_then(Value::as_i64).ok_or(Refusal::Bad)?;
    if expires <= now.0 { Err(Refusal::Expired) } else { Ok(claims) }
}

fn signature(key: &[u8], signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac_sha256(key, signed.as_bytes()))
}

/// RFC 2104, with SHA-256 and its block of 64 bytes.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > block.len() {
        for (slot, byte) in block.iter_mut().zip(Sha256::digest(key)) {
            *slot = byte;
        }
    } else {
        for (slot, byte) in block.iter_mut().zip(key) {
            *slot = *byte;
        }
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_published_hmac_vectors_hold() {
        // RFC 4231 sections 4.2, 4.3 and 4.7: a short key, a shorter one, and one longer than a block.
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            let shown =
                hmac_sha256(key, message).iter().fold(String::new(), |out, b| format!("{out}{b:02x}"));
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn a_token_is_three_parts_and_read_by_its_key_until_it_is_over() {
        let token = sign(&[1; 32], &json!({ "exp": 100, "sub": "x" }));
        assert_eq!(token.expose().split('.').count(), 3);
        assert!(token.expose().starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
        let read_at = |key, second| read(&[key; 32], token.expose(), Timestamp(second));
        assert_eq!(read_at(1, 99).unwrap()["sub"], "x");
        assert_eq!(read_at(1, 100), Err(Refusal::Expired));
        assert_eq!(read_at(2, 99), Err(Refusal::Bad));
    }

    #[test]
    fn what_was_changed_is_not_a_token() {
        let token = sign(&[1; 32], &json!({ "exp": 100 }));
        let token = token.expose();
        let bare = format!("{}.", token.rsplit_once('.').unwrap().0);
        let none =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), token.split('.').nth(1).unwrap());
        let forms = ["", ".", "..", "garbage", "é.é.é", &token[1..], &format!("{token}="), &bare, &none];
        for form in forms {
            assert_eq!(read(&[1; 32], form, Timestamp(0)), Err(Refusal::Bad), "{form}");
        }
        let no_end = sign(&[1; 32], &json!({ "sub": "x" }));
        assert_eq!(read(&[1; 32], no_end.expose(), Timestamp(0)), Err(Refusal::Bad));
    }
}
