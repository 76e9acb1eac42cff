//! `cargo xtask docs`: what the book and the README say is compiled, run and compared.

pub(crate) mod book;
mod built;
mod captures;
mod compare;
mod console;
mod environment;
mod fences;
mod ids;
mod links;
mod literals;
mod messages;
mod rust;
mod shell;

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace;
use fences::Page;

const HELP: &str = "\
Checks that the book (docs/src) and the README are true.

Usage: cargo xtask docs              every check below
       cargo xtask docs --build      builds the book with mdBook into target/book; installs it into target/tools
       cargo xtask docs --captures   writes the screens in docs/src/captures anew, from real runs at a terminal

  links        SUMMARY.md lists every page once; every relative link and anchor leads somewhere
  messages     every text of an error has a row in troubleshooting.md
  environment  every variable that is read is on the page environment.md
  ids          every id of tests/requirements.yml has a row on the page security.md, whose tests there are
  rust         every block of Rust compiles, and runs unless it is marked no_run
  console      every block of commands is run, and prints what it shows

A ```rust block sees the crates of the workspace with all features; features=a+b in its first line gives it the
facade with just these, and uses=c+d crates of others that are in Cargo.lock.

In a ```console block, lines that start with `$ ` are run one after the other in bash, without a terminal. What
follows is what is printed on both streams; [..] stands for anything in a line, a line of ... for any lines, and a last
line [exit 3] is the exit code. The blocks of a page share an empty home and a sandbox of its own, which the text calls
http://127.0.0.1:8000; its user is demo, and the file password-file holds the password. norun=\"REASON\" in the first line
leaves a block out, and capture=NAME compares it with captures/NAME.txt instead, which a test compares with a real run.";

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    match args.first().map(String::as_str) {
        Some("--build") if args.len() == 1 => {
            let folder = book::build()?;
            println!("docs: the book is {}", folder.join("index.html").display());
            return Ok(true);
        }
        Some("--captures") if args.len() == 1 => return captures::write().map(|()| true),
        _ => {}
    }
    if crate::only_help(args, HELP)? {
        return Ok(true);
    }
    let found = run()?;
    for note in found.notes.iter().chain(&found.problems) {
        println!("{note}");
    }
    println!("docs: {} problems", found.problems.len());
    Ok(found.problems.is_empty())
}

/// What the checks have to say.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<String>,
    /// What was done, and what was left out and why.
    pub(crate) notes: Vec<String>,
}

pub(crate) fn run() -> Result<Findings, String> {
    let root = workspace::root();
    let pages = pages(&root)?;
    let mut found = Findings::default();
    found.problems.extend(links::check(&pages));
    found.problems.extend(fences::check(&pages));
    found.problems.extend(messages::check(&root)?);
    found.problems.extend(environment::check(&root)?);
    found.problems.extend(ids::check(&root)?);
    rust::check(&pages, &mut found)?;
    console::check(&pages, &mut found)?;
    Ok(found)
}

/// The pages of the book, and the documents at the root.
fn pages(root: &Path) -> Result<Vec<Page>, String> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::from("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in entries(&root.join(&folder))? {
            let path = folder.join(&entry);
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if is_page(&path) {
                paths.push(path);
            }
        }
    }
    paths.extend(entries(root)?.into_iter().map(PathBuf::from).filter(|path| is_page(path)));
    paths.sort();
    paths.into_iter().map(|path| Page::new(&path, &included(&root.join(&path))?)).collect()
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

fn entries(folder: &Path) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// A page with the files that it includes.
fn included(path: &Path) -> Result<String, String> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let mut text = String::new();
    for line in read(path)?.lines() {
        match line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(other) => {
                let (other, part) = other.trim().split_once(':').unwrap_or((other.trim(), ""));
                let folder = path.parent().unwrap_or(Path::new("."));
                text.push_str(part_of(&read(&folder.join(other))?, part)?.as_str());
            }
            None => text.extend([line, "\n"]),
        }
    }
    Ok(text)
}

/// The part between `ANCHOR: name` and `ANCHOR_END: name`, or all of it. Lines that hold an anchor are left out.
fn part_of(text: &str, name: &str) -> Result<String, String> {
    let is = |line: &str, mark: &str| line.split(mark).nth(1).is_some_and(|rest| rest.trim() == name);
    let mut inside = name.is_empty();
    let mut part = String::new();
    for line in text.lines() {
        match (is(line, "ANCHOR: "), is(line, "ANCHOR_END: ")) {
            (true, _) => inside = true,
            (_, true) => inside = false,
            _ if inside && !line.contains("ANCHOR: ") && !line.contains("ANCHOR_END: ") => {
                part.extend([line, "\n"]);
            }
            _ => {}
        }
    }
    if part.is_empty() { Err(format!("nothing is included: there is no anchor {name:?}")) } else { Ok(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_file_is_what_stands_between_its_anchors() {
        let text = "a\n// ANCHOR: x\nb\n// ANCHOR: y\nc\n// ANCHOR_END: x\nd\n";
        assert_eq!(part_of(text, "x").as_deref(), Ok("b\nc\n"));
        assert_eq!(part_of(text, "").as_deref(), Ok("a\nb\nc\nd\n"));
        assert!(part_of(text, "z").unwrap_err().contains("\"z\""));
    }
}
