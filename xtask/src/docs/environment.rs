//! Every variable that is read is on the page for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::literals::{Source, sources};

const PAGE: &str = "docs/src/environment.md";
/// What libraries read for us: the folders of a user, proxies, authorities, colours.
const BY_LIBRARIES: [&str; 10] = [
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_CONFIG_HOME",
];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("cannot read {PAGE}: {error}"))?;
    let mut read = BTreeMap::new();
    for folder in ["crates", "tests", "xtask"] {
        for source in sources(root, folder, &|path, text| Some(Source::new(path, text)))? {
            for name in variables(&source) {
                read.entry(name).or_insert_with(|| source.path.display().to_string());
            }
        }
    }
    Ok(compare(&read, &page))
}

/// The names that are given to `var` and `var_os`. A constant is looked up in the same file; where a name comes from
/// elsewhere, every literal of the file that looks like one counts.
fn variables(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for at in ["env::var(", "var_os("].iter().flat_map(|call| source.behind(call)) {
        let constant = source.behind(&format!("const {}: &str =", source.word_at(at)));
        let constant = constant.first().and_then(|at| source.literal_at(*at, &[]));
        match source.literal_at(at, &[]).or(constant) {
            Some(literal) => drop(found.insert(literal.value)),
            None => found.extend(names(source)),
        }
    }
    found
}

/// The literals that look like names of variables, but for those that are set for another program.
fn names(source: &Source) -> impl Iterator<Item = String> {
    let set: Vec<_> = source.behind(".env(").iter().filter_map(|at| source.literal_at(*at, &[])).collect();
    let literals = source.literals().into_iter().filter(move |literal| !set.contains(literal));
    literals.map(|literal| literal.value).filter(|value| is_name(value))
}

fn is_name(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `read` says where each variable is read.
fn compare(read: &BTreeMap<String, String>, page: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let listed: BTreeSet<&str> = rows.flat_map(|cell| cell.split('`')).filter(|word| is_name(word)).collect();
    let mut problems = Vec::new();
    for (name, place) in read.iter().filter(|(name, _)| !listed.contains(name.as_str())) {
        problems.push(format!("environment: {place} reads {name}, which is not in a table of {PAGE}"));
    }
    for name in listed.iter().filter(|name| !read.contains_key(**name) && !BY_LIBRARIES.contains(name)) {
        problems.push(format!("environment: {PAGE} lists {name}, which nothing reads"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_are_written_or_kept() {
        let cases = [
            ("std::env::var_os(\"CI\").is_some()", &["CI"][..]),
            ("const A: &str = \"AUTH_X\"; const B: &str = \"NO\"; env::var(A)", &["AUTH_X"]),
            ("[\"PATH\", \"LANG\"].map(|n| env::var_os(n)); c.env(\"NO\", n)", &["LANG", "PATH"]),
            ("command.env(\"TERM\", \"dumb\")", &[]),
        ];
        for (source, names) in cases {
            let found = variables(&Source::new(Path::new("a.rs"), source));
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), names, "{source}");
        }
    }

    #[test]
    fn what_is_read_and_what_is_listed_are_compared_both_ways() {
        let read =
            BTreeMap::from([("CI".to_owned(), "a.rs".to_owned()), ("X_Y".to_owned(), "b.rs".to_owned())]);
        let page = "| `CI`, `HOME` | why `NOT_THIS` |\n|---|---|\nText about `X_Y`.\n| `GONE` | |\n";
        let problems = compare(&read, page);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("b.rs reads X_Y") && problems[1].contains("GONE"), "{problems:?}");
    }
}
