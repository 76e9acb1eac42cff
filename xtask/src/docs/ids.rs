//! Every id at the end of a test's name is explained in the book, and every id there is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::literals::{Source, sources};

const PAGE: &str = "docs/src/security.md";

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("cannot read {PAGE}: {error}"))?;
    let mut used = BTreeMap::new();
    for folder in ["crates", "tests"] {
        for source in sources(root, folder, &|path, text| Some(Source::new(path, text)))? {
            for id in ids(&source) {
                used.entry(id).or_insert_with(|| source.path.display().to_string());
            }
        }
    }
    Ok(compare(&used, &page))
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

fn compare(used: &BTreeMap<String, String>, page: &str) -> Vec<String> {
    let (_, table) = page.split_once("## Ids").unwrap_or_default();
    let listed: BTreeSet<String> = table
        .lines()
        .filter_map(|line| id(&line.strip_prefix("| ")?.split(" |").next()?.to_lowercase()))
        .collect();
    let mut problems = Vec::new();
    for (id, place) in used.iter().filter(|(id, _)| !listed.contains(*id)) {
        problems.push(format!("ids: {place} has tests of {id}, which {PAGE} does not explain"));
    }
    for id in listed.iter().filter(|id| !used.contains_key(*id)) {
        problems.push(format!("ids: no test's name ends with {id}, which {PAGE} explains"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_last_words_of_the_names_of_tests() {
        let source = "#[test]\nfn a_b_h1_n12() {}\n#[test]\n#[ignore]\nfn c3_d() {}\nfn e_f4() {}";
        let found = ids(&Source::new(Path::new("a.rs"), source));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["H1", "N12"]);
    }

    #[test]
    fn what_is_used_and_what_is_explained_are_compared_both_ways() {
        let used =
            BTreeMap::from([("H1".to_owned(), "a.rs".to_owned()), ("F2".to_owned(), "b.rs".to_owned())]);
        let problems =
            compare(&used, "| H9 | before |\n## Ids\n| id | what |\n|---|---|\n| H1 | a |\n| T5 | b |\n");
        assert!(
            problems.len() == 2 && problems[0].contains("F2") && problems[1].contains("T5"),
            "{problems:?}"
        );
    }
}
