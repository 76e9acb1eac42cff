//! Blocks of Rust: compiled by rustdoc as documentation tests, and run unless they say otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Findings;
use super::built::{self, Built};
use super::fences::{Fence, Page};
use crate::workspace;

/// What stands behind the language and is rustdoc's own.
const FOR_RUSTDOC: [&str; 3] = ["no_run", "should_panic", "compile_fail"];

pub(super) fn check(pages: &[Page], found: &mut Findings) -> Result<(), String> {
    let blocks = || pages.iter().flat_map(|page| page.fences.iter().filter(|fence| fence.language == "rust"));
    let features: BTreeSet<&str> = blocks().map(features).collect();
    let mut passed = 0;
    for wanted in features {
        let mut built =
            if wanted.is_empty() { built::everything()? } else { built::facade(&wanted.replace('+', ","))? };
        let others =
            blocks().filter(|fence| is_for(fence, wanted)).filter_map(|fence| fence.attribute("uses"));
        for other in others.flat_map(|names| names.split('+')).collect::<BTreeSet<_>>() {
            // Where it was built along with ours, its types are those of ours.
            let known = built.others.iter().find(|(name, _)| name == other).cloned();
            built.libraries.push(known.map_or_else(|| built::library(other), Ok)?);
        }
        for page in pages.iter().filter(|page| page.fences.iter().any(|fence| is_for(fence, wanted))) {
            match test(page, wanted, &built)? {
                Ok(count) => passed += count,
                Err(printed) => found.problems.push(format!("rust: {}\n{printed}", page.path.display())),
            }
        }
    }
    if passed < blocks().count() && found.problems.is_empty() {
        found.problems.push(format!("rust: {passed} of {} blocks were tested", blocks().count()));
    }
    let compiled_only = blocks().filter(|fence| fence.attribute("no_run").is_some()).count();
    found.notes.push(format!(
        "rust: {passed} blocks compiled, {} of them run",
        passed.saturating_sub(compiled_only)
    ));
    Ok(())
}

fn features(fence: &Fence) -> &str {
    fence.attribute("features").unwrap_or_default()
}

fn is_for(fence: &Fence, wanted: &str) -> bool {
    fence.language == "rust" && features(fence) == wanted
}

/// How many blocks passed, or what was printed.
fn test(page: &Page, wanted: &str, built: &Built) -> Result<Result<usize, String>, String> {
    let folder = workspace::root().join("target").join("docs").join("rust");
    let name = format!("{}.{wanted}.md", page.path.with_extension("").display()).replace(['/', '+'], "_");
    let file = folder.join(name);
    let write = || fs::create_dir_all(&folder).and_then(|()| fs::write(&file, only(page, wanted)));
    write().map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let mut rustdoc = rustdoc();
    rustdoc.args(["--edition", "2024", "--test"]).arg(&file).current_dir(workspace::root());
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for (name, path) in &built.libraries {
        rustdoc.arg("--extern").arg(format!("{name}={}", path.display()));
        let folder = path.parent().unwrap_or(Path::new("."));
        // The libraries themselves are beside the folder of what they are made of.
        folders.insert(if folder.ends_with("deps") { folder.to_owned() } else { folder.join("deps") });
    }
    for folder in folders {
        rustdoc.arg("-L").arg(format!("dependency={}", folder.display()));
    }
    let output = rustdoc
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("rustdoc could not be run: {error}"))?;
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok(if output.status.success() { Ok(passed(&printed)) } else { Err(printed.trim().to_owned()) })
}

fn rustdoc() -> Command {
    // That of the toolchain that runs us.
    let beside = std::env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustdoc"));
    let mut command = Command::new(beside.filter(|path| path.is_file()).unwrap_or_else(|| "rustdoc".into()));
    command.env_remove("RUSTDOCFLAGS");
    command
}

/// The page with nothing in it but the blocks for these features, each where it was.
fn only(page: &Page, wanted: &str) -> String {
    let mut lines = vec![String::new(); page.prose.len()];
    for fence in page.fences.iter().filter(|fence| is_for(fence, wanted)) {
        let names = fence.attributes.iter().map(|(name, _)| name.as_str());
        let info: Vec<_> =
            ["rust"].into_iter().chain(names.filter(|name| FOR_RUSTDOC.contains(name))).collect();
        let block = [format!("```{}", info.join(","))].into_iter().chain(fence.body.iter().cloned());
        for (line, text) in lines.iter_mut().skip(fence.line - 1).zip(block.chain(["```".to_owned()])) {
            *line = text;
        }
    }
    lines.join("\n") + "\n"
}

fn passed(printed: &str) -> usize {
    let counts = printed
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok());
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_blocks_of_one_set_of_features_are_left_and_keep_their_lines() {
        let text = "a\n```rust,no_run\nb\n```\n```rust,features=x+y\nc\n```\n```text\nd\n```\n";
        let page = Page::new(Path::new("a.md"), text).unwrap();
        assert_eq!(only(&page, ""), "\n```rust,no_run\nb\n```\n\n\n\n\n\n\n");
        assert_eq!(only(&page, "x+y"), "\n\n\n\n```rust\nc\n```\n\n\n\n");
    }

    #[test]
    fn passed_tests_of_all_runs_count() {
        let printed =
            "test result: ok. 2 passed; 0 failed; 0 ignored\n\ntest result: ok. 1 passed; 0 failed\n";
        assert_eq!(passed(printed), 3);
    }
}
