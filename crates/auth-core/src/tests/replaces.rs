use super::*;
use crate::secret::Secret;

fn tokens(access: &str, refresh: &str) -> Tokens {
    let token = |text: &str| (!text.is_empty()).then(|| Secret::from(text));
    Tokens { access: token(access), refresh: token(refresh), ..Tokens::default() }
}

#[test]
fn a_save_replaces_only_what_it_may_f4() {
    let redeemed = Replaces::Redeemed(Digest::of(&Secret::from("r1")));
    let found = |access: &str, refresh: &str| Replaces::Found(Some(tokens(access, refresh).generation()));
    let new = tokens("a2", "r2");
    let cases = [
        (Replaces::Anything, Some(tokens("a9", "r9")), true),
        (Replaces::Anything, None, true),
        (Replaces::Found(None), None, true),
        (Replaces::Found(None), Some(tokens("a1", "r1")), false),
        (found("a1", "r1"), Some(tokens("a1", "r1")), true),
        (found("a1", "r1"), Some(tokens("a9", "r1")), false),
        (found("a1", "r1"), None, false),
        (redeemed, Some(tokens("a1", "r1")), true),
        (redeemed, Some(tokens("", "r1")), true),
        (redeemed, Some(tokens("a9", "r1")), true),
        (redeemed, Some(tokens("a1", "r2")), true),
        (redeemed, Some(tokens("a1", "r9")), false),
        (redeemed, Some(tokens("a1", "")), false),
        (redeemed, None, false),
    ];
    for (replaces, stored, admitted) in cases {
        assert_eq!(replaces.admits(stored.as_ref(), &new), admitted, "{replaces:?} {stored:?}");
    }
    // Without a refresh token in the answer the old one stays, and nothing is mistaken for it.
    assert!(!redeemed.admits(Some(&tokens("a1", "")), &tokens("a2", "")));
}
