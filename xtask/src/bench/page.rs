//! The page of tables: a section for each bench, replaced by its last run.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Where it is, below the workspace's root.
pub(crate) const PAGE: &str = "docs/benchmarks.md";

const HEAD: &str = "# Benchmarks\n\n\
    Each section is what its command printed last, on the machine and at the date it names. Ratios hold elsewhere; lengths of\n\
    time do not. Other programs may have run on the machine meanwhile, and did: what is compared ran in turn.\n";

/// What one bench found.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Section {
    /// The name of the bench.
    pub(crate) name: &'static str,
    /// What is measured, and how to read it: a paragraph or two.
    pub(crate) about: String,
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// Who was measured, ours first, and what was found.
    pub(crate) rows: Vec<Vec<String>>,
    /// What could not be measured here, and why; what else one must know. A line each.
    pub(crate) notes: Vec<String>,
}

impl Section {
    /// As Markdown.
    pub(crate) fn text(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {}\n\n{}\n\n", self.name, self.about.trim());
        text += &line(&self.columns);
        text += &line(&vec!["---".to_owned(); self.columns.len()]);
        self.rows.iter().for_each(|row| text += &line(row));
        text.push('\n');
        let last = format!("`cargo xtask bench {}`, {}, {}", self.name, machine(), today());
        let notes = self.notes.iter().chain([&last]);
        text + &notes.map(|note| format!("- {note}\n")).collect::<Vec<_>>().concat()
    }
}

/// Puts a section in its place on the page, at the end if it is new.
pub(crate) fn write(page: &Path, section: &Section) -> Result<(), String> {
    let old = fs::read_to_string(page).unwrap_or_default();
    fs::write(page, with(&old, section.name, &section.text()))
        .map_err(|error| format!("cannot write {}: {error}", page.display()))
}

fn with(old: &str, name: &str, text: &str) -> String {
    let mut sections: Vec<&str> = old.split("\n## ").skip(1).collect();
    let new = text.trim_start_matches("## ").trim_end();
    let is_same = |section: &&str| section.lines().next() == Some(name);
    match sections.iter().position(is_same) {
        Some(at) => sections[at] = new,
        None => sections.push(new),
    }
    let sections: Vec<_> = sections.iter().map(|section| format!("\n## {}\n", section.trim_end())).collect();
    format!("{HEAD}{}", sections.concat())
}

/// Its processors and its system.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let model = if model.is_empty() { std::env::consts::ARCH } else { model };
    format!("{cores} cores of {model}, {}", std::env::consts::OS)
}

fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_replaces_its_own_and_no_other() {
        let page = with("", "lock", "## lock\n\nold\n");
        let page = with(&page, "start", "## start\n\nother\n");
        let page = with(&page, "lock", "## lock\n\nnew\n");
        assert_eq!(page, format!("{HEAD}\n## lock\n\nnew\n\n## start\n\nother\n"));
    }

    #[test]
    fn a_section_is_a_table_with_its_machine_and_date() {
        let section = Section {
            name: "lock",
            about: "Waiting.".to_owned(),
            columns: vec!["who".to_owned(), "ratio".to_owned()],
            rows: vec![vec!["ours".to_owned(), "1.0".to_owned()]],
            notes: vec!["A note.".to_owned()],
        };
        let text = section.text();
        assert!(text.starts_with(
            "## lock\n\nWaiting.\n\n| who | ratio |\n| --- | --- |\n| ours | 1.0 |\n\n- A note.\n"
        ));
        assert!(text.contains("`cargo xtask bench lock`, ") && text.contains(" cores of "), "{text}");
    }
}
