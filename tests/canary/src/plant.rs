//! Making secrets up, and remembering which.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What all secrets of one run follow from; anything, where nobody sets it.
const SEED: &str = "AUTH_CANARY";
/// The file that gets a line for every secret, `NAME<tab>SECRET`, for whoever searches after the processes have ended.
const LIST: &str = "AUTH_CANARY_LIST";

/// Names by secret.
static PLANTED: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, BTreeMap<String, String>> {
    PLANTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret of this name: the same for the same name throughout a run, 43 characters of `A-Za-z0-9-_`, none of which
/// can be foreseen. It begins with a letter.
pub fn plant(name: &str) -> String {
    let seed = std::env::var(SEED).unwrap_or_default();
    let digest = Sha256::digest(format!("{seed}\n{name}"));
    // Whatever begins with a dash would be an option to some program.
    let secret = format!("c{}", URL_SAFE_NO_PAD.encode(digest).get(1..).unwrap_or_default());
    also(name, &secret);
    secret
}

/// Remembers a secret that somebody else made up, a server for example. Short ones are not looked for: they stand
/// anywhere.
///
/// Of a JSON Web Token the part before the first dot is left out: it is the same in all of them.
pub fn also(name: &str, secret: &str) {
    let secret = match secret.split_once('.') {
        Some((head, rest)) if head.starts_with("eyJ") => rest,
        _ => secret,
    };
    if all().insert(secret.to_owned(), name.to_owned()).is_some() {
        return;
    }
    if let Some(list) = std::env::var_os(LIST) {
        let line = format!("{}\t{secret}\n", name.replace(['\t', '\n'], " "));
        let file = OpenOptions::new().create(true).append(true).open(list);
        // One write, so that lines of several processes do not mix. Another user may not be let in: the test's own
        // search is left then.
        drop(file.and_then(|mut file| file.write_all(line.as_bytes())));
    }
}

/// All secrets of this process so far: names and secrets.
pub fn planted() -> Vec<(String, String)> {
    all().iter().map(|(secret, name)| (name.clone(), secret.clone())).collect()
}

/// A text with the planted secrets' names in their place: for the message of a test that fails.
pub fn named(text: &str) -> String {
    let named = |text: String, (name, secret): (String, String)| text.replace(&secret, &format!("<{name}>"));
    planted().into_iter().filter(|(_, secret)| !secret.is_empty()).fold(text.to_owned(), named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_secret_and_two_names_are_two() {
        let (one, two) = (plant("one"), plant("two"));
        assert_eq!(one, plant("one"));
        assert_ne!(one.get(..12), two.get(..12));
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!(planted().contains(&("one".to_owned(), one.clone())));
        assert_eq!(named(&format!("[{one}{two}]")), "[<one><two>]");
    }
}
