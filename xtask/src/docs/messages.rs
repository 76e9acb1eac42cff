//! Every text of an error has a row on the page for those who look it up.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::literals::{Literal, Source, sources};

const PAGE: &str = "docs/src/troubleshooting.md";

/// Whose errors a person can meet.
const CRATES: [&str; 7] = [
    "auth-core",
    "auth-http",
    "auth-native",
    "auth-prompt-browser",
    "auth-prompt-cli",
    "auth-store",
    "authctl",
];
/// What is said at a terminal while somebody signs in.
const TERMINAL: &str = "crates/auth-prompt-cli/src/text.rs";
/// What a failure's message stands behind in `authctl`.
const FAILURES: [&str; 8] = [
    "Failure::usage(",
    "message: ",
    "message = ",
    "NO_PASSWORD: &str =",
    "NO_DASHES: &str =",
    "NO_KEY: &str =",
    "output::warning(",
    "output::note(",
];
/// Why a file is not believed, and what else the store says itself.
const REASONS: [&str; 4] = ["untrusted(", "Untrusted(", "other(", "warnings.push(Foreign::new("];

/// A text that can be met, and where it is written.
#[derive(Debug)]
struct Message {
    place: String,
    text: String,
}

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("cannot read {PAGE}: {error}"))?;
    let mut messages = Vec::new();
    for name in CRATES {
        let read = |path: &Path, text: &str| {
            let name = path.to_string_lossy();
            // The suite for stores talks to whoever writes one, with a page of its own.
            let skipped = name.contains("/src/tests/") || name.contains("/src/contract");
            (!skipped).then(|| Source::without_tests(path, text))
        };
        for source in sources(root, &format!("crates/{name}/src"), &read)? {
            messages.extend(of_source(&source));
        }
    }
    Ok(compare(&messages, &page))
}

fn of_source(source: &Source) -> Vec<Message> {
    let path = source.path.display();
    let mut literals: Vec<Literal> = Vec::new();
    let mut behind = |words: &str| {
        let found = source.behind(words).into_iter();
        literals.extend(found.filter_map(|at| source.literal_at(at, &["&", "format!("])));
    };
    behind("#[error(");
    if source.path.starts_with("crates/authctl") {
        FAILURES.into_iter().for_each(&mut behind);
    }
    if source.path.starts_with("crates/auth-store") {
        REASONS.into_iter().for_each(&mut behind);
    }
    if source.path == Path::new(TERMINAL) {
        literals.extend(source.literals().into_iter().filter(|literal| literal.value.split(' ').count() > 3));
    }
    let message = |literal: Literal| {
        let text = fixed(literal.value.trim().lines().next().unwrap_or_default());
        text.contains(' ').then(|| Message { place: format!("{path}:{}", literal.line), text })
    };
    literals.into_iter().filter_map(message).collect()
}

/// A text with `…` for what varies, and without it at the ends.
fn fixed(text: &str) -> String {
    let mut fixed = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        fixed.extend([before, "…"]);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    fixed.push_str(rest);
    let fixed = fixed.replace("\"…\"", "…").replace("……", "…");
    fixed.trim_matches(|c: char| c == '…' || c == ':' || c.is_whitespace()).to_owned()
}

/// Which messages have no row in the page's tables, and which rows are of none.
fn compare(messages: &[Message], page: &str) -> Vec<String> {
    let rows: Vec<(usize, String)> =
        page.lines().zip(1..).filter_map(|(line, at)| Some((at, row(line)?))).collect();
    let known: BTreeSet<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
    let mut problems = Vec::new();
    for message in messages.iter().filter(|message| !known.contains(message.text.as_str())) {
        problems.push(format!("messages: {}: no row of {PAGE} is for `{}`", message.place, message.text));
    }
    for (line, text) in &rows {
        if !messages.iter().any(|message| message.text == *text) {
            problems.push(format!("messages: {PAGE}:{line}: nothing says `{text}` any more"));
        }
    }
    problems
}

/// The message that a row of a table begins with.
fn row(line: &str) -> Option<String> {
    let (message, _) = line.strip_prefix("| `")?.split_once("` |")?;
    // Two backticks where there are some inside.
    Some(fixed(message.trim_matches('`')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        of_source(&Source::new(Path::new(path), text)).into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn the_texts_of_errors_are_found_with_what_varies_left_open() {
        let source = "#[error(\"no {asked:?} here; there: {}\", list(x))]\n#[error(transparent)]\n#[error(\n  \"it ended{}\"\n)]\n#[error(\"{0}\")]";
        assert_eq!(messages("crates/auth-core/src/error.rs", source), ["no … here; there", "it ended"]);
    }

    #[test]
    fn failures_of_the_command_are_found() {
        let source = "Failure::usage(&format!(\"at {x} no\"), \"Do y.\"); A { message: \"b c\".to_owned() } f.message = format!(\"{} has d\", z);";
        assert_eq!(messages("crates/authctl/src/a.rs", source), ["at … no", "b c", "has d"]);
        assert_eq!(messages("crates/auth-core/src/a.rs", source), Vec::<String>::new());
    }

    #[test]
    fn a_message_without_a_row_and_a_row_without_a_message_are_problems() {
        let message = |text: &str| Message { place: "a.rs:1".to_owned(), text: text.to_owned() };
        let page = "| it says |\n|---|\n| `a … b` | c |\n| `the x said: …` | d |\n";
        assert_eq!(compare(&[message("a … b"), message("the x said")], page), Vec::<String>::new());
        let problems = compare(&[message("a … b"), message("new one")], page);
        assert!(
            problems.len() == 2 && problems[0].contains("new one") && problems[1].contains(":4"),
            "{problems:?}"
        );
    }
}
