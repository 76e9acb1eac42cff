//! Names for things that must not be written down themselves.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// The SHA-256 of something, usually of a token: says whether two are the same without saying what they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of one secret.
    pub fn of(secret: &Secret) -> Self {
        Self(Sha256::digest(secret.expose()).into())
    }

    /// Of several parts, any of which may be missing. Different parts never have the same digest.
    pub fn of_parts(parts: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            match part {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text);
                }
            }
        }
        Self(hash.finalize().into())
    }

    /// Reads the 64 hexadecimal digits that `Display` writes.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut out = [0; 32];
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(out))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one go: a store writes one for each site whenever it reads its list.
        let mut hex = String::with_capacity(64);
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        hex.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
        f.write_str(&hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read() {
        let digest = Digest::of(&Secret::from("abc"));
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), hex);
        assert_eq!(Digest::from_hex(hex), Some(digest));
        for wrong in ["", "zz", &hex[1..], &hex.replace('b', "+"), &"é".repeat(32)] {
            assert_eq!(Digest::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parts_cannot_be_moved_from_one_to_the_next() {
        let all = [
            Digest::of_parts(&[Some("ab"), Some("c")]),
            Digest::of_parts(&[Some("a"), Some("bc")]),
            Digest::of_parts(&[Some("abc"), None]),
            Digest::of_parts(&[None, Some("abc")]),
            Digest::of_parts(&[Some(""), Some("abc")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one));
        }
    }
}
