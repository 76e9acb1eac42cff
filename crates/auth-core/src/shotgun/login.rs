use crate::foreign::strip;

/// True if two spellings name one login: letter case and blanks around it do not count (spec: Shotgun, section 11.2).
///
/// ```
/// use auth_core::shotgun::same_login;
/// assert!(same_login("Ada@Example.org", " ada@example.org "));
/// assert!(!same_login("ada", "adam"));
/// ```
pub fn same_login(a: &str, b: &str) -> bool {
    canonical(a) == canonical(b)
}

/// The spelling that all spellings of a login have in common: lower case letter by letter, which is not case folding.
pub(super) fn canonical(login: &str) -> String {
    strip(login).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_compared_as_the_python_client_does() {
        let cases = [
            ("ada", "ADA", true),
            ("\t ada\n", "ada\u{1c}", true),
            ("ÉVA", "éva", true),
            ("STRASSE", "straße", false),
            ("ΟΔΟΣ", "οδος", true),
            ("ada", "ada lovelace", false),
            ("", " ", true),
        ];
        for (a, b, same) in cases {
            assert_eq!((same_login(a, b), same_login(b, a)), (same, same), "{a:?} {b:?}");
        }
    }
}
