//! The forms in which a secret gets out.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::PIECE;

/// How a secret stands in a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// In base64, of either alphabet, so many bytes after the beginning of a group of three.
    Base64(u8),
    /// In hex, of either case.
    Hex,
    /// Each byte as `%41`.
    Percent,
    /// Each character as `\u0041`.
    Json,
    /// Twelve characters of it, as they are.
    Piece,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Base64(offset) => write!(f, "base64-{offset}"),
            Self::Hex => f.write_str("hex"),
            Self::Percent => f.write_str("percent"),
            Self::Json => f.write_str("json"),
            Self::Piece => f.write_str("piece"),
        }
    }
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Raw,
        Self::Base64(0),
        Self::Base64(1),
        Self::Base64(2),
        Self::Hex,
        Self::Percent,
        Self::Json,
        Self::Piece,
    ];

    /// By its name, as it is displayed.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.to_string() == name)
    }

    /// The secret in this form, as a program that leaks would print it.
    pub fn apply(self, secret: &str) -> String {
        match self {
            Self::Raw => secret.to_owned(),
            Self::Base64(offset) => {
                let before = "user:".chars().cycle().take(usize::from(offset) + 3).collect::<String>();
                STANDARD_NO_PAD.encode(format!("{before}{secret}"))
            }
            Self::Hex => each(secret, |text, byte| write!(text, "{byte:02x}")),
            Self::Percent => each(secret, |text, byte| write!(text, "%{byte:02X}")),
            Self::Json => each(secret, |text, byte| write!(text, "\\u{byte:04x}")),
            Self::Piece => secret.get(5..5 + PIECE).unwrap_or(secret).to_owned(),
        }
    }

    /// Every way to write a secret in this form, without what also depends on bytes before and after it.
    pub(crate) fn forms(self, secret: &str) -> Vec<String> {
        match self {
            // Found by its pieces, and told from them afterwards.
            Self::Raw => Vec::new(),
            Self::Piece => vec![secret.to_owned()],
            Self::Base64(offset) => {
                let before = vec![0_u8; usize::from(offset)];
                let bytes = [&before, secret.as_bytes()].concat();
                let first = (usize::from(offset) * 8).div_ceil(6);
                let last = bytes.len() * 8 / 6;
                let own = |text: String| text.get(first..last).map(str::to_owned);
                let texts = [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)];
                texts.into_iter().filter_map(own).collect()
            }
            Self::Hex => either_case(&Self::Hex.apply(secret)),
            Self::Percent => either_case(&Self::Percent.apply(secret)),
            Self::Json => {
                let upper = each(secret, |text, byte| write!(text, "\\u{byte:04X}"));
                vec![Self::Json.apply(secret), upper]
            }
        }
    }

    /// How long the unit is in which this form is written, and as how many bytes twelve characters stand in it.
    pub(crate) fn stretch(self) -> (usize, usize) {
        match self {
            Self::Raw | Self::Piece => (1, PIECE),
            Self::Base64(_) => (1, PIECE * 4 / 3),
            Self::Hex => (2, PIECE * 2),
            Self::Percent => (3, PIECE * 3),
            Self::Json => (6, PIECE * 6),
        }
    }
}

fn either_case(text: &str) -> Vec<String> {
    vec![text.to_ascii_lowercase(), text.to_ascii_uppercase()]
}

/// Every byte, written so. Secrets are ASCII.
fn each(secret: &str, write: impl Fn(&mut String, u8) -> fmt::Result) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        // Writing to a string does not fail.
        let _ = write(&mut text, byte);
    }
    text
}
