//! JSON that may hold secrets: read with a bound on its depth, wiped when dropped.

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::BTreeSet;

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

    /// Reads a message of which one member must mean the same to every reader: one that brings tokens, or ends a session.
    ///
    /// # Errors
    ///
    /// Like [`read`](Self::read); and if an object names a member twice. Which of the two counts is not laid down (RFC 8259
    /// section 4). Objects in a list are not looked into: no token is in one.
    pub fn read_strict(text: &Secret) -> Result<Self, NotJson> {
        let json = Self::read(text)?;
        if names_twice(text.expose()) { Err(NotJson) } else { Ok(json) }
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

/// The text of a member's value, as it stands in an object; of several members of one name the last. For a text that
/// was [read](Json::read) before: of any other it may be anything.
pub(crate) fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    members(text, |key, value| {
        if key == name {
            found = Some(value);
        }
    })?;
    found
}

/// True if an object names a member twice, or an object in it does. For a text that was [read](Json::read) before.
fn names_twice(text: &str) -> bool {
    let (mut names, mut twice) = (BTreeSet::new(), false);
    members(text, |name, value| twice |= !names.insert(name) || names_twice(value));
    twice
}

/// Shows each member of an object, by its name and the text of its value. `None` if it is not an object, or ends early.
fn members<'a>(text: &'a str, mut show: impl FnMut(String, &'a str)) -> Option<()> {
    let mut rest = text.trim_start().strip_prefix('{')?;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        if rest.starts_with('}') {
            return Some(());
        }
        let end = extent(rest)?;
        let (key, after) = rest.split_at_checked(end)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        let end = extent(rest)?;
        let (value, after) = rest.split_at_checked(end)?;
        show(serde_json::from_str(key).ok()?, value.trim_end());
        rest = after.trim_start();
    }
}

/// How many bytes long the value at the beginning of a text is.
fn extent(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' | b':' | b'}' if depth == 0 => return (at > 0).then_some(at),
            _ => {}
        }
    }
    None
}

/// Writes an object of strings, in the order given.
///
/// ```
/// use auth_core::wire::json;
/// assert_eq!(json::object(&[("refresh_token", "a\"b")]).expose(), r#"{"refresh_token":"a\"b"}"#);
/// ```
pub fn object(members: &[(&str, &str)]) -> Secret {
    let length = members.iter().map(|(name, value)| longest(name) + longest(value) + 2).sum::<usize>() + 2;
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

/// The most bytes that [`push`] can need.
pub(crate) fn longest(text: &str) -> usize {
    6 * text.len() + 2
}

/// Writes one string.
pub(crate) fn push(out: &mut String, text: &str) {
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

    #[test]
    fn member_named_twice_is_found_at_any_depth_of_objects() {
        let strict = |text: &str| Json::read_strict(&Secret::from(text)).is_ok();
        for once in
            ["{}", "[]", "7", r#"{"a":{"b":1},"b":[{"a":1},{"a":2}]}"#, r#"{"a":"{\"b\":1,\"b\":2}"}"#]
        {
            assert!(strict(once), "{once}");
        }
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#" { "a" : {} , "b" : [ "," ] , "a" : "}" } "#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"x":{"y":{"a":[],"b":0,"a":{}}}}"#,
        ] {
            assert!(!strict(twice), "{twice}");
        }
        let deepest = r#"{"a":"#.repeat(DEEPEST) + "0" + &"}".repeat(DEEPEST);
        assert!(strict(&deepest));
    }

    /// Texts of JSON values.
    fn values() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1.50e-3".to_owned()),
            any::<String>().prop_map(|text| Value::from(text).to_string()),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec(("[a-c}\\]]{0,2}", inner), 0..4).prop_map(|members| {
                    let members = members.iter().map(|(name, value)| format!("{name:?}: {value}"));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    #[test]
    fn a_message_without_members_has_none() {
        for text in ["{}", " { } ", "[]", "null", "\"a\"", "7", ""] {
            assert_eq!(member(text, "a"), None, "{text:?}");
        }
        assert_eq!(member(r#"{"a":1,"a":2}"#, "a"), Some("2"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any::<String>()) {
            let json = Json::read(&object(&[("a", &value), ("b", "x")])).ok().unwrap();
            prop_assert_eq!(json.text("a"), Some(value.as_str()));
            prop_assert_eq!(json.text("b"), Some("x"));
        }

        #[test]
        fn a_member_s_text_is_its_value(value in values(), other in values()) {
            for text in [
                format!(r#"{{"x":{other},"a":{value}}}"#),
                format!(" {{ \"a\" : {other} ,\n\t\"\\u0061\":{value}, \"b\":{other} \r}} "),
            ] {
                prop_assert!(Json::read(&Secret::from(text.as_str())).is_ok());
                prop_assert_eq!(member(&text, "a"), Some(value.as_str()), "{}", text);
                prop_assert_eq!(member(&text, "c"), None, "{}", text);
            }
        }

        #[test]
        fn no_text_stops_the_reader_p9(text in any::<String>(), almost in r#"[\[\]{}":,\\a ]{0,30}"#) {
            let _ = (member(&text, "a"), member(&almost, "a"));
            if let Ok(json) = Json::read(&Secret::from(text)) {
                let _ = (json.detail(), json.seconds("a"), json.secret("a"));
            }
        }
    }
}
