//! Secrets that can be found again, and the search for them.
//!
//! Tests [`plant`] their tokens and passwords: made-up texts that stand nowhere else, the same in every process of one
//! run. Whatever a test printed, logged or wrote is then [searched](Search) for all of them: raw, in base64 at any
//! offset, in hex, percent-encoded, JSON-escaped, and for any twelve characters of them.
//!
//! ```
//! use canary::{Search, plant};
//! let password = plant("a password");
//! let found = Search::of_planted().search(format!("could not sign in with {password}").as_bytes());
//! assert_eq!((found[0].secret.as_str(), found[0].encoding.to_string()), ("a password", "raw".to_owned()));
//! assert!(Search::of_planted().search(b"could not sign in").is_empty());
//! ```

mod encoding;
mod evidence;
mod logger;
mod plant;
mod search;
mod sweep;

pub use encoding::Encoding;
pub use evidence::{Evidence, traced};
pub use logger::{listen, recorded};
pub use plant::{also, named, plant, planted};
pub use search::{Found, Search};
pub use sweep::{Leak, sweep};

use std::any::type_name;
use std::error::Error;
use std::fmt::{Debug, Display, Write as _};

/// Secrets that tests print and leave behind on purpose: a search that does not find them is no search.
pub const DECOYS: [&str; 2] = ["the decoy that a test prints", "the decoy that a test leaves behind"];

/// The longest piece of a secret that may stand anywhere by chance, and one more.
pub const PIECE: usize = 12;

/// Everything an error says: itself, whatever it came from, and both as programmers see them.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

/// Fails if a planted secret can be found in this.
///
/// # Panics
///
/// If one is found; the message names it and does not repeat it.
#[track_caller]
pub fn assert_silent(shown: impl AsRef<[u8]>) {
    assert_none("this", shown.as_ref());
}

/// Fails if a planted secret can be found in what programmers see of a value.
///
/// # Panics
///
/// If one is found; the message names it and does not repeat it.
#[track_caller]
pub fn silent<T: Debug + ?Sized>(value: &T) {
    assert_none(type_name::<T>(), format!("{value:?}\n{value:#?}").as_bytes());
}

/// Fails if a planted secret can be found in what anybody sees of a value, programmers too.
///
/// # Panics
///
/// If one is found; the message names it and does not repeat it.
#[track_caller]
pub fn silent_text<T: Debug + Display + ?Sized>(value: &T) {
    assert_none(type_name::<T>(), format!("{value}\n{value:?}\n{value:#?}").as_bytes());
}

/// Fails if a planted secret can be found in an error or in what it came from.
///
/// # Panics
///
/// If one is found; the message names it and does not repeat it.
#[track_caller]
pub fn silent_error<T: Error + 'static>(error: &T) {
    assert_none(type_name::<T>(), chain(error).as_bytes());
}

#[track_caller]
fn assert_none(what: &str, shown: &[u8]) {
    let found = Search::of_planted().search(shown);
    let found = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(found.is_empty(), "{what} shows a secret: {found}");
}

/// True if a type has a `Debug`. Where it has none, nothing of it can be shown.
///
/// ```
/// struct Closed(String);
/// assert!(canary::has_debug!(String) && !canary::has_debug!(Closed));
/// ```
#[macro_export]
macro_rules! has_debug {
    ($type:ty) => {{
        trait Hidden {
            const SHOWN: bool = false;
        }
        impl<T> Hidden for T {}
        struct Probe<T>(::core::marker::PhantomData<T>);
        // Found before that of the trait, where there is one.
        #[allow(dead_code, reason = "not used where the type has no Debug")]
        impl<T: ::core::fmt::Debug> Probe<T> {
            const SHOWN: bool = true;
        }
        Probe::<$type>::SHOWN
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "Option<alloc::string::String> shows a secret: \"shown\", raw, at byte 6")]
    fn a_debug_that_shows_a_secret_fails() {
        silent(&Some(plant("shown")));
    }

    #[test]
    #[should_panic(expected = "std::io::error::Error shows a secret")]
    fn an_error_that_shows_a_secret_fails() {
        silent_error(&std::io::Error::other(plant("shown")));
    }
}
