//! JSON that may hold secrets: read with a bound on its depth, wiped when dropped.

use core::fmt::Write as _;
use core::time::Duration;

use serde_json::Value;
use zeroize::Zeroize as _;

use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::time::LONGEST_LIFE;

/// How deep a message may nest. The protocols' own messages stay below ten.
pub const DEEPEST: usize = 64;

/// A message as it was read. Its strings are wiped when it is dropped, and it cannot be printed.
pub struct Json(Value);

/// The content is not JSON, or nests deeper than [`DEEPEST`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NotJson;

impl Json {
    /// Reads a message.
    pub fn read(text: &Secret) -> Result<Self, NotJson> {
        if depth(text.expose()) > DEEPEST {
            return Err(NotJson);
        }
        serde_json::from_str(text.expose()).map(Self).map_err(|_| NotJson)
    }

    /// The value, for what has no accessor here.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// A string member that is a secret; absent if missing, empty or not a string.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty()).map(Secret::from)
    }

    /// A string member; absent if missing or not a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A length of time in seconds: a whole number, a fraction, or either in a string (servers send all of them). A
    /// negative one is zero and an endless one is [`LONGEST_LIFE`]; anything else is absent.
    pub fn seconds(&self, name: &str) -> Option<Duration> {
        let value = self.0.get(name)?;
        let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
        if seconds.is_nan() {
            return None;
        }
        Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE))
    }

    /// A moment as JWT has them: a number of seconds since 1970, its fraction dropped (RFC 7519 section 2).
    pub fn seconds_since_epoch(&self, name: &str) -> Option<i64> {
        let value = self.0.get(name)?;
        value.as_i64().or_else(|| {
            let whole = Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs();
            i64::try_from(whole).ok().filter(|&seconds| seconds < i64::from(u32::MAX) * 1_000)
        })
    }

    /// What a server gives as its reason: `detail` of Tiled (a string, or a list or object whose messages are
    /// joined), else `error_description` or `error` of RFC 6749 section 5.2.
    pub fn detail(&self) -> Option<Foreign> {
        let detail = self.0.get("detail");
        match detail {
            Some(Value::String(text)) => return Some(Foreign::new(text)),
            Some(Value::Array(items)) => {
                let messages: Vec<_> = items.iter().filter_map(|item| item.get("msg")?.as_str()).collect();
                return Some(Foreign::new(messages.join("; ")));
            }
            _ => {}
        }
        let holder = detail.unwrap_or(&self.0);
        let reason = holder.get("error_description").or_else(|| holder.get("error"))?;
        reason.as_str().map(Foreign::new)
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn depth(text: &str) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Writes an object of strings, in the order given.
///
/// ```
/// use auth_core::wire::json;
/// assert_eq!(json::object(&[("refresh_token", "a\"b")]).expose(), r#"{"refresh_token":"a\"b"}"#);
/// ```
pub fn object(members: &[(&str, &str)]) -> Secret {
    let length = members.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 6).sum::<usize>() + 2;
    let mut out = String::with_capacity(length);
    out.push('{');
    for (name, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        push(&mut out, name);
        out.push(':');
        push(&mut out, value);
    }
    out.push('}');
    Secret::from(out)
}

fn push(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{0}'..='\u{1f}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Json {
        Json::read(&Secret::from(text)).ok().unwrap()
    }

    #[test]
    fn lives_of_every_shape_are_bounded_h3() {
        let year = 366 * 86_400_000;
        let cases = [
            ("8.0", Some(8_000)),
            ("900", Some(900_000)),
            ("\"900\"", Some(900_000)),
            ("\" 1.5 \"", Some(1_500)),
            ("0", Some(0)),
            ("-5", Some(0)),
            ("1e300", Some(year)),
            ("99999999999", Some(year)),
            ("\"inf\"", Some(year)),
            ("\"NaN\"", None),
            ("\"soon\"", None),
            ("null", None),
            ("[]", None),
            ("true", None),
        ];
        for (value, millis) in cases {
            let json = read(&format!(r#"{{"expires_in":{value}}}"#));
            assert_eq!(json.seconds("expires_in"), millis.map(Duration::from_millis), "{value}");
        }
        assert_eq!(read("[]").seconds("expires_in"), None);
    }

    #[test]
    fn reasons_are_found_in_every_shape() {
        let cases = [
            (r#"{"detail":"no"}"#, Some("no")),
            (r#"{"detail":[{"msg":"a","loc":1},{"msg":"b"},3]}"#, Some("a; b")),
            (r#"{"detail":{"error":"authorization_pending"}}"#, Some("authorization_pending")),
            (r#"{"error":"invalid_grant"}"#, Some("invalid_grant")),
            (r#"{"error":"invalid_grant","error_description":"reused"}"#, Some("reused")),
            (r#"{"detail":7}"#, None),
            ("[]", None),
        ];
        for (text, reason) in cases {
            assert_eq!(read(text).detail(), reason.map(Foreign::from), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count_n6() {
        let nested = |levels: usize| Secret::from("[".repeat(levels) + &"]".repeat(levels));
        assert!(Json::read(&nested(DEEPEST)).is_ok());
        assert!(Json::read(&nested(DEEPEST + 1)).is_err());
        assert!(Json::read(&nested(1_000_000)).is_err());
        assert!(Json::read(&Secret::from(format!(r#"["{}\"["]"#, "[".repeat(100)))).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any::<String>()) {
            let json = Json::read(&object(&[("a", &value), ("b", "x")])).ok().unwrap();
            prop_assert_eq!(json.text("a"), Some(value.as_str()));
            prop_assert_eq!(json.text("b"), Some("x"));
        }

        #[test]
        fn no_text_stops_the_reader_p9(text in any::<String>()) {
            if let Ok(json) = Json::read(&Secret::from(text)) {
                let _ = (json.detail(), json.seconds("a"), json.secret("a"));
            }
        }
    }
}
