//! The book as pages for a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, workspace};

/// Pinned, so that the same sources make the same book.
const VERSION: &str = "0.5.4";

/// Installs mdBook if it is not there, and builds. A warning is a failure.
pub(crate) fn build() -> Result<PathBuf, String> {
    let root = workspace::root();
    let mdbook = installed(&root.join("target").join("tools"))?;
    let folder = root.join("target").join("book");
    let mut command = Command::new(mdbook);
    command.arg("build").arg(root.join("docs")).arg("--dest-dir").arg(&folder);
    let output = command.output().map_err(|error| format!("mdbook could not be run: {error}"))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !output.status.success() || said.lines().any(is_warning) {
        return Err(format!("mdbook is not content:\n{said}"));
    }
    let html = pages(&root)?;
    let missing: Vec<_> = html
        .iter()
        .filter(|page| !folder.join(page).is_file())
        .map(|page| page.display().to_string())
        .collect();
    if missing.is_empty() { Ok(folder) } else { Err(format!("the book has no {}", missing.join(", "))) }
}

fn is_warning(line: &str) -> bool {
    line.trim_start().starts_with("WARN") || line.contains("[WARN]") || line.contains("ERROR")
}

/// What there should be: a page for every chapter.
fn pages(root: &Path) -> Result<Vec<PathBuf>, String> {
    let chapters = super::pages(root)?
        .into_iter()
        .filter_map(|page| page.path.strip_prefix("docs/src").ok().map(Path::to_owned));
    let chapters = chapters.filter(|path| path != Path::new("SUMMARY.md"));
    Ok(chapters.map(|path| path.with_extension("html")).chain([PathBuf::from("index.html")]).collect())
}

fn installed(tools: &Path) -> Result<PathBuf, String> {
    let mdbook = tools.join("bin").join("mdbook");
    let version = Command::new(&mdbook).arg("--version").output();
    if version
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == format!("mdbook v{VERSION}"))
    {
        return Ok(mdbook);
    }
    println!("docs: installing mdbook {VERSION} into {} (a minute or two)", tools.display());
    let mut install = workspace::cargo();
    install
        .args(["install", "mdbook", "--version", VERSION, "--locked", "--no-default-features", "--root"])
        .arg(tools);
    install.arg("--target-dir").arg(tools.join("build"));
    run::quietly(&mut install)
        .map_err(|printed| format!("mdbook could not be installed: {}", run::reason(&printed)))?;
    Ok(mdbook)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_seen() {
        assert!(
            is_warning(" WARN The output...")
                && is_warning("2026 [WARN] (mdbook): x")
                && is_warning("ERROR x")
        );
        assert!(!is_warning(" INFO Book building has started"));
    }
}
