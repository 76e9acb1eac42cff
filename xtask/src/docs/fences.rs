//! Pages, and the blocks of code in them.

use std::path::{Path, PathBuf};

/// A page of Markdown.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// From the root of the sources.
    pub(super) path: PathBuf,
    /// The lines that are no code, the others blank.
    pub(super) prose: Vec<String>,
    pub(super) fences: Vec<Fence>,
}

/// A block of code.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fence {
    /// The line of its opening, counted from 1 after what is included.
    pub(super) line: usize,
    pub(super) language: String,
    /// What follows the language: `name` or `name=value`.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) body: Vec<String>,
}

impl Fence {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Page {
    pub(super) fn new(path: &Path, text: &str) -> Result<Self, String> {
        let mut page = Self { path: path.to_owned(), ..Self::default() };
        let mut open: Option<(String, Fence)> = None;
        for (line, number) in text.lines().zip(1..) {
            let trimmed = line.trim_start();
            let ticks: String = trimmed.chars().take_while(|c| *c == '`').collect();
            let mut prose = String::new();
            match open.take() {
                Some((mark, fence)) if ticks.len() >= mark.len() && trimmed.trim_end() == ticks => {
                    page.fences.push(fence);
                }
                Some((mark, mut fence)) => {
                    fence.body.push(line.to_owned());
                    open = Some((mark, fence));
                }
                None if ticks.len() >= 3 => {
                    let info = trimmed.get(ticks.len()..).unwrap_or_default().trim();
                    let (language, attributes) = attributes(info)
                        .ok_or_else(|| format!("docs: {}:{number}: cannot read {info:?}", path.display()))?;
                    open = Some((ticks, Fence { line: number, language, attributes, body: Vec::new() }));
                }
                None => line.clone_into(&mut prose),
            }
            page.prose.push(prose);
        }
        match open {
            Some((_, fence)) => {
                Err(format!("docs: {}:{}: a block of code has no end", path.display(), fence.line))
            }
            None => Ok(page),
        }
    }

    /// A place in it, for messages.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

/// `language,name,name=value,name="a value"`.
fn attributes(info: &str) -> Option<(String, Vec<(String, String)>)> {
    let (language, mut rest) = info.split_once(',').unwrap_or((info, ""));
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([',', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(value) => match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => value.split_at(value.find(',').unwrap_or(value.len())),
            },
        };
        attributes.push((name.trim().to_owned(), value.to_owned()));
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some((language.trim().to_owned(), attributes))
}

/// Blocks that would be checked by nobody.
pub(super) fn check(pages: &[Page]) -> Vec<String> {
    let mut problems = Vec::new();
    for page in pages {
        for fence in &page.fences {
            let typed = fence.body.iter().any(|line| line.starts_with("$ "));
            let problem = match fence.language.as_str() {
                "console" if !typed => "no line of this console block starts with `$ `",
                "console" if fence.attribute("norun").is_some_and(|why| why.trim().is_empty()) => {
                    "norun needs a reason"
                }
                "console"
                    if fence.attribute("norun").is_none() && fence.body.iter().any(|line| leaves(line)) =>
                {
                    "a command that is run speaks to another machine"
                }
                "rust" if fence.attribute("ignore").is_some() => "Rust that is not compiled",
                "console" | "rust" | "json" | "toml" | "yaml" => continue,
                "text" if !typed => continue,
                "text" => "commands in a text block are not run: make it a console block",
                _ => "a block in a language that nothing checks: console, rust, json, toml, yaml or text",
            };
            problems.push(format!("fences: {}: {problem}", page.at(fence.line)));
        }
    }
    problems
}

/// Whether a command names an address that is not the sandbox's.
fn leaves(line: &str) -> bool {
    let is_ours = |rest: &str| rest.starts_with("127.0.0.1:8000") || rest.starts_with("127.0.0.1:8001");
    line.starts_with("$ ") && line.split("://").skip(1).any(|rest| !is_ours(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Result<Page, String> {
        Page::new(Path::new("a.md"), text)
    }

    #[test]
    fn blocks_and_prose_are_told_apart() {
        let page = page("# A\n```rust,no_run,features=a+b\nlet x;\n```\nb\n````text\n```\n````\n").unwrap();
        assert_eq!(page.prose, ["# A", "", "", "", "b", "", "", ""]);
        let [rust, text] = &page.fences[..] else { panic!("{:?}", page.fences) };
        assert_eq!((rust.line, rust.language.as_str(), rust.attribute("features")), (2, "rust", Some("a+b")));
        assert_eq!((rust.attribute("no_run"), rust.attribute("norun")), (Some(""), None));
        assert_eq!(text.body, ["```"]);
    }

    #[test]
    fn a_value_with_blanks_and_commas_stands_in_quotes() {
        let page = page("```console,norun=\"a, b\",x\n$ y\n```\n").unwrap();
        let [fence] = &page.fences[..] else { panic!("{:?}", page.fences) };
        assert_eq!((fence.attribute("norun"), fence.attribute("x")), (Some("a, b"), Some("")));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        assert!(page("a\n```rust\n").unwrap_err().contains("a.md:2"));
        assert!(page("```console,norun=\"a\n```\n").unwrap_err().contains("a.md:1"));
    }

    #[test]
    fn a_block_that_nothing_checks_is_a_problem() {
        let cases = [
            ("console\n$ true", 0),
            ("console\ntrue", 1),
            ("console,norun=\" \"\n$ true", 1),
            ("console\n$ a http://127.0.0.1:8000\nhttp://h", 0),
            ("console\n$ a http://127.0.0.1:8000 https://h.example", 1),
            ("rust,ignore\nx", 1),
            ("text\n$ true", 1),
            ("text\nsome", 0),
            ("sh\ntrue", 1),
            ("\ntrue", 1),
        ];
        for (block, problems) in cases {
            let page = page(&format!("```{block}\n```\n")).unwrap();
            assert_eq!(check(&[page]).len(), problems, "{block}");
        }
    }
}
