//! What was printed, against what a page says is printed.

/// Whether lines are as they should be: `[..]` stands for anything in a line, a line of `...` for any lines.
pub(super) fn matches(expected: &[String], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, printed.get(skipped..).unwrap_or_default()))
        }
        Some((first, rest)) => {
            printed.split_first().is_some_and(|(line, more)| line_matches(first, line) && matches(rest, more))
        }
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let (expected, line) = (expected.trim_end(), line.trim_end());
    let mut parts = expected.split("[..]");
    let Some(mut rest) = parts.next().and_then(|start| line.strip_prefix(start)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

/// A line with its times left open: `2026-11-23T06:50:31Z`.
pub(super) fn without_times(line: &str) -> String {
    let shape =
        |word: &str| word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let is_time = |word: &&str| shape(word).trim_end_matches(',') == "0000-00-00T00:00:00Z";
    line.split(' ').map(|word| if is_time(&word) { "[..]" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_should() {
        let cases: [(&str, &str, bool); 14] = [
            ("a\nb", "a\nb", true),
            ("a", "a\nb", false),
            ("a\nb", "a", false),
            ("...", "", true),
            ("...", "a\nb", true),
            ("a\n...\nd", "a\nb\nc\nd", true),
            ("a\n...\nd", "a\nb\nc", false),
            ("t [..] u", "t x y u", true),
            ("t [..] u", "t x y v", false),
            ("[..]b[..]d", "abcd", true),
            ("[..]b[..]d", "acbd", true),
            ("[..]c[..]b", "abcd", false),
            ("a[..]", "a", true),
            ("[..]", "", false),
        ];
        for (expected, printed, is_match) in cases {
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(matches(&lines(expected), &lines(printed)), is_match, "{expected:?} {printed:?}");
        }
    }

    #[test]
    fn times_are_left_open() {
        assert_eq!(without_times("until 2026-11-23T06:50:31Z, for 2 days"), "until [..] for 2 days");
        assert_eq!(without_times("2026 and more"), "2026 and more");
    }
}
