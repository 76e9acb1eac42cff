//! `application/x-www-form-urlencoded`, as HTML and RFC 6749 appendix B have it.

use zeroize::Zeroize as _;

use crate::secret::Secret;

/// Writes fields in the order given.
///
/// ```
/// use auth_core::wire::form;
/// let body = form::encode(&[("grant_type", "password"), ("username", "a b&ü")]);
/// assert_eq!(body.expose(), "grant_type=password&username=a+b%26%C3%BC");
/// ```
pub fn encode(fields: &[(&str, &str)]) -> Secret {
    // Reserved at once: a string that grows leaves copies of the password behind.
    let length = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut out = String::with_capacity(length);
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        push(&mut out, name);
        out.push('=');
        push(&mut out, value);
    }
    Secret::from(out)
}

/// Writes one byte as `%XX`.
pub(crate) fn push_escape(out: &mut String, byte: u8) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

fn push(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => push_escape(out, byte),
        }
    }
}

/// Reads fields in the order they stand; an escape that is none is taken as it stands. For servers, and for queries.
pub fn decode(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (unescape(name, true), unescape(value, true))
        })
        .collect()
}

/// Undoes percent-encoding; bytes that are not UTF-8 become replacement characters.
pub fn percent_decode(text: &str) -> String {
    unescape(text, false)
}

fn unescape(text: &str, plus_is_space: bool) -> String {
    let nibble =
        |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, nibble(bytes.get(at)), nibble(bytes.get(at + 1))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_else(|error| {
        let mut bytes = error.into_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        bytes.zeroize();
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_escapes_stand_for_themselves() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(
            decode("a=%zz&b=%4&c=%&d&&=e"),
            pairs(&[("a", "%zz"), ("b", "%4"), ("c", "%"), ("d", ""), ("", "e")])
        );
        assert_eq!(percent_decode("a+b%20%FF"), "a+b \u{fffd}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(fields in prop::collection::vec((".*", ".*"), 0..4)) {
            let borrowed: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(decode(encode(&borrowed).expose()), fields);
        }

        #[test]
        fn no_text_stops_the_reader_p9(text in any::<String>()) {
            let _ = decode(&text);
            let _ = percent_decode(&text);
        }
    }
}
