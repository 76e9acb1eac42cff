//! Every id of the checklist has a row in the book that names the tests which show it, and each of them exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::literals::{Source, sources};

const PAGE: &str = "docs/src/security.md";
/// Where the promises are listed by what they mean, with tests too.
const PROMISES: &str = "SECURITY.md";
/// The checklist: a line `H1: what has to be shown` for each id.
const CHECKLIST: &str = "tests/requirements.yml";
/// How the last cell of a row begins where no test is named.
const NONE: [&str; 2] = ["not tested", "no such feature yet"];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))
    };
    let mut tests = Tests::default();
    for folder in ["crates", "tests"] {
        for source in sources(root, folder, &|path, text| Some(Source::new(path, text)))? {
            tests.add(&source);
        }
    }
    let mut problems = compare(&tests, &checklist(&read(CHECKLIST)?), &read(PAGE)?);
    problems.extend(tests.missing(&read(PROMISES)?, PROMISES));
    Ok(problems)
}

/// The tests there are.
#[derive(Debug, Default)]
struct Tests {
    names: BTreeSet<String>,
    /// Each id at the end of a name, with a source where it is.
    ids: BTreeMap<String, String>,
}

impl Tests {
    fn add(&mut self, source: &Source) {
        let names = source.behind("#[test]").into_iter().filter_map(|at| source.function_behind(at));
        self.names.extend(names);
        for id in ids(source) {
            self.ids.entry(id).or_insert_with(|| source.path.display().to_string());
        }
    }

    /// What a text names as a test that is none.
    fn missing(&self, text: &str, place: &str) -> Vec<String> {
        let missing = named(text).filter(|name| !self.names.contains(*name));
        missing.map(|name| format!("ids: {place} names {name}, and there is no such test")).collect()
    }
}

/// The names of tests in a text: words in backticks with three underscores or more.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && word.matches('_').count() >= 3
    };
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_name)
}

fn checklist(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| id(&line.split_once(": ")?.0.to_lowercase())).collect()
}

/// The last words of the names of tests: a letter and a number, in capitals.
fn ids(source: &Source) -> BTreeSet<String> {
    let tests = source.behind("#[test]").into_iter().filter_map(|at| source.function_behind(at));
    let last = |name: String| {
        let words = name.rsplit('_').map_while(id).collect::<Vec<_>>();
        words.into_iter()
    };
    tests.flat_map(last).collect()
}

fn id(word: &str) -> Option<String> {
    let number = word.strip_prefix(['h', 'f', 's', 't', 'n', 'p'])?;
    let is_number =
        !number.is_empty() && number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.to_uppercase())
}

fn compare(tests: &Tests, checklist: &BTreeSet<String>, page: &str) -> Vec<String> {
    let (_, table) = page.split_once("## Ids").unwrap_or_default();
    let mut problems = tests.missing(table, PAGE);
    let mut listed = BTreeSet::new();
    for row in table.lines() {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").map(str::trim).collect();
        let Some(id) = cells.first().and_then(|cell| id(&cell.to_lowercase())) else { continue };
        let shown = cells.get(2).copied().unwrap_or_default();
        let says_none = NONE.iter().any(|none| shown.starts_with(none));
        if says_none && let Some(place) = tests.ids.get(&id) {
            problems.push(format!("ids: {PAGE} has no test for {id}, and {place} has one"));
        } else if !says_none && named(shown).next().is_none() {
            let none = NONE.join("` or `");
            problems.push(format!("ids: the row of {id} in {PAGE} names no test; write `{none}` if none is"));
        }
        if !checklist.contains(&id) {
            problems.push(format!("ids: {PAGE} has a row for {id}, which {CHECKLIST} does not have"));
        }
        if !listed.insert(id.clone()) {
            problems.push(format!("ids: {PAGE} has two rows for {id}"));
        }
    }
    for (id, place) in tests.ids.iter().filter(|(id, _)| !listed.contains(*id)) {
        problems.push(format!("ids: {place} has tests of {id}, which has no row in {PAGE}"));
    }
    for id in checklist.iter().filter(|id| !listed.contains(*id) && !tests.ids.contains_key(*id)) {
        problems.push(format!("ids: {id} of {CHECKLIST} has no row in {PAGE}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests() -> Tests {
        let source = "#[test]\nfn one_is_held_h1() {}\n#[test]\nfn two_are_held_f2() {}\n#[test]\n#[ignore]\n\
                      fn c3_is_d() {}\nfn no_test_at_all_f4() {}";
        let mut tests = Tests::default();
        tests.add(&Source::new(Path::new("a.rs"), source));
        tests
    }

    fn problems(rows: &str) -> Vec<String> {
        let checklist = checklist("# Comment: none\nH1: one\nF2: two\nT5: three\n");
        compare(
            &tests(),
            &checklist,
            &format!("| H9 | before |\n## Ids\n| id | what | shown by |\n|---|---|---|\n{rows}"),
        )
    }

    const GOOD: &str = "| H1 | one | `one_is_held_h1` |\n| F2 | two | `two_are_held_f2` and `c3` |\n";

    #[test]
    fn ids_are_the_last_words_of_the_names_of_tests() {
        let source = "#[test]\nfn a_b_h1_n12() {}\n#[test]\n#[ignore]\nfn c3_d() {}\nfn e_f4() {}";
        let found = ids(&Source::new(Path::new("a.rs"), source));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["H1", "N12"]);
    }

    #[test]
    fn every_id_needs_a_row_with_a_test_or_the_word_that_there_is_none() {
        assert_eq!(problems(&format!("{GOOD}| T5 | three | no such feature yet |\n")), Vec::<String>::new());
        assert_eq!(problems(&format!("{GOOD}| T5 | three | not tested: why |\n")), Vec::<String>::new());
        for (rows, said) in [
            (GOOD.to_owned(), "T5 of tests/requirements.yml has no row"),
            (format!("{GOOD}| T5 | three | by looking |\n"), "names no test"),
            (format!("{GOOD}| T5 | three |\n"), "names no test"),
            (format!("{GOOD}| T5 | three | `two_are_held_f9` |\n"), "names two_are_held_f9"),
            (format!("{GOOD}| T5 | three | `no_test_at_all_f4` |\n"), "names no_test_at_all_f4"),
            (format!("{GOOD}| T5 | three | not tested |\n| T6 | x | not tested |\n"), "row for T6"),
            (format!("{GOOD}| T5 | three | not tested |\n| T5 | x | not tested |\n"), "two rows for T5"),
            (
                "| F2 | two | `two_are_held_f2` |\n| T5 | x | not tested |\n".to_owned(),
                "a.rs has tests of H1",
            ),
            (GOOD.replace("`one_is_held_h1`", "not tested") + "| T5 | x | not tested |\n", "a.rs has one"),
        ] {
            let problems = problems(&rows);
            assert!(problems.len() == 1 && problems[0].contains(said), "{rows}: {problems:?}");
        }
    }

    #[test]
    fn a_test_that_a_text_names_must_be_there() {
        assert_eq!(
            tests().missing("`one_is_held_h1`, `allow_http`, `a/b_c_d_e`", PROMISES),
            Vec::<String>::new()
        );
        assert_eq!(tests().missing("| x | `gone_is_gone_h1` |", PROMISES).len(), 1);
    }
}
