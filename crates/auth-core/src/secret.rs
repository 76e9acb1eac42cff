//! Values that must not be seen.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

/// A password, token, key or the bytes of a message that carries one.
///
/// It cannot be printed ([`Debug`](fmt::Debug) shows only that something is there, and there is no `Display`), is
/// wiped when its last clone is dropped (clones share the value, so there is one copy to wipe), and is compared in time
/// that depends on the lengths alone. Seeing the value is an explicit act: [`expose`](Self::expose).
///
/// ```
/// use auth_core::Secret;
/// let password = Secret::from("correct horse");
/// assert_eq!(format!("{password:?}"), "Secret(***)");
/// assert_eq!(password.expose(), "correct horse");
/// ```
#[derive(Clone, Default)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// The value itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for the empty string, which no protocol here takes for a credential.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes. Not secret: it can be read off any message that carries the value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads UTF-8, or wipes the bytes and answers `None`.
    pub fn from_utf8(bytes: Vec<u8>) -> Option<Self> {
        match String::from_utf8(bytes) {
            Ok(text) => Some(Self::from(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Arc::new(Zeroizing::new(value)))
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        // That two are clones says nothing of the value.
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let differing = a.iter().zip(b).fold(0, |seen, (x, y)| seen | (x ^ y));
        // `black_box` keeps the fold from being turned into an early exit.
        core::hint::black_box(differing) == 0 && a.len() == b.len()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(empty)" } else { "Secret(***)" })
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_no_byte_of_the_value_s1() {
        for value in ["a", "hunter2", "******", "Secret"] {
            let shown = format!("{:?} {:#?}", Secret::from(value), Secret::from(value));
            assert!(!shown.replace("Secret(***)", "").contains(value), "{shown}");
        }
    }

    #[test]
    fn equality_is_of_the_whole_value() {
        let cases =
            [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "aa", false), ("", "a", false)];
        for (a, b, same) in cases {
            assert_eq!(Secret::from(a) == Secret::from(b), same, "{a:?} {b:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_secret() {
        assert!(Secret::from_utf8(vec![0xff]).is_none());
        assert_eq!(Secret::from_utf8(b"ok".to_vec()), Some(Secret::from("ok")));
    }
}
