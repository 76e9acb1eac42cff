//! The table of contents, links and anchors.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::fences::Page;
use crate::workspace;

const BOOK: &str = "docs/src";
const SUMMARY: &str = "docs/src/SUMMARY.md";

pub(super) fn check(pages: &[Page]) -> Vec<String> {
    compare(pages, &|path| workspace::root().join(path).exists())
}

fn compare(pages: &[Page], exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let anchors: BTreeMap<&Path, Vec<String>> =
        pages.iter().map(|page| (page.path.as_path(), anchors(page))).collect();
    let mut problems = Vec::new();
    let mut listed: Vec<PathBuf> = Vec::new();
    for page in pages {
        for (line, target) in links(page) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let mut report =
                |what: &str| problems.push(format!("links: {}: {what}: {target}", page.at(line)));
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = page.path.parent().unwrap_or(Path::new(""));
            let path = if path.is_empty() { page.path.clone() } else { plain(&folder.join(path)) };
            if !exists(&path) {
                report("leads nowhere");
            } else if page.path.starts_with(BOOK) && !path.starts_with(BOOK) {
                report("leads out of the book");
            } else if !anchor.is_empty()
                && !anchors.get(path.as_path()).is_some_and(|known| known.iter().any(|a| a == anchor))
            {
                report("there is no such heading");
            }
            if page.path == Path::new(SUMMARY) {
                listed.push(path);
            }
        }
    }
    for page in pages.iter().filter(|page| page.path.starts_with(BOOK) && page.path != Path::new(SUMMARY)) {
        let times = listed.iter().filter(|path| **path == page.path).count();
        if times != 1 {
            problems.push(format!("links: SUMMARY.md lists {} {times} times, not once", page.path.display()));
        }
    }
    problems
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The targets of the links of a page, each with its line.
fn links(page: &Page) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, number) in page.prose.iter().zip(1..) {
        let text = without_code(line);
        for (at, _) in text.match_indices("](") {
            let rest = text.get(at + 2..).unwrap_or_default();
            if let Some((target, _)) = rest.split_once(')') {
                found.push((number, target.trim().to_owned()));
            }
        }
    }
    found
}

/// A line with what stands between backticks left out.
fn without_code(line: &str) -> String {
    let mut parts = line.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(_code), Some(more)) = (parts.next(), parts.next()) {
        text.extend(["``", more]);
    }
    text
}

/// What the headings of a page are called, as mdBook calls them.
fn anchors(page: &Page) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = page.prose.iter().filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then(|| text.trim())
    });
    headings
        .map(|heading| {
            let name: String = heading.chars().filter_map(letter).collect();
            let times = seen.entry(name.clone()).or_default();
            *times += 1;
            if *times == 1 { name } else { format!("{name}-{}", *times - 1) }
        })
        .collect()
}

fn letter(c: char) -> Option<char> {
    match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page::new(Path::new(path), text).unwrap()
    }

    fn problems(pages: &[Page]) -> Vec<String> {
        compare(pages, &|path| pages.iter().any(|page| page.path == path))
    }

    #[test]
    fn links_and_anchors_that_lead_somewhere_are_no_problem() {
        let pages = [
            page(SUMMARY, "- [A](a.md)\n  - [B](x/b.md)\n"),
            page(
                "docs/src/a.md",
                "# A `b`: C\n[b](x/b.md#two-1) [a](#a-b-c) [w](https://w.example/x#y) `[n](o)`\n",
            ),
            page("docs/src/x/b.md", "# Two\n## Two\n[up](../a.md)\n```text\n[no](where.md)\n```\n"),
            page("README.md", "[book](docs/src/SUMMARY.md)\n"),
        ];
        assert_eq!(problems(&pages), Vec::<String>::new());
    }

    #[test]
    fn each_way_of_leading_nowhere_is_found() {
        let summary = || page(SUMMARY, "[A](a.md)\n");
        let cases = [
            ("[b](b.md)\n", "leads nowhere"),
            ("[b](#nothing)\n", "no such heading"),
            ("[r](../../README.md)\n", "leads out of the book"),
        ];
        for (text, problem) in cases {
            let found = problems(&[summary(), page("docs/src/a.md", text), page("README.md", "")]);
            assert!(
                found.len() == 1 && found[0].contains(problem) && found[0].contains("a.md:1"),
                "{found:?}"
            );
        }
        let missing = problems(&[summary(), page("docs/src/a.md", ""), page("docs/src/b.md", "")]);
        assert!(missing.len() == 1 && missing[0].contains("b.md 0 times"), "{missing:?}");
        let twice = problems(&[page(SUMMARY, "[A](a.md) [A](a.md)"), page("docs/src/a.md", "")]);
        assert!(twice.len() == 1 && twice[0].contains("a.md 2 times"), "{twice:?}");
    }
}
