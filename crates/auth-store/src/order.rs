//! In which order the files of a session are changed. After any number of changes, the refresh token on disk is no
//! older than the access token beside it, and no two tokens are of different people.

use std::path::Path;

use auth_core::Secret;
use auth_core::error::StoreFault;
use auth_core::session::Tokens;

use crate::fault::other;
use crate::tokens::{Name, can_be_kept};

/// One change: the file gets this content, or goes.
pub(crate) type Put<'a> = (Name, Option<&'a Secret>);

/// The changes that make a directory hold these tokens, in their order. `same` says that what it holds is known to be
/// of the same person; `slot` that it has a file for metadata.
pub(crate) fn of(tokens: &Tokens, slot: bool, same: bool) -> Vec<Put<'_>> {
    let [refresh, access, id, metadata] =
        [&tokens.refresh, &tokens.access, &tokens.id, &tokens.metadata].map(|token| given(token.as_ref()));
    let mut puts = Vec::new();
    if !same {
        puts.extend([(Name::Access, None), (Name::Id, None)]);
        puts.extend(slot.then_some((Name::Metadata, None)));
    } else if access.is_none() {
        puts.push((Name::Access, None));
    }
    puts.push((Name::Refresh, refresh));
    if access.is_some() {
        puts.push((Name::Access, access));
    }
    if same || id.is_some() {
        puts.push((Name::Id, id));
    }
    if slot && (same || metadata.is_some()) {
        puts.push((Name::Metadata, metadata));
    }
    puts
}

/// True for a change that comes after what is known of the tokens was written: it brings a token that is of no use
/// without its refresh token, or takes one away that goes with those.
pub(crate) fn is_after_facts((name, token): &Put<'_>) -> bool {
    *name != Name::Refresh && token.is_some()
}

/// Refuses tokens that would not be read back, before anything is changed for them.
pub(crate) fn check(tokens: &Tokens, slot: bool, directory: &Path) -> Result<(), StoreFault> {
    let named = [
        (Name::Refresh, &tokens.refresh),
        (Name::Access, &tokens.access),
        (Name::Id, &tokens.id),
        (Name::Metadata, &tokens.metadata),
    ];
    if !slot && given(tokens.metadata.as_ref()).is_some() {
        return Err(other("metadata is kept in slots only", directory));
    }
    match named.iter().find(|(_, token)| given(token.as_ref()).is_some_and(|token| !can_be_kept(token))) {
        Some((name, _)) => Err(other(
            "this token is too long or holds what no header can carry",
            &directory.join(name.as_str()),
        )),
        None => Ok(()),
    }
}

/// An empty token is none.
fn given(token: Option<&Secret>) -> Option<&Secret> {
    token.filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(access: &str, refresh: &str, id: &str) -> Tokens {
        let token = |text: &str| Some(Secret::from(text));
        Tokens { access: token(access), refresh: token(refresh), id: token(id), ..Tokens::default() }
    }

    #[test]
    fn a_new_sign_in_takes_the_old_tokens_away_before_it_brings_its_own_f5() {
        let cases = [
            (tokens("a", "r", "i"), false, "-Access -Id +Refresh +Access +Id"),
            (tokens("a", "r", ""), false, "-Access -Id +Refresh +Access"),
            (tokens("a", "", ""), false, "-Access -Id -Refresh +Access"),
            (tokens("", "r", ""), false, "-Access -Id +Refresh"),
            (tokens("a", "r", "i"), true, "+Refresh +Access +Id"),
            (tokens("a", "r", ""), true, "+Refresh +Access -Id"),
            (tokens("a", "", ""), true, "-Refresh +Access -Id"),
            (tokens("", "r", ""), true, "-Access +Refresh -Id"),
            (Tokens::default(), true, "-Access -Refresh -Id"),
        ];
        for (tokens, same, expected) in cases {
            let shown: Vec<_> = of(&tokens, false, same)
                .into_iter()
                .map(|(name, token)| format!("{}{name:?}", if token.is_some() { '+' } else { '-' }))
                .collect();
            assert_eq!(shown.join(" "), expected);
        }
    }

    #[test]
    fn metadata_follows_the_access_token_it_belongs_to() {
        let with = |metadata: &str| Tokens { metadata: Some(Secret::from(metadata)), ..tokens("a", "", "") };
        let cases = [
            (with("m"), false, vec![(Name::Metadata, false), (Name::Metadata, true)]),
            (with("m"), true, vec![(Name::Metadata, true)]),
            (with(""), false, vec![(Name::Metadata, false)]),
            (with(""), true, vec![(Name::Metadata, false)]),
        ];
        for (tokens, same, expected) in cases {
            let puts = of(&tokens, true, same);
            let of_metadata = puts.iter().filter(|(name, _)| *name == Name::Metadata);
            let shown: Vec<_> = of_metadata.map(|(name, token)| (*name, token.is_some())).collect();
            assert_eq!(shown, expected, "{same}");
            assert_eq!(check(&tokens, false, Path::new("/x")).is_ok(), tokens.metadata == Some("".into()));
            assert!(of(&tokens, false, same).iter().all(|(name, _)| *name != Name::Metadata));
        }
    }

    #[test]
    fn what_would_not_be_read_back_is_not_written() {
        let long = "x".repeat(64 * 1024 + 1);
        for (text, kept) in [
            ("a.b-c", true),
            ("", true),
            ("a b", true),
            ("a\n", false),
            (" a", false),
            ("é", false),
            (&long, false),
        ] {
            assert_eq!(
                check(&tokens(text, "r", ""), false, Path::new("/x")).is_ok(),
                kept,
                "{} bytes",
                text.len()
            );
        }
    }
}
