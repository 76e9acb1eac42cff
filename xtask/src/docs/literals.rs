//! The string literals of Rust sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tidy::lexer::code_only;

/// A source, as characters: as it is, and with comments and the insides of literals blanked out.
pub(super) struct Source {
    pub(super) path: PathBuf,
    whole: Vec<char>,
    code: Vec<char>,
}

/// A literal.
#[derive(Debug, PartialEq)]
pub(super) struct Literal {
    /// The line of its beginning, counted from 1.
    pub(super) line: usize,
    pub(super) value: String,
}

impl Source {
    pub(super) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), whole: text.chars().collect(), code: code_only(text).chars().collect() }
    }

    /// Without the tests at its end.
    pub(super) fn without_tests(path: &Path, text: &str) -> Self {
        let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        Self::new(path, text.get(..end).unwrap_or(text))
    }

    /// Where this stands in the code, right behind it.
    pub(super) fn behind(&self, words: &str) -> Vec<usize> {
        let words: Vec<char> = words.chars().collect();
        let starts = self.code.windows(words.len()).enumerate().filter(|(_, part)| *part == words);
        starts.map(|(at, _)| at + words.len()).collect()
    }

    /// The literal that stands at a place, behind blanks and any of these words.
    pub(super) fn literal_at(&self, at: usize, skipped: &[&str]) -> Option<Literal> {
        let mut at = at;
        loop {
            while self.code.get(at).is_some_and(|c| c.is_whitespace()) {
                at += 1;
            }
            let rest = self.code.get(at..)?;
            match skipped.iter().find(|word| rest.starts_with(&word.chars().collect::<Vec<_>>())) {
                Some(word) => at += word.chars().count(),
                None => return self.read(at),
            }
        }
    }

    /// The word that stands at a place.
    pub(super) fn word_at(&self, at: usize) -> String {
        let rest = self.code.get(at..).unwrap_or_default();
        rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect()
    }

    /// The name of the first function behind a place.
    pub(super) fn function_behind(&self, at: usize) -> Option<String> {
        let rest = self.code.get(at..)?;
        let name = at + rest.windows(3).position(|part| part == ['f', 'n', ' '])? + 3;
        Some(self.word_at(name))
    }

    /// All literals.
    pub(super) fn literals(&self) -> Vec<Literal> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.code.len() {
            if self.code.get(at) == Some(&'"') {
                found.extend(self.read(at));
                at = self.end(at);
            }
            at += 1;
        }
        found
    }

    fn end(&self, opening: usize) -> usize {
        let inside = self.code.get(opening + 1..).unwrap_or_default();
        opening + 1 + inside.iter().position(|c| *c == '"').unwrap_or(inside.len())
    }

    fn read(&self, opening: usize) -> Option<Literal> {
        if self.code.get(opening) != Some(&'"') {
            return None;
        }
        let inside = self.whole.get(opening + 1..self.end(opening))?;
        let line = self.whole.get(..opening)?.iter().filter(|c| **c == '\n').count() + 1;
        Some(Literal { line, value: unescaped(inside) })
    }
}

fn unescaped(inside: &[char]) -> String {
    let mut value = String::new();
    let mut chars = inside.iter().copied().peekable();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => value.push('\n'),
            // The line goes on on the next one.
            ('\\', Some('\n')) => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some(other)) => value.push(other),
            (c, _) => value.push(c),
        }
    }
    value
}

/// The `.rs` files below a folder of the workspace, as `read` takes them or leaves them out.
pub(super) fn sources(
    root: &Path,
    folder: &str,
    read: &dyn Fn(&Path, &str) -> Option<Source>,
) -> Result<Vec<Source>, String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for name in super::entries(&root.join(&folder))? {
            let path = folder.join(&name);
            if root.join(&path).is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root.join(&path))
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                found.extend(read(&path, &text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::without_tests(Path::new("a.rs"), text)
    }

    #[test]
    fn literals_are_read_with_their_lines_and_without_their_tests() {
        let text = "a(\"x \\\"y\\\"\\n\"); // \"no\"\nb('\"', \"one \\\n     two\");\n#[cfg(test)]\nmod tests { \"z\" }";
        let values: Vec<_> = source(text).literals().into_iter().map(|l| (l.line, l.value)).collect();
        assert_eq!(values, [(1, "x \"y\"\n".to_owned()), (2, "one two".to_owned())]);
    }

    #[test]
    fn the_literal_behind_a_word_is_found_through_what_may_stand_between() {
        let source = source("fail(\n  &format!(\n    \"a {b}\"), \"c\"); fail(x);");
        let [first, second] = source.behind("fail(")[..] else { panic!() };
        assert_eq!(source.literal_at(first, &["&", "format!("]).unwrap().value, "a {b}");
        assert_eq!(source.literal_at(second, &["&"]), None);
        assert_eq!(source.word_at(second), "x");
    }
}
