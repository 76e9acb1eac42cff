//! Words that several commands use.

use std::time::Duration;

/// A length of time as people say it, rounded down to one unit.
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A name and who vouches for it, as far as they are known.
pub(crate) fn user(name: Option<&str>, provider: Option<&str>) -> String {
    match (name, provider) {
        (None, _) => "unknown".to_owned(),
        (Some(name), None | Some("")) => name.to_owned(),
        (Some(name), Some(provider)) => format!("{name} (provider {provider})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_one_unit() {
        let cases = [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (899, "14 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (u64::MAX, "213503982334601 days"),
        ];
        for (seconds, said) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn a_user_is_named_as_far_as_known() {
        assert_eq!(user(Some("alice"), Some("toy")), "alice (provider toy)");
        assert_eq!(user(Some("alice"), None), "alice");
        assert_eq!(user(Some("alice"), Some("")), "alice");
        assert_eq!(user(None, Some("toy")), "unknown");
    }
}
