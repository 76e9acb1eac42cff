//! What a program calls itself towards servers (RFC 9110 section 10.1.5).

use std::fmt;

/// Why a transport could not be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The `User-Agent` is empty, or has characters that a header cannot hold.
    UserAgent,
    /// A file of certificate authorities cannot be read, or holds none.
    Authorities {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserAgent => f.write_str("the User-Agent is empty, or cannot be written in a header"),
            Self::Authorities { file, why } => {
                write!(f, "the file of certificate authorities {file:?} cannot be used: {why}")
            }
        }
    }
}

impl std::error::Error for TransportError {}

/// Says no to what a header cannot hold.
pub(crate) fn check(name: &str) -> Result<(), TransportError> {
    let is_printable = name.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if name.trim().is_empty() || !is_printable { Err(TransportError::UserAgent) } else { Ok(()) }
}
