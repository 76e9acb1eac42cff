//! Rust source with its comments and the insides of its literals blanked out, so that rules look at code only.

/// Replaces comments and the insides of string and character literals by spaces. Lines and columns stay where they were.
pub(crate) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let end = match (c, next) {
            ('/', Some('/')) => blank(&chars, at, line_end(&chars, at), &mut out),
            ('/', Some('*')) => blank(&chars, at, comment_end(&chars, at), &mut out),
            ('"', _) => literal(&chars, at, 1, quoted_end(&chars, at + 1, '"'), &mut out),
            ('r', Some('"' | '#')) if !follows_word(&chars, at) => match raw_string(&chars, at) {
                Some((opening, end)) => literal(&chars, at, opening, end, &mut out),
                None => keep(c, at, &mut out),
            },
            // `'a'` and `'\n'` are characters; `'a` is a lifetime.
            ('\'', Some('\\')) => literal(&chars, at, 1, quoted_end(&chars, at + 1, '\''), &mut out),
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => literal(&chars, at, 1, at + 3, &mut out),
            _ => keep(c, at, &mut out),
        };
        at = end;
    }
    out
}

fn keep(c: char, at: usize, out: &mut String) -> usize {
    out.push(c);
    at + 1
}

fn blank(chars: &[char], from: usize, to: usize, out: &mut String) -> usize {
    let to = to.min(chars.len());
    for c in chars.iter().take(to).skip(from) {
        out.push(if *c == '\n' { '\n' } else { ' ' });
    }
    to
}

/// Keeps the opening and the last character, blanks what is between.
fn literal(chars: &[char], from: usize, opening: usize, end: usize, out: &mut String) -> usize {
    let end = end.min(chars.len());
    out.extend(chars.iter().take(from + opening).skip(from));
    if end > from + opening {
        blank(chars, from + opening, end - 1, out);
        out.extend(chars.get(end - 1));
    }
    end.max(from + opening)
}

fn line_end(chars: &[char], from: usize) -> usize {
    chars.iter().skip(from).position(|c| *c == '\n').map_or(chars.len(), |n| from + n)
}

/// Block comments nest.
fn comment_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < chars.len() {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('/'), Some('*')) => {
                depth += 1;
                at += 2;
            }
            (Some('*'), Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn quoted_end(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            _ if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The length of the opening (`r##"`) and the end, where a raw string starts here.
fn raw_string(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let hashes = chars.iter().skip(at + 1).take_while(|c| **c == '#').count();
    let opening = hashes + 2;
    if chars.get(at + opening - 1) != Some(&'"') {
        return None; // a raw identifier
    }
    let mut end = at + opening;
    while end < chars.len() {
        if chars.get(end) == Some(&'"')
            && chars.iter().skip(end + 1).take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return Some((opening, end + 1 + hashes));
        }
        end += 1;
    }
    Some((opening, chars.len()))
}

/// Whether the character before is part of a word other than the `b` or `c` of a literal's prefix.
fn follows_word(chars: &[char], at: usize) -> bool {
    let word = |back: usize| {
        at.checked_sub(back).and_then(|i| chars.get(i)).is_some_and(|c| c.is_alphanumeric() || *c == '_')
    };
    match at.checked_sub(1).and_then(|i| chars.get(i)) {
        Some('b' | 'c') => word(2),
        _ => word(1),
    }
}

#[cfg(test)]
mod tests {
    use super::code_only;

    #[test]
    fn comments_go_and_lines_stay() {
        assert_eq!(code_only("a // b\nc"), "a     \nc");
        assert_eq!(code_only("a /* b /* c */ d\n */ e"), "a               \n    e");
        assert_eq!(code_only("/// doc\nfn f() {}"), "       \nfn f() {}");
    }

    #[test]
    fn insides_of_literals_go() {
        assert_eq!(code_only(r#"f("a // \" b") // c"#), r#"f("         ")     "#);
        assert_eq!(code_only("r#\"a \" b\"# x"), "r#\"      # x");
        assert_eq!(code_only(r"'x' '\'' '/'"), "' ' '  ' ' '");
        assert_eq!(code_only("br\"a\\\" z"), "br\"  \" z");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        assert_eq!(code_only("fn f<'a>(x: &'a str) // y"), "fn f<'a>(x: &'a str)     ");
        assert_eq!(code_only("r#type = attr\"s\""), "r#type = attr\" \"");
    }

    #[test]
    fn unfinished_source_ends_quietly() {
        for source in ["\"", "\"abc", "r#\"abc", "/* abc", "'", "'\\", "'a", "r#", "\"\\"] {
            assert_eq!(code_only(source).chars().count(), source.chars().count(), "{source}");
        }
    }
}
