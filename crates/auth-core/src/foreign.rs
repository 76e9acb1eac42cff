//! Text that came from somebody else.

use core::fmt::{self, Write as _};

/// How many characters of a stranger's text are ever shown.
const SHOWN: usize = 400;

/// A string from a server, a file or another program, kept as it came and shown only escaped.
///
/// `Display` and `Debug` write control characters, bidirectional and zero-width characters and everything else that
/// could move a cursor, change a title or reorder a line as visible `\u{..}` escapes, and stop after 400
/// characters. Line feeds are escaped too; [`lines`](Self::lines) is for the few texts that may have several.
///
/// ```
/// use auth_core::Foreign;
/// assert_eq!(Foreign::new("hi\u{1b}]0;title\u{7}").to_string(), r"hi\u{1b}]0;title\u{7}");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Foreign(String);

impl Foreign {
    /// Takes any text; nothing is refused.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came: for comparing and sending back, never for showing.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// True if nothing came.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the text is empty or only white space, which names no user.
    pub fn is_blank(&self) -> bool {
        strip(&self.0).is_empty()
    }

    /// The text's lines, each safe to show; at most 20 of them.
    pub fn lines(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.lines().take(20).map(Self::new)
    }
}

impl From<&str> for Foreign {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Foreign {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Takes off what Python's `strip` does: white space, and the four separators of ASCII.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn deceives(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'         // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' // zero width, line separators, bidi embeddings
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shown, c) in self.0.chars().enumerate() {
            if shown == SHOWN {
                return f.write_str("…");
            }
            if deceives(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_become_visible_text_t1() {
        let cases = [
            ("plain ünïcode 日本", "plain ünïcode 日本"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}", r"\u{1b}]52;c;ZXZpbA==\u{7}"),
            ("\u{1b}]8;;http://evil\u{1b}\\", "\\u{1b}]8;;http://evil\\u{1b}\\"),
            ("\u{9b}2J\u{90}q", r"\u{9b}2J\u{90}q"),
            ("good\rbad\nworse", r"good\u{d}bad\u{a}worse"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{2028}e", r"a\u{202e}b\u{2066}c\u{200b}d\u{2028}e"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Foreign::new(raw).to_string(), shown);
            assert_eq!(format!("{:?}", Foreign::new(raw)), format!("\"{shown}\""));
            assert_eq!(Foreign::new(raw).raw(), raw);
        }
    }

    #[test]
    fn a_long_text_is_cut_visibly() {
        let shown = Foreign::new("x".repeat(10_000)).to_string();
        assert_eq!(shown.chars().count(), SHOWN + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn lines_are_separate_and_bounded() {
        let text = Foreign::new("one\r\ntwo\u{1b}[0m\n".to_owned() + &"x\n".repeat(100));
        let lines: Vec<_> = text.lines().map(|line| line.to_string()).collect();
        assert_eq!(lines[..2], ["one", r"two\u{1b}[0m"]);
        assert_eq!(lines.len(), 20);
    }

    proptest! {
        #[test]
        fn no_text_puts_a_deceiving_character_on_a_screen_t1(text in any::<String>()) {
            let shown = Foreign::new(text).to_string();
            prop_assert!(!shown.chars().any(deceives));
        }
    }
}
