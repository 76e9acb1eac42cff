//! Every public type is printed with secrets in it by a test, `tests/leak.rs` of its crate.
//!
//! A `pub` type that cannot be reached from outside is a warning of the compiler, so every `pub` one counts.

use std::fs;
use std::path::Path;

use super::lexer::code_only;
use super::sources::{is_word, rust_files};

/// The crates whose types are printed.
const CRATES: [&str; 7] = [
    "auth-core",
    "auth-store",
    "auth-http",
    "auth-native",
    "auth-prompt-browser",
    "auth-prompt-cli",
    "auth-sandbox",
];
/// Where, below the crate.
const TEST: &str = "tests/leak.rs";

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    let files = rust_files(root)?;
    let read = |path: &Path| {
        fs::read_to_string(root.join(path)).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    for name in CRATES {
        let folder = Path::new("crates").join(name);
        let test = folder.join(TEST);
        let shown = if root.join(&test).is_file() { read(&test)? } else { String::new() };
        let sources = folder.join("src");
        for path in
            files.iter().filter(|path| path.starts_with(&sources) && !path.iter().any(|part| part == "tests"))
        {
            for (line, missing) in missing(&read(path)?, &shown) {
                problems.push(format!(
                    "leaks: {}:{line}: {missing} is not printed with secrets in it by {}",
                    path.display(),
                    test.display()
                ));
            }
        }
    }
    Ok(problems)
}

/// The public types of a source that a test does not name, each with its line.
fn missing(source: &str, test: &str) -> Vec<(usize, String)> {
    let test = without_imports(&code_only(test));
    let named: Vec<&str> = test.split(|c| !is_word(c)).collect();
    let code = code_only(source);
    let types = code.lines().enumerate().filter_map(|(at, line)| {
        let rest = line.trim_start().strip_prefix("pub ")?;
        let (kind, rest) = rest.split_once(' ')?;
        let name = rest.split(|c| !is_word(c)).next()?;
        ["struct", "enum", "union"].contains(&kind).then(|| (at + 1, name.to_owned()))
    });
    types.filter(|(_, name)| !named.contains(&name.as_str())).collect()
}

/// A test that only imports a type does nothing with it.
fn without_imports(code: &str) -> String {
    let mut kept = String::new();
    let mut importing = false;
    for line in code.lines() {
        importing |= line.trim_start().starts_with("use ");
        if !importing {
            kept.push_str(line);
            kept.push('\n');
        }
        importing &= !line.contains(';');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_type_has_to_be_used_by_the_test() {
        let source = "pub struct Session<T> {\n}\n  pub enum Kind { A }\npub(crate) struct Inner;\n// pub struct No;\npub fn f()";
        assert_eq!(missing(source, "silent::<Session<()>>(&s); Kind::A"), []);
        let imported =
            "use a::{\n    Kind,\n    Session,\n};\nfn f() { \"Kind\" } // Session\nlet x: Sessions;";
        assert_eq!(missing(source, imported), [(1, "Session".to_owned()), (3, "Kind".to_owned())]);
    }
}
