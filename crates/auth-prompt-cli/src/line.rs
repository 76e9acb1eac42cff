//! A line that is typed without being shown: what each byte does to it.

use auth_core::Secret;
use zeroize::{Zeroize, Zeroizing};

/// The longest line in bytes. All of it is allocated at once, so that no part is left behind by growing.
pub(crate) const LONGEST: usize = 65_536;

/// The characters that edit a line, as the terminal has them. Zero is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// Removes a character; backspace and delete do so too.
    pub(crate) erase: u8,
    /// Removes a word.
    pub(crate) erase_word: u8,
    /// Removes everything.
    pub(crate) kill: u8,
    /// Ends input.
    pub(crate) end: u8,
}

/// What a byte did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// It is in the line, or changed it, or is part of a key that means nothing here.
    Taken,
    /// It cannot be in a password and means nothing: ring the bell.
    Refused,
    /// The line is complete.
    Entered,
    /// End of input.
    Ended,
}

/// Why a complete line is no password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unfit {
    /// Over [`LONGEST`].
    TooLong,
    /// Not UTF-8.
    NotText,
}

/// Where in a key's escape sequence the input is (ECMA-48).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    None,
    Escape,
    /// `ESC [`, up to its final byte: an arrow, or the marks around a bracketed paste.
    Control,
    /// `ESC O` and one byte: a function key.
    Single,
}

/// A line being typed. Wiped when dropped.
pub(crate) struct Line {
    bytes: Zeroizing<Vec<u8>>,
    too_long: bool,
    keys: Keys,
    key: Key,
}

impl Line {
    pub(crate) fn new(keys: Keys) -> Self {
        let bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        Self { bytes, too_long: false, keys, key: Key::None }
    }

    /// Takes one byte of input.
    pub(crate) fn push(&mut self, byte: u8) -> Effect {
        match (self.key, byte) {
            (Key::Escape, b'[') => {
                self.key = Key::Control;
                Effect::Taken
            }
            (Key::Escape, b'O') => {
                self.key = Key::Single;
                Effect::Taken
            }
            (Key::Control, 0x20..=0x3f) => Effect::Taken,
            (Key::Control, 0x40..=0x7e) | (Key::Single, 0x20..=0x7e) => {
                self.key = Key::None;
                Effect::Taken
            }
            _ => {
                self.key = Key::None;
                self.plain(byte)
            }
        }
    }

    fn plain(&mut self, byte: u8) -> Effect {
        let Keys { erase, erase_word, kill, end } = self.keys;
        match byte {
            b'\n' | b'\r' => Effect::Entered,
            0 => Effect::Refused,
            _ if byte == end => {
                if self.bytes.is_empty() {
                    Effect::Ended
                } else {
                    Effect::Refused
                }
            }
            _ if byte == kill => {
                self.clear();
                Effect::Taken
            }
            _ if byte == erase_word => {
                while self.bytes.last().is_some_and(u8::is_ascii_whitespace) {
                    self.bytes.pop();
                }
                while self.bytes.last().is_some_and(|last| !last.is_ascii_whitespace()) {
                    self.bytes.pop();
                }
                Effect::Taken
            }
            _ if byte == erase || byte == 0x7f || byte == 0x08 => {
                // Back over the continuation bytes of UTF-8 to the one that begins the character.
                while self.bytes.pop().is_some_and(|removed| removed & 0xc0 == 0x80) {}
                Effect::Taken
            }
            0x1b => {
                self.key = Key::Escape;
                Effect::Taken
            }
            b'\t' | 0x20.. => {
                if self.bytes.len() < LONGEST {
                    self.bytes.push(byte);
                } else {
                    self.too_long = true;
                }
                Effect::Taken
            }
            _ => Effect::Refused,
        }
    }

    /// Forgets and wipes what was typed.
    pub(crate) fn clear(&mut self) {
        self.bytes.zeroize();
        self.too_long = false;
        self.key = Key::None;
    }

