//! Rules about `.rs` files.

use std::fs;
use std::path::{Path, PathBuf};

use super::lexer::code_only;

/// A file longer than this is no longer read in one sitting.
const MAX_LINES: usize = 600;

/// The core takes time, chance and everything outside as arguments.
const PURE: &str = "crates/auth-core/src";
/// The modules of std that the core must not name.
const IMPURE_MODULES: [&str; 5] = ["fs", "net", "thread", "process", "env"];
const IMPURE_WORDS: [&str; 4] = ["SystemTime", "Instant::now", "getrandom", "async fn"];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    let core_lints = Path::new("crates/auth-core/clippy.toml");
    if !root.join(core_lints).is_file() {
        problems.push(format!(
            "sources: {} is missing: it bans clocks, files and sockets there",
            core_lints.display()
        ));
    }
    for path in rust_files(root)? {
        let source = fs::read_to_string(root.join(&path))
            .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let found = file(&source, path.starts_with(PURE));
        problems.extend(
            found.into_iter().map(|(line, what)| format!("sources: {}:{line}: {what}", path.display())),
        );
    }
    Ok(problems)
}

/// Every `.rs` file below `root`, relative to it, in order; what is built or hidden is left out.
pub(super) fn rust_files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let here = root.join(&folder);
        let entries = fs::read_dir(&here).map_err(|e| format!("cannot read {}: {e}", here.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("cannot read {}: {e}", here.display()))?;
            let name = entry.file_name();
            let path = folder.join(&name);
            let kind = entry.file_type().map_err(|e| format!("cannot read {}: {e}", here.display()))?;
            if kind.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What is wrong with one file, each with its line.
fn file(source: &str, pure: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let lines = source.lines().count();
    if lines > MAX_LINES {
        found.push((lines, format!("{lines} lines, more than {MAX_LINES}: split it")));
    }
    let code = code_only(source);
    // Put together here, so that this file does not hold them.
    for word in [concat!("FIX", "ME"), concat!("XX", "X")] {
        found.extend(words(source, word).map(|at| (line_of(source, at), format!("{word} is left"))));
    }
    for call in [concat!("to", "do!("), concat!("unimpl", "emented!(")] {
        found.extend(words(&code, call).map(|at| (line_of(&code, at), format!("{call}) is left"))));
    }
    found
        .extend(allows_without_reason(&code).map(|at| {
            (line_of(&code, at), "an `allow` without a reason: add `reason = \"...\"`".to_owned())
        }));
    if pure {
        found.extend(impure(&code));
    }
    found.sort();
    found
}

fn impure(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut report = |at: usize, what: &str| {
        found.push((line_of(code, at), format!("{what} in the core: take it as an argument or a step")));
    };
    for word in IMPURE_WORDS {
        words(code, word).for_each(|at| report(at, word));
    }
    for at in words(code, "std::").collect::<Vec<_>>() {
        let rest = code.get(at + "std::".len()..).unwrap_or_default();
        // `std::fs` or any of `std::{fs, io}`.
        let named = match rest.strip_prefix('{') {
            Some(group) => group.get(..closing(group, '{', '}')).unwrap_or(group),
            None => rest.get(..word_length(rest)).unwrap_or_default(),
        };
        let parts = named.split(|c: char| !is_word(c));
        for module in parts.filter(|part| IMPURE_MODULES.contains(part)) {
            report(at, &format!("std::{module}"));
        }
    }
    found
}

/// Where attributes start that allow a lint and give no reason. `code` has no comments and no insides of literals.
fn allows_without_reason(code: &str) -> impl Iterator<Item = usize> {
    code.match_indices('#').filter_map(|(at, _)| {
        let rest = code.get(at + 1..)?;
        let inside = rest.strip_prefix('!').unwrap_or(rest).strip_prefix('[')?;
        let attribute = inside.get(..closing(inside, '[', ']')).unwrap_or(inside);
        let allows = words(attribute, "allow(").next().is_some();
        (allows && words(attribute, "reason").next().is_none()).then_some(at)
    })
}

/// Where the bracket is closed that was opened just before `text`.
fn closing(text: &str, open: char, close: char) -> usize {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    text.len()
}

/// Where `word` stands as a word of its own.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        let open_end = word.chars().next_back().is_some_and(is_word) && after.is_some_and(is_word);
        !before.is_some_and(is_word) && !open_end
    })
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !is_word(c)).unwrap_or(text.len())
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, pure: bool) -> Vec<String> {
        file(source, pure).into_iter().map(|(line, what)| format!("{line}: {what}")).collect()
    }

    #[test]
    fn an_allow_needs_a_reason() {
        assert_eq!(found("#![allow(dead_code, reason = \"why\")]\n", false), Vec::<String>::new());
        assert_eq!(found("\n#[allow(dead_code)]\nfn f() {}", false).len(), 1);
        assert!(found("\n#[allow(dead_code)]", false).iter().all(|f| f.starts_with("2: ")));
        assert_eq!(found("#[cfg_attr(test, allow(\n  dead_code\n))]", false).len(), 1);
        assert_eq!(found("#[allow(\n  dead_code,\n  reason = \"a, ] b\"\n)]", false).len(), 0);
        assert_eq!(found("// #[allow(dead_code)]\nlet a = \"#[allow(x)]\"; disallow(1);", false).len(), 0);
    }

    #[test]
    fn a_long_file_is_named() {
        let long = "\n".repeat(MAX_LINES + 1);
        assert_eq!(found(&long, false).len(), 1);
        assert_eq!(found(&"\n".repeat(MAX_LINES), false).len(), 0);
    }

    #[test]
    fn nothing_unfinished_is_left() {
        let unfinished =
            format!("fn f() {{ {}) }}\n// {}: later\n", concat!("to", "do!("), concat!("FIX", "ME"));
        assert_eq!(found(&unfinished, false).len(), 2);
        let mentioned =
            format!("// {}) is a macro\nlet s = \"{}\";", concat!("to", "do!("), concat!("XX", "XXXX"));
        assert_eq!(found(&mentioned, false).len(), 0);
    }

    #[test]
    fn the_core_names_nothing_impure() {
        for line in [
            "use std::fs;",
            "use std::net::TcpStream;",
            "use std::{collections::BTreeMap, thread};",
            "let now = std::time::SystemTime::now();",
            "let now = Instant::now();",
            "pub async fn f() {}",
            "getrandom::fill(&mut seed)",
            "std::env::var(\"HOME\")",
        ] {
            assert_eq!(found(line, true).len(), 1, "{line}");
            assert_eq!(found(line, false).len(), 0, "{line}");
        }
        for line in
            ["// std::fs is not for us", "use std::fmt;", "use std::{fmt, ops};", "let a = \"std::fs\";"]
        {
            assert_eq!(found(line, true).len(), 0, "{line}");
        }
    }

    #[test]
    fn built_and_hidden_folders_are_left_out() {
        let root = std::env::temp_dir().join(format!("xtask-sources-{}", std::process::id()));
        for folder in ["src/deep", "target/debug", ".hidden"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("a.rs"), "").unwrap();
        }
        let files = rust_files(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(files, [PathBuf::from("src/deep/a.rs")]);
    }
}
