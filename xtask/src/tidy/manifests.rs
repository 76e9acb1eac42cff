//! Rules about `Cargo.toml` files. They are read line by line: the rules are about how they are written, which no parsed
//! form keeps (comments, what is inherited), and the project writes one entry a line.

use std::fs;
use std::path::Path;

use crate::workspace::Member;

/// The packages the project is asked to build on, by the name used here and the package behind it.
const OWNERS: [(&str, &str); 10] = [
    ("reqwest", ""),
    ("ureq", ""),
    ("serde", ""),
    ("serde_yaml", "yaml_serde"),
    ("keyring", "keyring-core"),
    ("egui", ""),
    ("eframe", ""),
    ("directories", ""),
    ("thiserror", ""),
    ("mockito", ""),
];

/// Has no default features to turn off, and a rename to document instead.
const NO_DEFAULTS: &str = "serde_yaml";

pub(super) fn check(root: &Path, members: &[Member]) -> Result<Vec<String>, String> {
    let workspace = root.join("Cargo.toml");
    let text = read(&workspace)?;
    let mut problems = members_without_comment(&text);
    problems.extend(workspace_dependencies(&text));
    for member in members {
        let text = read(&member.manifest)?;
        problems.extend(not_inherited(&member.name, &text, |name| members.iter().any(|m| m.name == name)));
    }
    Ok(problems.into_iter().map(|p| format!("manifests: {p}")).collect())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// One `key = value` of a manifest, its table's header before it.
#[derive(Debug, PartialEq)]
struct Entry {
    table: String,
    key: String,
    value: String,
}

/// The entries of a manifest; a value that goes over several lines is joined.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut open = false;
    for line in text.lines() {
        let line = without_comment(line).trim();
        if open {
            if let Some(last) = entries.last_mut() {
                last.value.push(' ');
                last.value.push_str(line);
                open = is_open(&last.value);
            }
        } else if let Some(header) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            header.trim_matches(['[', ']']).trim().clone_into(&mut table);
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            open = is_open(&value);
            entries.push(Entry { table: table.clone(), key, value });
        }
    }
    entries
}

fn is_open(value: &str) -> bool {
    let count = |c: char| outside_quotes(value).filter(|(_, x)| *x == c).count();
    count('[') > count(']') || count('{') > count('}')
}

fn without_comment(line: &str) -> &str {
    let comment = outside_quotes(line).find(|(_, c)| *c == '#').map(|(at, _)| at);
    comment.and_then(|at| line.get(..at)).unwrap_or(line)
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    text.char_indices().filter(move |(_, c)| match quote {
        Some(q) => {
            if *c == q {
                quote = None;
            }
            false
        }
        None if matches!(*c, '"' | '\'') => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}

fn members_without_comment(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).skip_while(|l| !l.starts_with("members")).skip(1);
    let listed = lines.take_while(|l| !l.starts_with(']')).filter(|l| l.starts_with('"'));
    listed
        .filter(|line| without_comment(line).len() == line.len())
        .map(|line| format!("the member {} has no comment saying why it exists", line.trim_end_matches(',')))
        .collect()
}

fn workspace_dependencies(text: &str) -> Vec<String> {
    let all: Vec<Entry> = entries(text).into_iter().filter(|e| e.table == "workspace.dependencies").collect();
    let mut problems = Vec::new();
    for Entry { key, value, .. } in &all {
        let ours = value.contains("path =");
        if !ours && key != NO_DEFAULTS && !value.contains("default-features = false") {
            problems.push(format!("{key} in [workspace.dependencies] needs `default-features = false`"));
        }
    }
    for (name, package) in OWNERS {
        match all.iter().find(|e| e.key == name) {
            None => problems.push(format!("{name} is missing from [workspace.dependencies]")),
            Some(entry)
                if !package.is_empty() && !entry.value.contains(&format!("package = \"{package}\"")) =>
            {
                problems
                    .push(format!("{name} in [workspace.dependencies] must be `package = \"{package}\"`"));
            }
            Some(_) => {}
        }
    }
    problems
}

/// Third-party dependencies of a member that bring a version of their own.
fn not_inherited(member: &str, text: &str, ours: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = entries(text);
    let mut names: Vec<(&str, bool)> = Vec::new();
    for entry in &entries {
        let Some(about) = dependency_table(&entry.table) else { continue };
        let (name, inherits) = match about {
            "" => match entry.key.split_once('.') {
                Some((name, key)) => (name, key == "workspace" && entry.value == "true"),
                None => (entry.key.as_str(), entry.value.contains("workspace = true")),
            },
            // [dependencies.name]
            name => (name, entry.key == "workspace" && entry.value == "true"),
        };
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known |= inherits,
            None => names.push((name, inherits)),
        }
    }
    names
        .into_iter()
        .filter(|(name, inherits)| !inherits && !ours(name))
        .map(|(name, _)| format!("{member}: {name} must be inherited: `{name} = {{ workspace = true }}`"))
        .collect()
}

