//! JSON as this program prints it: one line of ASCII, so that nothing a server said can act on a terminal.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::report::Failure;

/// Writes a value.
pub(crate) fn write(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Ascii)).map_err(io::Error::from)
}

/// A failure, for programs.
#[derive(Serialize)]
pub(crate) struct Failed<'a> {
    error: Fault<'a>,
}

#[derive(Serialize)]
struct Fault<'a> {
    kind: &'a str,
    message: &'a str,
    remedy: &'a str,
    exit: u8,
}

impl<'a> Failed<'a> {
    pub(crate) fn new(failure: &'a Failure) -> Self {
        let Failure { exit, kind, message, remedy } = failure;
        Self { error: Fault { kind, message, remedy, exit: exit.code() } }
    }
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let plain = |byte: u8| byte.is_ascii() && byte != 0x7f;
        if fragment.bytes().all(plain) {
            return out.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            match u8::try_from(c) {
                Ok(byte) if plain(byte) => out.write_all(&[byte])?,
                _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn to_string(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_printed_as_ascii_and_read_back_t1() {
        for text in ["plain", "é", "日本", "\u{1b}]0;x\u{7}", "a\u{7f}\u{9b}2J\u{202e}", "😀", "\"\\\n", ""]
        {
            let printed = to_string(&text);
            assert!(printed.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{printed}");
            assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
        }
        assert_eq!(to_string(&"é😀\u{7f}"), r#""\u00e9\ud83d\ude00\u007f""#);
    }

    #[test]
    fn a_failure_has_four_members() {
        let failure = Failure::usage("a \"b\"", "Do c.");
        assert_eq!(
            to_string(&Failed::new(&failure)),
            r#"{"error":{"kind":"usage","message":"a \"b\"","remedy":"Do c.","exit":2}}"#
        );
    }
}