    /// Takes what was typed out, unchanged, and wipes the line.
    pub(crate) fn take(&mut self) -> Result<Secret, Unfit> {
        let taken = if self.too_long {
            Err(Unfit::TooLong)
        } else {
            Secret::from_utf8(self.bytes.to_vec()).ok_or(Unfit::NotText)
        };
        self.clear();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = Keys { erase: 0x7f, erase_word: 0x17, kill: 0x15, end: 0x04 };

    fn type_all(line: &mut Line, bytes: &[u8]) -> Effect {
        bytes.iter().map(|&byte| line.push(byte)).last().unwrap_or(Effect::Taken)
    }

    #[test]
    fn a_line_is_what_was_typed_and_left_standing() {
        let cases: [(&str, &[u8], &str); 16] = [
            ("plain", b"secret\r", "secret"),
            ("spaces are kept", b"  two  words \n", "  two  words "),
            ("a tab is kept", b"a\tb\n", "a\tb"),
            ("backspace", b"abx\x7fc\n", "abc"),
            ("the other backspace", b"abx\x08c\n", "abc"),
            ("backspace removes a whole character", "aé日🔑\x7f\x7f\x7fb\n".as_bytes(), "ab"),
            ("backspace at the start", b"\x7f\x7fa\n", "a"),
            ("kill", b"wrong\x15right\n", "right"),
            ("erase word", b"two words \x17x\n", "two x"),
            ("erase word at the start", b" \x17\x17x\n", "x"),
            ("arrows", b"a\x1b[Db\x1b[1;5Cc\x1bOAd\n", "abcd"),
            ("bracketed paste", b"\x1b[200~pa ste\x1b[201~\n", "pa ste"),
            ("an escape key alone", b"\x1babc\n", "abc"),
            ("enter in the middle of a key", b"a\x1b[\n", "a"),
            ("control characters are left out", b"a\x00\x01\x02b\n", "ab"),
            ("end of input in the middle is nothing", b"ab\x04c\n", "abc"),
        ];
        for (name, typed, expected) in cases {
            let mut line = Line::new(KEYS);
            assert_eq!(type_all(&mut line, typed), Effect::Entered, "{name}");
            assert_eq!(line.take(), Ok(Secret::from(expected)), "{name}");
            assert_eq!(line.take(), Ok(Secret::from("")), "{name}: nothing stays");
        }
    }

    #[test]
    fn keys_without_a_meaning_ring_the_bell_and_end_of_input_ends_an_empty_line() {
        let cases: [(&[u8], Effect); 6] = [
            (b"\x04", Effect::Ended),
            (b"a\x04", Effect::Refused),
            (b"a\x7f\x04", Effect::Ended),
            (b"\x00", Effect::Refused),
            (b"\x0c", Effect::Refused),
            (b"", Effect::Taken),
        ];
        for (typed, effect) in cases {
            assert_eq!(type_all(&mut Line::new(KEYS), typed), effect, "{typed:?}");
        }
    }

    #[test]
    fn characters_that_the_terminal_does_not_have_edit_nothing() {
        let keys = Keys { erase: 0, erase_word: 0, kill: 0, end: 0 };
        let mut line = Line::new(keys);
        assert_eq!(type_all(&mut line, b"a\x00\x15b\x17"), Effect::Refused);
        assert_eq!(line.take(), Ok(Secret::from("ab")));
    }

    #[test]
    fn a_line_is_never_cut_and_never_moves() {
        let mut line = Line::new(KEYS);
        let place = line.bytes.as_ptr();
        type_all(&mut line, &vec![b'x'; LONGEST]);
        assert_eq!(line.bytes.as_ptr(), place);
        assert_eq!(line.take().map(|secret| secret.len()), Ok(LONGEST));
        type_all(&mut line, &vec![b'x'; LONGEST + 1]);
        assert_eq!(line.take(), Err(Unfit::TooLong));
        type_all(&mut line, &vec![b'x'; LONGEST + 1]);
        type_all(&mut line, b"\x15short");
        assert_eq!(line.take(), Ok(Secret::from("short")));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_password() {
        let mut line = Line::new(KEYS);
        type_all(&mut line, b"caf\xe9");
        assert_eq!(line.take(), Err(Unfit::NotText));
    }
}