/// Whether a table holds dependencies (also of one target only): the dependency's name where it is about one, else "".
fn dependency_table(table: &str) -> Option<&str> {
    for kind in ["dev-dependencies", "build-dependencies", "dependencies"] {
        let Some(at) = table.rfind(kind) else { continue };
        let before = table.get(..at).unwrap_or_default();
        if !(before.is_empty() || before.starts_with("target.")) {
            continue;
        }
        return match table.get(at + kind.len()..)? {
            "" => Some(""),
            rest => rest.strip_prefix('.'),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_know_their_table_and_values_are_joined() {
        let text =
            "[a]\nb = \"#1\" # why\nc = { features = [\n  \"x\", # one\n] }\n[d.e]\nf.workspace = true\n";
        let read: Vec<_> =
            entries(text).into_iter().map(|e| format!("{}|{}|{}", e.table, e.key, e.value)).collect();
        assert_eq!(read, ["a|b|\"#1\"", "a|c|{ features = [ \"x\", ] }", "d.e|f.workspace|true"]);
    }

    #[test]
    fn every_member_says_why() {
        let text = "[workspace]\nmembers = [\n  \"a\", # the one\n  \"b#c\",\n]\n";
        assert_eq!(members_without_comment(text), ["the member \"b#c\" has no comment saying why it exists"]);
    }

    #[test]
    fn defaults_are_off_and_the_owners_packages_are_there() {
        let mut lines = vec!["[workspace.dependencies]\nours = { path = \"ours\" }".to_owned()];
        for (name, package) in OWNERS {
            let package =
                if package.is_empty() { String::new() } else { format!("package = \"{package}\", ") };
            let defaults = if name == NO_DEFAULTS { "" } else { ", default-features = false" };
            lines.push(format!("{name} = {{ {package}version = \"1\"{defaults} }}"));
        }
        let text = lines.join("\n");
        assert_eq!(workspace_dependencies(&text), Vec::<String>::new());
        let wrong = text.replace("ureq = { version = \"1\", default-features = false }", "tokio = \"1\"");
        assert_eq!(
            workspace_dependencies(&wrong),
            [
                "tokio in [workspace.dependencies] needs `default-features = false`",
                "ureq is missing from [workspace.dependencies]"
            ]
        );
        let renamed = text.replace("yaml_serde", "serde_yaml");
        assert_eq!(workspace_dependencies(&renamed).len(), 1);
    }

    #[test]
    fn third_party_dependencies_are_inherited_in_every_way_to_write_them() {
        let good = "[dependencies]\na = { workspace = true }\nb.workspace = true\nours = { path = \"../ours\" }\n\
                    [dev-dependencies.c]\nworkspace = true\nfeatures = [\"x\"]\n\
                    [target.'cfg(unix)'.dependencies]\nd = { workspace = true, optional = true }\n\
                    [features]\nx = [\"dep:a\"]\n[package.metadata]\ne = \"1\"\n";
        assert_eq!(not_inherited("m", good, |n| n == "ours"), Vec::<String>::new());
        for bad in [
            "[dependencies]\na = \"1\"",
            "[dev-dependencies]\na = { version = \"1\" }",
            "[build-dependencies.a]\nversion = \"1\"",
            "[target.'cfg(unix)'.dependencies]\na = \"1\"",
        ] {
            assert_eq!(not_inherited("m", bad, |_| false).len(), 1, "{bad}");
        }
    }
}
